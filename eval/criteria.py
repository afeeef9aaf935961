"""What a challenger has to meet to become champion: one Criterion each, from two judgements of the same messages.

Intervals are paired, over authors; a criterion that the messages cannot decide says so and is not held against anyone,
save the gain, which has to be shown. Not here: who is judged on what, the registry (gate.py).
"""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from eval.baselines import Judgement
from eval.behaviour import BehaviourReport
from eval.figures import Judged
from eval.slices import supported
from segmenter.bundle import CpuGraph
from segmenter.metrics import Drawn, Estimate, Resamples, calibration_error, counts, f1, resample
from segmenter.params import Params
from segmenter.sections import Gate

Labels = NDArray[np.bool_]
BOUND = 0.975  # of a two-sided 95 % interval, on either side
WORST = 3  # slices that lost are named, at most
AUTHORS = 2.0  # of one size; a slice that fewer wrote says nothing of others
ABOVE = "lower bound above 0"


@dataclass(frozen=True)
class Criterion:
    """One thing that is asked of a challenger.

    Attributes:
        name: `gain/champion`, `slices`, `calibration_error`, `behaviour/invariance`, `within/en/AUDIENCE`, `int8_agreement`.
        passed: Whether it is met; a criterion that the messages cannot decide is, but for the gain.
        found: In words, with figures.
        needed: Likewise.
        value: The figure that decides, None where there is none.
        low: Its 95 % bound, where it has an interval.
        high: As `low`.
    """

    name: str
    passed: bool
    found: str
    needed: str
    value: float | None = None
    low: float | None = None
    high: float | None = None

    def as_dict(self) -> dict[str, object]:
        """As written to gate.json."""
        return asdict(self)

    def metrics(self) -> dict[str, float]:
        """Under flat MLflow names: `gate/slices/passed`, `gate/gain/champion`, `gate/gain/champion/low`."""
        name = f"gate/{self.name}"
        figures = {name: self.value, f"{name}/low": self.low, f"{name}/high": self.high}
        return {f"{name}/passed": float(self.passed)} | {key: one for key, one in figures.items() if one is not None}


@dataclass(frozen=True)
class Contest:
    """Two judgements of the same messages, and what decides between them."""

    judged: Judged
    challenger: Judgement
    other: Judgement
    params: Params

    def gain(self, mask: Labels) -> Drawn:
        """F1 of the challenger less the other's on some messages, one column an audience."""
        truth, chosen, other = (part[mask] for part in (self.judged.truth, self.challenger.chosen, self.other.chosen))
        resamples = self._resamples(mask)
        return f1(truth, chosen, resamples).less(f1(truth, other, resamples))

    def above_chance(self, mask: Labels) -> Drawn:
        """F1 of the challenger less what marking as many messages at random would have, one column an audience."""
        truth, chosen, resamples = self.judged.truth[mask], self.challenger.chosen[mask], self._resamples(mask)
        true, marked = resamples.sums(truth), resamples.sums(chosen)
        hits = true * marked / resamples.sums(np.ones_like(truth))  # expected ones
        rows = np.divide(2 * hits, true + marked, out=np.zeros_like(hits), where=true + marked > 0)
        by_chance = Drawn(rows[0], rows[1:], resamples.n_effective(truth | chosen))
        gain = f1(truth, chosen, resamples).less(by_chance)
        exact = 12  # digits: marking all is chance exactly, however the two are rounded
        return replace(gain, values=gain.values.round(exact), draws=gain.draws.round(exact))

    def _resamples(self, mask: Labels) -> Resamples:
        rounds, seed = self.params.eval.bootstrap_rounds, self.params.seed
        return resample(self.judged.clusters[mask], n_rounds=rounds, seed=seed)


def gains(contest: Contest) -> Criterion:
    """Macro-F1 over all messages is shown to be above the other's; over the audiences that have support enough."""
    name, truth = f"gain/{contest.other.name}", contest.judged.truth
    columns = supported(truth, contest.params.eval.slice_support_at_least)
    if not columns.any():
        return Criterion(name, False, f"not evaluable, n = {len(truth):,}", ABOVE)
    gain = contest.gain(np.ones(len(truth), np.bool_)).estimate(columns)
    mine, others = (counts(truth, one.chosen).f1[columns].mean() for one in (contest.challenger, contest.other))
    few = "" if columns.all() else f"; over {columns.sum()} of {len(columns)} audiences, the rest have too few messages"
    found = f"macro-F1 {mine:.3f} against {others:.3f}: {_interval(gain)}{few}"
    return Criterion(name, gain.low > 0, found, ABOVE, gain.value, gain.low, gain.high)


@dataclass(frozen=True)
class SliceGain:
    """What an audience gained in a slice.

    Attributes:
        part: The slice.
        audience: Its id.
        gain: F1 of the challenger less the champion's.
        n: Messages.
        p: Of a loss beyond the allowed one, unadjusted.
    """

    part: str
    audience: str
    gain: Estimate
    n: int
    p: float

    def sentence(self) -> str:
        """Where, how much, of how many."""
        return f"{self.part}, {self.audience}: {_interval(self.gain)}, n = {self.n:,}"


