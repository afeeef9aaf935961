"""The picture of a benchmark of shares: estimates against the truth, and intervals that hold it, by true share."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from eval.plots import PALETTE, PANEL
from eval.shares_bench.report import BANDS, HELD_GOAL, line
from eval.shares_bench.trials import ALL, Trial

ESTIMATES = {"counted": "counting", "value": "corrected"}


def chart(trials: Sequence[Trial]) -> alt.HConcatChart:
    """Counting, correction, intervals, side by side; a point a corpus and audience."""
    whole = [one for trial in trials for one in trial.outcomes if one.language == ALL]
    frame = pd.DataFrame([one.as_dict() for one in whole])
    rows = [
        {
            "audience": audience,
            "share": f"{100 * low:.0f}–{min(100, 100 * high):.0f}",
            "held": line(own, audience, "").held,
        }
        for audience in dict.fromkeys(one.audience for one in whole)
        for low, high in BANDS
        if len(own := [one for one in whole if one.audience == audience and low <= one.truth < high]) >= 20
    ]
    audiences = alt.Color("audience:N", sort=None, scale=alt.Scale(range=PALETTE))
    goal = (
        alt.Chart(pd.DataFrame({"held": [HELD_GOAL]}))
        .mark_rule(strokeDash=[4, 4], color="grey")
        .encode(y=alt.Y("held:Q", scale=alt.Scale(domain=[0.5, 1])))
    )
    points = alt.Chart(pd.DataFrame(rows)).mark_line(point=True)
    held = points.encode(
        x=alt.X("share:O", sort=None, title="true share, %"),
        y=alt.Y("held:Q", title="95 % intervals that hold the truth", scale=alt.Scale(domain=[0.5, 1])),
        color=audiences,
    )
    panels = [_against(frame, column, title, audiences) for column, title in ESTIMATES.items()]
    return alt.hconcat(*panels, alt.layer(goal, held).properties(title="Intervals", **PANEL))


def _against(frame: pd.DataFrame, column: str, title: str, colour: alt.Color) -> alt.LayerChart:
    unit = alt.Scale(domain=[0, 1])
    ends = pd.DataFrame({"x": [0, 1], "y": [0, 1]})
    diagonal = alt.Chart(ends).mark_line(strokeDash=[4, 4], color="grey").encode(x="x:Q", y="y:Q")
    points = alt.Chart(frame).mark_circle(size=14, opacity=0.5)
    shown = points.encode(
        x=alt.X("truth:Q", title="true share", scale=unit),
        y=alt.Y(f"{column}:Q", title=title, scale=unit),
        color=colour,
    )
    return alt.layer(diagonal, shown).properties(title=title.capitalize(), **PANEL)
