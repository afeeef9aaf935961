"""Out-of-fold logits to one Calibration per audience. Fitted once, in training; sealed into the bundle; never refitted.

Not here: the promise of a risk (guarantee.py).
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from segmenter.calibration import Calibration, Point, log_odds, to_scores
from segmenter.metrics import best_threshold
from segmenter.out_of_fold import OutOfFold
from segmenter.sections import Calibrate
from training.guarantee import Calibrated, promise

# Simulated (docs/evaluation.md), a guarantee at 95 % was broken in 8.7 % of 300 calibration sets; with Platt scaling in 2 %.
TOO_CLOSE = "isotonic regression follows the calibration messages too closely to promise anything of others"
MARGIN = 1e-6  # in log-odds: the band ends this far beyond its outermost message


def calibrate(found: OutOfFold, settings: Calibrate, seed: int) -> Calibrated:
    """Scores, a threshold for the best F1 per audience, and uncertain bands: for the stated risk, or as near as they come.

    Args:
        found: Out of fold.
        settings: The `calibrate` section.
        seed: Of the resamples.
    """
    columns = range(len(found.audience_ids))
    plain = [scaled(found.logits[:, i], found.truth[:, i], settings.method) for i in columns]
    scores = to_scores(found.logits, plain)
    fitted = [_with_threshold(plain[i], scores[:, i], found.truth[:, i], seed) for i in columns]
    if settings.method == "isotonic":
        promised = Calibrated(fitted, None, TOO_CLOSE)
    else:
        promised = promise(fitted, scores, found.truth, found.clusters, settings)
    if promised.guarantee is not None:
        return promised
    bands = [
        uncertain_band(scores[:, i].astype(np.float64), found.truth[:, i], fitted[i].threshold, settings)
        for i in columns
    ]
    fallback = [
        part.model_copy(update={"low": low, "high": high}) for part, (low, high) in zip(fitted, bands, strict=True)
    ]
    return Calibrated(fallback, None, promised.no_guarantee)


def scaled(logits: NDArray[np.float32], truth: NDArray[np.bool_], method: str) -> Calibration:
    """Logits to probabilities, for one audience (1-d arrays); identity where all answers are one.

    Platt and temperature scaling by (nearly unpenalised) logistic regression, the latter without an intercept.
    """
    slope, intercept, points = 1.0, 0.0, []
    column = logits.reshape(-1, 1).astype(np.float64)
    if truth.any() and not truth.all():
        if method == "isotonic":
            line = IsotonicRegression(out_of_bounds="clip").fit(column[:, 0], truth)
            corners = zip(line.X_thresholds_, line.y_thresholds_, strict=True)
            points = [Point(logit=float(logit), score=float(score)) for logit, score in corners]
        else:
            model = LogisticRegression(C=100.0, fit_intercept=method == "platt").fit(column, truth)
            slope, intercept = float(model.coef_[0, 0]), float(np.ravel(model.intercept_)[0])
    return Calibration(slope=slope, intercept=intercept, points=points, threshold=0.5, low=0.5, high=0.5)


def _with_threshold(part: Calibration, scores: NDArray[np.float32], truth: NDArray[np.bool_], seed: int) -> Calibration:
    threshold = best_threshold(scores.astype(np.float64), truth, seed)
    return part.model_copy(update={"threshold": threshold, "low": threshold, "high": threshold})


def uncertain_band(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], threshold: float, settings: Calibrate
) -> tuple[float, float]:
    """The narrowest band around the threshold, even in log-odds, outside which at most `error_goal` decisions were wrong.

    It holds at most `uncertain_share_at_most` of the messages, even where the goal is then missed.
    """
    distance = np.abs(log_odds(scores) - log_odds(np.array(threshold)))
    order = np.argsort(distance, kind="stable")
    wrong = ((scores >= threshold) != truth)[order]
    left = np.arange(len(scores), 0, -1)
    error_outside = np.append(wrong[::-1].cumsum()[::-1] / left, 0.0)
    n_most = int(settings.uncertain_share_at_most * len(scores))
    ends = np.flatnonzero(np.diff(distance[order], prepend=-1.0, append=np.inf) > 2 * MARGIN)  # equals stay together
    ends = ends[ends <= n_most]
    reached = ends[error_outside[ends] <= settings.error_goal]
    n_inside = int(reached[0] if len(reached) else ends[-1])
    if n_inside == 0:
        return threshold, threshold
    half = float(distance[order[n_inside - 1]]) + MARGIN
    middle = float(log_odds(np.array(threshold)))
    low, high = np.float32(_sigmoid(middle - half)), np.float32(_sigmoid(middle + half))
    return float(np.nextafter(low, np.float32(0))), float(np.nextafter(high, np.float32(2)))  # judged as float32


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))
