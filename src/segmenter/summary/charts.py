"""Findings as static SVG pictures, drawn once for wide and once for narrow screens. No JavaScript reaches the page.

Colours are the page's CSS variables, so that one picture serves light, dark and print. What users wrote (labels,
names) enters as data values only, never as an expression. Not here: the page and its tables (page.py).
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import altair as alt
import vl_convert

from segmenter.summary.events import Event
from segmenter.summary.findings_1 import AudienceCount
from segmenter.summary.redact import plain, shortened
from segmenter.summary.timeline import Period, Timeline, epoch_milliseconds
from segmenter.summary.wording import percentage

COUNTS_WIDTHS = {"wide": 450, "narrow": 300}  # pixels; the narrow one fits a page of 360
TIMELINE_WIDTHS = {"wide": 690, "narrow": 300}
N_COLOURS = 8  # --a0 to --a7 of page.css
PANEL_HEIGHT = 76
NOON = 43_200_000  # milliseconds into the day: an event's rule stands in the middle of its bar
MOST_LABELS = 6  # events written out in the picture, a row each; more of them stand as numbers
LABEL_CHARACTERS = 34
FORMATS = {"day": "%-d %b", "month": "%b %Y", "year": "%Y"}
FONT = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
_TAG = re.compile(r"<[^>]*>")  # what users wrote is escaped, so no text of theirs matches
_ID = re.compile(r'(id="|url\(#)')
_NEEDLESS = re.compile(r' (?:role|aria-[a-z]+|font-family|pointer-events|class)="[^"]*"')


@dataclass(frozen=True)
class Picture:
    """One chart as SVG in each width."""

    wide: str
    narrow: str


def colour(number: int) -> str:
    """The colour of the audience of that place; they repeat after N_COLOURS, and every mark is labelled too."""
    return f"var(--a{number % N_COLOURS})"


def counts_picture(audiences: list[AudienceCount], *, n_none: int, n_messages: int) -> Picture:
    """Bars of what the model chose per audience, the messages near the threshold behind; then what it read as none."""
    rows = [
        _bar(one.name, one.n_chosen, one.n_near, n_messages) | {"colour": colour(number), "row": number}
        for number, one in enumerate(audiences)
    ]
    none = _bar("None of these publics", n_none, 0, n_messages)
    rows.append(none | {"colour": "var(--muted-bar)", "row": len(rows)})
    return Picture(*(_svg(_counts(rows, width), f"counts-{name}") for name, width in COUNTS_WIDTHS.items()))


def timeline_picture(found: Timeline, audiences: list[AudienceCount], events: list[Event]) -> Picture:
    """One row of bars per audience over time on one scale, all messages above them, events as numbered rules."""
    return Picture(*(_svg(_timeline(found, audiences, events, name), f"timeline-{name}") for name in TIMELINE_WIDTHS))


def _bar(name: str, n_chosen: int, n_near: int, n_messages: int) -> dict[str, Any]:
    return {
        "name": shortened(plain(name), 32),
        "chosen": n_chosen,
        "reach": n_chosen + n_near,
        "count": f"{n_chosen:,}",
        "share": percentage(n_chosen, n_messages),
    }


def _counts(rows: list[dict[str, Any]], width: int) -> alt.LayerChart:
    longest = max(1, *(row["reach"] for row in rows))
    across = alt.Scale(domain=[0, longest], nice=False)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0.68, paddingOuter=0.5)),
        color=alt.Color("colour:N", scale=None),
    )
    near = base.mark_bar(fillOpacity=0.3).encode(x=alt.X("reach:Q", scale=across, axis=None), x2=alt.datum(0))
    chosen = base.mark_bar().encode(x=alt.X("chosen:Q", scale=across, axis=None), x2=alt.datum(0))
    texts = [
        base.mark_text(align=align, dy=-20, fontSize=size, fontWeight=weight).encode(
            text=f"{field}:N", x=alt.value(x), color=alt.value(f"var(--{ink})")
        )
        for field, align, x, size, weight, ink in (
            ("name", "left", 0, 14, 600, "ink"),
            ("count", "right", width - 54, 15, 600, "ink"),
            ("share", "right", width, 13, 400, "ink-2"),
        )
    ]
    return alt.layer(near, chosen, *texts).properties(width=width, height=48 * len(rows))


def _timeline(found: Timeline, audiences: list[AudienceCount], events: list[Event], width: str) -> alt.VConcatChart:
    first, last = found.periods[0].start, found.periods[-1].end
    across = alt.Scale(type="utc", domain=[epoch_milliseconds(first), epoch_milliseconds(last)], nice=False)
    marks = _marks(events, first, last, written=width == "wide")
    most = max(1, *(count for period in found.periods for count in period.audiences.values()))
    panels: list[Any] = [_labels(marks, across)] if marks else []
    totals = [(_span(period) | {"n": period.n_messages}) for period in found.periods]
    top = max(1, *(period.n_messages for period in found.periods))
    panels.append(_panel("All messages", totals, "var(--muted-bar)", _Axes(across, top, FORMATS[found.unit], False)))
    for number, one in enumerate(audiences):
        counts = [_span(period) | {"n": period.audiences[one.id]} for period in found.periods]
        axes = _Axes(across, most, FORMATS[found.unit], number == len(audiences) - 1)
        panels.append(_panel(shortened(plain(one.name), 40), counts, colour(number), axes))
    drawn = [panels[0]] if marks else []
    for panel in panels[len(drawn) :]:
        drawn.append(alt.layer(panel, _rules(marks, across), title=panel.title) if marks else panel)
    sized = [panel.properties(width=TIMELINE_WIDTHS[width] - 40) for panel in drawn]
    return alt.vconcat(*sized, spacing=10).resolve_scale(y="independent")


@dataclass(frozen=True)
class _Axes:
    across: alt.Scale
    top: int
    date_format: str
    labelled: bool


def _panel(title: str, counts: list[dict[str, Any]], fill: str, axes: _Axes) -> alt.Chart:
    below = alt.Axis(
        format=axes.date_format, labels=axes.labelled, ticks=axes.labelled, grid=False, title=None, tickCount=6
    )
    beside = alt.Axis(tickCount=2, title=None, format=",d", tickMinStep=1, domain=False, ticks=False)
    return (
        alt.Chart(alt.InlineData(values=counts), title=title, height=PANEL_HEIGHT)
        .mark_rect(fill=fill, clip=True)
        .encode(
            x=alt.X("start:T", scale=axes.across, axis=below),
            x2="end:T",
            y=alt.Y("n:Q", scale=alt.Scale(domain=[0, axes.top], nice=True), axis=beside),
            y2=alt.datum(0),
        )
    )


def _rules(marks: list[dict[str, Any]], across: alt.Scale) -> alt.Chart:
    base = alt.Chart(alt.InlineData(values=marks))
    return base.mark_rule(stroke="var(--rule)", strokeDash=[3, 3]).encode(x=alt.X("at:T", scale=across))


def _marks(events: list[Event], first: date, last: date, *, written: bool) -> list[dict[str, Any]]:
    """Events inside the picture, each with its text and its row.

    Early labels run to the right and late ones to the left, in rows that no other label's rule crosses.
    """
    inside = [(number, event) for number, event in enumerate(events, 1) if first <= event.date < last]
    written = written and len(inside) <= MOST_LABELS
    late = [event.date - first > (last - first) * 0.6 for _, event in inside]
    rows = [place for place, is_late in enumerate(late) if not is_late]
    rows += list(reversed(range(len(rows), len(inside))))
    return [
        {
            "at": epoch_milliseconds(event.date) + NOON,
            "text": f"{number}  {shortened(plain(event.label), LABEL_CHARACTERS)}" if written else str(number),
            "late": is_late and written,
            "row": row if written else 0,
        }
        for (number, event), is_late, row in zip(inside, late, rows, strict=True)
    ]


def _labels(marks: list[dict[str, Any]], across: alt.Scale) -> alt.LayerChart:
    """A strip above the panels with the events' numbers or labels."""
    n_rows = 1 + max(mark["row"] for mark in marks)
    down = alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[-0.5, n_rows - 0.5], reverse=True))
    base = alt.Chart(alt.InlineData(values=marks)).encode(x=alt.X("at:T", scale=across, axis=None), y=down)
    drawn = [base.mark_rule(stroke="var(--rule)", strokeDash=[3, 3]).encode(y=down, y2=alt.datum(n_rows - 0.5))]
    for late, align, dx in ((False, "left", 4), (True, "right", -4)):
        part = base.transform_filter(alt.FieldEqualPredicate(field="late", equal=late))
        text = part.mark_text(align=align, dx=dx, baseline="middle", fontSize=11.5)
        drawn.append(text.encode(text="text:N", color=alt.value("var(--ink)")))
    return alt.layer(*drawn).properties(height=17 * n_rows)


def _span(period: Period) -> dict[str, int]:
    start, end = epoch_milliseconds(period.start), epoch_milliseconds(period.end)
    gap = int((end - start) * 0.08)
    return {"start": start + gap, "end": end - gap}


def _svg(chart: alt.TopLevelMixin, name: str) -> str:
    axis = {"labelColor": "var(--ink-2)", "tickColor": "var(--line)", "domainColor": "var(--line)"}
    configured = chart.configure(
        aria=False,
        background="transparent",
        padding=2,
        font=FONT,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(**axis, gridColor="var(--line)", labelFontSize=11),
        title=alt.TitleConfig(color="var(--ink)", fontSize=12.5, fontWeight=600, anchor="start", offset=4),
    )
    svg = str(vl_convert.vegalite_to_svg(configured.to_dict()))
    return _TAG.sub(lambda tag: _NEEDLESS.sub("", _ID.sub(rf"\g<1>{name}-", tag[0])), svg)
