"""The folder of parts: a plan, numbered Parquet files each written whole, and what of them is there already.

A run that was broken off goes on where the parts end, a corpus that grew has its new files added; whatever would mix two
plans in one folder is refused. Not here: what is in a part (engines.py), the order of the work (job.py).
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from segmenter.errors import TableError
from segmenter.inputs import Corpus
from segmenter.rows import JSON_TEXT, one_line
from segmenter.score import Scorer
from segmenter.scoring.tally import Tally
from segmenter.sections import Section
from segmenter.text import RULES
from segmenter.writers import parquet_bytes, sole_writer, swept, whole_file, write_text

FORMAT = 1
MANIFEST, RECORD, LOCK = "manifest.json", "run.json", ".lock"
FOOTER = b"segmenter"  # the key of a part's own account in its Parquet footer
_NAME = re.compile(r"part-(\d{5,})-(\d{6,})\.parquet")
_ELSEWHERE = "name another --out"
_TERMS = {  # what all parts of a folder have in common, and what it is called where it differs
    "bundle": "another model", "runtime": "another runtime", "text_rules": "other text rules", "source": "another --from",
    "text_column": "another --text-column", "columns": "other --columns", "prefix": "another --prefix",
    "part_rows": "another score.part_rows", "audiences": "another model", "fields": "other input columns",
}  # fmt: skip


class PlannedFile(Section):
    """One input file: its name, size and digest."""

    name: str
    n_bytes: int
    sha256: str


class Plan(Section):
    """What a folder of parts holds, or will when it is complete: all that decides a byte of its parts, and no time.

    Attributes:
        format: Of the folder.
        bundle: Its digest.
        runtime: The key of the runtime.
        text_rules: Their version.
        source: What wrote the input, as in --from.
        text_column: The column of the text.
        columns: Those carried over, None for all.
        prefix: Of the added columns.
        part_rows: Rows of an input file that become one part, rejects included.
        fields: Type of each column of a part, by name, in order.
        audiences: Their ids, in the order of the scores.
        files: In the order they are scored; a file's place is its number in the names of its parts.
        complete: Whether every part is there.
        totals: The tally of the whole corpus once it is complete.
    """

    format: int
    bundle: str
    runtime: str
    text_rules: int
    source: str
    text_column: str
    columns: tuple[str, ...] | None
    prefix: str
    part_rows: int
    fields: dict[str, str]
    audiences: tuple[str, ...]
    files: tuple[PlannedFile, ...]
    complete: bool = False
    totals: dict[str, Any] | None = None

    @property
    def terms(self) -> str:
        """A digest of all that the parts have in common: of everything but the files and how far they are scored."""
        shared = self.model_dump_json(exclude={"files", "complete", "totals"})
        return hashlib.sha256(shared.encode()).hexdigest()


@dataclass(frozen=True)
class Parts:
    """Where parts go and what they are to be; plain data, for whoever writes them."""

    folder: Path
    plan: Plan

    def path(self, file: int, number: int) -> Path:
        """The file of one part."""
        return self.folder / f"part-{file:05d}-{number:06d}.parquet"

    def identity(self, file: int, number: int) -> dict[str, object]:
        """What tells a part from every other one."""
        plan = self.plan
        return {"bundle": plan.bundle, "terms": plan.terms, "input": plan.files[file].sha256, "number": number}


@dataclass(frozen=True)
class There:
    """What stands in a folder already.

    Attributes:
        parts: The folder with its plan: recorded files first, those that are new after them.
        done: Numbers of the parts that are there, by file.
        tally: Of all of them.
    """

    parts: Parts
    done: Mapping[int, frozenset[int]]
    tally: Tally


def plan_of(corpus: Corpus, scorer: Scorer, schema: pa.Schema, *, prefix: str) -> Plan:
    """The plan of a corpus that nothing is done of; `schema` is that of the output."""
    return Plan(
        format=FORMAT,
        bundle=scorer.bundle.digest,
        runtime=scorer.runtime.key,
        text_rules=RULES,
        source=corpus.source,
        text_column=corpus.text_field or corpus.text_column,
        columns=corpus.columns,
        prefix=prefix,
        part_rows=scorer.settings.part_rows,
        fields={field.name: _type(field) for field in schema},
        audiences=tuple(scorer.bundle.audience_ids),
        files=tuple(PlannedFile(name=file.name, n_bytes=file.n_bytes, sha256=file.sha256) for file in corpus.files),
    )


def _type(field: pa.Field) -> str:
    """A column's type; text that holds JSON is another one, for `m1` and `"m1"` must not stand in one column."""
    return f"{field.type} of JSON" if field.metadata == JSON_TEXT else str(field.type)


