"""Label Studio's JSON export: one row an annotation, cancelled and empty ones set aside; and the flat JSON_MIN.

Not here: `predictions`, which are a model's scores and never labels.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from segmenter.errors import TableError
from segmenter.rows import Position, Row, Values
from segmenter.sources.json_stream import JsonStream
from segmenter.sources.records import (
    LABELLED,
    Messages,
    Names,
    SetAside,
    Source,
    context,
    labels_in,
    plain,
    rows_of,
    text_in,
)

CONTROL, TEXT = "audience", "text"  # as training/label_studio.xml names them
NONE = "none"  # the choice of a message that is for none of the audiences: an empty result means nobody chose


def result(chosen: list[str]) -> Values:
    """What a task's prediction holds: these choices about the text, NONE where there are none."""
    return {"from_name": CONTROL, "to_name": TEXT, "type": "choices", "value": {"choices": chosen or [NONE]}}


def _rows(file: Path, names: Names) -> Iterator[tuple[Row, Position]]:
    text = names.text or TEXT
    control = names.labels or _control(file, text)
    with JsonStream(file) as stream:
        for number, task in enumerate(stream.records(), 1):
            for row in rows_of(number, task, partial(_messages, text=text, control=control)):
                yield row, stream.position
        stream.end()


def _control(file: Path, text: str) -> str:
    """The one control of choices about the text: a first reading of the file, for an annotation alone cannot tell."""
    found: set[str] = set()
    with JsonStream(file) as stream:
        for task in stream.records():
            annotations = task.get("annotations") if isinstance(task, dict) else None
            for annotation in annotations if isinstance(annotations, list) else []:
                results = annotation.get("result") if isinstance(annotation, dict) else None
                found |= {str(part.get("from_name")) for part in _choices(results, text)}
    if len(found) > 1 and CONTROL not in found:
        listed = ", ".join(map(repr, sorted(found)))
        raise TableError(file, f"holds choices of the controls {listed}", "name the one to read (--label-column)")
    return next(iter(found)) if len(found) == 1 else CONTROL


def _choices(results: object, text: str) -> list[Values]:
    """The choices about the text among an annotation's results; about all there is, where nothing is named like it."""
    parts = [part for part in results if isinstance(part, dict)] if isinstance(results, list) else []
    choices = [part for part in parts if part.get("type") == "choices"]
    return [part for part in choices if part.get("to_name") in (TEXT, text)] or choices


def _messages(task: Values, *, text: str, control: str) -> Messages:
    if "data" not in task and "annotations" not in task:
        yield _flat(task, text, control)
        return
    data, annotations = task.get("data"), task.get("annotations")
    if not isinstance(data, dict):
        raise SetAside(f"field 'data' holds {type(data).__name__}, not an object", left_out=False)
    if not isinstance(annotations, list):
        raise SetAside(f"field 'annotations' holds {type(annotations).__name__}, not a list", left_out=False)
    message = {
        "id": plain("id", data.get("id")) or plain("id", task.get("id")),
        "text": text_in(data, text),
        **context(data, task.get("meta")),
    }
    if not annotations:
        raise SetAside("has no annotation", left_out=True)
    for annotation in annotations:
        try:
            yield message | _annotation(annotation, text, control)
        except SetAside as reason:
            yield reason


def _annotation(annotation: Any, text: str, control: str) -> Values:  # noqa: ANN401
    if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
        raise SetAside("an annotation has no list of results", left_out=False)
    if annotation.get("was_cancelled"):
        raise SetAside("the annotation was cancelled", left_out=True)
    labels: list[object] = []
    for part in _choices(annotation["result"], text):
        if part.get("from_name") == control:
            value = part.get("value")
            chosen = value.get("choices") if isinstance(value, dict) else value
            labels += chosen if isinstance(chosen, list) else [chosen]
    return {"audiences": labels_in("choices", labels), "annotator": _annotator(annotation.get("completed_by"))}


def _annotator(found: object) -> str | None:
    """Who annotated, by number: the e-mail address that some exports carry is left there."""
    return plain("completed_by", found.get("id") if isinstance(found, dict) else found)


def _flat(task: Values, text: str, control: str) -> Values:
    """A record of JSON_MIN: one annotation, its task's fields beside it, dated by the annotation and not the message."""
    found = task.get(control)
    return {
        "id": plain("id", task.get("id")),
        "text": text_in(task, text),
        "audiences": labels_in(control, found.get("choices") if isinstance(found, dict) else found),
        "annotator": _annotator(task.get("annotator")),
        **context(task),
        "created_at": None,
    }


SOURCE = Source(".json", LABELLED, "record", _rows)
