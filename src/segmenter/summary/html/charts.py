"""The two charts of the page as Vega specifications, drawn in the browser from rows that script.js hands them.

Made with Altair, compiled here, so that the browser never sees Vega-Lite's expressions; drawn there by Vega's own
interpreter of its syntax tree, so that the page's policy can forbid `eval`. Colours are the page's CSS variables: one
picture serves light, dark and print. What users wrote enters as data only. Not here: which rows (margin_data.py).
"""

import json
from functools import cache
from typing import Any

import altair as alt
import vl_convert

FONT = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
ROW_HEIGHT = 46
PANEL_HEIGHT = 92
BESIDE = 46  # pixels left of a panel for its axis, so that panels stand under each other
DAY_MS = 86_400_000
DOTS_SIGNALS = {"top": 1.0, "ticks": 4}
TIME_SIGNALS = {
    "fill": "var(--muted-bar)", "first": 0, "last": DAY_MS, "top": 1.0, "as_share": False, "thick": 3,
    "date_format": "%-d %b", "ticks": 6, "numbered": False, "labelled": True, "picked_first": 0, "picked_last": 0,
}  # fmt: skip
SHARE_LABEL = "format(100 * datum.value, '~r') + ' %'"


def specifications() -> dict[str, dict[str, Any]]:
    """Vega specifications by name: `dots` of data `rows`, `time` of data `rows` and `events`; empty of data.

    What changes between uses of one are its signals: DOTS_SIGNALS and TIME_SIGNALS.
    """
    return {"dots": _compiled(_dots(), DOTS_SIGNALS), "time": _compiled(_time(), TIME_SIGNALS)}


