import csv
import logging
import sys
from pathlib import Path

import pytest
from conftest import TinyRun
from tokenizers import Tokenizer

from eval.stress_scoring import Unbroken, digest, kills, watch, write_corpus
from segmenter.bundle import TOKENIZER
from segmenter.scoring.parts import RECORD


@pytest.fixture
def corpus(tiny_run: TinyRun, tmp_path: Path) -> Path:
    path = tmp_path / "corpus.csv"
    write_corpus(path, Tokenizer.from_file(str(tiny_run.bundle / TOKENIZER)), n_messages=400, seed=3)
    return path


def test_most_messages_differ_and_some_are_copies(corpus: Path) -> None:
    with corpus.open(encoding="utf-8", newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    # 16 % are copies: 64 expected, 7.3 their standard deviation
    assert len(texts) == 400
    assert 0.84 * 400 - 25 < len(set(texts)) < 0.84 * 400 + 25


def test_a_digest_tells_parts_apart_and_not_records(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part-00000-000000.parquet").write_bytes(b"tea")
        (tmp_path / name / RECORD).write_text(name)
        (tmp_path / name / ".lock").write_text(name)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    (tmp_path / "two" / "part-00000-000000.parquet").write_bytes(b"Tea")
    assert digest(tmp_path / "one") != digest(tmp_path / "two")


def test_a_command_that_fails_ends_the_trial(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        watch([sys.executable, "-c", "import sys; sys.exit('no such thing')"], 1)


def test_killed_runs_are_started_again_and_compared(
    corpus: Path, tiny_run: TinyRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="eval.stress_scoring")
    words = [sys.executable, "-m", "segmenter.cli", "score", str(corpus), "--model", str(tiny_run.bundle)]
    watched = watch([*words, "--out", str(tmp_path / "unbroken")], 400)
    assert watched.megabytes_at_most > 50  # Python with numpy and OpenVINO
    run = Unbroken(words, watched.seconds / 2, digest(tmp_path / "unbroken"))
    found = list(kills(run, tmp_path, n_kills=1, seed=1))
    assert [one.equal for one in found] == [True]
    assert len(found[0].after_seconds) == 1
    assert "killed 1 times, equal" in caplog.text
