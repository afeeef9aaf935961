"""The schema of summary.json."""

import copy
import json
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import invented
import jsonschema
import pytest

from segmenter.summary.schema import schema_text

FILE = files("segmenter.summary") / "summary.schema.json"


def written(findings: object) -> dict[str, Any]:
    return dict(json.loads(json.dumps(asdict(findings), default=str)))  # type: ignore[call-overload]


def checked(found: dict[str, Any]) -> None:
    schema = json.loads(FILE.read_text("utf-8"))
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(found)


def test_the_schema_of_the_file_is_that_of_the_findings() -> None:
    # another format: raise FORMAT, then write schema_text() to the file
    assert FILE.read_text("utf-8") == schema_text()
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize("make", [invented.ordinary, invented.hostile, invented.undated])
def test_findings_are_what_their_schema_says(make: object) -> None:
    checked(written(make()))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), 1),
        (("corpus", "n_messages"), -1),
        (("corpus", "authors"), 5),
        (("audiences", 0, "share", "value"), 1.2),
        (("dimensions", 0, "values", 0, "over_time", "audiences", "north", "low"), [-0.5]),
        (("windows", 3, "p"), 2),
        (("told", 0, "audiences", 0, "examples", 0, "score"), "high"),
        (("events", 0, "date"), "soon"),
        (("judgements",), None),
    ],
)
def test_the_schema_refuses_what_is_no_summary(path: tuple[str | int, ...], value: object) -> None:
    found = copy.deepcopy(written(invented.ordinary()))
    place: Any = found
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError, match=r".+"):
        checked(found)


def test_a_rate_ratio_may_be_above_one() -> None:
    found = written(invented.ordinary())
    assert found["windows"][3]["high"] > 1  # 1.8 times 1.4
    checked(found)


def test_a_key_has_the_words_of_its_docstring() -> None:
    share = json.loads(schema_text())["$defs"]["ShareFinding"]["properties"]
    assert share["n_estimable"]["description"].startswith("In-scope messages in languages in which this audience")
