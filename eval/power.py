"""What the gate's gain criterion lets pass: how often two equal models, and which gain it finds four times out of five.

Champion and challenger see the same invented messages; the criterion is the gate's own (criteria.py).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from eval.baselines import Judgement
from eval.criteria import Contest, gains
from eval.figures import Judged
from eval.worlds import Seen, World, author_sizes, see_twice
from segmenter.metrics import macro_f1
from segmenter.params import Params

# Audiences as in the gate split of training/recipes/audience.yaml, and three that are all common.
WORLDS = {"as the gate split": (0.20, 0.34, 0.02), "all common": (0.25, 0.25, 0.25)}
EVIDENCE = 1.8
MORE_EVIDENCE = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.1)  # that the challenger has; 0.0: equal models
ALIKE = 0.8  # errors of the two then correlate by about 0.55; of three seeds of one recipe by 0.54 to 0.97
MESSAGES_AN_AUTHOR = 13.5  # as in the gate split
POWER = 0.8
TRUTH_AUTHORS, TRUTH_MESSAGES = 40_000, 13  # of the very large set, and what each wrote


@dataclass(frozen=True)
class Passed:
    """How often a challenger passed.

    Attributes:
        world: One of WORLDS.
        n_messages: Of the gate, but for rounding.
        more_evidence: That the challenger has.
        gain: In macro-F1, true: on a very large set.
        n_passed: Runs in which the gate's criterion was met.
        n_runs: All.
    """

    world: str
    n_messages: int
    more_evidence: float
    gain: float
    n_passed: int
    n_runs: int

    @property
    def share(self) -> float:
        """Of the runs."""
        return self.n_passed / self.n_runs

    def as_dict(self) -> dict[str, object]:
        """As written to simulation.json."""
        return asdict(self)


def true_gains(world: str, seed: int) -> list[float]:
    """The gain in macro-F1 of each of MORE_EVIDENCE, on the same very large set; of equal models 0."""
    found = []
    for more in MORE_EVIDENCE:
        draw = np.random.default_rng(seed)
        champion, challenger = see_twice(_world(world), EVIDENCE + more, np.full(TRUTH_AUTHORS, TRUTH_MESSAGES), draw)
        found.append(macro_f1(challenger.truth, challenger.chosen) - macro_f1(champion.truth, champion.chosen))
    return [0.0, *found[1:]]


def contests(world: str, n_messages: int, more_evidence: float, n_runs: int, params: Params) -> Iterator[bool]:
    """Whether the challenger passed, one run after another."""
    for number in range(n_runs):
        draw = np.random.default_rng([params.seed, n_messages, number])
        sizes = author_sizes("log-normal", n_messages, round(n_messages / MESSAGES_AN_AUTHOR), draw)
        champion, challenger = see_twice(_world(world), EVIDENCE + more_evidence, sizes, draw)
        judged = Judged(champion.truth, champion.clusters, {}, [str(share) for share in WORLDS[world]])
        contest = Contest(judged, _judgement("challenger", challenger), _judgement("champion", champion), params)
        yield gains(contest).passed


def detectable(passed: list[Passed]) -> float | None:
    """The least gain that is found with POWER, between the simulated ones; None where none of them is.

    Args:
        passed: Of one world and one number of messages, by rising gain.
    """
    for less, more in zip(passed, passed[1:], strict=False):
        if less.share < POWER <= more.share:
            part = (POWER - less.share) / (more.share - less.share)
            return less.gain + part * (more.gain - less.gain)
    return None


def _world(name: str) -> World:
    shares = WORLDS[name]
    return World(shares, "log-normal", EVIDENCE, ALIKE, tuple(1.0 for _ in shares))


def _judgement(name: str, seen: Seen) -> Judgement:
    return Judgement(name, seen.scores, seen.chosen)
