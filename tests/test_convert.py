import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pyarrow.parquet as pq
import pytest
from conftest import Outcome
from exports import written

from segmenter import cli
from segmenter.errors import TableError
from segmenter.sources import FORMATS, TABLE
from segmenter.sources.convert import Conversion, Converted, convert

Segmenter = Callable[..., Outcome]


def message(number: int, text: object) -> dict[str, Any]:
    return {"id": number, "type": "message", "date": "2031-06-16T09:30:00", "text": text}


SERVICE = {"id": 1, "type": "service"}
CHAT = {"name": "Harbour Post", "id": 5, "messages": [SERVICE, message(2, "tea"), message(3, ""), message(4, "milk")]}
BROKEN = {**CHAT, "messages": [message(2, "tea"), message(3, 3)]}


@pytest.fixture
def segmenter(outcome_of: Callable[..., Outcome]) -> Segmenter:
    return lambda *words: outcome_of(cli.app, *words)


def job(folder: Path, chat: object, out: str = "out.jsonl", rejects: str | None = None) -> Conversion:
    return Conversion(
        written(folder, chat, "result.json"),
        "telegram",
        folder / out,
        rejects=None if rejects is None else folder / rejects,
        text_column=None,
        label_column=None,
    )


def quiet(done_share: float, n_messages: int) -> None: ...


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "out.jsonl.gz"])
def test_the_name_of_the_output_gives_its_format(tmp_path: Path, name: str) -> None:
    made = job(tmp_path, CHAT, name)
    convert(made, quiet)
    again = Conversion(made.out, TABLE, tmp_path / "again.parquet", rejects=None, text_column="text", label_column=None)
    convert(again, quiet)
    assert pq.read_table(again.out).column("text").to_pylist() == ["tea", "milk"]


def test_the_last_sentence_accounts_for_every_row(tmp_path: Path) -> None:
    # of 4 messages one is a service message and one has no text
    done = convert(job(tmp_path, CHAT), quiet)
    assert done.sentence() == "4 rows in = 2 rows out + 2 rejects (1: is a service message; 1: has no text)"


def test_rejects_are_written_with_their_place_and_reason(tmp_path: Path) -> None:
    convert(job(tmp_path, BROKEN, rejects="aside.jsonl"), quiet)
    [reject] = map(json.loads, (tmp_path / "aside.jsonl").read_text("utf-8").splitlines())
    assert (reject["line"], reject["reason"]) == (2, "field 'text' holds int, not text")
    assert json.loads(reject["row"]) == message(3, 3)


def test_many_reasons_are_summed_up() -> None:
    # reasons with 9, 8, 7, 6 and 5 rows are shown; 4 + 3 others are not
    made = Converted(42, 0, Counter({f"r{n}": n for n in range(3, 10)}))
    assert made.sentence().endswith("(9: r9; 8: r8; 7: r7; 6: r6; 5: r5; 7: other reasons)")


def test_a_broken_row_leaves_no_output(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"record 2: field 'text' holds int, not text"):
        convert(job(tmp_path, BROKEN), quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_a_file_cut_in_the_middle_leaves_no_output_even_with_rejects(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"after record 3: ends in the middle; export the file again"):
        convert(job(tmp_path, json.dumps(CHAT)[:-5], rejects="aside.csv"), quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_a_file_without_a_message_is_one_sentence_that_says_why(tmp_path: Path) -> None:
    found = r"no message among 1 rows \(1: is a service message\); check the file and --from"
    with pytest.raises(TableError, match=found):
        convert(job(tmp_path, {**CHAT, "messages": [SERVICE]}), quiet)


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"is the input and cannot be --out too"):
        convert(job(tmp_path, CHAT, "result.json"), quiet)


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    shown: list[tuple[float, int]] = []
    convert(job(tmp_path, CHAT), lambda share, n: shown.append((share, n)))
    assert shown == [(1.0, 2)]


def test_the_command_writes_the_table_and_says_what_became_of_each_row(segmenter: Segmenter, tmp_path: Path) -> None:
    source, out = written(tmp_path, CHAT, "result.json"), tmp_path / "out.csv"
    done = segmenter("convert", source, "--from", "telegram", "--out", out)
    assert (done.code, done.out) == (0, "")
    assert done.err.endswith("4 rows in = 2 rows out + 2 rejects (1: is a service message; 1: has no text)\n")
    assert out.read_text("utf-8").splitlines() == [
        "id,text,source,created_at,lang",
        "5/2,tea,Harbour Post,2031-06-16T09:30:00,",
        "5/4,milk,Harbour Post,2031-06-16T09:30:00,",
    ]


def test_a_broken_file_is_one_sentence_and_exit_code_2(segmenter: Segmenter, tmp_path: Path) -> None:
    source, out = written(tmp_path, "[", "result.json"), tmp_path / "out.csv"
    done = segmenter("convert", source, "--from", "telegram", "--out", out)
    sentence = f"segmenter: {source} line 1, after record 0: has '[' where '{{' should stand; export the file again\n"
    assert done == Outcome(2, "", sentence)


def test_the_command_takes_every_format_and_no_other() -> None:
    assert set(get_args(get_type_hints(cli.convert)["source_format"])) == {TABLE, *FORMATS}


def test_a_recipe_may_name_every_format_that_carries_labels() -> None:
    from segmenter.sections import LabelledTable

    labelled = {name for name, source in FORMATS.items() if "audiences" in source.columns}
    assert set(get_args(LabelledTable.model_fields["format"].annotation)) == {TABLE, *labelled}


def test_a_label_column_of_a_plain_table_is_not_passed_over(tmp_path: Path) -> None:
    table = written(tmp_path, "text,public\nthe ferry is late,gardeners\n", "inbox.csv")
    made = Conversion(table, TABLE, tmp_path / "out.csv", rejects=None, text_column=None, label_column="public")
    with pytest.raises(TableError, match="a table keeps every column, its labels too; leave out --label-column"):
        convert(made, quiet)
    assert not (tmp_path / "out.csv").exists()
