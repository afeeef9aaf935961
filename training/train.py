"""`python -m training.train --params P`: fine-tune, calibrate out of fold, export, seal a bundle, log it all to MLflow.

`torchrun --nproc_per_node N -m training.train --params P` trains on several GPUs.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers.utils import logging as transformers_logging

from segmenter import tracking
from segmenter.bundle import Bundle, audit
from segmenter.cli import run
from segmenter.errors import ParamsError
from segmenter.params import Params, load_params
from segmenter.prepared import table_digests
from training import processes
from training.calibrate import calibrate
from training.curve import draw_curve
from training.learning import learn
from training.loop import Epoch, best_epoch
from training.repeats import repeat, seeds_table
from training.trainer import Trainer

app = typer.Typer(add_completion=False)


def train(params: Params, progress: Progress) -> Bundle:
    """Train, calibrate, seal and log; the bundle stands in the run folder even where tracking fails at the end.

    A training that was killed goes on from its last checkpoint, in the same MLflow run.

    Raises:
        SegmenterError: As Trainer, or the tracking store does not answer.
    """
    trainer = Trainer(params)
    if trainer.learned.tokens.long.any():
        progress.console.print(trainer.long_sentence())
    if processes.number():
        _, epochs = trainer.fit(progress)
        trainer.out_of_fold(progress, best_epoch(epochs))
    else:
        with _tracked(trainer) as run_id:
            model, epochs = trainer.fit(progress)
            found = trainer.out_of_fold(progress, best_epoch(epochs))
            calibrated = calibrate(found, params.calibrate, params.seed)
            bundle = trainer.seal(model, found, calibrated, run_id)
            progress.console.print(f"sealed {bundle.path}")  # said before tracking can fail
            _log(bundle, epochs)
    processes.wait()
    return audit(Path(params.tracking.run_folder) / "bundle")


@contextmanager
def _tracked(trainer: Trainer) -> Iterator[str]:
    """A run of the store with params and data logged, that of the killed attempt where there was one; its id."""
    tracking_to, former = trainer.params.tracking, trainer.checkpoints.run_id
    if former and not tracking.run_exists(tracking_to, former):
        former = None
    with tracking.tracked_run(tracking_to, name=Path(tracking_to.run_folder).name, run_id=former) as run_id:
        trainer.checkpoints.begin(run_id)
        tracking.log_params(trainer.params.model_dump())
        tracking.log_data(table_digests(trainer.params), "training")
        tracking.log_metrics({"train/long_share": float(trainer.learned.tokens.long.mean())})
        yield run_id


def _log(bundle: Bundle, epochs: list[Epoch]) -> None:
    pictures = bundle.path.parent / "training"
    pictures.mkdir(exist_ok=True)
    draw_curve(epochs, pictures / "curve.png")
    for epoch in epochs:
        figures = {"train/loss": epoch.loss, "dev/macro_f1": epoch.dev_macro_f1 or 0.0}
        tracking.log_metrics(figures, step=epoch.number)
    tracking.log_files(pictures, "training")
    tracking.log_bundle(bundle)


def chosen_of_dev(params: Params, progress: Progress) -> NDArray[np.bool_]:
    """What a model fitted on the params' splits chooses of dev at threshold 0.5, shape (n_messages, n_audiences)."""
    trainer = Trainer(params)
    trainer.checkpoints.begin("")
    model, _ = trainer.fit(progress)
    chosen = trainer.logits(model, trainer.dev) >= 0
    trainer.checkpoints.remove()
    return chosen


@app.command()
def main(
    params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")],
    seeds: Annotated[
        int | None, typer.Option(metavar="N", min=2, help="Train N seeds on the same splits: mean and spread on dev.")
    ] = None,
    curve: Annotated[
        bool, typer.Option("--curve", help="Seal nothing; fit growing parts, and say what more labels would give.")
    ] = False,
) -> None:
    """Fine-tune on the prepared splits, calibrate out of fold, seal a bundle, log the run to MLflow."""
    if seeds is not None and curve:
        raise ParamsError("--seeds and --curve", "are two questions", "ask one at a time")
    settings = load_params(params)
    with processes.joined(), _progress() as progress:
        if processes.count() > 1 and (curve or seeds is not None):
            raise ParamsError("--seeds and --curve", "train with one process", "start them without torchrun")
        if curve:
            found = learn(settings, lambda own: chosen_of_dev(own, progress))
            bundles = []
        elif seeds is not None:
            repeats = repeat(settings, seeds, lambda own: train(own, progress))
            bundles = [part.bundle for part in repeats]
        else:
            bundle = train(settings, progress)
            bundles = [] if processes.number() else [bundle]  # the first process speaks for all
    if curve:
        typer.echo(found.sentence)
        typer.echo(f"picture, figures: {Path(settings.tracking.run_folder) / 'learning'}")
    if seeds is not None:
        Console().print(seeds_table(repeats))
    for bundle in bundles:
        _say(bundle)


def _progress() -> Progress:
    """Bars on a terminal; in a log, where a bar says nothing, the epochs."""
    console = Console(stderr=True, quiet=processes.number() > 0)
    if not console.is_terminal and not processes.number():
        logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
        logging.getLogger("training").setLevel(logging.INFO)
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # it warns of a loss that nobody here asks it for
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console)


def _say(bundle: Bundle) -> None:
    """Where a bundle is, and what became of its cpu graph."""
    manifest, cpu = bundle.manifest, bundle.manifest.cpu
    typer.echo(f"bundle {bundle.path} (digest {bundle.name}), run {manifest.mlflow_run_id}")
    promised = manifest.guarantee.sentence() if manifest.guarantee else f"none: {manifest.no_guarantee}"
    typer.echo(f"guarantee: {promised}")
    if cpu is not None:
        agreed = f"int8 agreed on {cpu.int8_agreement:.2%} of {cpu.n_decisions:,} dev decisions"
        typer.echo(f"cpu graph: {cpu.precision}; {agreed}")


if __name__ == "__main__":
    run(app)
