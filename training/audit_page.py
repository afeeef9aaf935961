"""A label audit as one self-contained HTML page, in the looks of the summary page. Every text is masked, cut and escaped.

Not here: what is found (label_audit.py); the page's words, which stand in audit.html.j2.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from segmenter.sources.label_studio import NONE
from segmenter.summary.redact import redacted
from segmenter.summary.templates import environment
from training.conflicts import Conflict
from training.label_audit import LabelAudit, files, reference

CONFLICTS_SHOWN = 40
MESSAGES_SHOWN = 6  # of one conflict
ERRORS_SHOWN = 40
LANGUAGES_SHOWN = 20
TEMPLATE = Path(__file__).parent / "audit.html.j2"


@dataclass(frozen=True)
class Group:
    """Messages of one language, file or label kind: how many carry each audience, how many none, how many are doubted."""

    name: str
    n: int
    n_doubted: int
    audiences: dict[str, int]


@dataclass(frozen=True)
class Shown:
    """A message as the page shows it; `text` is empty where the one above it is the same."""

    text: str
    lang: str
    labels: str
    place: str


def page(found: LabelAudit) -> str:
    """The whole page."""
    names = {audience.id: audience.name for audience in found.params.audiences}
    by_language = _groups(found.frame, "lang", found.params.audience_ids)
    return (
        environment()
        .from_string(TEMPLATE.read_text("utf-8"))
        .render(
            found=found,
            params=found.params,
            n_messages=len(found.frame),
            names=names,
            files=files(found.frame),
            languages=by_language[:LANGUAGES_SHOWN],
            n_further_languages=max(0, len(by_language) - LANGUAGES_SHOWN),
            n_languages=len(by_language),
            by_file=_groups(found.frame, "table", found.params.audience_ids),
            by_kind=_groups(found.frame, "label_kind", found.params.audience_ids),
            conflicts=[(one, _messages(found, one, names)) for one in found.conflicts[:CONFLICTS_SHOWN]],
            errors=[
                (one, _shown(found.frame, one.place, names), _named(one.suggested, names))
                for one in found.listed[:ERRORS_SHOWN]
            ],
        )
    )


def _groups(frame: pd.DataFrame, column: str, audience_ids: list[str]) -> list[Group]:
    """The largest first."""
    found = []
    for name, part in frame.groupby(column):
        carried = part["audiences"].explode().fillna(NONE).value_counts()
        counted = {one: int(carried.get(one, 0)) for one in (*audience_ids, NONE)}
        found.append(Group(str(name), len(part), int(part["doubted"].sum()), counted))
    return sorted(found, key=lambda group: -group.n)


def _messages(found: LabelAudit, conflict: Conflict, names: dict[str, str]) -> list[Shown]:
    keys = found.frame["key"].iloc[conflict.places].tolist()
    return [
        _shown(found.frame, place, names, is_repeat=number > 0 and keys[number] == keys[number - 1])
        for number, place in enumerate(conflict.places[:MESSAGES_SHOWN])
    ]


def _shown(frame: pd.DataFrame, place: int, names: dict[str, str], *, is_repeat: bool = False) -> Shown:
    row = reference(frame, place)
    where = f"{row['id']} · {Path(str(row['table'])).name} line {row['line']} · {row['label_kind']} · {row['split']}"
    text = "" if is_repeat else redacted(frame["text"].iloc[place])
    return Shown(text, str(row["lang"]), _named(frame["audiences"].iloc[place], names), where)


def _named(audiences: list[str], names: dict[str, str]) -> str:
    return " + ".join(names[audience] for audience in audiences) or NONE
