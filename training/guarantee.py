"""One uncertain band for a stated risk, by learn-then-test on out-of-fold messages. Not here: scores and thresholds.

An error is a wrong audience set, any audience wrong, among the certain messages. One width, in log-odds around every
threshold, is tested after the other, from the widest that leaves enough messages certain to the narrower ones; the first
that cannot be shown to keep the risk ends it, and the one before it is taken. As the order is fixed, each is tested at the
full level. Source: Angelopoulos et al. 2021, Learn then test (fixed sequence testing).

What the promise costs: it holds for messages exchangeable with those of the calibration authors. Scores and thresholds are
fitted on the same out-of-fold messages, a few numbers an audience, which makes it slightly too good. And authors that are
few and very uneven, the busy ones far more often wrong, break it more often than they may (docs/evaluation.md).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from segmenter.calibration import Calibration, Guarantee, judge, log_odds
from segmenter.sections import Calibrate

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
Numbers = NDArray[np.int64]
WIDTHS = np.arange(160, -1, -1) / 20  # half a band in log-odds; 0 leaves no message uncertain


@dataclass(frozen=True)
class Calibrated:
    """What training fixes of a bundle's verdicts.

    Attributes:
        calibrations: One an audience.
        guarantee: What the uncertain bands promise, None where the data cannot support a promise.
        no_guarantee: Why not; empty where there is one.
    """

    calibrations: list[Calibration]
    guarantee: Guarantee | None
    no_guarantee: str


@dataclass(frozen=True)
class Errors:
    """Wrong audience sets among the messages that bands of WIDTHS leave certain, each array of shape (n_widths,).

    Attributes:
        n_messages: Certain.
        n_clusters: They come from.
        n_even_clusters: So many of one size would say as much. Source: Kish 1965.
        n_errors: Wrong among them.
        design_effect: By how much the clusters make n_messages count as fewer, at least 1.
    """

    n_messages: Floats
    n_clusters: Floats
    n_even_clusters: Floats
    n_errors: Floats
    design_effect: Floats

    def p_values(self, risk: float) -> Floats:
        """Of the hypotheses that the share of errors is above `risk`.

        A binomial tail of the effective counts (Korn and Graubard 1998), and never below the chance that so many clusters
        hold none of those that are wrong throughout, where `risk` of them are.
        """
        n, k = self.n_messages / self.design_effect, self.n_errors / self.design_effect
        tail = np.where(k < n, beta.sf(risk, k + 1, np.maximum(n - k, 1e-9)), 1.0)
        return np.maximum(tail, (1 - risk) ** self.n_even_clusters)

    def bounds(self, confidence: float) -> Floats:
        """Upper bounds of the share of errors: the least risks that are not refused."""
        n, k = self.n_messages / self.design_effect, self.n_errors / self.design_effect
        tail = np.where(k < n, beta.ppf(confidence, k + 1, np.maximum(n - k, 1e-9)), 1.0)
        return np.maximum(tail, 1 - (1 - confidence) ** (1 / np.maximum(self.n_even_clusters, 1e-9)))


def errors(certain_from: Numbers, wrong: Labels, clusters: Numbers, risk: float) -> Errors:
    """Count the wrong among the certain messages, and how far their clusters make them count for less.

    The design effect is the greatest of three: the variance between clusters against a binomial's, around the share of
    errors that was found; where that is below `risk`, the same around `risk`, or no error at all would look like no
    clustering; and what sizes and likeness of the clusters make of it (Kish 1965), the likeness learned from all messages,
    since the few errors among the certain say little of how they cluster.

    Args:
        certain_from: Place in WIDTHS of the widest band that leaves the message certain, shape (n_messages,).
        wrong: Whether its audience set is, same shape.
        clusters: A number an author, same shape.
        risk: That is tested.
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    shape = (int(cluster.max(initial=0)) + 1, len(WIDTHS))
    cells = np.ravel_multi_index((cluster, certain_from), shape)
    sizes, counts = (
        np.bincount(cells, weight, minlength=math.prod(shape)).reshape(shape).cumsum(axis=1)
        for weight in (np.ones(len(wrong)), wrong)
    )
    n_messages, n_clusters, n_errors = sizes.sum(axis=0), (sizes > 0).sum(axis=0), counts.sum(axis=0)
    n_even_clusters = n_messages**2 / np.maximum((sizes**2).sum(axis=0), 1)
    found = n_errors / np.maximum(n_messages, 1)
    effect = np.ones(len(WIDTHS))
    for share in (found, np.maximum(found, risk)):
        spread = ((counts - share * sizes) ** 2).sum(axis=0) * n_clusters / np.maximum(n_clusters - 1, 1)
        effect = np.maximum(effect, spread / np.maximum(n_messages * share * (1 - share), 1e-9))
    larger = n_messages / np.maximum(n_even_clusters, 1) - 1
    alike = min(1.0, (effect[-1] - 1) / larger[-1]) if larger[-1] > 0 else 0.0
    return Errors(n_messages, n_clusters, n_even_clusters, n_errors, np.maximum(effect, 1 + larger * alike))


