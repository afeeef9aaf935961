import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmenter.errors import TableError
from segmenter.rows import JSON_TEXT
from segmenter.scoring.parts import FOOTER, Parts, Plan, PlannedFile, complete, look, open_parts, write_part
from segmenter.scoring.tally import Tally

TALLY = replace(Tally.none(2), n_rows=3, n_rejects=1, verdicts=Counter({"chosen": 2}))
ROWS = pa.RecordBatch.from_pydict({"id": ["1", "2"], "text": ["the red bakery", "the old bakery"]})


def file(name: str, content: str = "a") -> PlannedFile:
    return PlannedFile(name=name, n_bytes=len(content), sha256=content * 64)


def plan(*files: PlannedFile, **changes: Any) -> Plan:  # noqa: ANN401
    """A plan over two files, or those given."""
    return Plan(
        format=1,
        bundle="b" * 64,
        runtime="cpu",
        text_rules=2,
        source="table",
        text_column="text",
        columns=None,
        prefix="",
        part_rows=3,
        fields={"id": "string", "text": "string"},
        audiences=("gardeners", "readers"),
        files=files or (file("a.csv"), file("b.csv", "b")),
    ).model_copy(update=changes)


def write(folder: Path, numbers: list[tuple[int, int]], whole: Plan | None = None) -> Parts:
    """A folder of a plan with some of its parts, each (file, number)."""
    with open_parts(folder, whole or plan()) as there:
        for file, number in numbers:
            write_part(there.parts, ROWS, TALLY, file=file, number=number)
    return there.parts


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_part_holds_its_rows_and_their_tally(tmp_path: Path) -> None:
    write(tmp_path, [(0, 1)])
    path = tmp_path / "part-00000-000001.parquet"
    assert pq.read_table(path).to_pydict() == ROWS.to_pydict()
    assert json.loads(pq.read_metadata(path).metadata[FOOTER])["tally"] == TALLY.as_json()


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        complete(write(tmp_path / name, [(0, 0), (0, 1), (1, 0)]), TALLY)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert len(content(tmp_path / "a")) == 4


def test_what_marks_json_text_in_memory_is_not_stored(tmp_path: Path) -> None:
    marked = pa.RecordBatch.from_arrays(
        ROWS.columns, schema=pa.schema([field.with_metadata(JSON_TEXT) for field in ROWS.schema])
    )
    write_part(Parts(tmp_path, plan()), marked, TALLY, file=0, number=0)
    assert pq.read_schema(tmp_path / "part-00000-000000.parquet").field("text").metadata is None


def test_a_new_folder_gets_the_plan_before_any_part(tmp_path: Path) -> None:
    with open_parts(tmp_path / "out", plan()) as there:
        found = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
        assert (found["complete"], [part["name"] for part in found["files"]]) == (False, ["a.csv", "b.csv"])
    assert (there.done, there.tally.n_rows) == ({}, 0)


def test_parts_that_are_there_are_found_with_their_tally(tmp_path: Path) -> None:
    write(tmp_path, [(0, 0), (0, 2), (1, 0)])
    there = look(tmp_path, plan())
    assert there.done == {0: {0, 2}, 1: {0}}
    assert (there.tally.n_rows, there.tally.n_messages) == (9, 6)


def test_looking_writes_nothing(tmp_path: Path) -> None:
    look(tmp_path / "out", plan())
    assert not (tmp_path / "out").exists()


def test_only_the_plan_and_the_parts_are_left(tmp_path: Path) -> None:
    write(tmp_path, [(0, 0)])
    assert sorted(content(tmp_path)) == ["manifest.json", "part-00000-000000.parquet"]


def test_what_a_killed_run_left_half_written_is_swept(tmp_path: Path) -> None:
    write(tmp_path, [(0, 0)])
    for name in (".part-00000-000001.parquet.4711.part", ".manifest.json.9.part", ".keep"):
        (tmp_path / name).write_text("half", "utf-8")
    with open_parts(tmp_path, plan()):
        assert sorted(content(tmp_path)) == [".keep", ".lock", "manifest.json", "part-00000-000000.parquet"]


