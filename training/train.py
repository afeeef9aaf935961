"""`python -m training.train --params P`: fine-tune, calibrate out of fold, export, seal a bundle, log it all to MLflow."""

import logging
import subprocess
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers.utils import logging as transformers_logging

from segmenter import __version__, tracking
from segmenter.batches import bucket, tokenise
from segmenter.bundle import ROW_KEYS, Bundle, CpuGraph, seal
from segmenter.calibration import Calibration
from segmenter.cli import run
from segmenter.errors import ParamsError, TableError
from segmenter.model import AudienceModel, find_base, new_model, save
from segmenter.params import Params, load_params
from segmenter.prepared import label_array, read_split, table_digests
from segmenter.scope import languages
from segmenter.text import RULES, clean
from training.calibrate import calibrate
from training.curve import draw_curve
from training.export import export
from training.loop import Epoch, Examples, Plan, best_epoch, fit, logits_of
from training.splits import folds

logger = logging.getLogger(__name__)
app = typer.Typer(add_completion=False)


class Trainer:
    """One training from prepared splits to a sealed bundle."""

    def __init__(self, params: Params) -> None:
        """Read the splits, find the base encoder, tokenise.

        Raises:
            ParamsError: Splits not prepared, or max_tokens beyond the encoder's positions.
            ModelError: The base encoder cannot be had.
            TableError: No training or dev messages, or an audience without a training message.
        """
        if params.text.rules != RULES:
            raise ParamsError(
                "params: text.rules", f"{params.text.rules}, this segmenter has {RULES}", f"write {RULES}"
            )
        self.params = params
        self.frames = {name: read_split(params, name) for name in ("train", "dev")}
        self.base = find_base(params.base)
        if bucket(params.text.max_tokens) > self.base.n_positions:  # padded, a message must fit too
            found = f"{params.text.max_tokens}, {params.base.model} has {self.base.n_positions} positions"
            raise ParamsError("params: text.max_tokens", found, "lower it")
        self.examples = {name: self._examples(frame) for name, frame in self.frames.items()}
        # as the detector of scoring sees them, whatever codes the labelled tables use
        n_by_language = Counter(languages(self.frames["train"]["text"].tolist()))
        self.languages = sorted(code for code, n in n_by_language.items() if n >= params.text.min_language_messages)
        self._check()

    def _examples(self, frame: pd.DataFrame) -> Examples:
        tokens = tokenise(self.base.tokenizer, [clean(text) for text in frame["text"]], self.params.text.max_tokens)
        return Examples(
            tokens.ids,
            label_array(frame, self.params.audience_ids),
            frame["weight"].to_numpy(np.float64),
            self.base.pad_id,
        )

    def _check(self) -> None:
        for name, examples in self.examples.items():
            if not examples.ids:
                raise TableError(f"{name} split", "is empty", "bring more labelled messages")
        if not self.languages:
            found = f"no language has {self.params.text.min_language_messages} messages"
            raise TableError("train split", found, "bring more, or lower text.min_language_messages")
        for audience, n_true in zip(self.params.audience_ids, self.examples["train"].labels.sum(axis=0), strict=True):
            if n_true == 0:
                raise TableError(
                    "train split", f"no message carries {audience!r}", "label some, or take the audience out of params"
                )

    def fit(self, progress: Progress) -> tuple[AudienceModel, list[Epoch]]:
        """The main model, stopped early on dev, with the weights of its best epoch."""
        return self._fit(
            progress, "model", self.examples["train"], dev=self.examples["dev"], n_epochs=self.params.train.epochs
        )

    def out_of_fold(self, progress: Progress, n_epochs: int) -> NDArray[np.float32]:
        """Logits of every training message by a model that saw neither it, its author nor its text."""
        train, settings = self.examples["train"], self.params.calibrate
        fold = folds(self.frames["train"], settings.folds, self.params.seed)
        logits = np.zeros(train.labels.shape, np.float32)
        for number in range(settings.folds):
            rest, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            model, _ = self._fit(
                progress, f"fold {number + 1} of {settings.folds}", train.part(rest), dev=None, n_epochs=n_epochs
            )
            logits[held] = logits_of(model, train.part(held), self.params.train.batch_tokens)
        return logits

    def _fit(
        self, progress: Progress, name: str, train: Examples, *, dev: Examples | None, n_epochs: int
    ) -> tuple[AudienceModel, list[Epoch]]:
        logger.info("%s: %d messages, up to %d epochs", name, len(train.ids), n_epochs)
        torch.manual_seed(self.params.seed)
        model = new_model(self.base, n_audiences=len(self.params.audiences), dropout=self.params.train.dropout)
        task = progress.add_task(name, total=n_epochs * len(train.ids), loss="")

        def advance(n_messages: int, loss: float) -> None:
            progress.update(task, advance=n_messages, loss=f"loss {loss:.3f}")

        plan = Plan(self.params.train, n_epochs, self.params.seed)
        epochs = fit(model, train, plan, dev=dev, progress=advance)
        progress.update(task, total=len(epochs) * len(train.ids))
        return model, epochs

    def seal(self, model: AudienceModel, calibrations: list[Calibration], run_id: str) -> Bundle:
        """Save, export the cpu graph, and seal everything as `<run_folder>/bundle`."""
        folder = Path(self.params.tracking.run_folder)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            parts = Path(temporary, "bundle")
            parts.mkdir()
            save(model.cpu(), self.base.tokenizer, parts)
            keys = sorted({key for frame in self.frames.values() for key in frame["key"]})
            (parts / ROW_KEYS).write_text("\n".join(keys) + "\n", "utf-8")
            graph = export(
                parts,
                encoder=self.base.source,
                ranges=self._drawn(self.params.calibrate.int8_messages),
                dev=self.examples["dev"],
                calibrations=calibrations,
                settings=self.params.calibrate,
            )
            return seal(parts, folder / "bundle", self._manifest(calibrations, graph, run_id))

    def _drawn(self, n_messages: int) -> Examples:
        """Some training messages at random: tables often hold one language after the other."""
        train = self.examples["train"]
        return train.part(np.random.default_rng(self.params.seed).permutation(len(train.ids))[:n_messages])

    def _manifest(self, calibrations: list[Calibration], graph: CpuGraph, run_id: str) -> dict[str, object]:
        params = self.params
        return {
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "segmenter_version": __version__,
            "git_commit": git_commit(),
            "mlflow_run_id": run_id,
            "audiences": params.audiences,
            "calibration": calibrations,
            "text": params.text,
            "languages": self.languages,
            "encoder": self.base.source,
            "cpu": graph,
            "params": params.model_dump(),
            "data": table_digests(params),
            "n_messages": {name: len(frame) for name, frame in self.frames.items()},
            "reference_labels": params.data.reference_labels,
        }


