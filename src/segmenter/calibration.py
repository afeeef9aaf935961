"""Logits to scores, scores to verdicts: applied here, fitted in training/calibrate.py. Needs numpy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmenter.sections import Section

Floats = NDArray[np.float64]
Scores = NDArray[np.float32]
Labels = NDArray[np.bool_]


class Calibration(Section):
    """How one audience's logits become scores and verdicts.

    Attributes:
        slope: Score = sigmoid(slope * logit + intercept). Source: Platt 1999.
        intercept: As above.
        threshold: Chosen at or above it.
        low: Scores in [low, high) are uncertain; low <= threshold <= high, an empty band where low == high.
        high: Clearly chosen at or above it.
    """

    slope: float
    intercept: float
    threshold: float
    low: float
    high: float


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
    return np.asarray(1 / (1 + np.exp(-np.clip(slope * logits + intercept, -60, 60))), np.float32)


def judge(scores: Scores, calibrations: list[Calibration]) -> Verdicts:
    """Compare scores with thresholds and bands; as float32 on both sides, so that a written score judges the same."""
    threshold, low, high = (
        np.array([getattr(part, name) for part in calibrations], np.float32) for name in ("threshold", "low", "high")
    )
    return Verdicts(chosen=scores >= threshold, clear=scores >= high, near=(scores >= low) & (scores < high))