def test_a_finished_folder_says_so_with_its_totals(tmp_path: Path) -> None:
    complete(write(tmp_path, [(0, 0)]), TALLY)
    found = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert (found["complete"], found["totals"]["n_rows"], found["totals"]["n_rejects"]) == (True, 3, 1)


def test_a_finished_folder_that_is_opened_again_stays_finished(tmp_path: Path) -> None:
    complete(write(tmp_path, [(0, 0)]), TALLY)
    before = content(tmp_path)
    with open_parts(tmp_path, plan()) as there:
        complete(there.parts, TALLY)
    assert content(tmp_path) == before


def test_a_folder_is_opened_by_one_run_at_a_time(tmp_path: Path) -> None:
    with open_parts(tmp_path, plan()):
        refused = (
            f"^{tmp_path}: is being written by another run; wait until that run has ended, or name another output$"
        )
        with pytest.raises(TableError, match=refused), open_parts(tmp_path, plan()):
            pass
    with open_parts(tmp_path, plan()) as there:
        assert there.done == {}


def test_new_files_come_after_the_recorded_ones_whatever_their_names(tmp_path: Path) -> None:
    complete(write(tmp_path, [(0, 0), (1, 0)]), TALLY)
    grown = plan(file("0.csv", "c"), file("a.csv"), file("aa.csv", "d"), file("b.csv", "b"))
    there = look(tmp_path, grown)
    assert [part.name for part in there.parts.plan.files] == ["a.csv", "b.csv", "0.csv", "aa.csv"]
    assert there.done == {0: {0}, 1: {0}}


def test_a_folder_that_grew_is_not_finished_any_more(tmp_path: Path) -> None:
    complete(write(tmp_path, [(0, 0), (1, 0)]), TALLY)
    with open_parts(tmp_path, plan(file("a.csv"), file("b.csv", "b"), file("c.csv", "c"))):
        pass
    found = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert (found["complete"], found["totals"], len(found["files"])) == (False, None, 3)


def test_columns_in_another_order_are_the_same_columns(tmp_path: Path) -> None:
    # a new file may come first, and with it its order of columns; the parts keep theirs
    write(tmp_path, [(0, 0)])
    there = look(tmp_path, plan(fields={"text": "string", "id": "string"}))
    assert list(there.parts.plan.fields) == ["id", "text"]


ANOTHER = {
    "model": ({"bundle": "c" * 64}, "another model ('bbbbbbbbbbbbbbbb', now 'cccccccccccccccc')"),
    "runtime": ({"runtime": "torch"}, "another runtime ('cpu', now 'torch')"),
    "text rules": ({"text_rules": 3}, "other text rules (2, now 3)"),
    "format": ({"source": "telegram"}, "another --from ('table', now 'telegram')"),
    "text column": ({"text_column": "body"}, "another --text-column ('text', now 'body')"),
    "columns": ({"columns": ("id",)}, "other --columns (None, now ('id',))"),
    "prefix": ({"prefix": "seg_"}, "another --prefix ('', now 'seg_')"),
    "rows": ({"part_rows": 4}, "another score.part_rows (3, now 4)"),
    "fields": ({"fields": {"id": "int64", "text": "string"}}, "other input columns ('id' string, now 'id' int64)"),
}


@pytest.mark.parametrize(("changes", "what"), ANOTHER.values(), ids=ANOTHER)
def test_parts_of_two_plans_are_never_mixed(tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    write(tmp_path, [(0, 0)])
    before = content(tmp_path)
    with (
        pytest.raises(TableError, match="its parts were scored with") as refused,
        open_parts(tmp_path, plan(**changes)),
    ):
        pass
    sentence = f"{tmp_path}: its parts were scored with {what}; repeat the command as it was, or name another --out"
    assert str(refused.value) == sentence
    assert content(tmp_path) == before


def test_an_input_that_changed_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [(0, 0)])
    with pytest.raises(
        TableError, match=r"the input 'b\.csv' has changed since it was scored \(sha256 differs\); name"
    ):
        look(tmp_path, plan(file("a.csv"), file("b.csv", "x")))


