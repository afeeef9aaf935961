"""What a challenger has to meet to become champion: one Criterion each, from two judgements of the same messages.

Intervals are paired, over authors; a criterion that the messages cannot decide is not evaluable, which is held against
nobody, save the gain, which has to be shown. Not here: the behaviour suite (behaviour_criteria.py), who is judged on what
and the registry (gate.py).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from eval.baselines import Judgement
from eval.criterion import BOUND, Criterion, holm, state_of
from eval.figures import Judged
from eval.slices import supported
from segmenter.bundle import CpuGraph
from segmenter.intervals import FEWEST, Drawn, Estimate, Resamples, resample
from segmenter.metrics import calibration_error, counts, f1
from segmenter.params import Params
from segmenter.sections import Gate

Labels = NDArray[np.bool_]
WORST = 3  # slices that lost are named, at most
ABOVE = "lower bound above 0"


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
        return Criterion(name, "miss", f"not evaluable, n = {len(truth):,}", ABOVE)
    gain = contest.gain(np.ones(len(truth), np.bool_)).estimate(columns)
    mine, others = (counts(truth, one.chosen).f1[columns].mean() for one in (contest.challenger, contest.other))
    few = "" if columns.all() else f"; over {columns.sum()} of {len(columns)} audiences, the rest have too few messages"
    found = f"macro-F1 {mine:.3f} against {others:.3f}: {_interval(gain)}{few}"
    return Criterion(name, state_of(passed=gain.low > 0), found, ABOVE, gain.value, gain.low, gain.high)


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
    settings, found = contest.params.gate, sorted(slice_gains(contest), key=lambda one: (one.p, one.gain.value))
    limits = [
        f"{-settings.slice_loss_at_most:g}",
        *(f"{part} {-loss:g}" for part, loss in settings.slice_losses.items()),
    ]
    needed = f"no Holm-adjusted upper bound below {', '.join(limits)}"
    n_unjudged = _n_pairs(contest.judged) - len(found)
    if not found:
        why = f"not evaluable: no slice has {settings.slice_messages_at_least:,} messages, by several authors"
        return Criterion("slices", "not evaluable", why, needed, n_unjudged=n_unjudged)
    lost = [one for one, p in zip(found, holm([one.p for one in found]), strict=True) if p < 1 - BOUND]
    named = "; ".join(one.sentence() for one in lost[:WORST] or found[:1])
    worst, rest = found[0].gain, f"; {n_unjudged} more have too few messages or authors" if n_unjudged else ""
    sentence = f"{len(lost) or 'none'} of {len(found)} lost more; worst: {named}{rest}"
    state = state_of(passed=not lost)
    return Criterion("slices", state, sentence, needed, worst.value, worst.low, worst.high, n_unjudged)


def _n_pairs(judged: Judged) -> int:
    """Slices and audiences with a message that carries it."""
    return sum(int(judged.truth[mask].any(axis=0).sum()) for mask in judged.slices.values())


def slice_gains(contest: Contest) -> list[SliceGain]:
    """The gain of every audience with support enough in every slice with messages and authors enough."""
    settings, found = contest.params.gate, []
    for part, mask in contest.judged.slices.items():
        truth = contest.judged.truth[mask]
        if len(truth) < settings.slice_messages_at_least:
            continue
        allowed, gain = settings.slice_losses.get(part, settings.slice_loss_at_most), contest.gain(mask)
        judged = supported(truth, contest.params.eval.slice_support_at_least) & (gain.n_effective >= FEWEST)
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


def calibration_holds(contest: Contest) -> Criterion:
    """The calibration error, a mean over audiences, did not rise by more than allowed."""
    truth, n_bins = contest.judged.truth, contest.params.eval.calibration_bins
    mine, others = (
        float(calibration_error(truth, one.scores, n_bins).mean()) for one in (contest.challenger, contest.other)
    )
    limit = contest.params.gate.calibration_error_rise_at_most
    found = f"{mine:.4f} against {others:.4f}: {mine - others:+.4f}"
    state = state_of(passed=mine - others <= limit)
    return Criterion("calibration_error", state, found, f"rise of at most {limit:g}", mine - others)


def beats_language(contest: Contest, languages: NDArray[np.str_]) -> list[Criterion]:
    """Within each language the challenger's F1 of an audience is shown to be above the language's, and chance.

    Language alone says the same of all messages of a language. Where it marks none its F1 is 0, which a few marks at
    random would beat: so marking as many messages at random has to be beaten too. A language and audience are a criterion
    where one message carries it, not evaluable where too few do.

    Args:
        contest: Against language alone.
        languages: Of the messages.
    """
    return [one for name in np.unique(languages) for one in _within(contest, str(name), languages == name)]


def _within(contest: Contest, language: str, mask: Labels) -> Iterator[Criterion]:
    truth, support = contest.judged.truth[mask], contest.params.eval.conclusion_support_at_least
    enough = supported(truth, support)
    for column in np.flatnonzero(truth.any(axis=0)):
        name = f"within/{language}/{contest.judged.audience_ids[column]}"
        n_true = int(truth[:, column].sum())
        why = f"not evaluable: {n_true:,} with, {len(truth) - n_true:,} without (at least {support:,} each)"
        unable = Criterion(name, "not evaluable", why, f"each {ABOVE}")
        yield _beats(contest, mask, int(column), unable) if enough[column] else unable


def _beats(contest: Contest, mask: Labels, column: int, unable: Criterion) -> Criterion:
    """The criterion of one audience in one language; `unable` has its name."""
    truth, chosen = contest.judged.truth[mask], contest.challenger.chosen[mask]
    only = np.arange(truth.shape[1]) == column
    by, chance = contest.gain(mask).estimate(only), contest.above_chance(mask).estimate(only)
    n_authors = min(by.n_effective, chance.n_effective)
    if n_authors < FEWEST:
        return replace(unable, found=f"not evaluable: {n_authors:.1f} authors of one size (at least {FEWEST:g})")
    f1_here, n = counts(truth, chosen).f1[column], len(truth)
    words = f"F1 {f1_here:.3f}; over language {_interval(by)}, over chance {_interval(chance)}, n = {n:,}"
    least = min(by, chance, key=lambda one: one.low)
    state = state_of(passed=least.low > 0)
    return replace(unable, state=state, found=words, value=least.value, low=least.low, high=least.high)


def int8_agrees(int8: Labels, fp32: Labels, settings: Gate) -> Criterion:
    """The int8 graph of the bundle decides of the messages as fp32 does; both of shape (n_messages, n_audiences)."""
    share, n_differing = float((int8 == fp32).mean()), int((int8 != fp32).sum())
    found = f"{share:.4f}: {n_differing:,} of {int8.size:,} decisions are not those of fp32"
    state = state_of(passed=share >= settings.int8_agreement_at_least)
    return Criterion("int8_agreement", state, found, _agreement_needed(settings), share)


def no_int8(graph: CpuGraph | None, settings: Gate) -> Criterion:
    """The same of a bundle without an int8 graph."""
    why = "not evaluable: no CPU graph" if graph is None else f"not evaluable: {graph.precision} graph"
    return Criterion("int8_agreement", "not evaluable", why, _agreement_needed(settings))


def _agreement_needed(settings: Gate) -> str:
    return f"at least {settings.int8_agreement_at_least:g} of the decisions"


def _interval(gain: Estimate) -> str:
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
