import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Outcome, TinyRun
from jobs import ROWS, job, run, write_table

from segmenter.cli import app
from segmenter.errors import TableError
from segmenter.params import load_settings
from segmenter.score import Scorer, open_scorer
from segmenter.scoring.estimate import Estimate, duration, estimate
from segmenter.scoring.job import work_left
from segmenter.scoring.trial import FILES_LOOKED_AT, ROWS_LOOKED_AT

TEXTS = [row["text"] for row in ROWS]


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    """Parts of eight rows."""
    settings = load_settings(None).score
    return open_scorer(tiny_run.bundle, settings.model_copy(update={"part_rows": 8}))


@contextmanager
def estimated(scorer: Scorer, messages: Path, out: Path | str, **changes: Any) -> Iterator[Estimate]:  # noqa: ANN401
    with work_left(job(messages, out, **changes), scorer) as work:
        yield estimate(work, scorer, str(out))


def lines(scorer: Scorer, messages: Path, out: Path | str, **changes: Any) -> dict[str, str]:  # noqa: ANN401
    """What is said, by its label; files under an empty one."""
    with estimated(scorer, messages, out, **changes) as found:
        return {line[:9].strip(): line[9:] for line in found.lines()}


def test_rows_of_a_small_table_and_of_any_parquet_are_counted(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_table(tmp_path / "in" / "a.csv", ROWS)
    write_table(tmp_path / "in" / "b.parquet", ROWS * 1200)  # 24,000 rows, more than are looked at
    with estimated(scorer, tmp_path / "in", tmp_path / "out") as found:
        assert [(file.name, file.n_rows, file.is_exact) for file in found.files] == [
            ("a.csv", 20, True),
            ("b.parquet", 24_000, True),
        ]


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl.gz"])
def test_rows_of_a_large_table_are_inferred_from_its_first_ones(scorer: Scorer, tmp_path: Path, name: str) -> None:
    n_rows = 2 * ROWS_LOOKED_AT
    ids = (
        hashlib.sha256(str(number).encode()).hexdigest() for number in range(n_rows)
    )  # else all packs into one buffer
    table = write_table(tmp_path / name, [{"id": id, "text": TEXTS[number % 20]} for number, id in enumerate(ids)])
    with estimated(scorer, table, tmp_path / "out") as found:
        assert found.files[0].n_rows == pytest.approx(n_rows, rel=0.1)
        assert not found.files[0].is_exact
        assert any(line.startswith("rows     about ") for line in found.lines())


def test_of_many_files_some_are_looked_at(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    n_files = FILES_LOOKED_AT + 20
    for number in range(n_files):
        write_table(tmp_path / "in" / f"{number:03d}.csv", ROWS)
    with estimated(scorer, tmp_path / "in", tmp_path / "out") as found:
        assert sum(file.is_exact for file in found.files) == FILES_LOOKED_AT
        assert sum(file.n_rows for file in found.files) == 20 * n_files  # all files are alike
        assert any("and 52 more" in line for line in found.lines())


def test_parts_are_counted_by_file(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        write_table(tmp_path / "in" / f"{name}.csv", ROWS)
    # 20 rows are parts of 8, 8 and 4
    assert lines(scorer, tmp_path / "in", tmp_path / "out")["parts"] == "6, of 8 rows at most"


def test_parts_that_are_there_are_left_out_of_the_time(scorer: Scorer, tmp_path: Path) -> None:
    table = write_table(tmp_path / "in.csv", ROWS)
    run(scorer, table, tmp_path / "out")
    (tmp_path / "out" / "part-00000-000001.parquet").unlink()
    with estimated(scorer, table, tmp_path / "out") as found:
        # of 20 rows two parts are there: 8 and 4 rows; parts are taken to be full, which the last one is not
        assert (found.files[0].n_done, found.n_left) == (2, 4)
        assert found.seconds == pytest.approx(4 / found.trial.messages_per_second)
        assert "parts    3, of 8 rows at most; 2 are there, fit this plan and stay as they are" in found.lines()


def test_a_job_that_is_done_has_nothing_left(scorer: Scorer, tmp_path: Path) -> None:
    table = write_table(tmp_path / "in.csv", ROWS)
    run(scorer, table, tmp_path / "out")
    assert lines(scorer, table, tmp_path / "out")["time"] == "none: nothing is left to do"


def test_a_folder_of_another_plan_is_refused_as_the_job_would(scorer: Scorer, tmp_path: Path) -> None:
    table = write_table(tmp_path / "in.csv", ROWS)
    run(scorer, table, tmp_path / "out")
    with (
        pytest.raises(TableError, match="scored with another --prefix"),
        estimated(scorer, table, tmp_path / "out", prefix="seg_"),
    ):
        pass


def test_repeats_are_those_of_the_messages_looked_at(scorer: Scorer, tmp_path: Path) -> None:
    table = write_table(tmp_path / "in.csv", [{"text": text} for text in [*TEXTS, *TEXTS[:5]]])
    found = lines(scorer, table, tmp_path / "out.csv")  # 5 of 25
    assert found["repeats"] == "20.0% of the 25 messages looked at; each different text is run once"


def test_tokens_are_of_the_middle_message(scorer: Scorer, tmp_path: Path) -> None:
    # the tiny vocabulary has these words whole; [CLS] and [SEP] come to 3, 4 and 6 of them
    texts = ["the red bakery", "the red bakery sells", "the red bakery sells rolls until"]
    table = write_table(tmp_path / "in.csv", [{"text": text} for text in texts])
    with estimated(scorer, table, tmp_path / "out.csv") as found:
        assert found.trial.tokens_per_message == 6
        assert 0 <= found.trial.padding_share < 1
        assert math.isfinite(found.seconds)
        assert found.seconds > 0


def test_an_unusable_row_is_refused_as_the_job_would(scorer: Scorer, tmp_path: Path) -> None:
    table = write_table(tmp_path / "in.csv", [*ROWS, {"id": "bad", "text": ""}])
    with pytest.raises(TableError, match=r"in\.csv line 22: .*is empty"), estimated(scorer, table, tmp_path / "out"):
        pass


def test_rows_to_be_set_aside_are_counted(scorer: Scorer, tmp_path: Path) -> None:
    table = write_table(tmp_path / "in.csv", [*ROWS, {"id": "bad", "text": ""}])
    found = lines(scorer, table, tmp_path / "out.csv", rejects=tmp_path / "aside.csv")
    assert found["rows"] == "21; of 21 looked at, 1 go to --rejects"


def test_input_without_a_message_is_refused(scorer: Scorer, tmp_path: Path) -> None:
    table = write_table(tmp_path / "in.csv", [{"text": " "}])
    refused = r"in\.csv: no message to score among the 1 rows looked at; check the file and --text-column"
    with (
        pytest.raises(TableError, match=refused),
        estimated(scorer, table, tmp_path / "out", rejects=tmp_path / "aside.csv"),
    ):
        pass


def test_it_fits_a_narrow_screen(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for place in ("north", "south"):
        write_table(tmp_path / "in" / f"{place}-{'of-the-harbour-' * 9}.csv", ROWS)
    with estimated(
        scorer, tmp_path / "in", tmp_path / "a-folder-of-parts-beside-all-others", cache=tmp_path / "c"
    ) as found:
        assert [line for line in found.lines() if len(line) > 80 and " " in line[9:]] == []
        assert [line[9:14] for line in found.lines() if "…" in line] == ["north", "south"]


def test_nothing_is_written(
    scorer: Scorer, tmp_path: Path, outcome_of: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(tmp_path / "in.csv", ROWS)
    monkeypatch.chdir(tmp_path)
    words = ("in.csv", "--model", scorer.bundle.path, "--dry-run", "--cache", "kept", "--rejects", "aside.csv")
    for out in ("out", "out.csv", "-"):
        outcome = outcome_of(app, "score", *words, "--out", out)
        assert (outcome.code, outcome.err) == (0, "")
        assert "rows     20\n" in outcome.out
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize(
    ("out", "place"),
    [("-", "standard output"), ("scored.csv", "scored.csv, one table"), ("many", "many, a folder of parts")],
)
def test_it_says_where_rows_will_go(
    scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found = lines(scorer, write_table(tmp_path / "in.csv", ROWS), out)
    assert found["output"] == f"{place} (nothing is written now)"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.2, "1 seconds"), (40.4, "40 seconds"), (119, "119 seconds"), (150, "2.5 minutes"), (1500, "25 minutes"),
        (7200, "2.0 hours"), (900_000, "250 hours"),
    ],
)  # fmt: skip
def test_a_time_is_in_the_unit_a_person_would_take(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
