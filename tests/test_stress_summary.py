import json
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conftest import Outcome, TinyRun

from eval.scoring_bench.scored import Audiences, write_scored
from eval.stress_summary import app
from segmenter.summary.corpus import read_corpus

UTC = ZoneInfo("UTC")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stress") / "scored.parquet"
    write_scored(path, Audiences(), n_messages=3000, seed=3)
    return path


def test_the_same_seed_writes_the_same_rows(table: Path, tmp_path: Path) -> None:
    write_scored(tmp_path / "again.parquet", Audiences(), n_messages=3000, seed=3)
    assert (tmp_path / "again.parquet").read_bytes() == table.read_bytes()


def test_the_table_is_one_that_scoring_could_have_written(table: Path) -> None:
    found = read_corpus(table, prefix="", text_column="text", zone=UTC, on_progress=None)
    assert found.n_messages == 3000
    assert found.audience_ids == list(Audiences().ids)
    assert set(found.languages) == {"en", "ru", "de", "fr"}
    assert 0 < found.clear.any(axis=1).mean() < 1


def test_the_command_is_measured_and_its_files_are_weighed(
    tmp_path: Path, tiny_run: TinyRun, outcome_of: Callable[..., Outcome]
) -> None:
    told = outcome_of(app, "--out", tmp_path, "--messages", 2000, "--model", tiny_run.bundle)
    assert told.code == 0, told.err
    report = json.loads((tmp_path / "stress_summary.json").read_text("utf-8"))
    assert report["seconds"] > 0 and report["processor_seconds"] > 0 and report["megabytes"] > 50
    files = (tmp_path / "summary").iterdir()
    assert report["n_bytes"] == {file.name: file.stat().st_size for file in files}
    found = json.loads((tmp_path / "summary" / "summary.json").read_text("utf-8"))
    assert (found["corpus"]["n_messages"], len(found["events"])) == (2000, 4)
    assert [one["id"] for one in found["audiences"]] == ["gardeners", "cyclists", "readers"]
