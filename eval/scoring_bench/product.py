"""Files in, files out, whole processes: `segmenter score` with duplicates, beside a script with transformers' pipeline.

The script is run on the first messages of the file alone, for its time grows with them in a straight line: what is said of
it for all is computed from that. Not here: engines without files (rounds.py).
"""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.scoring_bench.rounds import Watched, watched
from segmenter.writers import write_text

logger = logging.getLogger(__name__)
SEGMENTER, SCRIPT = "segmenter score", "script with pipeline, batch 32"
FIRST_MESSAGES = 10  # of the file that the time to the first score is measured on


@dataclass(frozen=True)
class Job:
    """One process in one round.

    Attributes:
        tool: SEGMENTER or SCRIPT.
        round: From 1.
        n_messages: In its file.
        n_of: That `seconds_of_all` stands for.
        seconds_of_all: Of the whole process: measured, or computed for more messages than its file had.
        process: As measured.
    """

    tool: str
    round: int
    n_messages: int
    n_of: int
    seconds_of_all: float
    process: Watched

    @property
    def messages_per_second(self) -> float:
        """Of the whole process, its start included."""
        return self.n_of / self.seconds_of_all


def write_messages(texts: Sequence[str], path: Path) -> Path:
    """A JSONL file of `id` and `text`."""
    rows = (json.dumps({"id": number, "text": text}, ensure_ascii=False) for number, text in enumerate(texts))
    write_text(path, "".join(f"{row}\n" for row in rows))
    return path


def jobs(texts: Sequence[str], model: Path, folder: Path, *, n_rounds: int, n_script: int) -> Iterator[Job]:
    """Both tools, round by round.

    Args:
        texts: Original ones, duplicates among them.
        model: The bundle.
        folder: Gets the files.
        n_rounds: Each with fresh processes.
        n_script: Messages that the script is run on.

    Raises:
        Exit: A tool failed, and has said why.
    """
    whole = write_messages(texts, folder / "messages.jsonl")
    part = write_messages(texts[:n_script], folder / "first-messages.jsonl")
    for number in range(1, n_rounds + 1):
        process = scored(whole, model, folder)
        yield _said(Job(SEGMENTER, number, len(texts), len(texts), process.seconds, process))
        process, loop = scripted(part, model, folder)
        n_part = min(n_script, len(texts))
        seconds = process.seconds - loop + loop * len(texts) / n_part
        yield _said(Job(SCRIPT, number, n_part, len(texts), seconds, process))


def first_scores(texts: Sequence[str], model: Path, folder: Path, *, n_rounds: int) -> Iterator[Job]:
    """Whole processes on a file of ten messages, round by round, after a run that is not counted.

    Raises:
        Exit: A tool failed, and has said why.
    """
    few = write_messages(texts[:FIRST_MESSAGES], folder / "ten-messages.jsonl")
    scored(few, model, folder)
    for number in range(1, n_rounds + 1):
        for tool in (SEGMENTER, SCRIPT):
            process = scored(few, model, folder) if tool == SEGMENTER else scripted(few, model, folder)[0]
            yield _said(Job(tool, number, FIRST_MESSAGES, FIRST_MESSAGES, process.seconds, process))


def scored(messages: Path, model: Path, folder: Path) -> Watched:
    """`segmenter score` on a file, from nothing: no kept scores, no output of before."""
    out = folder / "scored.jsonl"
    out.unlink(missing_ok=True)
    words = ["score", f"{messages}", "--model", f"{model}", "--out", f"{out}"]
    return watched([f"{Path(sys.executable).with_name('segmenter')}", *words], folder)


def scripted(messages: Path, model: Path, folder: Path) -> tuple[Watched, float]:
    """The script on a file: the whole process, and the seconds of its loop."""
    seconds = folder / "loop-seconds.txt"
    files = ["--out", f"{folder / 'scripted.jsonl'}", "--seconds", f"{seconds}"]
    words = [f"{messages}", "--model", f"{model}", *files]
    process = watched([sys.executable, "-m", "eval.scoring_bench.pipeline_files", *words], folder)
    return process, float(seconds.read_text("utf-8"))


def _said(job: Job) -> Job:
    logger.info("round %d: %s %.1f s for %d messages", job.round, job.tool, job.process.seconds, job.n_messages)
    return job
