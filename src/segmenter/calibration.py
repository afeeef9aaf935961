"""Logits to scores, scores to verdicts: applied here, fitted in training/calibrate.py. Needs numpy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmenter.sections import Section

Floats = NDArray[np.float64]
Scores = NDArray[np.float32]
Labels = NDArray[np.bool_]
LIMIT = 60.0  # log-odds beyond are as good as certain, and exp() stays finite


class Point(Section):
    """One corner of a line of straight pieces from logit to score."""

    logit: float
    score: float


class Calibration(Section):
    """How one audience's logits become scores and verdicts.

    Attributes:
        slope: Score = sigmoid(slope * logit + intercept). Source: Platt 1999; of temperature scaling (Guo et al. 2017),
            the slope is 1 / temperature and the intercept 0.
        intercept: As above.
        points: Rising; where there are any, the score is read off them and slope and intercept are not used. Between two
            of them it is interpolated, beyond the ends it is the end's. Source: Zadrozny and Elkan 2002 (isotonic).
        threshold: Chosen at or above it.
        low: Scores in [low, high) are uncertain; low <= threshold <= high, an empty band where low == high.
        high: Clearly chosen at or above it.
    """

    slope: float
    intercept: float
    points: list[Point] = []
    threshold: float
    low: float
    high: float


class Guarantee(Section):
    """What the bundle promises of its verdicts, fixed in training on messages that no model had seen.

    Valid for messages exchangeable with those of the calibration authors, not for another source, time or language mix.

    Attributes:
        risk: At most this share of the certain messages (not `uncertain`) has a wrong audience set, any audience wrong.
        confidence: Of that statement, over draws of the calibration authors.
        coverage: Share of the calibration messages that are certain.
        n_messages: Certain calibration messages.
        n_clusters: Authors (and texts shared between authors) that these come from.
        n_errors: Certain calibration messages with a wrong audience set.
        design_effect: By how much the authors make n_messages count as fewer.
    """

    risk: float
    confidence: float
    coverage: float
    n_messages: int
    n_clusters: int
    n_errors: int
    design_effect: float

    def sentence(self) -> str:
        """The promise with what it rests on."""
        return (
            f"at most {100 * self.risk:g}% of the messages that are not uncertain have a wrong audience set, "
            f"with {100 * self.confidence:g}% confidence, for messages like those of the calibration authors; "
            f"tested on the out-of-fold scores of fold models of the same recipe, not on the sealed graph: there "
            f"{self.coverage:.0%} were not uncertain, {self.n_errors:,} of {self.n_messages:,} of them wrong "
            f"({self.n_clusters:,} authors, design effect {self.design_effect:.2f})"
        )


@dataclass(frozen=True)
class Verdicts:
    """Judged scores, each array of shape (n_messages, n_audiences).

    Attributes:
        chosen: Score at or above the threshold; what F1 is counted on.
        clear: Score at or above the uncertain band; what the `audiences` column lists.
        near: Score inside the uncertain band.
    """

    chosen: Labels
    clear: Labels
    near: Labels


def to_scores(logits: NDArray[np.float32], calibrations: list[Calibration]) -> Scores:
    """Calibrated probabilities in [0, 1], shape (n_messages, n_audiences) like the logits."""
    slope = np.array([part.slope for part in calibrations])
    intercept = np.array([part.intercept for part in calibrations])
    scores = 1 / (1 + np.exp(-np.clip(slope * logits + intercept, -LIMIT, LIMIT)))
    for column, part in enumerate(calibrations):
        if part.points:
            corners = [point.logit for point in part.points], [point.score for point in part.points]
            scores[:, column] = np.interp(logits[:, column], *corners)
    return np.asarray(scores, np.float32)


def judge(scores: Scores, calibrations: list[Calibration]) -> Verdicts:
    """Compare scores with thresholds and bands; as float32 on both sides, so that a written score judges the same."""
    threshold, low, high = (
        np.array([getattr(part, name) for part in calibrations], np.float32) for name in ("threshold", "low", "high")
    )
    return Verdicts(chosen=scores >= threshold, clear=scores >= high, near=(scores >= low) & (scores < high))


def log_odds(scores: Floats) -> Floats:
    """Log-odds of probabilities, finite for 0 and 1 too."""
    kept = np.clip(scores, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept / (1 - kept)))
