"""What the gate asks of the behaviour suite: that no capability falls, and no part of one. Not here: the suite (behaviour.py)."""

from dataclasses import dataclass

from scipy.stats import binom

from eval.behaviour import BehaviourReport
from eval.criterion import BOUND, Criterion, holm, state_of
from eval.rates import Rate
from eval.suite_files import KINDS
from segmenter.sections import Gate

WORST = 3  # parts that fell are named, at most


def behaviour_holds(challenger: BehaviourReport, champion: BehaviourReport, settings: Gate) -> list[Criterion]:
    """In no capability of the behaviour suite did the share of cases passed fall by more than allowed."""
    limit, found = settings.behaviour_fall_at_most, []
    ours, theirs = challenger.capabilities(), champion.capabilities()
    for capability in KINDS:
        name, needed = f"behaviour/{capability}", f"fall of at most {limit:g}"
        n_unjudged = challenger.n_skipped.get(capability, 0) + challenger.n_equal.get(capability, 0)
        if capability not in ours:
            why = f"not evaluable: no case, {n_unjudged:,} for other audiences or equal after the text rules"
            found.append(Criterion(name, "not evaluable", why, needed, n_unjudged=n_unjudged))
            continue
        mine, other = ours[capability], theirs[capability]
        rise = round(mine.value - other.value, 9)  # 0.9 - 0.85 is less than 0.05
        cases = f"{mine.passed} of {mine.n} cases against {other.passed}: {rise:+.3f}"
        state = state_of(passed=rise >= -limit)
        found.append(Criterion(name, state, cases, needed, rise, n_unjudged=n_unjudged))
    return found


@dataclass(frozen=True)
class PartRise:
    """How a part of a capability moved.

    Attributes:
        rate: The challenger's.
        n_lost: Cases that the champion passed and the challenger did not.
        n_won: The other way round.
    """

    rate: Rate
    n_lost: int
    n_won: int

    @property
    def rise(self) -> float:
        """Of the share of cases passed."""
        return round((self.n_won - self.n_lost) / self.rate.n, 9)

    @property
    def p(self) -> float:
        """Of a fall, one-sided and exact: of the cases in which the two differ, so many are lost. Source: McNemar 1947."""
        return float(binom.sf(self.n_lost - 1, self.n_lost + self.n_won, 0.5))

    def sentence(self) -> str:
        """Where, how much, of how many."""
        before = self.rate.passed + self.n_lost - self.n_won
        return (
            f"{self.rate.capability}, {self.rate.part}: {self.rate.passed} of {self.rate.n} cases against {before}: "
            f"{self.rise:+.3f}"
        )


def parts_hold(challenger: BehaviourReport, champion: BehaviourReport, settings: Gate) -> Criterion:
    """No part of a capability (a perturbation, a kind of case) fell by more than allowed, and by more than chance.

    The cases of a part are of different messages; p-values are adjusted for the number of parts with cases enough.
    """
    limit, enough = settings.behaviour_fall_at_most, settings.behaviour_cases_at_least
    moved = part_rises(challenger, champion)
    judged = sorted((one for one in moved if one.rate.n >= enough), key=lambda one: (one.p, one.rise))
    n_unjudged = len(moved) - len(judged)
    needed = f"no fall of more than {limit:g} with a Holm-adjusted p below {1 - BOUND:g}"
    if not judged:
        why = f"not evaluable: no part has {enough:,} cases"
        return Criterion("behaviour/parts", "not evaluable", why, needed, n_unjudged=n_unjudged)
    adjusted = holm([one.p for one in judged])
    fallen = [one for one, p in zip(judged, adjusted, strict=True) if p < 1 - BOUND and one.rise < -limit]
    named = "; ".join(one.sentence() for one in fallen[:WORST] or judged[:1])
    rest = f"; {n_unjudged} more have too few cases" if n_unjudged else ""
    words = f"{len(fallen) or 'none'} of {len(judged)} fell more; worst: {named}{rest}"
    worst = (fallen or judged)[0].rise
    return Criterion("behaviour/parts", state_of(passed=not fallen), words, needed, worst, n_unjudged=n_unjudged)


def part_rises(challenger: BehaviourReport, champion: BehaviourReport) -> list[PartRise]:
    """Every perturbation and kind of case, as the suite has them."""
    found = []
    for rate in challenger.rates:
        if rate.kind == "group":
            mine, theirs = (_failed(one, rate) for one in (challenger, champion))
            found.append(PartRise(rate, len(mine - theirs), len(theirs - mine)))
    return found


def _failed(report: BehaviourReport, rate: Rate) -> set[str]:
    """Ids of the failed cases of a part."""
    part = (rate.capability, rate.part)
    return {failure.id for failure in report.failures if (failure.capability, failure.group) == part}
