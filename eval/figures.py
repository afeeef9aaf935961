"""Judgements to figures: per contender, slice and audience, with author-clustered intervals. Not here: plots, words."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eval.baselines import Judgement
from segmenter.metrics import (
    average_precision,
    bootstrap_counts,
    brier,
    calibration_error,
    counts,
    exact_match,
    interval,
)
from segmenter.sections import Eval

MACRO = "macro"
Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        model: Contender: `model`, `majority`, `language`, `tfidf`, or `model-tfidf` for a paired difference.
        part: The slice: `all`, a language, `not en, not ru`, `author-disjoint`, `message-split`.
        audience: An audience id, or `macro`: the mean over the audiences that are evaluable in this slice.
        metric: precision, recall, f1, average_precision, brier, calibration_error, exact_match, f1_gain.
        value: None where the slice cannot carry it ("not evaluable").
        low: 95 % author-clustered bootstrap bound, where there is one.
        high: As `low`.
        n: Messages in the slice.
        n_true: Messages in it that truly carry the audience.
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


def slices(frame: pd.DataFrame, truth: Labels, settings: Eval) -> dict[str, Labels]:
    """Masks: all, each language that can carry a figure, the other languages together, and how rows were split."""
    language = frame["lang"].to_numpy(str)
    found = {"all": np.ones(len(frame), np.bool_)}
    for name in sorted(set(language)):
        if supported(truth[language == name], settings.slice_support_at_least).any():
            found[name] = language == name
    found["not en, not ru"] = ~np.isin(language, ("en", "ru"))
    for unit, name in (("author", "author-disjoint"), ("message", "message-split")):
        found[name] = (frame["split_unit"] == unit).to_numpy()
    return {name: mask for name, mask in found.items() if mask.any()}


def supported(truth: Labels, support_at_least: int) -> Labels:
    """Which audiences a slice can judge: enough messages carry it, and enough do not."""
    n_true = truth.sum(axis=0)
    return np.asarray(np.minimum(n_true, len(truth) - n_true) >= support_at_least)


def figures(judged: Judged, contenders: list[Judgement], settings: Eval, seed: int) -> list[Figure]:
    """Every figure of every contender on every slice, and the paired gain of the first contender over the others."""
    found: list[Figure] = []
    for part, mask in judged.slices.items():
        truth, clusters = judged.truth[mask], judged.clusters[mask]
        evaluable = supported(truth, settings.slice_support_at_least)
        draws = {}
        for contender in contenders:
            scores, chosen = contender.scores[mask], contender.chosen[mask]
            drawn = bootstrap_counts(truth, chosen, clusters, n_rounds=settings.bootstrap_rounds, seed=seed).f1
            draws[contender.name] = (counts(truth, chosen).f1, drawn)
            rows = _of_slice(truth, scores, chosen, drawn, settings)
            found += _named(rows, contender.name, part, truth, evaluable, judged.audience_ids)
        found += _gains(draws, contenders[0].name, part, truth, evaluable)
    return found


Row = tuple[str, NDArray[np.float64], NDArray[np.float64] | None]  # metric, value per audience, bootstrap draws


def _of_slice(
    truth: Labels, scores: NDArray[np.float64], chosen: Labels, drawn: NDArray[np.float64], settings: Eval
) -> list[Row]:
    counted = counts(truth, chosen)
    return [
        ("precision", counted.precision, None),
        ("recall", counted.recall, None),
        ("f1", counted.f1, drawn),
        ("average_precision", average_precision(truth, scores), None),
        ("brier", brier(truth, scores), None),
        ("calibration_error", calibration_error(truth, scores, settings.calibration_bins), None),
        ("exact_match", np.full(truth.shape[1], exact_match(truth, chosen)), None),
    ]


def _named(
    rows: list[Row], model: str, part: str, truth: Labels, evaluable: Labels, audience_ids: list[str]
) -> list[Figure]:
    """Rows of a slice as figures, one an audience (exact_match aside) and one for their mean."""
    n, n_true = len(truth), truth.sum(axis=0)
    found = []
    for metric, values, draws in rows:
        for i, audience in enumerate(audience_ids if metric != "exact_match" else []):
            drawn = draws[:, i] if draws is not None else None
            figure = _estimate(float(values[i]), drawn) if evaluable[i] else (None, None, None)
            found.append(Figure(model, part, audience, metric, *figure, n, int(n_true[i])))
        drawn = draws[:, evaluable].mean(axis=1) if draws is not None and evaluable.any() else None
        figure = _estimate(float(values[evaluable].mean()), drawn) if evaluable.any() else (None, None, None)
        found.append(Figure(model, part, MACRO, metric, *figure, n, int(truth.any(axis=1).sum())))
    return found


def _estimate(value: float, draws: NDArray[np.float64] | None) -> tuple[float | None, float | None, float | None]:
    """A value with its interval, where there are draws to take one from."""
    if draws is None:
        return value, None, None
    low, high = interval(draws)
    return value, float(low), float(high)


def _gains(
    draws: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    first: str,
    part: str,
    truth: Labels,
    evaluable: Labels,
) -> list[Figure]:
    """Macro-F1 of the first contender less each other's, on the same resampled test sets."""
    found = []
    for name, (value, drawn) in draws.items():
        if name == first or not evaluable.any():
            continue
        own_value, own_drawn = draws[first]
        low, high = interval((own_drawn - drawn)[:, evaluable].mean(axis=1))
        gain = float((own_value - value)[evaluable].mean())
        n_true = int(truth.any(axis=1).sum())
        found.append(
            Figure(f"{first}-{name}", part, MACRO, "f1_gain", gain, float(low), float(high), len(truth), n_true)
        )
    return found


def value_of(found: list[Figure], model: str, part: str, audience: str, metric: str) -> Figure:
    """The one figure of these coordinates.

    Raises:
        ValueError: There is none.
    """
    for figure in found:
        if (figure.model, figure.part, figure.audience, figure.metric) == (model, part, audience, metric):
            return figure
    raise ValueError(f"no figure {model} {part} {audience} {metric}")
