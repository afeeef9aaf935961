"""Fine-tuning epoch by epoch: warm-up, early stopping on dev macro-F1, checkpoints from which a killed run goes on exactly.

The batches of an epoch and their dropout follow from the seed and the epoch's number alone, so that a checkpoint needs
no generator's state. Not here: one step (learner.py), which windows make a batch (steps.py), the files (checkpoint.py).
"""

import copy
import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmenter.batches import canonical_batches, in_input_order
from segmenter.metrics import macro_f1
from segmenter.model import AudienceModel
from segmenter.sections import Precision, Train
from training import processes
from training.checkpoint import Checkpoints, State, named
from training.examples import Examples
from training.learner import Learner, autocast
from training.steps import token_budget_batches

logger = logging.getLogger(__name__)
SHOWN_STEPS = 10  # the loss is fetched once in so many: a GPU runs dry each time
Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class Epoch:
    """One pass over the training messages: mean loss, and macro-F1 on dev (None where there is no dev)."""

    number: int
    loss: float
    dev_macro_f1: float | None


@dataclass(frozen=True)
class Stage:
    """One fit of a model.

    Attributes:
        name: Of its checkpoint.
        train: What is learned from.
        dev: Judged after each epoch at threshold 0.5; None: no early stop.
        settings: The `train` section; its `epochs` sets the learning-rate schedule.
        n_epochs: Stop after so many epochs of that schedule (the fold models stop where the main model was best).
        seed: Of batches and dropout.
    """

    name: str
    train: Examples
    dev: Examples | None
    settings: Train
    n_epochs: int
    seed: int


def fit(model: AudienceModel, stage: Stage, checkpoints: Checkpoints | None, progress: Progress) -> list[Epoch]:
    """Train in place; with `dev`, stop early and end with the weights of the best epoch.

    Args:
        model: Moved to a GPU where torch sees one.
        stage: What, how and how long.
        checkpoints: Where a former attempt may have left word, and this one does; None for nowhere.
        progress: Called now and then with the windows learned since, and the epoch's mean loss so far.
    """
    run = _Run(model, stage, checkpoints)
    progress(run.n_done, 0.0)
    while not run.ended:
        run.learn_epoch(progress)
        run.judge()
        run.save()
    return run.epochs