def test_an_input_that_is_gone_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [(0, 0)])
    with pytest.raises(TableError, match=r"its parts were scored from 'b\.csv' too, which is not among the inputs now"):
        look(tmp_path, plan(file("a.csv"), file("c.csv", "c")))


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(TableError, match=r"holds 'notes\.txt' and no parts of a scored corpus; name a folder that is"):
        look(tmp_path, plan())


def test_what_stands_in_the_way_is_left_as_it_is(tmp_path: Path) -> None:
    # not ours to sweep, whatever its name
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    (tmp_path / ".notes.txt.12.part").write_text("half", "utf-8")
    before = content(tmp_path)
    with pytest.raises(TableError, match="no parts of a scored corpus"), open_parts(tmp_path, plan()):
        pass
    assert content(tmp_path) == before


@pytest.mark.parametrize("text", ["{}", '{"format": 3}', "not JSON", "[1]"])
def test_another_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, "utf-8")
    with pytest.raises(
        TableError, match=r"manifest\.json: is not the plan of a scored corpus \(.+\); name another --out"
    ):
        look(tmp_path, plan())


def test_a_folder_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    newer = json.loads(plan().model_dump_json()) | {"format": 9}
    (tmp_path / "manifest.json").write_text(json.dumps(newer), "utf-8")
    with pytest.raises(
        TableError, match="is of format 9, this segmenter writes 1; use the segmenter that wrote it, or"
    ):
        look(tmp_path, plan())


@pytest.mark.parametrize("name", ["notes.txt", "more.parquet", "part-00002-000000.parquet"])
def test_a_stranger_among_the_parts_is_refused(tmp_path: Path, name: str) -> None:
    # there are files 0 and 1
    parts = write(tmp_path, [(0, 0)])
    (tmp_path / name).write_bytes(parts.path(0, 0).read_bytes())
    with pytest.raises(TableError, match=f"{name}: is no part of this scored corpus; move it out of the folder"):
        look(tmp_path, plan())


def test_the_record_of_a_run_is_no_stranger(tmp_path: Path) -> None:
    write(tmp_path, [(0, 0)])
    (tmp_path / "run.json").write_text("{}", "utf-8")
    assert look(tmp_path, plan()).done == {0: {0}}


@pytest.mark.parametrize("n_bytes", [0, 3, -1])
def test_a_damaged_part_is_noticed(tmp_path: Path, n_bytes: int) -> None:
    path = write(tmp_path, [(0, 0)]).path(0, 0)
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(
        TableError, match=r"000000\.parquet: is damaged, or none of our parts \(.+\); delete it and repeat"
    ):
        look(tmp_path, plan())


def test_a_table_that_is_no_part_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path, []).path(0, 0)
    pq.write_table(pa.Table.from_batches([ROWS]), path)
    with pytest.raises(TableError, match="is damaged, or none of our parts"):
        look(tmp_path, plan())


def test_a_part_under_another_number_is_noticed(tmp_path: Path) -> None:
    parts = write(tmp_path, [(0, 0)])
    parts.path(0, 0).rename(parts.path(0, 1))
    with pytest.raises(TableError, match=r"000001\.parquet: is a part of another scored corpus; delete it and repeat"):
        look(tmp_path, plan())


def test_a_part_of_another_plan_is_noticed(tmp_path: Path) -> None:
    write(tmp_path / "here", [(0, 0)])
    other = write(tmp_path / "there", [(0, 1)], plan(prefix="seg_"))
    (tmp_path / "here" / "part-00000-000001.parquet").write_bytes(other.path(0, 1).read_bytes())
    with pytest.raises(TableError, match="is a part of another scored corpus"):
        look(tmp_path / "here", plan())


def test_a_file_where_the_folder_should_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", "utf-8")
    with (
        pytest.raises(TableError, match=r"out: cannot be written \(File exists\); check"),
        open_parts(tmp_path / "out", plan()),
    ):
        pass