def narrowest(found: Errors, settings: Calibrate) -> int | None:
    """Place in WIDTHS of the narrowest band that is shown to keep the risk, by tests in fixed order; None if none is."""
    start = _start(found, settings)
    holds = found.p_values(settings.risk)[start:] <= 1 - settings.confidence
    n_held = len(holds) if holds.all() else int(np.argmin(holds))
    return start + n_held - 1 if n_held else None


def _start(found: Errors, settings: Calibrate) -> int:
    """The widest band that leaves enough messages certain."""
    return int(np.argmax(found.n_messages >= settings.coverage_at_least * found.n_messages[-1]))


def promise(
    calibrations: list[Calibration],
    scores: NDArray[np.float32],
    truth: Labels,
    clusters: Numbers,
    settings: Calibrate,
) -> Calibrated:
    """The narrowest uncertain band that keeps `settings.risk` with `settings.confidence`, if any does.

    Args:
        calibrations: With thresholds; their bands are replaced where there is a guarantee.
        scores: Out of fold, shape (n_messages, n_audiences).
        truth: Labels, same shape.
        clusters: Shape (n_messages,).
        settings: The `calibrate` section.
    """
    wrong = (judge(scores, banded(calibrations, 0.0)).chosen != truth).any(axis=1)
    certain_from = np.zeros(len(truth), np.int64)
    for width in WIDTHS:
        certain_from += judge(scores, banded(calibrations, width)).near.any(axis=1)
    found = errors(certain_from, wrong, clusters, settings.risk)
    place = narrowest(found, settings)
    if place is None:
        return Calibrated(calibrations, None, _why_not(found, settings))
    guarantee = Guarantee(
        risk=settings.risk,
        confidence=settings.confidence,
        coverage=float(found.n_messages[place] / len(truth)),
        n_messages=int(found.n_messages[place]),
        n_clusters=int(found.n_clusters[place]),
        n_errors=int(found.n_errors[place]),
        design_effect=float(found.design_effect[place]),
    )
    return Calibrated(banded(calibrations, WIDTHS[place]), guarantee, "")


def banded(calibrations: list[Calibration], width: float) -> list[Calibration]:
    """The calibrations with a band that reaches `width` in log-odds to both sides of each threshold."""
    return [_banded(part, width) for part in calibrations]


def _banded(part: Calibration, width: float) -> Calibration:
    middle = float(log_odds(np.array(part.threshold)))
    low, high = (1 / (1 + math.exp(-(middle + side))) for side in (-width, width))
    return part.model_copy(update={"low": min(low, part.threshold), "high": max(high, part.threshold)})


def _why_not(found: Errors, settings: Calibrate) -> str:
    """What the first test found, and where the risk would have been kept."""
    start, n_messages = _start(found, settings), found.n_messages[-1]
    holds = np.flatnonzero(found.p_values(settings.risk)[:start] <= 1 - settings.confidence)
    said = (
        f"of the {found.n_messages[start]:,.0f} messages that the widest band allowed leaves certain, "
        f"{found.n_errors[start]:,.0f} have a wrong audience set: up to {found.bounds(settings.confidence)[start]:.1%} of "
        f"such messages, more than {100 * settings.risk:g}% with {100 * settings.confidence:g}% confidence"
    )
    if not len(holds):
        return f"{said}; no wider band keeps it"
    return f"{said}; a band that leaves {found.n_messages[holds[-1]] / n_messages:.0%} certain would keep it"
