"""`python -m eval.bench_training --params P`: how fast our training is beside Hugging Face's Trainer, on the same messages.

Each fit is a process of its own: ours (training.speed), then the Trainer with random and with length-grouped batches
(hf_trainer.py), round after round. Not here: how they fit, and how they are timed (segmenter.meter).
"""

import json
import logging
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import pandas as pd
import typer
import yaml
from rich.console import Console
from rich.table import Table

from segmenter.cli import run
from segmenter.errors import TableError
from segmenter.params import Params, load_params
from segmenter.prepared import REPORT, data_folder, read_split
from segmenter.writers import write_text

logger = logging.getLogger(__name__)
app = typer.Typer(add_completion=False)
FORMAT = 1
OURS = "segmenter"
PACKAGES = ("torch", "transformers", "accelerate")
ORDERS = {"Trainer, dynamic padding": "random", "Trainer, length-grouped": "group_by_length"}


@dataclass(frozen=True)
class Fit:
    """One contender in one round.

    Attributes:
        contender: OURS, or one of ORDERS.
        round: From 1; it is added to the seed.
        messages_per_second: After the warm-up.
        messages_per_processor_second: The same by the time that the process had a processor.
        n_windows: Learned in all epochs, as counted; a message longer than max_tokens has several.
        windows_a_batch: Mean.
        padding_share: Of all tokens that went through the encoder.
        dev_macro_f1: At threshold 0.5, after the last epoch.
        device: Where it computed.
        threads: With how many on a CPU.
    """

    contender: str
    round: int
    messages_per_second: float
    messages_per_processor_second: float
    n_windows: int
    windows_a_batch: float
    padding_share: float
    dev_macro_f1: float
    device: str
    threads: int


@dataclass(frozen=True)
class Spread:
    """The middle of several rounds' values, the least and the most."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f}\n({self.least:.2f}–{self.most:.2f})"


def lay_out(params: Params, n_messages: int | None, folder: Path) -> Params:
    """Prepared splits of trusted messages alone, at most `n_messages` to train on, and the plain loss: what all can learn.

    Raises:
        ParamsError: The splits were not prepared.
        TableError: There is no message to train on, or none to judge by.
    """
    shutil.rmtree(folder, ignore_errors=True)
    plain = {"weak": "leave_out", "language_balance": 0.0, "label_smoothing": 0.0}
    own = params.model_copy(
        update={
            "train": params.train.model_copy(update=plain),
            "tracking": params.tracking.model_copy(update={"run_folder": str(folder)}),
        }
    )
    data_folder(own).mkdir(parents=True)
    for name, n_at_most in (("train", n_messages), ("dev", None)):
        frame = _trusted(read_split(params, name))
        if frame.empty:
            raise TableError(f"{name} split", "is empty", "bring more labelled messages")
        if n_at_most is not None and n_at_most < len(frame):
            frame = frame.sample(n_at_most, random_state=params.seed)
        frame.assign(weight=1.0).to_parquet(data_folder(own) / f"{name}.parquet", index=False)
    shutil.copy(data_folder(params) / REPORT, data_folder(own) / REPORT)
    return own


def _trusted(frame: pd.DataFrame) -> pd.DataFrame:
    trusted = frame[frame["label_kind"] != "weak"]
    return frame if trusted.empty else trusted


def fits(params: Params, n_rounds: int) -> Iterator[Fit]:
    """Every contender's fit, round by round; the others' batches are as large as ours are on average.

    Args:
        params: As laid out.
        n_rounds: Each with a seed of its own.

    Raises:
        Exit: A contender failed, and has said why.
    """
    folder = Path(params.tracking.run_folder)
    for number in range(1, n_rounds + 1):
        own = params.model_copy(update={"seed": params.seed + number - 1})
        settings = folder / f"round-{number}.yaml"
        write_text(settings, yaml.safe_dump(own.model_dump(), allow_unicode=True, sort_keys=False))
        ours = folder / f"round-{number}-ours.json"
        yield _fit(own, OURS, number, ["training.speed", "--params", f"{settings}", "--out", f"{ours}"])
        for contender, order in ORDERS.items():
            like = ["--params", f"{settings}", "--like", f"{ours}", "--order", order]
            out = ["--out", f"{folder / f'round-{number}-{order}.json'}"]
            yield _fit(own, contender, number, ["eval.hf_trainer", *like, *out])


def _fit(params: Params, contender: str, number: int, words: list[str]) -> Fit:
    code = subprocess.run([sys.executable, "-m", *words], check=False).returncode
    if code:
        raise typer.Exit(code)
    done = json.loads(Path(words[-1]).read_text("utf-8"))
    # a message of several windows counts once
    n_timed = done["n_timed_windows"] * len(read_split(params, "train")) * params.train.epochs / done["n_windows"]
    fit = Fit(
        contender=contender,
        round=number,
        messages_per_second=n_timed / done["seconds"],
        messages_per_processor_second=n_timed / done["processor_seconds"],
        n_windows=done["n_windows"],
        windows_a_batch=done["n_windows"] / done["n_batches"],
        padding_share=done["padding_share"],
        dev_macro_f1=done["dev_macro_f1"],
        device=done["device"],
        threads=done["threads"],
    )
    logger.info("round %d: %s %.1f messages/s", number, contender, fit.messages_per_second)
    return fit


def ratios(found: list[Fit], speed_of: Callable[[Fit], float]) -> dict[str, Spread]:
    """How many times as fast as each of ORDERS ours is: within each round, for the machine may slow down between two."""
    speeds = {(fit.contender, fit.round): speed_of(fit) for fit in found}
    rounds = sorted({fit.round for fit in found})
    return {name: spread([speeds[OURS, number] / speeds[name, number] for number in rounds]) for name in ORDERS}


def by_clock(fit: Fit) -> float:
    """Speed as a user waits for it."""
    return fit.messages_per_second


def by_processor(fit: Fit) -> float:
    """Speed whatever else the machine does; not of a GPU."""
    return fit.messages_per_processor_second


def spread(values: list[float]) -> Spread:
    """Of one value a round."""
    return Spread(median(values), min(values), max(values))


def speed_table(found: list[Fit]) -> Table:
    """One line a contender, for a console of 80 columns: medians over the rounds, least and most of the ratios."""
    table = Table(title="Training on the same messages; ×: as many times as fast is segmenter", title_justify="left")
    for head in ("", "messages/s", "×", "× in pro-\ncessor time", "padding", "dev F1"):
        table.add_column(head, no_wrap=True)
    times = [ratios(found, speed_of) for speed_of in (by_clock, by_processor)]
    for name in (OURS, *ORDERS):
        own = [fit for fit in found if fit.contender == name]
        table.add_row(
            name.replace(", ", "\n"),
            f"{median(by_clock(fit) for fit in own):,.1f}",
            *[str(part.get(name, "")) for part in times],
            f"{np.mean([fit.padding_share for fit in own]):.1%}",
            f"{np.mean([fit.dev_macro_f1 for fit in own]):.3f}",
        )
    return table


def machine(*packages: str) -> dict[str, str]:
    """The processor as the system names it, its cores, and the versions of `packages`."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    versions = {name: version(name) for name in packages}
    return {"processor": names[0] if names else platform.machine(), "cores": str(len(names)), **versions}


