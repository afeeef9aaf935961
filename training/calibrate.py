"""Out-of-fold logits to one Calibration per audience. Fitted once, in training; sealed into the bundle; never refitted."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from segmenter.calibration import Calibration, to_scores
from segmenter.metrics import best_threshold
from segmenter.sections import Calibrate

MARGIN = 1e-6  # in log-odds: the band ends this far beyond its outermost message


def calibrate(
    logits: NDArray[np.float32], truth: NDArray[np.bool_], settings: Calibrate, seed: int
) -> list[Calibration]:
    """Platt scaling, a threshold for the best F1, and an uncertain band, per audience.

    Args:
        logits: Out of fold, shape (n_messages, n_audiences).
        truth: Labels, same shape.
        settings: The `calibrate` section.
        seed: Of the resamples.
    """
    fitted = []
    for column in range(logits.shape[1]):
        slope, intercept = _platt(logits[:, column], truth[:, column])
        plain = Calibration(slope=slope, intercept=intercept, threshold=0.5, low=0.5, high=0.5)
        scores = to_scores(logits[:, column : column + 1], [plain])[:, 0].astype(np.float64)
        threshold = best_threshold(scores, truth[:, column], seed)
        low, high = uncertain_band(scores, truth[:, column], threshold, settings)
        fitted.append(Calibration(slope=slope, intercept=intercept, threshold=threshold, low=low, high=high))
    return fitted


def _platt(logits: NDArray[np.float32], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept by (nearly unpenalised) logistic regression; identity where all answers are one."""
    if truth.all() or not truth.any():
        return 1.0, 0.0
    model = LogisticRegression(C=100.0).fit(logits.reshape(-1, 1).astype(np.float64), truth)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def uncertain_band(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], threshold: float, settings: Calibrate
) -> tuple[float, float]:
    """The narrowest band around the threshold, even in log-odds, outside which at most `error_goal` decisions were wrong.

    It holds at most `uncertain_share_at_most` of the messages, even where the goal is then missed.
    """
    distance = np.abs(_log_odds(scores) - _log_odds(np.array(threshold)))
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
    middle = float(_log_odds(np.array(threshold)))
    low, high = np.float32(_sigmoid(middle - half)), np.float32(_sigmoid(middle + half))
    return float(np.nextafter(low, np.float32(0))), float(np.nextafter(high, np.float32(2)))  # judged as float32


def _log_odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = np.clip(scores, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept / (1 - kept)))


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))
