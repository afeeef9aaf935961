"""One training from prepared splits to a sealed bundle: main model, fold models, cpu graph, manifest. Not here: MLflow."""

import subprocess
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress

from segmenter import __version__
from segmenter.batches import bucket
from segmenter.bundle import ROW_KEYS, Bundle, CpuGraph, seal, sha256_of
from segmenter.errors import ParamsError, TableError
from segmenter.model import AudienceModel, find_base, new_model, save
from segmenter.out_of_fold import OutOfFold, write_out_of_fold
from segmenter.params import Params
from segmenter.prepared import data_folder, table_digests
from segmenter.scope import language, pieces_per_word
from segmenter.text import RULES, clean
from training import processes
from training.checkpoint import Checkpoints, State
from training.examples import Examples, read_frames, to_examples
from training.export import export
from training.guarantee import Calibrated
from training.loop import Epoch, Stage, fit, logits_of
from training.splits import clusters, folds


class Trainer:
    """One training.

    Attributes:
        learned: The messages it learns from, the weak ones last.
        train: The trusted ones among them.
        dev: The messages that stop it.
        checkpoints: What a killed attempt has left, and this one leaves.
    """

    def __init__(self, params: Params) -> None:
        """Read the splits, find the base encoder, tokenise.

        Raises:
            ParamsError: Splits not prepared, max_tokens beyond the encoder's positions, or another training unfinished.
            ModelError: The base encoder cannot be had.
            TableError: No training or dev messages, or an audience without a training message.
        """
        if params.text.rules != RULES:
            raise ParamsError(
                "params: text.rules", f"{params.text.rules}, this segmenter has {RULES}", f"write {RULES}"
            )
        self.params = params
        self.frames = read_frames(params)
        self.base = find_base(params.base)
        if bucket(params.text.max_tokens) > self.base.n_positions:  # padded, a window must fit too
            found = f"{params.text.max_tokens}, {params.base.model} has {self.base.n_positions} positions"
            raise ParamsError("params: text.max_tokens", found, "lower it")
        self.learned = to_examples(self.frames.learned, self.base, params)
        self.train = self.learned.part(np.arange(len(self.frames.train)))
        self.dev = to_examples(self.frames.dev, self.base, params)
        self.pieces_per_word = self._pieces_per_word()
        self._check()
        self.checkpoints = Checkpoints(Path(params.tracking.run_folder) / "checkpoint", self._plan())

    def _pieces_per_word(self) -> dict[str, float]:
        """Of the middle message of each language with enough of them, as scoring detects it, whatever the tables say."""
        cleaned = [clean(text) for text in self.frames.learned["text"]]
        found, pieces = np.array([language(text) for text in cleaned]), pieces_per_word(self.base.tokenizer, cleaned)
        enough = [code for code, n in Counter(found.tolist()).items() if n >= self.params.text.min_language_messages]
        return {code: round(float(np.median(pieces[found == code])), 3) for code in sorted(enough)}

    def _check(self) -> None:
        for name, examples in (("train", self.train), ("dev", self.dev)):
            if not len(examples.labels):
                raise TableError(f"{name} split", "is empty", "bring more labelled messages")
        if not self.pieces_per_word:
            found = f"no language has {self.params.text.min_language_messages} messages"
            raise TableError("train split", found, "bring more, or lower text.min_language_messages")
        for audience, n_true in zip(self.params.audience_ids, self.train.labels.sum(axis=0), strict=True):
            if n_true == 0:
                raise TableError(
                    "train split", f"no message carries {audience!r}", "label some, or take the audience out of params"
                )

    def _plan(self) -> dict[str, object]:
        """All that decides the weights: what a checkpoint must agree with."""
        params = self.params
        data = data_folder(params)
        return {
            "seed": params.seed,
            "audiences": params.audience_ids,
            "text": params.text.model_dump(),
            "train": params.train.model_dump(exclude={"checkpoint_minutes"}),
            "folds": params.calibrate.folds,
            "base": self.base.source.model_dump(),
            "messages": [sha256_of(data / f"{name}.parquet") for name in ("train", "dev")],
            "processes": processes.count(),
            "device": processes.device().type,
            "version": [__version__, torch.__version__],
        }

    def long_sentence(self) -> str:
        """How many training messages are longer than max_tokens."""
        long = self.learned.tokens.long
        share = f"{long.sum():,} of {len(long):,} training messages ({long.mean():.1%})"
        return f"{share} are longer than {self.params.text.max_tokens} tokens, read in windows"

    def fit(self, progress: Progress) -> tuple[AudienceModel, list[Epoch]]:
        """The main model, stopped early on dev, with the weights of its best epoch."""
        everything = np.arange(len(self.learned.labels))
        return self._fit(progress, "model", everything, dev=self.dev, n_epochs=self.params.train.epochs)

    def out_of_fold(self, progress: Progress, n_epochs: int) -> OutOfFold:
        """Every trusted message as judged by a model that saw neither it, its author nor its text."""
        n_folds = self.params.calibrate.folds
        fold = folds(self.frames.train, n_folds, self.params.seed)
        logits = np.zeros(self.train.labels.shape, np.float32)
        for number in range(n_folds):
            held = np.flatnonzero(fold == number)
            name = f"fold-{number + 1}"
            kept = self.checkpoints.load(f"{name}-logits")
            if kept is None:
                model, _ = self._fit(progress, name, self.apart_from(held), dev=None, n_epochs=n_epochs)
                found = self.logits(model, self.learned.part(held))
                kept = State({"logits": torch.from_numpy(found)}, {})
                self.checkpoints.save(f"{name}-logits", kept)
                self.checkpoints.drop(name)
            logits[held] = kept.tensors["logits"].numpy()
        languages, cluster = self.train.languages, clusters(self.frames.train)
        return OutOfFold(self.params.audience_ids, logits, self.train.labels, languages, cluster)

    def apart_from(self, held: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places in `learned` of what is learned where a fold is held out: the weak messages must not be tied to it."""
        n_trusted = len(self.frames.train)
        others = np.setdiff1d(np.arange(n_trusted), held)
        cluster = clusters(self.frames.learned)
        free_weak = n_trusted + np.flatnonzero(~np.isin(cluster[n_trusted:], cluster[held]))
        return np.concatenate([others, free_weak])

    def logits(self, model: AudienceModel, examples: Examples) -> NDArray[np.float32]:
        """What a model says of messages, shape (n_messages, n_audiences)."""
        return logits_of(model, examples, self.params.train.batch_tokens, self.params.train.precision)

    def _fit(
        self, progress: Progress, name: str, places: NDArray[np.int64], *, dev: Examples | None, n_epochs: int
    ) -> tuple[AudienceModel, list[Epoch]]:
        """A fresh model that learns the messages at `places`, the weak ones before the others where params say so."""
        settings, seed, n_trusted = self.params.train, self.params.seed, len(self.train.labels)
        torch.manual_seed(seed)
        model = new_model(self.base, n_audiences=len(self.params.audiences), dropout=settings.dropout)
        if settings.weak == "first":
            weak, places = places[places >= n_trusted], places[places < n_trusted]
            if len(weak) and self.checkpoints.facts(name) is None:
                own = settings.model_copy(update={"epochs": settings.weak_epochs})
                first = Stage(f"{name}-weak", self.learned.part(weak), None, own, settings.weak_epochs, seed)
                self._learn(progress, model, first)
        epochs = self._learn(progress, model, Stage(name, self.learned.part(places), dev, settings, n_epochs, seed))
        self.checkpoints.drop(f"{name}-weak")
        return model, epochs

    def _learn(self, progress: Progress, model: AudienceModel, stage: Stage) -> list[Epoch]:
        n_windows = len(stage.train.tokens.ids)
        facts = self.checkpoints.facts(stage.name)
        if facts is not None:
            place = f"epoch {len(facts['epochs']) + 1}, {facts['n_windows'] / n_windows:.0%} of it"
            progress.console.print(f"{stage.name}: {'done before' if facts['ended'] else f'resumed at {place}'}")
        task = progress.add_task(stage.name, total=stage.n_epochs * n_windows, loss="")

        def advance(n_more: int, loss: float) -> None:
            progress.update(task, advance=n_more, loss=f"loss {loss:.3f}")

        epochs = fit(model, stage, self.checkpoints, advance)
        progress.update(task, total=len(epochs) * n_windows)
        return epochs

    def seal(self, model: AudienceModel, found: OutOfFold, calibrated: Calibrated, run_id: str) -> Bundle:
        """Save, export the cpu graph, and seal everything as `<run_folder>/bundle`; the checkpoints have served."""
        folder = Path(self.params.tracking.run_folder)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            parts = Path(temporary, "bundle")
            parts.mkdir()
            save(model.cpu(), self.base.tokenizer, parts)
            (parts / ROW_KEYS).write_text("\n".join(sorted(self.frames.keys)) + "\n", "utf-8")
            write_out_of_fold(parts, found)
            graph = export(
                parts,
                encoder=self.base.source,
                ranges=self._drawn(self.params.calibrate.int8_messages),
                dev=self.dev,
                calibrations=calibrated.calibrations,
                settings=self.params.calibrate,
            )
            bundle = seal(parts, folder / "bundle", self._manifest(calibrated, graph, run_id))
        self.checkpoints.remove()
        return bundle

    def _drawn(self, n_messages: int) -> Examples:
        """Some training messages at random: tables often hold one language after the other."""
        order = np.random.default_rng(self.params.seed).permutation(len(self.train.labels))
        return self.train.part(order[:n_messages])

    def _manifest(self, calibrated: Calibrated, graph: CpuGraph, run_id: str) -> dict[str, object]:
        params, frames = self.params, self.frames
        sizes = {"train": len(frames.train), "weak": len(frames.weak), "dev": len(frames.dev)}
        return {
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "segmenter_version": __version__,
            "git_commit": git_commit(),
            "mlflow_run_id": run_id,
            "audiences": params.audiences,
            "calibration": calibrated.calibrations,
            "guarantee": calibrated.guarantee,
            "no_guarantee": calibrated.no_guarantee,
            "text": params.text,
            "languages": list(self.pieces_per_word),
            "pieces_per_word": self.pieces_per_word,
            "encoder": self.base.source,
            "cpu": graph,
            "params": params.model_dump(),
            "data": table_digests(params),
            "n_messages": {name: n for name, n in sizes.items() if n},
            "reference_labels": params.data.reference_labels,
        }


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
