"""Scores as counts in fixed bins, even in log-odds: all that an estimate of a share needs to know of some messages."""

import numpy as np
from numpy.typing import NDArray

from segmenter.calibration import log_odds

_REACH, _STEP = 6.0, 0.3  # log-odds: beyond .9975 a score tells no more; 0.3 is finer than estimates use (ground.py)
EDGES = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
N_BINS: int = len(EDGES) + 1


def bin_of(scores: NDArray[np.floating]) -> NDArray[np.int8]:
    """The bin of each score in [0, 1], same shape, from 0 to N_BINS - 1; rising with the score."""
    return np.searchsorted(EDGES, log_odds(scores.astype(np.float64)), side="right").astype(np.int8)
