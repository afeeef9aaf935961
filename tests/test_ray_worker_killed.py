"""A real Ray of its own, whose worker is killed."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

from conftest import TinyRun
from jobs import ROWS, content, job, run, silent, write_table

from segmenter.params import load_settings
from segmenter.score import Scorer, open_scorer
from segmenter.scoring import ray_engine
from segmenter.scoring.engines import Done, Work
from segmenter.scoring.job import score_corpus


def workers() -> set[int]:
    """The processes of workers that this one's Ray has, by what Ray calls them."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_worker = (process / "cmdline").read_bytes().startswith(b"ray::MapWorker")
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
    killed = []

    def with_a_death(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
        for done in ray_engine.run(work, address=None, n_workers=None):
            if not killed:
                (worker,) = workers()
                os.kill(worker, signal.SIGKILL)
                killed.append(worker)
            yield done
        assert workers() != set(killed)

    score_corpus(job(tmp_path / "inbox", tmp_path / "spread"), scorer, with_a_death, silent)
    run(scorer, tmp_path / "inbox", tmp_path / "alone")
    assert content(tmp_path / "spread") == content(tmp_path / "alone")
