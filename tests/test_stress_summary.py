from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from eval.stress_summary import AUDIENCES, summarised, write_scored
from segmenter.summary.corpus import read_corpus

UTC = ZoneInfo("UTC")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stress") / "scored.parquet"
    write_scored(path, n_messages=3000, seed=3)
    return path


def test_the_same_seed_writes_the_same_rows(table: Path, tmp_path: Path) -> None:
    write_scored(tmp_path / "again.parquet", n_messages=3000, seed=3)
    assert (tmp_path / "again.parquet").read_bytes() == table.read_bytes()


def test_the_table_is_one_that_scoring_could_have_written(table: Path) -> None:
    found = read_corpus(table, prefix="", text_column="text", zone=UTC, on_progress=None)
    assert found.n_messages == 3000
    assert found.audience_ids == list(AUDIENCES)
    assert set(found.languages) == {"en", "ru", "de", "fr"}
    assert 0 < found.clear.any(axis=1).mean() < 1


def test_every_stage_is_timed_and_its_memory_taken(table: Path) -> None:
    found = summarised(table, UTC, None)
    assert [stage.name for stage in found][::4] == ["read and check", "tell of each period"]
    assert all(stage.seconds >= 0 and stage.megabytes > 10 for stage in found)
    assert [stage.megabytes for stage in found] == sorted(stage.megabytes for stage in found)
