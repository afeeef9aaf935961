"""One cut after another: corrected shares, plain counts and shares from labels beside the truth, of corpora drawn anew."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from eval.shares_bench.corpora import corpus, cut
from eval.shares_bench.labelled import Labelled
from segmenter.shares.bins import N_BINS, bin_of
from segmenter.shares.corrected import Shares, corrected
from segmenter.shares.ground import ShareSettings, estimable
from segmenter.shares.sampled import prediction_powered
from segmenter.shares.shift import unlike_mixture

ALL = "all"  # languages in which the audience can be estimated, together


@dataclass(frozen=True)
class Plan:
    """How much is tried.

    Attributes:
        n_cuts: Halves of authors, each anew.
        n_corpora: Of each cut.
        n_messages: Of each corpus.
        n_labels: Labelled at random in each, for the share from labels.
    """

    n_cuts: int
    n_corpora: int
    n_messages: int
    n_labels: int


@dataclass(frozen=True)
class Outcome:
    """One audience in one corpus, in one language or all that can be estimated.

    Attributes:
        is_focus: The corpus was drawn for a share of this audience.
        n: Messages estimated.
        truth: Share of them that carries the audience.
        counted: Share of them at or above the threshold; `clear`: at or above the uncertain band.
        value: Corrected share, with its interval `low`, `high`.
    """

    cut: int
    corpus: int
    audience: str
    language: str
    is_focus: bool
    n: int
    truth: float
    counted: float
    clear: float
    value: float
    low: float
    high: float

    @property
    def held(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high

    def as_dict(self) -> dict[str, object]:
        """As written to shares.json."""
        return asdict(self)


@dataclass(frozen=True)
class Sampled:
    """The share of one audience in one whole corpus, from labels of a random sample of it."""

    audience: str
    truth: float
    value: float
    low: float
    high: float
    n_effective: float

    @property
    def held(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True)
class Trial:
    """All that was found of one corpus.

    Attributes:
        shift_p: Of the test for likeness to the calibration messages.
        is_unlike: The warning is given.
    """

    outcomes: list[Outcome]
    sampled: list[Sampled]
    shift_p: float
    is_unlike: bool


@dataclass(frozen=True)
class Turn:
    """One corpus of one cut, drawn for a share of the audience in focus (a column)."""

    cut: int
    corpus: int
    focus: int


def trials(whole: Labelled, plan: Plan, settings: ShareSettings, seed: int) -> Iterator[Trial]:
    """Corpora of every cut; the audience in focus takes turns."""
    for number in range(plan.n_cuts):
        draw = np.random.default_rng([seed, number])
        known, side = cut(whole, draw)
        for place in range(plan.n_corpora):
            focus = (number * plan.n_corpora + place) % len(whole.audience_ids)
            yield _trial(known, side, Turn(number, place, focus), plan, settings, draw)


def trials_of(known: Labelled, side: Labelled, plan: Plan, settings: ShareSettings, seed: int) -> Iterator[Trial]:
    """As many corpora as there are cuts, of messages that are cut already, beside all calibration messages."""
    for number in range(plan.n_cuts):
        draw = np.random.default_rng([seed, number])
        yield _trial(known, side, Turn(number, 0, number % len(side.audience_ids)), plan, settings, draw)


def _trial(
    known: Labelled, side: Labelled, turn: Turn, plan: Plan, settings: ShareSettings, draw: np.random.Generator
) -> Trial:
    messages = side.part(corpus(side, plan.n_messages, turn.focus, draw))
    p = shift_p(known, messages, settings, turn.cut)
    found = outcomes(known, messages, settings, turn)
    return Trial(found, sampled(messages, plan.n_labels, settings, draw), p, p < settings.shift_p_below)


def outcomes(known: Labelled, messages: Labelled, settings: ShareSettings, turn: Turn) -> list[Outcome]:
    """Every audience of one corpus, in every language where it can be estimated, and in all of them."""
    codes = np.unique(messages.languages).tolist()
    found = []
    for column, audience in enumerate(messages.audience_ids):
        ground = known.grounds[audience]
        able = np.array([not why for why in estimable(ground, codes, settings).values()])
        if not able.any():
            continue
        masks = [messages.languages == code for code in codes]
        counts = by_language(messages, column, codes)
        cells = np.concatenate([counts[None], np.eye(len(codes), dtype=np.int64)[:, :, None] * counts])
        shares = corrected(cells, codes, ground, settings, turn.cut)
        anywhere = np.any([mask for mask, is_able in zip(masks, able, strict=True) if is_able], axis=0)
        for cell, (code, mask) in enumerate(zip([ALL, *codes], [anywhere, *masks], strict=True)):
            if shares.n_estimable[cell]:
                found.append(
                    Outcome(
                        cut=turn.cut,
                        corpus=turn.corpus,
                        audience=audience,
                        language=code,
                        is_focus=turn.focus == column,
                        n=int(mask.sum()),
                        truth=float(messages.truth[mask, column].mean()),
                        counted=float(messages.chosen[mask, column].mean()),
                        clear=float(messages.clear[mask, column].mean()),
                        **_interval(shares, cell),
                    )
                )
    return found


def by_language(messages: Labelled, column: int, codes: list[str]) -> NDArray[np.int64]:
    """Messages by language and bin of score, shape (n_languages, N_BINS)."""
    counts = np.zeros((len(codes), N_BINS), np.int64)
    np.add.at(counts, (np.searchsorted(codes, messages.languages), bin_of(messages.scores[:, column])), 1)
    return counts


def _interval(shares: Shares, cell: int) -> dict[str, float]:
    return {"value": float(shares.value[cell]), "low": float(shares.low[cell]), "high": float(shares.high[cell])}


def sampled(messages: Labelled, n_labels: int, settings: ShareSettings, draw: np.random.Generator) -> list[Sampled]:
    """Every audience's share from the labels of as many messages, drawn at random."""
    labelled = messages.part(draw.choice(len(messages), n_labels, replace=False))
    found = []
    for column, audience in enumerate(messages.audience_ids):
        scores, truth = messages.scores[:, column], messages.truth[:, column]
        one = prediction_powered(scores, labelled.scores[:, column], labelled.truth[:, column], settings)
        found.append(Sampled(audience, float(truth.mean()), one.value, one.low, one.high, one.n_effective))
    return found


def shift_p(known: Labelled, messages: Labelled, settings: ShareSettings, seed: int) -> float:
    """The p-value of the shift warning for a corpus."""
    codes = np.unique(messages.languages).tolist()
    columns = range(len(messages.audience_ids))
    counts = {messages.audience_ids[i]: by_language(messages, i, codes) for i in columns}
    return unlike_mixture(counts, codes, known.grounds, settings, seed).p
