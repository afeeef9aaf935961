"""One contender in a process of its own: a warm-up, the messages timed once, what it took and what it said, as files.

Not here: the contenders (ours.py, torch_engines.py, onnx_engines.py, linear.py). Needs no torch.
"""

import json
import resource
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated, Protocol

import numpy as np
import typer
from numpy.typing import NDArray

from eval.scoring_bench.watch import peak_bytes
from segmenter.bundle import Bundle, audit
from segmenter.writers import write_text

Logits = NDArray[np.float32]
WARM_UP, TIMED = "warm_up", "timed"  # the two lists of texts in a contender's file


@dataclass
class Count:
    """Tokens that went through a network since the counter was made.

    Attributes:
        n_tokens: Padding included.
        n_real: Without padding.
    """

    n_tokens: int = 0
    n_real: int = 0

    def add(self, mask: NDArray[np.int64]) -> None:
        """One batch, by its attention mask."""
        self.n_tokens += mask.size
        self.n_real += int(mask.sum())


@dataclass(frozen=True)
class Trial:
    """What one contender took in one process.

    Attributes:
        n_messages: Timed.
        peak_bytes: Memory of the process at most, from its start to the end of what is timed.
        seconds: From texts to logits of all of them.
        processor_seconds: Of this process in that time.
        n_tokens: Through the network, padding included; 0 where there is none.
        n_real: Without padding.
        threads: What it computed with, in words.
        gemm_per_second: The most multiplications and additions of large matrices that this process did in a second, in
            the contender's own precision; 0 where it was not measured.
        stages: Seconds of parts of the work, which may overlap.
    """

    n_messages: int
    peak_bytes: int
    seconds: float
    processor_seconds: float
    n_tokens: int
    n_real: int
    threads: str
    gemm_per_second: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)


class Engine(Protocol):
    """A contender, ready.

    Attributes:
        threads: What it computes with, in words.
        count: Of what has gone through its network.
        stages: Seconds so far, by stage.
    """

    threads: str
    count: Count
    stages: dict[str, float]

    def logits(self, texts: Sequence[str]) -> Logits:
        """Of each text, in order, shape (n_texts, n_audiences)."""
        ...

    def gemm_per_second(self) -> float:
        """As in Trial."""
        ...


@dataclass(frozen=True)
class Order:
    """What a contender's process is asked for: its name, a bundle, the file of texts, those to warm up with and to time."""

    contender: str
    bundle: Bundle
    file: Path
    warm_up: list[str]
    timed: list[str]


def command(opened: Callable[[Order], Engine]) -> typer.Typer:
    """The command line of a module of contenders."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def main(
        contender: Annotated[str, typer.Argument(help="Which of this module's.")],
        model: Annotated[Path, typer.Option(metavar="BUNDLE", help="The bundle whose network runs.")],
        texts: Annotated[Path, typer.Option(metavar="FILE", help=f"JSON: lists of texts {WARM_UP} and {TIMED}.")],
        out: Annotated[Path, typer.Option(metavar="FILE", help="Gets the trial as JSON, and logits beside it.")],
    ) -> None:
        """Time one contender on texts."""
        given = json.loads(texts.read_text("utf-8"))
        order = Order(contender, audit(model), texts, given[WARM_UP], given[TIMED])
        trial, logits = tried(opened(order), order)
        np.save(out.with_suffix(".npy"), logits)
        write_text(out, json.dumps(asdict(trial)) + "\n")

    return app


def tried(engine: Engine, order: Order) -> tuple[Trial, Logits]:
    """Warm up, then time all texts once."""
    engine.logits(order.warm_up)
    before, stages = Count(engine.count.n_tokens, engine.count.n_real), dict(engine.stages)
    started, processor = perf_counter(), process_time()
    logits = engine.logits(order.timed)
    seconds, processor_seconds = perf_counter() - started, process_time() - processor
    trial = Trial(
        n_messages=len(order.timed),
        peak_bytes=peak_bytes(resource.RUSAGE_SELF),
        seconds=seconds,
        processor_seconds=processor_seconds,
        n_tokens=engine.count.n_tokens - before.n_tokens,
        n_real=engine.count.n_real - before.n_real,
        threads=engine.threads,
        gemm_per_second=engine.gemm_per_second(),
        stages={name: total - stages.get(name, 0.0) for name, total in engine.stages.items()},
    )
    return trial, logits
