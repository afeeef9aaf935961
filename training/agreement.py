"""Agreement between annotators: Krippendorff's alpha of each audience, over the messages that several annotated."""

from collections.abc import Sequence
from dataclasses import dataclass

import krippendorff
import numpy as np
from numpy.typing import NDArray

from segmenter.intervals import interval

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """Agreement on one audience.

    Attributes:
        audience: Its id.
        alpha: 1 is full agreement, 0 what chance would give. None where no message has two annotators, or where too few
            messages were marked with the audience by anyone, or left unmarked by anyone.
        low: 95 % bootstrap bound over messages.
        high: As `low`.
        n: Messages with at least two annotators.
        n_marked: Of those, messages that at least one annotator marked.
    """

    audience: str
    alpha: float | None
    low: float | None
    high: float | None
    n: int
    n_marked: int


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn, and from how many messages on a figure is given."""

    n_rounds: int
    seed: int
    support_at_least: int


def agreement(
    annotations: Sequence[dict[str, list[str]] | None], audience_ids: list[str], bootstrap: Bootstrap
) -> list[Agreement]:
    """One Agreement an audience.

    Args:
        annotations: For each message, its annotators' audiences by annotator.
        audience_ids: Of the figures, in their order.
        bootstrap: Rounds, seed, support.

    Source: Krippendorff 2004, Content Analysis, ch. 11 (nominal alpha, missing annotations allowed).
    """
    several = [list(part.values()) for part in annotations if part and len(part) > 1]
    return [_of_audience(audience, several, bootstrap) for audience in audience_ids]


def _of_audience(audience: str, several: list[list[list[str]]], bootstrap: Bootstrap) -> Agreement:
    n_marks = np.array([sum(audience in chosen for chosen in parts) for parts in several], np.int64)
    n_annotators = np.array([len(parts) for parts in several], np.int64)
    values = np.stack([n_annotators - n_marks, n_marks], axis=1)  # how many left the audience out, how many marked it
    n, n_marked = len(values), int((n_marks > 0).sum())
    if min(n_marked, int((n_marks < n_annotators).sum())) < bootstrap.support_at_least:
        return Agreement(audience, None, None, None, n, n_marked)
    rng = np.random.default_rng(bootstrap.seed)
    draws = np.array([_alpha(values[rng.integers(0, n, n)]) for _ in range(bootstrap.n_rounds)])
    alpha = _alpha(values)
    low, high = interval(draws, alpha, n)
    return Agreement(audience, alpha, float(low), min(float(high), 1.0), n, n_marked)


def _alpha(values: Counts) -> float:
    """Nominal alpha of counts per value, shape (n_messages, 2); NaN where one value alone occurs."""
    with np.errstate(invalid="ignore"):
        return float(krippendorff.alpha(value_counts=values, level_of_measurement="nominal"))