def _as_json(times: dict[str, Spread]) -> dict[str, dict[str, float]]:
    return {name: asdict(part) for name, part in times.items()}


@app.command()
def main(
    params: Annotated[Path, typer.Option(help="The params file; its splits are prepared.", metavar="FILE")],
    messages: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Train on N messages drawn by seed; without it, on all.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Passes over them; without it, as params say.")
    ] = None,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Fits of each contender, side by side.")] = 3,
) -> None:
    """Time our training beside Hugging Face's Trainer; writes speed.json."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logger.setLevel(logging.INFO)
    settings = load_params(params)
    if epochs is not None:
        settings = settings.model_copy(update={"train": settings.train.model_copy(update={"epochs": epochs})})
    own = lay_out(settings, messages, Path(settings.tracking.run_folder) / "bench-training")
    found = list(fits(own, rounds))
    n_messages = {name: len(read_split(own, name)) for name in ("train", "dev")}
    whole = {
        "format": FORMAT,
        "machine": machine(*PACKAGES),
        "params": own.model_dump(),
        "n_messages": n_messages,
        "fits": [asdict(fit) for fit in found],
        "times_as_fast": _as_json(ratios(found, by_clock)),
        "times_as_fast_by_processor": _as_json(ratios(found, by_processor)),
    }
    path = Path(own.tracking.run_folder) / "speed.json"
    write_text(path, json.dumps(whole, indent=1) + "\n")
    Console().print(speed_table(found))
    what = (
        f"train {n_messages['train']:,}, dev {n_messages['dev']:,} messages; epochs {own.train.epochs}, rounds {rounds}"
    )
    typer.echo(f"{what}; {machine()['processor']}, {found[0].device}, threads {found[0].threads}")
    typer.echo(f"figures: {path}")


if __name__ == "__main__":
    run(app)
