"""The JSON schema of summary.json, made from the findings' own dataclasses and their docstrings, so that it cannot differ.

`summary.schema.json` beside this file is what `schema_text` gives. Not here: what the findings mean beyond a key's line.
"""

import inspect
import json
import re
from dataclasses import is_dataclass
from typing import Any

from pydantic import TypeAdapter

from segmenter.summary import events, findings, words
from segmenter.summary.findings import FORMAT, Findings

PARTS_OF_ONE = {"value", "low", "high", "bound_low", "bound_high", "score", "p", "p_holm"}
RATIOS = {("Window", "low"), ("Window", "high")}
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.+(?:\n {8,}.+)*)", re.MULTILINE)


def schema() -> dict[str, Any]:
    """JSON schema, draft 2020-12, of the findings as `summary.json` holds them."""
    found = TypeAdapter(Findings).json_schema(ref_template="#/$defs/{model}")
    definitions = found.pop("$defs")
    for name, definition in {**definitions, "Findings": found}.items():
        _complete(name, definition)
    found["properties"]["format"] = {"const": FORMAT}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"summary.json, format {FORMAT}",
        "description": "What segmenter summarise found: facts are counts, estimates are shares with intervals.",
    }
    return {**head, **{key: value for key, value in found.items() if key not in head}, "$defs": definitions}


def schema_text() -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(), ensure_ascii=False, indent=1) + "\n"


def _complete(name: str, definition: dict[str, Any]) -> None:
    """Add what types do not say: no further keys, ranges of numbers, and the docstring's words."""
    definition["additionalProperties"] = False
    described = _described(name)
    definition["description"] = described.pop("", name)
    for key, part in definition["properties"].items():
        part.pop("title", None)
        if key in described:
            part["description"] = described[key]
        for number in _numbers(part):
            if number["type"] == "integer":
                number["minimum"] = 0
            elif key in PARTS_OF_ONE and (name, key) not in RATIOS:
                number["minimum"], number["maximum"] = 0, 1


def _numbers(part: dict[str, Any]) -> list[dict[str, Any]]:
    """The places of a property's schema that stand for a number: its own, one of a choice, or a list's items."""
    parts = [part, *part.get("anyOf", [])]
    parts += [one[key] for one in parts for key in ("items", "additionalProperties") if isinstance(one.get(key), dict)]
    parts += [choice for one in parts for choice in one.get("anyOf", [])]
    unique = {id(one): one for one in parts}
    return [one for one in unique.values() if one.get("type") in ("integer", "number")]


def _described(name: str) -> dict[str, str]:
    """First sentence of a dataclass's docstring under "", and the lines of its attributes by name."""
    for module in (findings, events, words):
        found = getattr(module, name, None)
        if found is not None and is_dataclass(found):
            text = inspect.getdoc(found) or ""
            lines = {key: " ".join(words.split()) for key, words in _ATTRIBUTE.findall(text)}
            return {"": text.split("\n")[0], **lines}
    return {}
