"""Scores counted in the bins of a share."""

import numpy as np
from numpy.typing import NDArray

from segmenter.shares.bins import N_BINS, bin_of


def histogram(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """How many of some scores are in each bin, shape (N_BINS,)."""
    return np.bincount(bin_of(scores), minlength=N_BINS)
