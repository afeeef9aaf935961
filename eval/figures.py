"""Judgements to figures: per contender, slice and audience, with author-clustered intervals. Not here: plots, words."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eval.baselines import Judgement
from eval.slices import supported
from segmenter.intervals import Drawn, resample, shown
from segmenter.metrics import measured
from segmenter.sections import Eval

MACRO = "macro"
GAIN = "_gain"
EXACT = "exact_match"  # of whole messages, so of no single audience
GAINED = ("f1", "average_precision")  # compared pair by pair; not the Brier score, TF-IDF's are not calibrated
Labels = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        model: Contender: `model`, `majority`, `language`, `tfidf`, `earlier champion`, or `model-tfidf` for a paired gain.
        part: The slice: `all`, `lang=en`, `lang, rest`, `period=2017`, `several audiences`.
        audience: An audience id, or `macro`: the mean over the audiences that are evaluable in this slice.
        metric: precision, recall, f1, average_precision, brier, calibration_error, exact_match; f1_gain and
            average_precision_gain, more than 0 where the first of the two is better.
        value: None where the slice cannot carry it ("not evaluable").
        low: 95 % author-clustered bootstrap bound.
        high: As `low`.
        n: Messages in the slice.
        n_true: Messages in it that truly carry the audience (any, for `macro`; all of the slice, for exact_match).
        n_effective: Authors of one size that would tell as much of it; below 3 the interval is all that the metric can be.
    """

    model: str
    part: str
    audience: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    n_true: int
    n_effective: float | None = None

    def shown(self) -> str:
        """As text: the value with its interval, or on how few messages it would rest."""
        if self.value is not None:
            return shown(self, ".3f")
        sides = f"n = {self.n:,}" if self.metric == EXACT else f"{self.n_true:,} with, {self.n - self.n_true:,} without"
        return f"not evaluable, {sides}"

    def as_dict(self) -> dict[str, object]:
        """As written to metrics.json."""
        return asdict(self)


@dataclass(frozen=True)
class Judged:
    """The judged messages: labels (n_messages, n_audiences), author clusters (n_messages,), slices by name as masks."""

    truth: Labels
    clusters: NDArray[np.int64]
    slices: dict[str, Labels]
    audience_ids: list[str]


def author_clusters(frame: pd.DataFrame) -> NDArray[np.int64]:
    """A number per author; a message without an author, or of a single-outlet source, is a cluster of its own."""
    author = frame["author"].where(frame["split_unit"] == "author")
    codes = pd.factorize(author)[0].astype(np.int64)
    return np.where(codes >= 0, codes, len(frame) + np.arange(len(frame)))


def figures(judged: Judged, contenders: list[Judgement], settings: Eval, seed: int) -> list[Figure]:
    """Every figure of every contender on every slice, and the paired gains of the first contender over the others."""
    found: list[Figure] = []
    for part, mask in judged.slices.items():
        truth, clusters = judged.truth[mask], judged.clusters[mask]
        parts = [contender.within(mask) for contender in contenders]
        by_contender = drawn_metrics(truth, clusters, parts, settings, seed)
        first, *others = contenders
        for other in others:
            by_contender[f"{first.name}-{other.name}"] = gains(by_contender[first.name], by_contender[other.name])
        for name, by_metric in by_contender.items():
            for metric, drawn in by_metric.items():
                whole = Figure(name, part, MACRO, metric, None, None, None, len(truth), 0)
                found += _figures(whole, drawn, truth, judged.audience_ids, settings)
    return found


def drawn_metrics(
    truth: Labels, clusters: NDArray[np.int64], contenders: list[Judgement], settings: Eval, seed: int
) -> dict[str, dict[str, Drawn]]:
    """Every metric of every contender on the same messages and the same resamples of them, by contender and metric."""
    resamples = resample(clusters, n_rounds=settings.bootstrap_rounds, seed=seed)
    bins = settings.calibration_bins
    return {one.name: measured(truth, one.scores, one.chosen, resamples, n_bins=bins) for one in contenders}


def gains(first: dict[str, Drawn], other: dict[str, Drawn]) -> dict[str, Drawn]:
    """What the first contender has more of than the other, on the same resamples."""
    return {f"{metric}{GAIN}": first[metric].less(other[metric]) for metric in GAINED}


def _figures(whole: Figure, drawn: Drawn, truth: Labels, audience_ids: list[str], settings: Eval) -> Iterator[Figure]:
    """A metric's figure for each audience (exact_match aside) and for all of them (`whole`, still without values)."""
    n, n_true = len(truth), truth.sum(axis=0)
    if whole.metric == EXACT:
        yield _filled(replace(whole, n_true=n), drawn, np.array([n >= settings.slice_support_at_least]))
        return
    evaluable = supported(truth, settings.slice_support_at_least)
    for column, audience in enumerate(audience_ids):
        one = replace(whole, audience=audience, n_true=int(n_true[column]))
        yield _filled(one, drawn, evaluable & (np.arange(len(evaluable)) == column))
    yield _filled(replace(whole, n_true=int(truth.any(axis=1).sum())), drawn, evaluable)


def _filled(empty: Figure, drawn: Drawn, columns: Labels) -> Figure:
    """The figure of the mean over some columns, none where there are none."""
    if not columns.any():
        return empty
    return replace(empty, **asdict(drawn.estimate(columns)))


def value_of(found: list[Figure], model: str, part: str, audience: str, metric: str) -> Figure:
    """The one figure of these coordinates.

    Raises:
        ValueError: There is none.
    """
    for figure in found:
        if (figure.model, figure.part, figure.audience, figure.metric) == (model, part, audience, metric):
            return figure
    raise ValueError(f"no figure {model} {part} {audience} {metric}")