def slices_hold(contest: Contest) -> Criterion:
    """No audience lost more than allowed in a slice, by bounds adjusted for how many are looked at. Source: Holm 1979."""
    found = sorted(slice_gains(contest), key=lambda one: (one.p, one.gain.value))
    needed = f"no Holm-adjusted upper bound below -{contest.params.gate.slice_loss_at_most:g}"
    if not found:
        n = contest.params.gate.slice_messages_at_least
        return Criterion("slices", True, f"not evaluable: no slice has {n:,} messages, by several authors", needed)
    lost = [one for one, p in zip(found, holm([one.p for one in found]), strict=True) if p < 1 - BOUND]
    named = "; ".join(one.sentence() for one in lost[:WORST] or found[:1])
    worst = found[0].gain
    sentence = f"{len(lost) or 'none'} of {len(found)} lost more; worst: {named}"
    return Criterion("slices", not lost, sentence, needed, worst.value, worst.low, worst.high)


def slice_gains(contest: Contest) -> list[SliceGain]:
    """The gain of every audience with support enough in every slice with messages and authors enough."""
    settings, found = contest.params.gate, []
    for part, mask in contest.judged.slices.items():
        truth = contest.judged.truth[mask]
        if len(truth) < settings.slice_messages_at_least:
            continue
        allowed, gain = settings.slice_losses.get(part, settings.slice_loss_at_most), contest.gain(mask)
        judged = supported(truth, contest.params.eval.slice_support_at_least) & (gain.n_effective >= AUTHORS)
        for column in np.flatnonzero(judged):
            estimate = gain.estimate(np.arange(truth.shape[1]) == column)
            p = p_of_loss(gain.draws[:, column], estimate.value + allowed, float(gain.n_effective[column]))
            found.append(SliceGain(part, contest.judged.audience_ids[column], estimate, len(truth), p))
    return found


def p_of_loss(draws: NDArray[np.float64], beyond: float, n_effective: float) -> float:
    """One-sided p-value of a loss beyond the allowed one, by Student's t over so many authors of one size.

    Args:
        draws: Gains of resamples, shape (n_rounds,).
        beyond: The gain and the allowed loss: below 0 where more was lost.
        n_effective: Authors.
    """
    error = float(draws.std()) * math.sqrt(n_effective / (n_effective - 1))
    return float(student.cdf(beyond / error, n_effective - 1)) if error > 0 else float(beyond >= 0)


def holm(p_values: list[float]) -> list[float]:
    """P-values adjusted for their number, in their order: below a level, the family errs at most that often."""
    adjusted, highest = list(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def calibration_holds(contest: Contest) -> Criterion:
    """The calibration error, a mean over audiences, did not rise by more than allowed."""
    truth, n_bins = contest.judged.truth, contest.params.eval.calibration_bins
    mine, others = (
        float(calibration_error(truth, one.scores, n_bins).mean()) for one in (contest.challenger, contest.other)
    )
    limit = contest.params.gate.calibration_error_rise_at_most
    found = f"{mine:.4f} against {others:.4f}: {mine - others:+.4f}"
    return Criterion("calibration_error", mine - others <= limit, found, f"rise of at most {limit:g}", mine - others)


def behaviour_holds(challenger: BehaviourReport, champion: BehaviourReport, settings: Gate) -> list[Criterion]:
    """In no capability of the behaviour suite did the share of cases passed fall by more than allowed."""
    limit, found = settings.behaviour_fall_at_most, []
    theirs = champion.capabilities()
    for capability, mine in challenger.capabilities().items():
        rise = round(mine.value - theirs[capability].value, 9)  # 0.9 - 0.85 is less than 0.05
        cases = f"{mine.passed} of {mine.n} cases against {theirs[capability].passed}: {rise:+.3f}"
        needed = f"fall of at most {limit:g}"
        found.append(Criterion(f"behaviour/{capability}", rise >= -limit, cases, needed, rise))
    return found


def beats_language(contest: Contest, languages: NDArray[np.str_]) -> list[Criterion]:
    """Within each language that can tell, the challenger's F1 of an audience is shown to be above the language's, and chance.

    Language alone says the same of all messages of a language. Where it marks none its F1 is 0, which a few marks at
    random would beat: so marking as many messages at random has to be beaten too.

    Args:
        contest: Against language alone.
        languages: Of the messages.
    """
    support, judged = contest.params.eval.conclusion_support_at_least, contest.judged
    found = []
    for language in np.unique(languages):
        mask = languages == language
        truth, chosen = judged.truth[mask], contest.challenger.chosen[mask]
        gain, above_chance = contest.gain(mask), contest.above_chance(mask)
        for column in np.flatnonzero(supported(truth, support)):
            only = np.arange(truth.shape[1]) == column
            by, chance = gain.estimate(only), above_chance.estimate(only)
            name = f"within/{language}/{judged.audience_ids[column]}"
            f1_here = counts(truth, chosen).f1[column]
            words = (
                f"F1 {f1_here:.3f}; over language {_interval(by)}, over chance {_interval(chance)}, n = {len(truth):,}"
            )
            least = min(by, chance, key=lambda one: one.low)
            passed = least.low > 0
            found.append(Criterion(name, passed, words, f"each {ABOVE}", least.value, least.low, least.high))
    none = f"not evaluable: no language has {support} messages that carry an audience and {support} that do not"
    return found or [Criterion("within", True, none, f"each {ABOVE}")]


def int8_agrees(graph: CpuGraph | None, settings: Gate) -> Criterion:
    """The int8 graph of the bundle, where it has one, decides as fp32 does."""
    needed = f"at least {settings.int8_agreement_at_least:g} of the decisions"
    if graph is None or graph.precision != "int8":
        return Criterion("int8_agreement", True, "no int8 graph in the bundle", needed)
    share = graph.int8_agreement
    found = f"{share:.4f} of {graph.n_decisions:,} decisions on dev are those of fp32"
    return Criterion("int8_agreement", share >= settings.int8_agreement_at_least, found, needed, share)


def _interval(gain: Estimate) -> str:
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
