import csv
import hashlib
import json
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scored_rows import BERLIN, MODEL, Row, corpus_of, message, read, uncertain

from segmenter.errors import TableError
from segmenter.summary.columns import UNDATED
from segmenter.summary.corpus import read_corpus
from segmenter.text import text_key

JUNE_15 = 1_939_248_000  # 22,445 days of 86,400 seconds after 1970-01-01


def write_csv(path: Path, rows: list[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_rows_come_back_in_their_order(tmp_path: Path) -> None:
    found = corpus_of(
        tmp_path,
        [
            message("one", "north", source="b", language="de"),
            message("two", source=None),
            message("three", "north;south_side", source=" b ", language=""),
        ],
    )
    assert [found.languages[number] for number in found.language] == ["de", "en", "und"]
    assert [found.sources[number] if number >= 0 else None for number in found.source] == ["b", None, "b"]
    assert found.chosen.tolist() == [[True, False], [False, False], [True, True]]
    assert found.audience_ids == ["north", "south_side"]
    assert [found.place(row) for row in range(3)] == [f"scored.parquet line {line}" for line in (1, 2, 3)]


def test_messages_of_one_text_key_share_a_number_and_the_first_original(tmp_path: Path) -> None:
    texts = ["Read this @ann http://a.example", "Else", "read THIS @bob http://b.example/x"]
    found = corpus_of(tmp_path, [message(text) for text in texts])
    assert found.text.tolist() == [0, 1, 0]
    assert (found.n_messages, found.n_texts) == (3, 2)
    assert found.texts.to_pylist() == texts[:2]
    assert found.cleaned.to_pylist() == ["Read this @user link", "Else"]
    assert found.text_of(2) == texts[0]


def test_what_the_model_cannot_judge_is_chosen_but_not_clear(tmp_path: Path) -> None:
    found = corpus_of(
        tmp_path,
        [
            uncertain("hej", "language_not_trained:sv", "north", language="sv"),
            message("one", "north"),
            uncertain("two", "near_threshold:south_side", "north"),
            uncertain("x", "too_short;near_threshold:north"),
            uncertain("g7Rk", "shattered"),
        ],
    )
    assert found.in_scope.tolist() == [False, True, True, False, False]
    assert found.chosen[:, 0].tolist() == [True, True, True, False, False]
    assert found.clear[:, 0].tolist() == [False, True, True, False, False]
    assert found.near.tolist() == [[False, False], [False, False], [False, True], [False, False], [False, False]]
    assert found.is_uncertain.tolist() == [True, False, True, True, True]


def test_a_csv_a_parquet_and_a_folder_of_jsonl_are_one_corpus(tmp_path: Path) -> None:
    rows = [message(f"text {number}", "north" if number % 2 else "", score_north=0.25) for number in range(4)]
    folder = tmp_path / "parts"
    folder.mkdir()
    for name, part in (("a", rows[:2]), ("b", rows[2:])):
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in part), "utf-8")
    whole = corpus_of(tmp_path, rows)
    for found in (read(write_csv(tmp_path / "scored.csv", rows)), read(folder)):
        for name in ("language", "source", "seconds", "chosen", "scores", "text", "verdict", "reason"):
            assert np.array_equal(getattr(found, name), getattr(whole, name)), name
        assert found.frame == whole.frame
    assert [found.place(row) for row in (1, 2)] == ["a.jsonl line 2", "b.jsonl line 1"]


def test_the_frame_is_that_of_a_draw(tmp_path: Path) -> None:
    keys = "".join(f"{text_key(text)}\n" for text in ("one", "two", "ONE"))
    found = corpus_of(tmp_path, [message(text) for text in ("one", "two", "ONE")])
    assert found.frame == hashlib.sha256(keys.encode()).hexdigest()


def test_a_time_without_a_zone_is_utc_and_a_date_is_midnight_of_the_zone(tmp_path: Path) -> None:
    # Berlin is two hours ahead of UTC in June: its midnight is 22:00 UTC of the day before
    values = ["2031-06-15T00:00:00Z", "2031-06-15 00:00", "2031-06-15", "soon", None, str(JUNE_15), "9999-12-31T23:00Z"]
    found = corpus_of(
        tmp_path, [message(f"{number}", created_at=one) for number, one in enumerate(values)], zone=BERLIN
    )
    assert found.seconds.tolist() == [JUNE_15, JUNE_15, JUNE_15 - 7200, UNDATED, UNDATED, JUNE_15, UNDATED]
    assert found.has_time.tolist() == [True, True, False, False, False, True, False]
    assert found.n_assumed_utc == 1


