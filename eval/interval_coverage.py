"""How often a 95 % clustered interval holds the truth: many invented test sets against one very large one."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from eval.slices import supported
from eval.worlds import Seen, Sizes, World, author_sizes, see
from segmenter.intervals import Drawn, Estimate, Resamples, resample
from segmenter.metrics import measured, shares
from segmenter.sections import Eval

AUDIENCES = {"40 %": (0.4, 1.0), "20 %": (0.2, 1.6), "10 %": (0.1, 1.0)}  # share of messages; how sure scores are
EVIDENCE = 1.8  # F1 of about 0.85, 0.77 and 0.69
MACRO, ALL = "macro", "all"  # the mean over audiences; a metric of whole messages
TRUTH_AUTHORS, TRUTH_MESSAGES = 40_000, 20  # of the very large set, and what each wrote
Key = tuple[str, str]  # metric, audience


@dataclass(frozen=True)
class Plan:
    """How large a simulation is.

    Attributes:
        n_sets: Test sets.
        n_authors: In each.
        n_messages: In each, but for rounding.
    """

    n_sets: int
    n_authors: int
    n_messages: int


@dataclass(frozen=True)
class Held:
    """How often the intervals of one figure held the truth.

    Attributes:
        sizes: How uneven the authors are.
        metric: As in metrics.json.
        audience: One of AUDIENCES, MACRO or ALL.
        truth: The figure on the very large set.
        held: Share of the intervals that hold it.
        width: Of an interval, median.
        n: Test sets that could carry the figure.
    """

    sizes: Sizes
    metric: str
    audience: str
    truth: float
    held: float
    width: float
    n: int

    def as_dict(self) -> dict[str, object]:
        """As written to simulation.json."""
        return asdict(self)


def world(sizes: Sizes) -> World:
    """One model, three audiences; it is too sure of the second."""
    audience_shares, sureness = zip(*AUDIENCES.values(), strict=True)
    return World(audience_shares, sizes, EVIDENCE, alike=0.0, sureness=sureness)


def estimated_sets(plan: Plan, sizes: Sizes, settings: Eval, seed: int) -> Iterator[dict[Key, Estimate]]:
    """Every figure of one invented test set after another."""
    for number in range(plan.n_sets):
        draw = np.random.default_rng([seed, plan.n_authors, number])
        seen = see(world(sizes), author_sizes(sizes, plan.n_messages, plan.n_authors, draw), draw)
        yield _estimates(seen, resample(seen.clusters, n_rounds=settings.bootstrap_rounds, seed=number), settings)


def truths(sizes: Sizes, settings: Eval, seed: int) -> dict[Key, float]:
    """Every figure of the very large set."""
    draw = np.random.default_rng(seed)
    seen = see(world(sizes), np.full(TRUTH_AUTHORS, TRUTH_MESSAGES), draw)
    found = _estimates(seen, resample(seen.clusters, n_rounds=1, seed=seed), settings)
    return {key: estimate.value for key, estimate in found.items()}


def held(sets: list[dict[Key, Estimate]], truth: dict[Key, float], sizes: Sizes) -> list[Held]:
    """One Held a figure."""
    found = []
    for (metric, audience), value in truth.items():
        estimates = [one[metric, audience] for one in sets if (metric, audience) in one]
        found.append(
            Held(
                sizes=sizes,
                metric=metric,
                audience=audience,
                truth=value,
                held=float(np.mean([one.low <= value <= one.high for one in estimates])),
                width=float(np.median([one.high - one.low for one in estimates])),
                n=len(estimates),
            )
        )
    return found


def _estimates(seen: Seen, resamples: Resamples, settings: Eval) -> dict[Key, Estimate]:
    """Every figure that these messages can carry."""
    found = measured(seen.truth, seen.scores, seen.chosen, resamples, n_bins=settings.calibration_bins)
    wrong, certain = (seen.truth != seen.chosen).any(axis=1, keepdims=True), seen.certain[:, None]
    of_messages = {
        "exact_match": found.pop("exact_match"),
        "coverage": shares(certain, np.ones_like(certain), resamples),
        "error_of_the_certain": shares(wrong, certain, resamples),
    }
    evaluable = supported(seen.truth, settings.slice_support_at_least)
    by_audience = {
        (metric, audience): estimate
        for metric, drawn in found.items()
        for audience, estimate in _of_audiences(drawn, evaluable).items()
    }
    return by_audience | {(metric, ALL): drawn.estimate(np.array([True])) for metric, drawn in of_messages.items()}


def _of_audiences(drawn: Drawn, evaluable: NDArray[np.bool_]) -> dict[str, Estimate]:
    places = np.arange(len(AUDIENCES))
    found = {name: drawn.estimate(places == place) for place, name in enumerate(AUDIENCES) if evaluable[place]}
    return found | ({MACRO: drawn.estimate(evaluable)} if evaluable.all() else {})
