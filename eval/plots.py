"""The pictures of an evaluation: reliability, precision against recall, confusion by audience, coverage against risk.

PNG files, no message text.
"""

from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from eval.abstention import Abstention
from eval.baselines import Judgement
from eval.figures import Judged, Labels
from segmenter.metrics import reliability

NONE = "none"
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]  # Okabe and Ito 2008
PANEL = {"width": 260, "height": 260}
TITLES = {
    "reliability": "Reliability",
    "precision_recall": "Precision and recall",
    "confusion": "Reference against model",
    "coverage_risk": "Coverage and risk",
}
Floats = NDArray[np.float64]


def draw_all(folder: Path, judged: Judged, model: Judgement, *, n_bins: int, split: str) -> None:
    """Write reliability.png, precision_recall.png and confusion.png to `folder`, each naming the split and its size."""
    truth, audience_ids = judged.truth, judged.audience_ids
    charts = {
        "reliability": reliability_chart(truth, model.scores, audience_ids, n_bins),
        "precision_recall": precision_recall_chart(truth, model.scores, audience_ids),
        "confusion": confusion_chart(truth, model.chosen, audience_ids),
    }
    for name, chart in charts.items():
        chart.properties(title=title(name, split, len(truth))).save(folder / f"{name}.png", scale_factor=2)


def draw_coverage_risk(folder: Path, abstention: Abstention, *, split: str) -> None:
    """Write coverage_risk.png to `folder`, naming the split, its size, and what the point and the line are."""
    head, error, risk = title("coverage_risk", split, abstention.n), abstention.error, abstention.risk
    said = (
        []
        if error is None
        else [f"point: as sealed, {abstention.coverage.value:.0%} judged, {error.value:.1%} of these wrong"]
    )
    said += [] if risk is None else [f"dashed: guaranteed risk, {100 * risk:g}%"]
    whole = alt.TitleParams(head.text, subtitle=[head.subtitle, *said])
    chart = coverage_risk_chart(abstention).properties(title=whole)
    chart.save(folder / "coverage_risk.png", scale_factor=2)


def title(name: str, split: str, n: int) -> alt.TitleParams:
    """What a picture shows, and of which messages."""
    return alt.TitleParams(TITLES[name], subtitle=f"split {split}, n = {n:,}")


def reliability_chart(truth: Labels, scores: Floats, audience_ids: list[str], n_bins: int) -> alt.LayerChart:
    """Share that the reference labels so against mean score, bins of equal count; the diagonal is perfect."""
    rows = [
        {"audience": name, "score": score, "share": share, "messages": n}
        for i, name in enumerate(audience_ids)
        for score, share, n in reliability(truth[:, i], scores[:, i], n_bins)
    ]
    unit = alt.Scale(domain=[0, 1])
    lines = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("score:Q", title="mean score of the bin", scale=unit),
            y=alt.Y("share:Q", title="share labelled so by the reference", scale=unit),
            color=_colour(audience_ids),
            shape=alt.Shape("audience:N", sort=audience_ids, title="audience", scale=alt.Scale(domain=audience_ids)),
        )
    )
    diagonal = (
        alt.Chart(pd.DataFrame({"x": [0, 1], "y": [0, 1]}))
        .mark_line(strokeDash=[4, 4], color="grey")
        .encode(x="x", y="y")
    )
    return alt.layer(diagonal, lines).properties(**PANEL)


def precision_recall_chart(truth: Labels, scores: Floats, audience_ids: list[str]) -> alt.Chart:
    """Precision against recall over all thresholds, per audience that anyone carries."""
    parts = [pd.DataFrame({"audience": [], "precision": [], "recall": [], "step": []})]  # a panel even where nobody is
    for i, name in enumerate(audience_ids):
        if truth[:, i].any():
            precision, recall, _ = precision_recall_curve(truth[:, i], scores[:, i])
            parts.append(
                pd.DataFrame({"audience": name, "precision": precision, "recall": recall, "step": range(len(recall))})
            )
    unit = alt.Scale(domain=[0, 1])
    chart = alt.Chart(pd.concat(parts)).mark_line(interpolate="step-before")
    encoded = chart.encode(
        x=alt.X("recall:Q", scale=unit), y=alt.Y("precision:Q", scale=unit), order="step:Q", color=_colour(audience_ids)
    )
    return encoded.properties(**PANEL)


def confusion_chart(truth: Labels, chosen: Labels, audience_ids: list[str]) -> alt.LayerChart:
    """Messages by true and chosen audience, `none` included; a message of two audiences counts in each of its cells."""
    names = [*audience_ids, NONE]
    true, said = _with_none(truth), _with_none(chosen)
    cells = true.astype(int).T @ said.astype(int)
    shares = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    rows = [
        {"reference": a, "model": b, "messages": int(cells[i, j]), "share": float(shares[i, j])}
        for i, a in enumerate(names)
        for j, b in enumerate(names)
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("model:N", sort=names, title="chosen by the model", axis=alt.Axis(labelAngle=-30)),
        y=alt.Y("reference:N", sort=names, title="reference label"),
    )
    squares = base.mark_rect().encode(
        color=alt.Color("share:Q", title="share of row", scale=alt.Scale(scheme="blues", domain=[0, 1]))
    )
    light = alt.condition("datum.share > 0.5", alt.value("white"), alt.value("black"))
    return alt.layer(squares, base.mark_text().encode(text="messages:Q", color=light)).properties(**PANEL)


def coverage_risk_chart(abstention: Abstention) -> alt.LayerChart:
    """Share of wrong audience sets against the share of messages judged, the most certain first.

    The point is the sealed bands, with the 95 % interval of their error; the dashed line a guaranteed risk.
    """
    found, error, risk = abstention, abstention.error, abstention.risk
    highest = max([point.error for point in found.curve] + [error.high if error else 0.0, risk or 0.0, 0.05])
    x = alt.X(
        "coverage:Q",
        title="share of messages judged with certainty",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%"),
    )
    y = alt.Y(
        "error:Q",
        title="share of these with a wrong audience set",
        scale=alt.Scale(domain=[0, highest], nice=True),
        axis=alt.Axis(format="%"),
    )
    rows = pd.DataFrame([(point.coverage, point.error) for point in found.curve], columns=["coverage", "error"])
    layers = [alt.Chart(rows).mark_line(color=PALETTE[0]).encode(x=x, y=y)]
    if risk is not None:
        stated = alt.Chart(pd.DataFrame({"error": [risk]}))
        layers.append(stated.mark_rule(strokeDash=[4, 4], color=PALETTE[1]).encode(y=y))
    if error is not None:
        sealed = {"coverage": [found.coverage.value], "error": [error.value], "low": [error.low], "high": [error.high]}
        point = alt.Chart(pd.DataFrame(sealed))
        layers.append(point.mark_rule(strokeWidth=2).encode(x=x, y="low:Q", y2="high:Q"))
        layers.append(point.mark_point(filled=True, size=60, color="black", opacity=1).encode(x=x, y=y))
    return alt.layer(*layers).properties(**PANEL)


def _with_none(labels: Labels) -> Labels:
    return np.column_stack([labels, ~labels.any(axis=1)])


def _colour(audience_ids: list[str]) -> alt.Color:
    return alt.Color(
        "audience:N",
        sort=audience_ids,
        title="audience",
        scale=alt.Scale(domain=audience_ids, range=PALETTE[: len(audience_ids)]),
    )
