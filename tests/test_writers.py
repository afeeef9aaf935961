import os
import subprocess
import sys
from pathlib import Path

import pytest

from segmenter.errors import TableError
from segmenter.writers import refuse_overwriting, sole_writer, swept, whole_file

ROWS = 'pa.RecordBatch.from_pydict({"text": ["Привет", "a\\nb"], "n": [1, None]})'
PRINTS = (
    f"import pyarrow as pa\nfrom segmenter.writers import standard_output\nrows = {ROWS}\n"
    "with standard_output(rows.schema) as write:\n    [write(rows) for _ in range(20_000)]"
)


def test_a_file_is_not_there_before_it_is_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "out.csv") as stream:
        stream.write(b"half")
        assert not (tmp_path / "out.csv").exists()
    assert (tmp_path / "out.csv").read_bytes() == b"half"


def test_an_output_is_held_by_one_run_at_a_time(tmp_path: Path) -> None:
    out, lock = tmp_path / "out.csv", tmp_path / ".out.csv.lock"
    with sole_writer(out, lock):
        with (
            pytest.raises(TableError, match=r"out\.csv: is being written by another run; wait until"),
            sole_writer(out, lock),
        ):
            pass
        assert lock.exists()  # who was refused has not taken it away
    assert list(tmp_path.iterdir()) == []


def test_a_held_output_is_free_after_a_failure(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), sole_writer(tmp_path / "out.csv", tmp_path / ".out.csv.lock"):
            raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_a_killed_run_left_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / ".out.csv.lock").touch()
    with sole_writer(tmp_path / "out.csv", tmp_path / ".out.csv.lock"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "left"), [(["out.csv"], [".b.csv.7.part", ".out.csv.part"]), ([], [".out.csv.part"])]
)
def test_what_killed_runs_left_of_a_file_is_swept(tmp_path: Path, names: list[str], left: list[str]) -> None:
    for half in (".out.csv.12.part", ".out.csv.9.part", ".b.csv.7.part", ".out.csv.part"):
        (tmp_path / half).touch()
    swept(tmp_path, *names)
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def test_standard_output_may_be_the_only_one(tmp_path: Path) -> None:
    refuse_overwriting(tmp_path / "in.csv", out=None, rejects=tmp_path / "aside.csv")
    with pytest.raises(TableError, match=r"in\.csv: is the input and cannot be --rejects too"):
        refuse_overwriting(tmp_path / "in.csv", out=None, rejects=tmp_path / "in.csv")


def test_rows_are_printed_as_jsonl(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PRINTS.replace("20_000", "2")], capture_output=True, check=True)
    assert done.stdout.decode("utf-8") == '{"text": "Привет", "n": 1}\n{"text": "a\\nb", "n": null}\n' * 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a Linux device")
def test_standard_output_on_a_full_disk_is_one_sentence() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", PRINTS], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "TableError: standard output: cannot be written (No space left on device); keep what" in done.stderr
    assert done.stderr.count("Error: ") == 2  # the OSError and its sentence: nothing at the end of the process


def test_a_reader_that_goes_away_is_one_sentence() -> None:
    running = subprocess.Popen([sys.executable, "-c", PRINTS], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    os.read(running.stdout.fileno(), 10)
    running.stdout.close()
    assert running.stderr is not None
    assert b"TableError: standard output: cannot be written (Broken pipe); keep what" in running.stderr.read()
    running.stderr.close()
    running.wait()
