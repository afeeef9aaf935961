"""The behaviour suite's files as they are written: read, checked, and a fault in them explained. Not here: their cases."""

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from eval.expectations import Rule
from segmenter.errors import SegmenterError
from segmenter.sections import Section

Words = Annotated[str, Field(min_length=1)]
GroupName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{3,}$")]  # longer than a language's code: both name rates
Amount = Annotated[float, Field(gt=0.0, le=1.0)]


class SuiteError(SegmenterError):
    """A file of the behaviour suite that does not say what its cases need."""


class Written(Section):
    """What every message of the suite says of itself; `why` is one short reason by the codebook."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
    text: Words
    why: Words


class PlainCase(Written):
    """A message and the audiences it is plainly built for."""

    expect: list[str]


class PairCase(Written):
    """A message before and after a change, and the audience whose score is watched."""

    changed: Words
    audience: str


class PairGroup(Section):
    """Pairs under one rule."""

    rule: Rule
    amount: Amount
    cases: Annotated[list[PairCase], Field(min_length=1)]


class MinimumFile(Section):
    """Minimum functionality: plain messages by group."""

    capability: Literal["minimum"]
    written_by: Words
    audiences: Annotated[list[str], Field(min_length=1)]
    groups: dict[GroupName, Annotated[list[PlainCase], Field(min_length=1)]]

    @property
    def written(self) -> list[Written]:
        """All its messages, in the order of lines."""
        return [case for cases in self.groups.values() for case in cases]


class InvarianceFile(Section):
    """Invariance: every message under every perturbation, which is named with its reason."""

    capability: Literal["invariance"]
    written_by: Words
    score_within: Amount
    perturbations: dict[str, Words]
    messages: Annotated[list[Written], Field(min_length=1)]

    @property
    def written(self) -> list[Written]:
        """All its messages, in the order of lines."""
        return self.messages


class DirectionFile(Section):
    """Direction: pairs by group."""

    capability: Literal["direction"]
    written_by: Words
    audiences: Annotated[list[str], Field(min_length=1)]
    groups: dict[GroupName, PairGroup]

    @property
    def written(self) -> list[Written]:
        """All its messages, in the order of lines."""
        return [case for group in self.groups.values() for case in group.cases]


SuiteFile = MinimumFile | InvarianceFile | DirectionFile
KINDS: dict[str, type[SuiteFile]] = {"minimum": MinimumFile, "invariance": InvarianceFile, "direction": DirectionFile}


class _Loader(yaml.SafeLoader):
    """YAML in which a key given twice is a fault: PyYAML keeps the last silently, and the first one's cases are lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As SafeLoader's, twice the same key refused."""
        keys = [key.value for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                mark = node.value[place][0].start_mark
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", mark)
        return super().construct_mapping(node, deep)


def read_file(path: Path) -> SuiteFile:
    """One file of the suite, every key known and every value of its type.

    Raises:
        SuiteError: It cannot be read, is not YAML, or does not say what its cases need.
    """
    try:
        raw = yaml.load(path.read_text("utf-8"), _Loader)
    except OSError as error:
        raise SuiteError(path, f"cannot be read ({error.strerror})", "check that file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise SuiteError(path, f"is not YAML ({said})", "mend that line; put texts in quotation marks") from error
    capability = raw.get("capability") if isinstance(raw, dict) else None
    if not isinstance(capability, str) or capability not in KINDS:
        known = ", ".join(KINDS)
        raise SuiteError(path, f"its capability is {capability!r}", f"write a line 'capability:' with one of {known}")
    try:
        return KINDS[capability].model_validate(raw)
    except ValidationError as error:
        faults = error.errors()  # a misspelt key is two faults, missing and unknown: the second says more
        first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
        loc = [part for part in first["loc"] if part != "[key]"]
        said = f"{first['msg'][0].lower()}{first['msg'][1:]}, found {first.get('input')!r}"
        raise SuiteError(f"{path}: {_place(raw, loc)}", *_explained(first["type"], str(loc[-1]), said)) from error


def _place(raw: object, loc: list[int | str]) -> str:
    """The case that a fault lies in, by its id where it has one, and the key below it."""
    place, below = "", []
    for part in loc:
        below.append(str(part))
        if isinstance(raw, dict):
            raw = raw.get(part)
        elif isinstance(raw, list) and isinstance(part, int) and part < len(raw):
            raw = raw[part]
        if isinstance(raw, dict) and "id" in raw:
            place, below = f"case {raw['id']!r}", []
    return ": ".join(part for part in (place, ".".join(below)) if part)


def _explained(fault: str, key: str, said: str) -> tuple[str, str]:
    if fault == "extra_forbidden":
        known = {name for kind in (*KINDS.values(), PlainCase, PairCase, PairGroup) for name in kind.model_fields}
        return "unknown key", near(key, sorted(known), "take it out")
    if fault == "missing":
        return "missing", "write that line, as the file's first lines say"
    return said, "write it as the file's first lines say"


def near(word: str, known: list[str], otherwise: str) -> str:
    """What would do about an unknown word: the known one that looks like it, or else `otherwise`."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else otherwise
