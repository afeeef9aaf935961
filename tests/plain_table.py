"""A labelled table of params with nothing out of the ordinary: tests name its path, and change what they are about."""

from typing import Any

PLAIN_TABLE: dict[str, Any] = {
    "path": "none.csv",
    "format": "table",
    "columns": {},
    "labels": {},
    "splits": {},
    "filter": {},
    "author_messages_at_most": None,
    "keep": [],
    "annotators": [],
    "label_kind": "gold",
    "weight": 1.0,
}