class _Run:
    """A stage and the place where it stands."""

    def __init__(self, model: AudienceModel, stage: Stage, checkpoints: Checkpoints | None) -> None:
        self.learner = Learner(model, stage.train, stage.settings)
        self.stage, self.checkpoints = stage, checkpoints
        self.epochs: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        self.n_batches = self.n_windows = 0  # of this epoch, so far
        self.total = torch.zeros((), dtype=torch.float64, device=self.learner.device)  # their loss
        self.ended = False
        self._resume()
        self.saved = monotonic()

    @property
    def n_done(self) -> int:
        """Windows learned since the stage began."""
        return len(self.epochs) * len(self.stage.train.tokens.ids) + self.n_windows

    def learn_epoch(self, progress: Progress) -> None:
        """What is left of an epoch, step by step."""
        settings, learner = self.stage.settings, self.learner
        learner.model.train()
        generator = np.random.default_rng([self.stage.seed, len(self.epochs)])
        batches = token_budget_batches(learner.padder.lengths, settings.batch_tokens, generator)
        shown = self.n_windows
        n_whole = settings.epochs * len(self.stage.train.tokens.ids)
        while self.n_batches < len(batches):
            step = batches[self.n_batches : self.n_batches + learner.batches_a_step]
            self.total += learner.step(step, schedule(self.n_done / n_whole, settings.warmup_share))
            self.n_batches += len(step)
            self.n_windows += sum(len(batch.places) for batch in step)
            if self.n_batches == len(batches) or self.n_batches % (SHOWN_STEPS * learner.batches_a_step) == 0:
                progress(self.n_windows - shown, float(self.total) / self.n_windows)
                shown = self.n_windows
            if monotonic() - self.saved >= 60 * settings.checkpoint_minutes:
                self.save()

    def judge(self) -> None:
        """Close an epoch: dev macro-F1, whether it is the best, whether it is the last."""
        score, dev, settings = None, self.stage.dev, self.stage.settings
        if dev is not None:
            chosen = logits_of(self.learner.model, dev, settings.batch_tokens, settings.precision) >= 0
            score = macro_f1(dev.labels, chosen)
        number = len(self.epochs) + 1
        self.epochs.append(Epoch(number, float(self.total) / self.n_windows, score))
        self.n_batches = self.n_windows = 0
        self.total.zero_()
        shown = "-" if score is None else f"{score:.4f}"
        logger.info("epoch %d: loss %.4f, dev macro-F1 %s", number, self.epochs[-1].loss, shown)
        if dev is not None and best_epoch(self.epochs) == number:
            self.best = copy.deepcopy(self.learner.model.state_dict())
        patient = dev is None or number - best_epoch(self.epochs) < settings.patience_epochs
        self.ended = number == self.stage.n_epochs or not patient
        if self.ended and self.best:
            self.learner.model.load_state_dict(self.best)

    def save(self) -> None:
        """Leave word of this place; of an ended stage the weights are enough."""
        self.saved = monotonic()
        if self.checkpoints is None:
            return
        tensors = self.learner.state()
        if self.ended:
            tensors = {name: part for name, part in tensors.items() if name.startswith("weights.")}
        else:
            tensors |= {f"best.{name}": part for name, part in self.best.items()}
        facts = {
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "n_batches": self.n_batches,
            "n_windows": self.n_windows,
            "total": float(self.total),
            "ended": self.ended,
        }
        self.checkpoints.save(self.stage.name, State(tensors, facts))

    def _resume(self) -> None:
        """Take up the place that a former attempt left word of."""
        state = self.checkpoints.load(self.stage.name) if self.checkpoints else None
        if state is None:
            return
        self.learner.restore(state.tensors)
        self.best = named(state.tensors, "best")
        self.epochs = [Epoch(**epoch) for epoch in state.facts["epochs"]]
        self.n_batches, self.n_windows = state.facts["n_batches"], state.facts["n_windows"]
        self.total.fill_(state.facts["total"])
        self.ended = state.facts["ended"]


def best_epoch(epochs: list[Epoch]) -> int:
    """Number of the first epoch with the highest dev macro-F1."""
    return max(epochs, key=lambda epoch: (epoch.dev_macro_f1 or 0.0, -epoch.number)).number


def schedule(done: float, warmup_share: float) -> float:
    """Learning-rate factor: linear up over the warm-up, then half a cosine down to 0. `done` is the share of training."""
    if done < warmup_share:
        return max(done / warmup_share, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - warmup_share) / (1 - warmup_share))))


@torch.inference_mode()
def logits_of(model: AudienceModel, examples: Examples, batch_tokens: int, precision: Precision) -> NDArray[np.float32]:
    """Logits of each message in order, pooled over its windows as in scoring; shape (n_messages, n_audiences).

    Several processes share the batches; each gets every message's logits.
    """
    model.eval()
    device = next(model.parameters()).device
    batches = canonical_batches(examples.tokens.ids, batch_tokens=batch_tokens, pad_id=examples.pad_id)
    results = [torch.zeros((len(batch.input_ids), model.head.out_features), device=device) for batch in batches]
    for number in range(processes.number(), len(batches), processes.count()):
        batch = batches[number]
        with autocast(device, precision):
            logits, _ = model(
                torch.from_numpy(batch.input_ids).to(device), torch.from_numpy(batch.attention_mask).to(device)
            )
        results[number].copy_(logits)
    whole = processes.add_up(torch.cat(results)).cpu()
    found = [part.numpy() for part in torch.split(whole, [len(part) for part in results])]
    return in_input_order(batches, found, examples.tokens)
