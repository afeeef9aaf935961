"""The picture of a simulation: intervals that hold the truth, by metric; challengers that pass the gate, by true gain."""

import altair as alt
import pandas as pd

from eval.interval_coverage import Held
from eval.plots import PALETTE, PANEL
from eval.power import POWER, Passed

GOAL = (0.92, 0.98)  # between these an interval that is said to be of 95 % may hold the truth


def chart(intervals: list[Held], gate: list[Passed]) -> alt.HConcatChart:
    """Both panels side by side."""
    return alt.hconcat(_intervals(intervals), _gate(gate)).resolve_scale(color="independent", shape="independent")


def _intervals(found: list[Held]) -> alt.LayerChart:
    frame = pd.DataFrame([one.as_dict() for one in found])
    n = frame["n"].max()
    goal = alt.Chart(pd.DataFrame({"from": [GOAL[0]], "to": [GOAL[1]]})).mark_rect(color="lightgrey", opacity=0.5)
    points = alt.Chart(frame).mark_point(size=45)
    shown = points.encode(
        x=alt.X("held:Q", title="share of intervals that hold the truth", scale=alt.Scale(zero=False)),
        y=alt.Y("metric:N", title=None, sort=list(dict.fromkeys(frame["metric"])), axis=alt.Axis(labelLimit=200)),
        color=alt.Color("audience:N", title="audience", sort=None, scale=alt.Scale(range=PALETTE)),
        shape=alt.Shape("sizes:N", title="authors", sort=None),
    )
    title = alt.TitleParams("95 % intervals", subtitle=f"{n:,} test sets; grey: {GOAL[0]} to {GOAL[1]}")
    return alt.layer(goal.encode(x="from:Q", x2="to:Q"), shown).properties(title=title, **PANEL)


def _gate(found: list[Passed]) -> alt.LayerChart:
    rows = [one.as_dict() | {"share": one.share, "messages": f"{one.n_messages:,}"} for one in found]
    frame = pd.DataFrame(rows)
    power = alt.Chart(pd.DataFrame({"share": [POWER]})).mark_rule(strokeDash=[4, 4], color="grey").encode(y="share:Q")
    points = alt.Chart(frame).encode(
        x=alt.X("gain:Q", title="true gain in macro-F1"),
        y=alt.Y("share:Q", title="share of runs that pass the gate's gain", scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("messages:N", sort=None, scale=alt.Scale(range=PALETTE)),
    )
    legend = alt.Legend(title="audiences", symbolType="stroke", symbolStrokeColor="black")
    lines = points.mark_line().encode(strokeDash=alt.StrokeDash("world:N", sort=None, legend=legend))
    title = alt.TitleParams("Challengers", subtitle=f"{found[0].n_runs:,} runs a point; grey: {POWER}")
    return alt.layer(power, lines, points.mark_point(filled=True)).properties(title=title, **PANEL)