def train(params: Params, progress: Progress) -> Bundle:
    """Train, calibrate, seal and log; the bundle stands in the run folder even where tracking fails at the end.

    Raises:
        SegmenterError: As Trainer, or the tracking store does not answer.
    """
    trainer = Trainer(params)
    folder = Path(params.tracking.run_folder)
    with tracking.tracked_run(params.tracking, name=folder.name, run_id=None) as run_id:
        tracking.log_params(params.model_dump())
        tracking.log_data(table_digests(params), "training")
        model, epochs = trainer.fit(progress)
        logits = trainer.out_of_fold(progress, best_epoch(epochs))
        calibrations = calibrate(logits, trainer.examples["train"].labels, params.calibrate, params.seed)
        bundle = trainer.seal(model, calibrations, run_id)
        progress.console.print(f"sealed {bundle.path}")  # said before tracking can fail
        pictures = folder / "training"
        pictures.mkdir(exist_ok=True)
        draw_curve(epochs, pictures / "curve.png")
        for epoch in epochs:
            tracking.log_metrics(
                {"train/loss": epoch.loss, "dev/macro_f1": epoch.dev_macro_f1 or 0.0}, step=epoch.number
            )
        tracking.log_files(pictures, "training")
        tracking.log_bundle(bundle)
    return bundle


def git_commit() -> str:
    """The checkout's commit, with `+` where it has changes; empty outside a checkout."""
    commands = (["git", "rev-parse", "HEAD"], ["git", "status", "--porcelain", "--untracked-files=no"])
    try:
        head, changes = (
            subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() for command in commands
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+" if changes else "")


@app.command()
def main(params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")]) -> None:
    """Fine-tune on the prepared splits, calibrate out of fold, seal a bundle, log the run to MLflow."""
    settings = load_params(params)
    console = Console(stderr=True)
    if not console.is_terminal:  # a bar says nothing in a log; epochs do
        logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
        logging.getLogger("training").setLevel(logging.INFO)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # it warns of a loss that nobody here asks it for
    with Progress(*columns, console=console) as progress:
        bundle = train(settings, progress)
    manifest, cpu = bundle.manifest, bundle.manifest.cpu
    typer.echo(f"bundle {bundle.path} (digest {bundle.name}), run {manifest.mlflow_run_id}")
    if cpu is not None:
        agreed = f"int8 agreed on {cpu.int8_agreement:.2%} of {cpu.n_decisions:,} dev decisions"
        typer.echo(f"cpu graph: {cpu.precision}; {agreed}")


if __name__ == "__main__":
    run(app)