@pytest.mark.parametrize(("kind", "n_assumed_utc"), [(pa.timestamp("ns"), 2), (pa.timestamp("s", "UTC"), 0)])
def test_parquet_timestamps_are_times(tmp_path: Path, kind: pa.DataType, n_assumed_utc: int) -> None:
    rows = [message(one) for one in ("one", "two", "three")]
    moments = pa.array([date(2031, 6, 15), date(1931, 6, 15), None], pa.date32()).cast(pa.timestamp("s")).cast(kind)
    table = pa.Table.from_pylist(rows).drop_columns("created_at").append_column("created_at", moments)
    pq.write_table(table, tmp_path / "scored.parquet")
    found = read(tmp_path / "scored.parquet")
    # 100 years are 36,525 days: every fourth has 366, and so has 2000
    assert found.seconds.tolist() == [JUNE_15, JUNE_15 - 36_525 * 86_400, UNDATED]
    assert found.n_assumed_utc == n_assumed_utc


def test_a_table_without_source_and_date_is_a_corpus(tmp_path: Path) -> None:
    rows = [message("one", "north")]
    for row in rows:
        del row["source"], row["created_at"]
    found = corpus_of(tmp_path, rows)
    assert (found.is_dated, found.is_sourced) == (False, False)
    assert (found.seconds.tolist(), found.source.tolist()) == ([UNDATED], [-1])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"model": "f" * 16},
            r"scored.csv line 3 was scored by model 'ffffffffffffffff', those before by '0123.*one model",
        ),
        ({"model": ""}, r"scored.csv line 3 was scored by model '', those before by '0123"),
        ({"verdict": "maybe"}, r"scored.csv line 3 has the verdict 'maybe'; it is one of chosen, none, uncertain"),
        ({"verdict": ""}, r"scored.csv line 3 has the verdict ''"),
        ({"audiences": "north;west"}, r"scored.csv line 3 names an audience 'west' without a score column"),
        ({"score_north": "1.5"}, r"scored.csv line 3: holds '1.5' as a score; scores lie in \[0, 1\]"),
        ({"score_south_side": "high"}, r"scored.csv line 3: holds 'high' as a score"),
        ({"score_north": "nan"}, r"scored.csv line 3: holds 'nan' as a score"),
    ],
)
def test_a_value_that_scoring_does_not_write_is_named(tmp_path: Path, change: Row, sentence: str) -> None:
    rows = [message("one"), message("two", **change), message("three", verdict="perhaps", score_north="7")]
    with pytest.raises(TableError, match=sentence):
        read(write_csv(tmp_path / "scored.csv", rows))


def test_the_first_row_at_fault_is_named_whatever_its_fault(tmp_path: Path) -> None:
    rows = [message("one"), message("two", score_south_side=2.0), message("three", model="f" * 16)]
    with pytest.raises(TableError, match=r"scored.parquet line 2: holds 2.0 as a score"):
        corpus_of(tmp_path, rows)


def test_a_fault_in_a_later_batch_is_named_by_its_line(tmp_path: Path) -> None:
    rows = [message("one")] * 9000 + [message("two", model="f" * 16)]  # batches hold 8192
    with pytest.raises(
        TableError, match=f"scored.parquet line 9001 was scored by model 'f{{16}}', those before by '{MODEL}'"
    ):
        corpus_of(tmp_path, rows)


def test_a_table_that_was_not_scored_says_to_score_it_first(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no column 'audiences'; run segmenter score first"):
        read(write_csv(tmp_path / "scored.csv", [{"text": "one", "source": "x"}]))


def test_a_table_without_messages_is_named(tmp_path: Path) -> None:
    (tmp_path / "scored.csv").write_text(",".join(message("x")) + "\n", "utf-8")
    with pytest.raises(TableError, match=r"scored.csv: holds no message; score a table with messages first"):
        read(tmp_path / "scored.csv")


def test_columns_scored_with_a_prefix_are_found_beside_the_inputs_own(tmp_path: Path) -> None:
    added = ("score_north", "score_south_side", "audiences", "verdict", "reason", "language", "model")
    row: Row = {"text": "one", "score_total": "17", "language": "theirs"}
    row |= {f"seg_{name}": message("one", "north")[name] for name in added}
    found = read(write_csv(tmp_path / "scored.csv", [row]), prefix="seg_")
    assert (found.audience_ids, found.languages) == (["north", "south_side"], ["en"])


def test_an_input_column_that_looks_like_a_score_is_no_audience(tmp_path: Path) -> None:
    assert corpus_of(tmp_path, [{"score_readability": "61", **message("one")}]).audience_ids == ["north", "south_side"]


def test_progress_runs_to_the_end(tmp_path: Path) -> None:
    corpus_of(tmp_path, [message("one")] * 9000)
    heard: list[float] = []
    path = tmp_path / "scored.parquet"
    read_corpus(path, prefix="", text_column="text", zone=BERLIN, on_progress=heard.append)
    assert len(heard) == 2 and heard == sorted(heard) and heard[-1] == 1.0
