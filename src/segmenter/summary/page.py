"""Findings as one self-contained HTML page. Every text is escaped by the template; only our own charts are not.

Not here: what is said (findings.py), pictures (charts.py).
"""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from segmenter.summary.charts import colour, counts_picture, timeline_picture
from segmenter.summary.events import Event
from segmenter.summary.findings_1 import Findings, Group
from segmenter.summary.redact import plain, shortened
from segmenter.summary.timeline import Timeline, timeline
from segmenter.summary.wording import language_name, percentage, written_day, written_score

SOURCES_SHOWN = 50  # rows of the page's table; summary.json has every named source
FILES_SHOWN = 5
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_DECLARED = {True: "declared before looking", False: "chosen after looking: exploratory", None: "not said when chosen"}


def page(findings: Findings, *, dated: bool) -> str:
    """The whole page.

    Args:
        findings: What it says.
        dated: The table had a `created_at` column.
    """
    over_time = timeline(findings.days, [audience.id for audience in findings.audiences])
    drawn = over_time.periods and timeline_picture(over_time, findings.audiences, findings.events)
    named = [group for group in findings.sources if group.kind == "one"]
    return (
        environment()
        .get_template("page.html")
        .render(
            findings=findings,
            subject=_subject(findings),
            dated=dated,
            over_time=over_time,
            timeline=drawn or None,
            timeline_label=_timeline_label(findings, over_time),
            counts=counts_picture(
                findings.audiences, n_none=findings.verdicts["none"], n_messages=findings.corpus.n_messages
            ),
            counts_label=_counts_label(findings),
            sources=_shown_sources(findings.sources),
            n_further=max(0, len(named) - SOURCES_SHOWN),
            files=findings.method.files[:FILES_SHOWN],
            inside=lambda event: _is_inside(event, over_time),
        )
    )


def environment() -> Environment:
    """The templates of this folder and the filters of every page: how numbers, languages and texts are shown."""
    loader = PackageLoader("segmenter.summary", "")
    found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found.filters |= {
        "n": lambda count: f"{count:,}",
        "pct": percentage,
        "width": lambda count, of: f"{100 * count / of if of else 0:.1f}",
        "shown": lambda text, n_characters: shortened(plain(text), n_characters),
        "day": written_day,
        "language": language_name,
        "lang": lambda code: code if _LANGUAGE.fullmatch(code) else "und",
        "colour": colour,
        "score": written_score,
        "declared": _DECLARED.__getitem__,
        "svg": Markup,
    }
    return found


def _subject(findings: Findings) -> str:
    files = findings.method.files
    first = shortened(plain(files[0].name), 80)
    return first if len(files) == 1 else f"{first} and {len(files) - 1} more files"


def _shown_sources(sources: list[Group]) -> list[Group]:
    named = [group for group in sources if group.kind == "one"]
    return named[:SOURCES_SHOWN] + [group for group in sources if group.kind != "one"]


def _counts_label(findings: Findings) -> str:
    parts = (
        f"{shortened(plain(one.name), 60)} {one.n_chosen:,} chosen and {one.n_near:,} near the threshold"
        for one in findings.audiences
    )
    return f"Bar chart of messages per audience: {'; '.join(parts)}. The table below has the same figures."


def _timeline_label(findings: Findings, over_time: Timeline) -> str:
    return (
        f"Bar charts of messages per {over_time.unit}, one for all messages and one for each of "
        f"{len(findings.audiences)} audiences, with {len(findings.events)} events marked. "
        "The table below has the figures."
    )


def _is_inside(event: Event, over_time: Timeline) -> bool:
    return bool(over_time.periods) and over_time.periods[0].start <= event.date < over_time.periods[-1].end