def look(folder: Path, plan: Plan) -> There:
    """What of a plan is done in a folder, which is only read.

    Raises:
        TableError: The folder holds something else, another plan's parts, or a damaged one.
    """
    nothing = Tally.none(len(plan.audiences))
    names = _names(folder)
    if MANIFEST not in names:
        if names:
            found = f"holds {names[0]!r} and no parts of a scored corpus"
            raise TableError(folder, found, "name a folder that is empty or not there")
        return There(Parts(folder, plan), {}, nothing)
    recorded = _recorded(folder)
    _refuse_another(folder, recorded, plan)
    parts = Parts(folder, _with_new_files(folder, recorded, plan))
    done: defaultdict[int, set[int]] = defaultdict(set)
    tally = nothing
    for name in names:
        if name in (MANIFEST, RECORD):
            continue
        met = _NAME.fullmatch(name)
        if met is None or int(met[1]) >= len(recorded.files):
            raise TableError(folder / name, "is no part of this scored corpus", "move it out of the folder")
        file, number = int(met[1]), int(met[2])
        done[file].add(number)
        tally += _account(parts, file=file, number=number)
    return There(parts, {file: frozenset(numbers) for file, numbers in done.items()}, tally)


@contextmanager
def open_parts(folder: Path, plan: Plan) -> Iterator[There]:
    """Hold a folder against other runs, with its plan written; what a killed run left half-written is swept away.

    Raises:
        TableError: As `look`, another run holds it, or it cannot be written.
    """
    with sole_writer(folder, folder / LOCK):
        there = look(folder, plan)
        swept(folder)
        if not there.parts.plan.complete:
            _write(there.parts)
        yield there


def write_part(parts: Parts, rows: pa.RecordBatch, tally: Tally, *, file: int, number: int) -> None:
    """Write one part, whole or not at all; the same rows give the same bytes.

    Raises:
        TableError: The folder cannot be written to, or the disk is full.
    """
    account = parts.identity(file, number) | {"tally": tally.as_json()}
    content = parquet_bytes(rows, {FOOTER: json.dumps(account).encode()})
    with whole_file(parts.path(file, number)) as stream:
        stream.write(content)


def complete(parts: Parts, tally: Tally) -> None:
    """Record that every part is there, and their tally.

    Raises:
        TableError: The folder cannot be written to, or the disk is full.
    """
    done = parts.plan.model_copy(update={"complete": True, "totals": tally.as_json()})
    if done != parts.plan:
        _write(Parts(parts.folder, done))


def _names(folder: Path) -> list[str]:
    """What lies in a folder, by name, hidden things left out."""
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TableError(folder, f"cannot be read as a folder ({error.strerror})", _ELSEWHERE) from error


def _write(parts: Parts) -> None:
    write_text(parts.folder / MANIFEST, parts.plan.model_dump_json(indent=1) + "\n")


def _recorded(folder: Path) -> Plan:
    place = folder / MANIFEST
    try:
        found = json.loads(place.read_text("utf-8"))
        if isinstance(found, dict) and "part_rows" in found and found.get("format") != FORMAT:
            wrong = f"is of format {found.get('format')!r}, this segmenter writes {FORMAT}"
            raise TableError(place, wrong, f"use the segmenter that wrote it, or {_ELSEWHERE}")
        return Plan.model_validate_json(json.dumps(found))
    except OSError as error:
        raise TableError(place, f"cannot be read ({error.strerror})", _ELSEWHERE) from error
    except ValueError as error:  # pydantic's ValidationError is one
        why = "no such fields" if isinstance(error, ValidationError) else one_line(error)
        raise TableError(place, f"is not the plan of a scored corpus ({why})", _ELSEWHERE) from error


def _refuse_another(folder: Path, recorded: Plan, plan: Plan) -> None:
    """See to it that the parts to come have all in common with those that are there."""
    for name, what in _TERMS.items():
        was, now = getattr(recorded, name), getattr(plan, name)
        if was == now:
            continue
        if name == "fields":
            was, now = (sorted(set(one.items()) - set(other.items())) for one, other in ((was, now), (now, was)))
        found = f"its parts were scored with {what} ({_shown(was)}, now {_shown(now)})"
        raise TableError(folder, found, f"repeat the command as it was, or {_ELSEWHERE}")


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(f"{name!r} {kind}" for name, kind in value) or "none more"
    return repr(value[:16] if isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) else value)


def _with_new_files(folder: Path, recorded: Plan, plan: Plan) -> Plan:
    """The recorded plan, with files that are new after its own."""
    now = {file.name: file for file in plan.files}
    for file in recorded.files:
        if file.name not in now:
            found = f"its parts were scored from {file.name!r} too, which is not among the inputs now"
            raise TableError(folder, found, f"put it back, or {_ELSEWHERE}")
        if now[file.name] != file:
            found = f"the input {file.name!r} has changed since it was scored (sha256 differs)"
            raise TableError(folder, found, _ELSEWHERE)
    names = {file.name for file in recorded.files}
    new = [file for file in plan.files if file.name not in names]
    if not new:
        return recorded
    return recorded.model_copy(update={"files": (*recorded.files, *new), "complete": False, "totals": None})


def _account(parts: Parts, *, file: int, number: int) -> Tally:
    """The tally in a part's footer.

    Raises:
        TableError: It is not a whole Parquet file, or not the part its name says.
    """
    path = parts.path(file, number)
    try:
        metadata = pq.read_metadata(path)
        account = json.loads((metadata.metadata or {})[FOOTER])
        tally = Tally.of_json(account.pop("tally"))
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        found = f"is damaged, or none of our parts ({one_line(error)})"
        raise TableError(path, found, "delete it and repeat the command") from error
    if account != parts.identity(file, number) or metadata.num_rows != tally.n_messages:
        raise TableError(path, "is a part of another scored corpus", "delete it and repeat the command")
    return tally