@cache
def library() -> str:
    """Vega and Vega-Embed as one script, to be put between script tags."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _dots() -> alt.LayerChart:
    """A row a thing: its name and figures above, its share with interval and bounds and its plain count below."""
    across = alt.Scale(domainMin=0, domainMax=_signal("top"), nice=False, clamp=True)
    axis = alt.Axis(labelExpr=SHARE_LABEL, tickCount=_signal("ticks"), title=None, domain=False, ticks=False, zindex=0)
    base = _rows("rows").encode(y=alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0)))
    along = base.encode(x=alt.X("low:Q", scale=across, axis=axis), x2="high:Q", color=alt.Color("fill:N", scale=None))
    bounds = along.encode(x=alt.X("bound_low:Q", scale=across, axis=axis), x2="bound_high:Q")
    at_value = base.encode(x=alt.X("value:Q", scale=across, axis=axis), color=alt.Color("fill:N", scale=None))
    at_plain = base.encode(x=alt.X("plain:Q", scale=across, axis=axis), stroke=alt.Stroke("fill:N", scale=None))
    return alt.layer(
        bounds.mark_bar(height=3, yOffset=11, fillOpacity=0.3),
        along.mark_bar(height=9, yOffset=11, fillOpacity=0.45, cornerRadius=2),
        at_plain.mark_point(shape="diamond", size=52, yOffset=11, strokeWidth=1.5, fill="var(--panel)", opacity=1),
        at_value.mark_point(size=62, yOffset=11, filled=True, opacity=1).encode(shape=alt.Shape("shape:N", scale=None)),
        base.mark_text(align="left", dy=-8, fontSize=12.5, fontWeight=600).encode(
            text="label:N", x=alt.value(0), color=alt.value("var(--ink)")
        ),
        base.mark_text(align="right", dy=-8, fontSize=12.5).encode(
            text="figure:N", x=alt.value("width"), color=alt.value("var(--ink-2)")
        ),
        base.mark_bar(opacity=0).encode(x=alt.value(0), x2=alt.value("width"), tooltip=_tips("label")),
    ).properties(width=300, height=alt.Step(ROW_HEIGHT))


def _time() -> alt.LayerChart:
    """One panel over time: bars of counts, or shares with intervals and the plain counts as diamonds; events as rules."""
    across = alt.Scale(type="utc", domainMin=_signal("first"), domainMax=_signal("last"), nice=False)
    up = alt.Scale(domainMin=0, domainMax=_signal("top"), nice=False)
    below, beside = _time_axes()
    base = _rows("rows")
    wide = base.encode(x=alt.X("start:T", scale=across, axis=below), x2="end:T")
    at = base.encode(x=alt.X("mid:T", scale=across, axis=below))
    height = alt.Y("value:Q", scale=up, axis=beside)
    ends = at.encode(y=alt.Y("low:Q", scale=up, axis=beside), y2="high:Q")
    inside = _rows("events").transform_filter("datum.at >= first && datum.at < last")
    events = inside.encode(x=alt.X("at:T", scale=across, axis=below))
    chosen = wide.mark_rect(fill="var(--ink)", fillOpacity=0.13).encode(y=alt.value(0), y2=alt.value("height"))
    return alt.layer(
        chosen.transform_filter("datum.start >= picked_first && datum.start < picked_last"),
        wide.mark_rect(fill=_signal("fill")).encode(
            x=alt.X("bar_start:T", scale=across, axis=below), x2="bar_end:T",
            y=alt.Y("bar:Q", scale=up, axis=beside), y2=alt.datum(0),
        ),
        ends.mark_rule(stroke=_signal("fill"), strokeWidth=_signal("thick"), strokeOpacity=0.4),
        at.mark_line(stroke=_signal("fill"), strokeWidth=1.2, strokeOpacity=0.7).encode(y=height),
        at.mark_point(fill=_signal("fill"), stroke=None, size=_signal("6 + 8 * thick"), opacity=1).encode(y=height),
        at.mark_point(shape="diamond", size=24, stroke=_signal("fill"), strokeWidth=1, fill="var(--paper)").encode(
            y=alt.Y("plain:Q", scale=up, axis=beside)
        ),
        events.mark_rule(stroke="var(--rule)", strokeDash=[3, 3]),
        events.mark_text(align="left", baseline="top", dx=3, fontSize=11, fontWeight=600, fill="var(--ink)").encode(
            y=alt.value(0), text="number:N", opacity=alt.value(_signal("numbered ? 1 : 0"))
        ),
        wide.mark_rect(opacity=0).encode(y=alt.value(0), y2=alt.value("height"), tooltip=_tips("period")),
    ).properties(width=300, height=PANEL_HEIGHT)  # fmt: skip


def _time_axes() -> tuple[alt.Axis, alt.Axis]:
    """The axis below a panel over time and the one beside it."""
    labels = "labelled ? utcFormat(datum.value, date_format) : ''"
    below = alt.Axis(labelExpr=labels, tickCount=_signal("ticks"), grid=False, title=None)
    labels = f"as_share ? {SHARE_LABEL} : format(datum.value, ',d')"
    extent = {"minExtent": BESIDE, "maxExtent": BESIDE}
    return below, alt.Axis(labelExpr=labels, tickCount=3, title=None, domain=False, ticks=False, **extent)


def _tips(first: str) -> list[alt.Tooltip]:
    names = {first: " ", "estimate": "estimated share", "chosen": "chosen, a count", "messages": "of messages"}
    return [alt.Tooltip(field=field, type="nominal", title=title) for field, title in names.items()]


def _rows(name: str) -> alt.Chart:
    return alt.Chart(alt.NamedData(name=name))


def _signal(expression: str) -> alt.ExprRef:
    return alt.ExprRef(expression)


def _compiled(chart: alt.LayerChart, signals: dict[str, Any]) -> dict[str, Any]:
    axis = {"labelColor": "var(--ink-2)", "tickColor": "var(--line)", "domainColor": "var(--line)"}
    configured = chart.add_params(*(alt.param(name=name, value=value) for name, value in signals.items())).configure(
        aria=False,
        background="transparent",
        padding=2,
        font=FONT,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(**axis, gridColor="var(--line)", labelFontSize=11),
    )
    compiled = vl_convert.vegalite_to_vega(configured.to_dict())
    return dict(compiled if isinstance(compiled, dict) else json.loads(compiled))
