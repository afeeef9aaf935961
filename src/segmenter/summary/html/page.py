"""Findings as one self-contained HTML page: figures and texts as HTML, choices and charts by one script of known digest.

Every text is escaped by the template or by margin_data; the policy names the digests of our own scripts and forbids all
else. Not here: what is said (findings.py), pictures (charts.py), their behaviour (script.js).
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from segmenter.summary.citations import FACTS, METHOD, UNKNOWNS, all_ids, cited, ids_of
from segmenter.summary.events import Event
from segmenter.summary.findings import Findings, Scope, Told
from segmenter.summary.html import intervals
from segmenter.summary.html.charts import library, specifications
from segmenter.summary.html.highlighted import pieces
from segmenter.summary.html.margin_data import as_data, margin_data
from segmenter.summary.templates import environment, shown

MOST_MARGIN_BYTES = 1_800_000
MOST_TOLD_BYTES = 2_400_000  # with the margins, the library and the rest: under 6 MB
FILES_SHOWN = 5


@dataclass(frozen=True)
class _ToldParts:
    """What each public was told, as HTML by part of the corpus; `n_left_out` had no room."""

    labels: list[tuple[Scope, str]]
    html: list[Markup]
    n_left_out: int


def page(findings: Findings) -> str:
    """The whole page."""
    made = environment()
    made.filters |= {"share": intervals.share_number, "cite": cited}
    made.globals |= {"interval": intervals.interval_text, "bounds": intervals.bounds_text, "log": intervals.log}
    margins = margin_data(findings, most_bytes=MOST_MARGIN_BYTES)
    own = script()
    return made.get_template("html/summary.html").render(
        findings=findings,
        subject=_subject(findings),
        share_axis=intervals.share_axis(findings),
        ratio_axis=intervals.ratio_axis(findings.windows),
        told=_told(findings),
        inside=lambda event: _is_inside(event, findings),
        known=set(all_ids(findings)),
        ids=ids_of("F", FACTS) | ids_of("U", UNKNOWNS) | ids_of("M", METHOD),
        files=findings.method.files[:FILES_SHOWN],
        n_without_time=margins.n_without_time,
        policy=policy(library(), own),
        library=Markup(library()),
        script=Markup(own),
        margins=Markup(margins.json),
        specifications=Markup(as_data(specifications())),
    )


@cache
def script() -> str:
    """The page's own script."""
    return (files("segmenter.summary.html") / "script.js").read_text("utf-8")


def policy(*scripts: str) -> str:
    """A Content-Security-Policy under which these scripts run, and nothing else, and nothing is asked for."""
    digests = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts
    )
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _is_inside(event: Event, findings: Findings) -> bool:
    periods = findings.periods
    return bool(periods.starts) and periods.starts[0][:10] <= event.date.isoformat() < periods.end[:10]


def _subject(findings: Findings) -> str:
    listed = findings.method.files
    if not listed:
        return "a scored table"
    first = shown(listed[0].name, 80)
    return first if len(listed) == 1 else f"{first} and {len(listed) - 1} more files"


def _told(findings: Findings) -> _ToldParts:
    """The parts in their order, as many as there is room for; the whole corpus always."""
    made = environment()
    made.filters |= {"pieces": pieces, "cite": cited}
    template = made.get_template("html/told.html")
    labels, html, n_bytes = [], [], 0
    for place, told in enumerate(findings.told):
        text = template.render(findings=findings, told=told, place=place, n_audiences=len(findings.audiences))
        n_bytes += len(text.encode())
        if place and n_bytes > MOST_TOLD_BYTES:
            break
        labels.append((told.scope, _label(told)))
        html.append(Markup(text))
    return _ToldParts(labels, html, len(findings.told) - len(html))


def _label(told: Told) -> str:
    scope = told.scope
    if scope.kind == "corpus":
        return "The whole corpus"
    days = f" ({scope.first} to {scope.last})" if scope.first and scope.last else ""
    around = "Around " if scope.kind == "window" else ""
    return f"{around}{shown(scope.label, 60)}{days}"
