"""Scoring as processes that are killed, interrupted, or out of room: what is left of them, and how they go on."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import pytest
from conftest import Outcome, TinyRun, tiny_messages
from jobs import write_table

from segmenter.cli import app
from segmenter.params import load_settings

SECONDS_AT_MOST = 60.0


@dataclass(frozen=True)
class Bench:
    """A corpus of 2,400 rows in two files, every 50th unusable, 64 rows a part, and what an unbroken run makes of it."""

    folder: Path
    bundle: Path

    def words(self, out: Path, rejects: Path | None = None) -> list[str]:
        """The command line of a run."""
        fixed = ["score", str(self.folder / "corpus"), "--params", str(self.folder / "settings.yaml")]
        aside = rejects or out.with_name(f"{out.name}-rejects.csv")
        return [*fixed, "--model", str(self.bundle), "--out", str(out), "--rejects", str(aside)]

    def process(self, out: Path, before: str = "") -> "subprocess.Popen[str]":
        """A run as a process of its own; `before` is Python that it runs first."""
        code = f"{before}\nfrom segmenter.cli import main\nmain()"
        return subprocess.Popen([sys.executable, "-c", code, *self.words(out)], stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def bench(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    (folder / "corpus").mkdir()
    texts = [row["text"] for row in tiny_messages()]
    rows = [
        {"id": f"m{n}", "text": f"{texts[n % 240]} {texts[n % 239]} {n}" if (n + 1) % 50 else ""} for n in range(2400)
    ]
    write_table(folder / "corpus" / "a.csv", rows[:1000])
    write_table(folder / "corpus" / "b.jsonl", rows[1000:])
    settings = load_settings(None).model_dump()
    settings["score"]["part_rows"] = 64
    (folder / "settings.yaml").write_text(json.dumps(settings), "utf-8")
    bench = Bench(folder, tiny_run.bundle)
    with bench.process(folder / "whole") as running:
        _, said = running.communicate()
    assert running.returncode == 0, said
    return bench


@pytest.fixture
def score(bench: Bench, outcome_of: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """A function that scores the corpus of the bench in this process."""
    return lambda out, rejects=None: outcome_of(app, *bench.words(out, rejects))


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a scored folder but the record of the run."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.json"}


def wait_for(running: "subprocess.Popen[str]", is_so: Callable[[], bool]) -> None:
    started = monotonic()
    while not is_so():
        assert running.poll() is None, "it ended before"
        assert monotonic() - started < SECONDS_AT_MOST
        sleep(0.001)


def kill(running: "subprocess.Popen[str]") -> None:
    with running:
        running.send_signal(signal.SIGKILL)


def n_parts(folder: Path) -> int:
    return len(list(folder.glob("part-*")))


@pytest.mark.parametrize("n", [0, 1, 12, 30])
def test_a_run_killed_at_any_instant_ends_as_an_unbroken_one(
    bench: Bench, score: Callable[..., Outcome], tmp_path: Path, n: int
) -> None:
    # 1,000 and 1,400 rows by 64: 16 and 22 parts
    out = tmp_path / "out"
    running = bench.process(out)
    wait_for(running, lambda: (out / "manifest.json").exists() and n_parts(out) >= n)
    sleep(random.Random(n).uniform(0.0, 0.02))
    kill(running)
    assert n <= n_parts(out) < 38
    assert score(out).code == 0
    assert content(out) == content(bench.folder / "whole")
    assert (tmp_path / "out-rejects.csv").read_bytes() == (bench.folder / "whole-rejects.csv").read_bytes()


def test_a_table_whose_run_is_killed_is_not_there_and_leaves_nothing_in_the_end(
    bench: Bench, score: Callable[..., Outcome], tmp_path: Path
) -> None:
    running = bench.process(tmp_path / "out.csv")
    wait_for(running, lambda: any(path.stat().st_size > 0 for path in tmp_path.glob(".out.csv.*.part")))
    kill(running)
    names = {path.name for path in tmp_path.iterdir()}
    assert names & {"out.csv", "out.csv-rejects.csv"} == set()
    assert score(tmp_path / "out.csv").code == 0
    assert len((tmp_path / "out.csv").read_text("utf-8").splitlines()) == 1 + 2400 - 48
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_second_run_is_refused_and_an_interrupted_one_ends_quietly(
    bench: Bench, score: Callable[..., Outcome], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    running = bench.process(out)
    wait_for(running, lambda: n_parts(out) > 0)
    refused = (
        f"segmenter: {out}: is being written by another run; wait until that run has ended, or name another output\n"
    )
    assert score(out, tmp_path / "other.csv") == Outcome(2, "", refused)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()
    assert (running.returncode, "Traceback" in said) == (130, False)
    assert [path.name for path in tmp_path.rglob("*") if path.name.startswith(".")] == []
    assert not (tmp_path / "out-rejects.csv").exists()
    assert score(out).code == 0
    assert content(out) == content(bench.folder / "whole")


def test_no_room_for_a_part_is_one_sentence_and_it_goes_on_where_there_is(
    bench: Bench, score: Callable[..., Outcome], tmp_path: Path
) -> None:
    # no file may have more than 3,000 bytes: the plan has not, a part of 64 rows has
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))"
    with bench.process(tmp_path / "out", limit) as running:
        _, said = running.communicate()
    path = tmp_path / "out" / "part-00000-000000.parquet"
    sentence = (
        f"segmenter: {path}: cannot be written (File too large); check the folder's permissions and the free space\n"
    )
    assert (running.returncode, said) == (2, sentence)
    assert score(tmp_path / "out").code == 0
    assert content(tmp_path / "out") == content(bench.folder / "whole")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 150,000 bytes, where this process may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=150000", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


FULL, READ_ONLY = "No space left on device", "Read-only file system"


def test_a_full_disk_is_one_sentence_and_the_run_goes_on_once_there_is_room(
    bench: Bench, score: Callable[..., Outcome], small_disk: Path, tmp_path: Path
) -> None:
    out, rejects = small_disk / "out", tmp_path / "aside.csv"
    for _ in range(2):
        done = score(out, rejects)
        assert (done.code, done.err.count("\n"), FULL in done.err) == (2, 1, True)
        assert 0 < n_parts(out) < 38
        assert not rejects.exists()
    remount(small_disk, "size=9000000")
    assert score(out, rejects).code == 0
    assert content(out) == content(bench.folder / "whole")


def test_a_table_on_a_full_disk_is_one_sentence_and_leaves_nothing(
    score: Callable[..., Outcome], small_disk: Path, tmp_path: Path
) -> None:
    done = score(small_disk / "out.csv", tmp_path / "aside.csv")
    assert (done.code, done.err.count("\n"), FULL in done.err) == (2, 1, True)
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("name", ["out", "out.csv", "", "deep/out"])
def test_a_read_only_folder_is_one_sentence(
    score: Callable[..., Outcome], small_disk: Path, tmp_path: Path, name: str
) -> None:
    remount(small_disk, "ro")
    done = score(small_disk / name, tmp_path / "aside.csv")
    wanted = f"segmenter: {small_disk / name}: cannot be written ({READ_ONLY}); check the folder's permissions and the"
    assert (done.code, done.err.startswith(wanted), done.err.count("\n")) == (2, True, 1)


def test_rejects_in_a_read_only_folder_are_one_sentence_before_a_row_is_scored(
    score: Callable[..., Outcome], small_disk: Path, tmp_path: Path
) -> None:
    remount(small_disk, "ro")
    done = score(tmp_path / "out", small_disk / "aside.csv")
    assert done.err.startswith(f"segmenter: {small_disk / 'aside.csv'}: cannot be written ({READ_ONLY}); ")
    assert not (tmp_path / "out").exists()
