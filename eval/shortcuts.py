"""The shortcut report: does a model know the audience, or only the language and the names that tend to come with it?

F1 within each language beside the pooled one, the gain over the language-only rule, and how much F1 falls when names of
people and countries are masked, beside the fall when other words are, as many where there are so many. What counts as a
name: names.py.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eval import names
from eval.baselines import Judgement
from eval.figures import MACRO, Figure, Judged
from eval.metric_names import metric_name
from eval.slices import ALL, supported
from segmenter.intervals import Drawn, resample
from segmenter.metrics import f1
from segmenter.params import Params
from segmenter.score import Scorer
from segmenter.text import clean

WITHIN = "within languages"  # the mean over every language and audience that can be judged
LANGUAGE_RULE = "language"  # the baseline that knows the language alone
F1, GAIN, NAMES_FALL, OTHERS_FALL = "f1", "language_gain", "masked_fall", "others_masked_fall"
NAMES_EXCESS = "masked_fall_excess"  # by how much more F1 falls with names masked than with other words
Labels = NDArray[np.bool_]
Mentions = list[list[names.Mention]]  # of each message


@dataclass(frozen=True)
class Masking:
    """What was masked.

    Attributes:
        n: Messages.
        n_touched: Those that name a country or a person.
        n_countries: Names of countries, nations and their people.
        n_people: Names of persons.
        n_words: Words that these names have.
        n_other_words: Other words that were masked in their stead, for comparison.
        touched_share: By language.
    """

    n: int
    n_touched: int
    n_countries: int
    n_people: int
    n_words: int
    n_other_words: int
    touched_share: dict[str, float]

    @property
    def words_per_message(self) -> float:
        """Masked words, over all messages."""
        return self.n_words / max(1, self.n)


@dataclass(frozen=True)
class ShortcutReport:
    """What was found.

    Attributes:
        found: Figures of metrics F1, GAIN, NAMES_FALL, OTHERS_FALL and NAMES_EXCESS, per audience and macro; `part` is
            `all`, a language, or WITHIN. Falls are the model's F1 less its F1 on the masked messages.
        masking: What was masked.
    """

    found: list[Figure]
    masking: Masking

    def as_dict(self) -> dict[str, object]:
        """As written to metrics.json."""
        return {"masking": asdict(self.masking), "figures": [figure.as_dict() for figure in self.found]}

    def metrics(self) -> dict[str, float]:
        """Under flat MLflow names: `shortcut/within/en/macro`, `shortcut/masked_fall/macro`, `…/low`."""
        words = self.masking.words_per_message
        touched = self.masking.n_touched / max(1, self.masking.n)
        flat = {"shortcut/masked_message_share": touched, "shortcut/masked_words_per_message": words}
        for figure in self.found:
            name = _flat_name(figure)
            if name and figure.value is not None and figure.low is not None and figure.high is not None:
                flat |= {name: figure.value, f"{name}/low": figure.low, f"{name}/high": figure.high}
        return flat

    def figure(self, part: str, metric: str, audience: str = MACRO) -> Figure:
        """The one figure of these coordinates.

        Raises:
            ValueError: There is none.
        """
        for one in self.found:
            if (one.part, one.metric, one.audience) == (part, metric, audience):
                return one
        raise ValueError(f"no figure {part} {metric} {audience}")

    def open_languages(self) -> list[Figure]:
        """Macro gains over language alone of the languages in which none is shown: the interval does not exclude zero."""
        found = [
            one for one in self.found if one.metric == GAIN and one.audience == MACRO and one.part not in (ALL, WITHIN)
        ]
        return [one for one in found if one.low is not None and one.low <= 0]

    def sentences(self) -> list[str]:
        """What it comes to, for a reader: macro figures."""
        parts = list(dict.fromkeys(figure.part for figure in self.found))
        languages = [part for part in parts if part not in (ALL, WITHIN)]
        shown = [part for part in languages if self.figure(part, F1).value is not None]
        rest = [f"{part}, n = {self.figure(part, F1).n:,}" for part in languages if part not in shown]
        places = [ALL, WITHIN, *shown]
        masking, touched = self.masking, self.masking.n_touched / max(1, self.masking.n)
        what = f"Names of people and countries stand in {touched:.0%} of {masking.n:,} messages"
        fall, others, excess = (self.figure(ALL, metric).shown() for metric in (NAMES_FALL, OTHERS_FALL, NAMES_EXCESS))
        return [
            f"Macro-F1: {'; '.join(f'{part} {self.figure(part, F1).shown()}' for part in places)}.",
            f"Gain over language alone: {'; '.join(f'{part} {self.figure(part, GAIN).shown()}' for part in places)}.",
            *([f"Not evaluable within: {'; '.join(rest)}."] if rest else []),
            f"{what} ({masking.words_per_message:.2f} words a message); with these {masking.n_words:,} words masked, macro-F1 "
            f"falls by {fall}, with {masking.n_other_words:,} other words of the same messages masked by {others}; "
            f"paired difference {excess}.",
        ]


def _flat_name(figure: Figure) -> str:
    """Empty for what metrics.json alone has."""
    part = [] if figure.part in (ALL, WITHIN) else [figure.part]
    if figure.metric == F1:
        return "" if figure.part == ALL else metric_name("shortcut", "within", *part, figure.audience)
    if figure.metric == GAIN and figure.part == WITHIN:
        return metric_name("shortcut", f"{GAIN}_within", figure.audience)
    return metric_name("shortcut", figure.metric, *part, figure.audience) if figure.part != WITHIN else ""


def shortcuts(
    scorer: Scorer, frame: pd.DataFrame, judged: Judged, contenders: list[Judgement], params: Params
) -> ShortcutReport:
    """Score the messages of a split twice more, with names and with other words masked, and compare.

    Args:
        scorer: Of the judged bundle.
        frame: The messages.
        judged: Their labels and authors.
        contenders: The judged bundle's judgement first; the language-only baseline among them.
        params: For support, rounds and seed.
    """
    chosen = contenders[0].chosen
    rule = next(contender.chosen for contender in contenders if contender.name == LANGUAGE_RULE)
    cleaned, draw = frame.assign(text=frame["text"].map(clean)), np.random.default_rng(params.seed)
    named = [names.mentions(text, code) for text, code in zip(cleaned["text"], cleaned["lang"], strict=True)]
    other = [names.elsewhere(text, found, draw) for text, found in zip(cleaned["text"], named, strict=True)]
    lang = frame["lang"].to_numpy(str)
    parts = {ALL: np.ones(len(frame), np.bool_)} | {str(name): lang == name for name in np.unique(lang)}
    judgements = [chosen, rule, *(_without(scorer, cleaned, mentions, chosen) for mentions in (named, other))]
    model, language, unnamed, others = (_f1(judged, rows, list(parts.values()), params) for rows in judgements)
    drawn = {
        F1: model,
        GAIN: model.less(language),
        NAMES_FALL: model.less(unnamed),
        OTHERS_FALL: model.less(others),
        NAMES_EXCESS: others.less(unnamed),
    }
    found = [figure for metric, one in drawn.items() for figure in _figures(metric, one, judged, parts, params)]
    return ShortcutReport(found, _masking(cleaned, named, other))


def _without(scorer: Scorer, cleaned: pd.DataFrame, mentions: Mentions, chosen: Labels) -> Labels:
    """What the model chooses with the mentions masked; `chosen` stands where a message has none."""
    touched = np.array([bool(found) for found in mentions])
    masked = [
        names.without(text, found, code)
        for text, found, code in zip(cleaned["text"], mentions, cleaned["lang"], strict=True)
        if found
    ]
    rescored = chosen.copy()
    rescored[touched] = scorer.score(masked).verdicts.chosen
    return rescored


def _masking(cleaned: pd.DataFrame, named: Mentions, other: Mentions) -> Masking:
    touched = pd.Series([bool(found) for found in named], cleaned.index)
    kinds = [one.kind for found in named for one in found]
    return Masking(
        n=len(cleaned),
        n_touched=int(touched.sum()),
        n_countries=kinds.count(names.COUNTRY),
        n_people=kinds.count(names.PERSON),
        n_words=sum(map(names.n_words, cleaned["text"], named)),
        n_other_words=sum(map(names.n_words, cleaned["text"], other)),
        touched_share={str(code): float(part.mean()) for code, part in touched.groupby(cleaned["lang"])},
    )


def _f1(judged: Judged, chosen: Labels, masks: list[Labels], params: Params) -> Drawn:
    """F1 in each part and of each audience there, in that order, all on the same resamples of the whole split."""
    truth = np.concatenate([judged.truth & mask[:, None] for mask in masks], axis=1)
    picked = np.concatenate([chosen & mask[:, None] for mask in masks], axis=1)
    return f1(truth, picked, resample(judged.clusters, n_rounds=params.eval.bootstrap_rounds, seed=params.seed))


def _figures(metric: str, drawn: Drawn, judged: Judged, parts: dict[str, Labels], params: Params) -> Iterator[Figure]:
    """One figure an audience in each part, and of its mean over the languages that can judge it; macro likewise."""
    support = params.eval.slice_support_at_least
    evaluable = np.array([supported(judged.truth[mask], support) for mask in parts.values()])
    numbers, places = np.arange(len(parts))[:, None], np.arange(len(judged.audience_ids))
    rows = {part: numbers == number for number, part in enumerate(parts)} | {WITHIN: numbers > 0}
    columns = {name: places == place for place, name in enumerate(judged.audience_ids)} | {MACRO: places >= 0}
    for part, row in rows.items():
        truth = judged.truth[parts.get(part, parts[ALL])]
        for audience, column in columns.items():
            n, n_true = len(truth), int(truth[:, column].any(axis=1).sum())
            empty = Figure("model", part, audience, metric, None, None, None, n, n_true)
            cells = (evaluable & row & column).ravel()
            yield replace(empty, **asdict(drawn.estimate(cells))) if cells.any() else empty
