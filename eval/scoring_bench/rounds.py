"""The contenders' processes, round after round: each on the same texts, each with all cores to itself.

Not here: files in, files out (product.py), what is made of the figures (report.py).
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import typer

from eval.scoring_bench.contenders import ONNX, Contender
from eval.scoring_bench.onnx_engines import GRAPH
from eval.scoring_bench.timing import TIMED, WARM_UP, Logits, Trial
from segmenter.runtimes.cores import usable_cores
from segmenter.text import clean
from segmenter.writers import write_text

logger = logging.getLogger(__name__)
ORIGINAL, CLEANED = "original.json", "cleaned.json"
WARM_UP_PART = 4  # a quarter as many other messages as are timed


@dataclass(frozen=True)
class Watched:
    """What a process took from its start to its end: seconds, and bytes of memory at most."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Run:
    """One contender in one round, from 1."""

    contender: str
    round: int
    trial: Trial

    @property
    def messages_per_second(self) -> float:
        """By the clock."""
        return self.trial.n_messages / self.trial.seconds

    @property
    def messages_per_processor_second(self) -> float:
        """By the time that the process had a core: on a busy machine the fairer measure."""
        return self.trial.n_messages / self.trial.processor_seconds

    def as_dict(self) -> dict[str, object]:
        """Flat but for the trial."""
        speeds = (self.messages_per_second, self.messages_per_processor_second)
        return asdict(self) | dict(zip(("messages_per_second", "messages_per_processor_second"), speeds, strict=True))


def lay_out(texts: Sequence[str], model: Path, folder: Path, *, contenders: Sequence[Contender]) -> None:
    """Write the texts of every contender, those to warm up with first, and the graph of ONNX Runtime if one needs it.

    Raises:
        Exit: The graph could not be made, and it has been said why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    n_warm_up = len(texts) // (WARM_UP_PART + 1)
    lists = {WARM_UP: list(texts[:n_warm_up]), TIMED: list(texts[n_warm_up:])}
    write_text(folder / ORIGINAL, json.dumps(lists))
    write_text(folder / CLEANED, json.dumps({name: [clean(text) for text in part] for name, part in lists.items()}))
    if any(contender.module == ONNX for contender in contenders):
        module = "eval.scoring_bench.onnx_graph"
        watched([sys.executable, "-m", module, "--model", f"{model}", "--out", f"{folder / GRAPH}"], folder)


def runs(model: Path, folder: Path, *, n_rounds: int, contenders: Sequence[Contender]) -> Iterator[Run]:
    """Every contender, round by round.

    Args:
        model: The bundle.
        folder: As laid out; gets each run's figures and logits.
        n_rounds: Each with fresh processes.
        contenders: Who takes part.

    Raises:
        Exit: A contender failed, and has said why.
    """
    for number in range(1, n_rounds + 1):
        for contender in contenders:
            out = outcome(folder, contender.name, number)
            texts = folder / (ORIGINAL if contender.cleans else CLEANED)
            words = [sys.executable, "-m", contender.module, contender.name]
            words += ["--model", f"{model}", "--texts", f"{texts}", "--out", f"{out}"]
            watched(words, folder)
            run = Run(contender.name, number, Trial(**json.loads(out.read_text("utf-8"))))
            logger.info("round %d: %s %.1f messages/s", number, contender.title, run.messages_per_second)
            yield run


def outcome(folder: Path, contender: str, number: int) -> Path:
    """Where a contender's figures of a round go; its logits stand beside them."""
    return folder / f"round-{number}-{contender}.json"


def logits_of(folder: Path, contender: str) -> Logits:
    """What a contender said in the first round, shape (n_messages, n_audiences)."""
    found: Logits = np.load(outcome(folder, contender, 1).with_suffix(".npy"))
    return found


def watched(words: Sequence[str], folder: Path) -> Watched:
    """Run a command with all cores; what it says is heard only where it fails.

    Raises:
        Exit: It failed, and what it said stands on standard error.
    """
    note = folder / "watched.json"
    n_cores = f"{usable_cores()}"
    environment = os.environ | {"OMP_NUM_THREADS": n_cores, "TOKENIZERS_PARALLELISM": "true"}
    whole = [sys.executable, "-m", "eval.scoring_bench.watch", f"{note}", *words]
    done = subprocess.run(whole, check=False, env=environment, capture_output=True, text=True)
    if done.returncode:
        typer.echo(done.stderr, err=True, nl=False)
        raise typer.Exit(done.returncode)
    return Watched(**json.loads(note.read_text("utf-8")))
