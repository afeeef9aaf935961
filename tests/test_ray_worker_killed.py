"""A real Ray of its own, whose worker is killed."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from conftest import TinyRun
from jobs import ROWS, content, job, run, silent, write_table

from segmenter.errors import EngineError
from segmenter.params import load_settings
from segmenter.score import Scorer, open_scorer
from segmenter.scoring import ray_engine
from segmenter.scoring.engines import Done, Work
from segmenter.scoring.job import score_corpus


def workers(title: bytes = b"") -> set[int]:
    """The processes of workers that this one's Ray has, by what Ray calls them; `.submit` ends it while one works."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found_title = (process / "cmdline").read_bytes().rstrip(b"\0 ")
            is_worker = found_title.startswith(b"ray::MapWorker") and found_title.endswith(title)
            if is_worker and os.getpid() in ancestors(process):
                found.add(int(process.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def ancestors(process: Path) -> Iterator[int]:
    number = int(process.name)
    while number > 1:
        number = int(Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
        yield number


def test_a_worker_that_is_killed_costs_nothing_but_time(tiny_run: TinyRun, tmp_path: Path) -> None:
    settings = load_settings(None).score
    scorer = open_scorer(tiny_run.bundle, settings.model_copy(update={"part_rows": 3}))
    (tmp_path / "inbox").mkdir()
    for name in "abcd":  # more readers than there is room for beside the worker
        write_table(tmp_path / "inbox" / f"{name}.csv", ROWS * 10)  # 67 parts each
    killed, started_again = [], []

    def with_a_death(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
        for done in ray_engine.run(work, address=None, n_workers=1):
            if not killed:
                (worker,) = workers()
                os.kill(worker, signal.SIGKILL)
                killed.append(worker)
            elif workers() - set(killed):
                started_again.append(done.number)
            yield done
        assert started_again

    score_corpus(job(tmp_path / "inbox", tmp_path / "spread"), scorer, with_a_death, silent)
    run(scorer, tmp_path / "inbox", tmp_path / "alone")
    assert content(tmp_path / "spread") == content(tmp_path / "alone")


def test_rows_that_kill_every_worker_end_the_job_in_a_sentence(tiny_run: TinyRun, tmp_path: Path) -> None:
    scorer, over = open_scorer(tiny_run.bundle, load_settings(None).score), Event()
    rows = [{"text": f"{row['text']} {number}"} for number in range(200) for row in ROWS]  # one chunk of 4,000 texts
    write_table(tmp_path / "messages.csv", rows)

    def kill_all() -> None:  # as the kernel does where memory runs out
        while not over.wait(0.01):
            for worker in workers(b".submit"):
                os.kill(worker, signal.SIGKILL)

    def on_ray(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
        yield from ray_engine.run(work, address=None, n_workers=1)

    death = Thread(target=kill_all)
    death.start()
    try:
        with pytest.raises(EngineError, match="workers were killed 4 times at the same rows.*set score.part_rows"):
            score_corpus(job(tmp_path / "messages.csv", tmp_path / "out"), scorer, on_ray, silent)
    finally:
        over.set()
        death.join()
