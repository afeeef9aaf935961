"""Fine-tuning: token-budget batches of similar lengths, weighted multi-label loss, warm-up, early stopping on dev macro-F1."""

import copy
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segmenter.batches import canonical_batches, in_input_order
from segmenter.metrics import macro_f1
from segmenter.model import AudienceModel
from segmenter.params import Train

logger = logging.getLogger(__name__)
SORTED_BATCHES = 50  # messages of so many batches are sorted by length together: lengths mix, batches stay dense
Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class Examples:
    """Tokenised messages with labels: token ids, labels (n_messages, n_audiences), weights (n_messages,)."""

    ids: list[list[int]]
    labels: NDArray[np.bool_]
    weights: NDArray[np.float64]
    pad_id: int

    def part(self, places: NDArray[np.int64]) -> "Examples":
        """The messages at `places`."""
        return Examples([self.ids[i] for i in places], self.labels[places], self.weights[places], self.pad_id)


@dataclass(frozen=True)
class Epoch:
    """One pass over the training messages: mean loss, and macro-F1 on dev (None where there is no dev)."""

    number: int
    loss: float
    dev_macro_f1: float | None


@dataclass(frozen=True)
class Step:
    """One batch: which messages, padded ids and mask of shape (n_rows, n_tokens)."""

    places: NDArray[np.int64]
    input_ids: Tensor
    attention_mask: Tensor


def token_budget_steps(examples: Examples, batch_tokens: int, generator: np.random.Generator) -> Iterator[Step]:
    """One epoch of batches in random order, each at most `batch_tokens` with its padding, messages of like length together."""
    lengths = np.array([len(ids) for ids in examples.ids])
    order = generator.permutation(len(lengths))
    n_sorted = SORTED_BATCHES * max(1, batch_tokens // max(1, int(lengths.mean())))
    batches: list[list[int]] = []
    for start in range(0, len(order), n_sorted):
        batches += _within_budget(
            sorted(order[start : start + n_sorted], key=lambda i: lengths[i]), lengths, batch_tokens
        )
    for number in generator.permutation(len(batches)):
        places = np.array(batches[number])
        yield _step(examples, places, int(lengths[places].max()))


def _within_budget(places: list[int], lengths: NDArray[np.int64], batch_tokens: int) -> list[list[int]]:
    batches: list[list[int]] = [[]]
    for place in places:  # ascending lengths: the newest is the longest
        if batches[-1] and (len(batches[-1]) + 1) * lengths[place] > batch_tokens:
            batches.append([])
        batches[-1].append(int(place))
    return batches


def _step(examples: Examples, places: NDArray[np.int64], width: int) -> Step:
    ids = torch.full((len(places), width), examples.pad_id)
    mask = torch.zeros((len(places), width), dtype=torch.long)
    for row, place in enumerate(places):
        tokens = examples.ids[place]
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    return Step(places, ids, mask)


def class_weights(labels: NDArray[np.bool_], balance: float) -> NDArray[np.float64]:
    """Weight of a true label per audience: (negatives / positives) ** balance; 1.0 for an audience nobody carries."""
    positives = labels.sum(axis=0)
    ratio = (len(labels) - positives) / np.maximum(positives, 1)
    return np.where(positives > 0, np.maximum(ratio, 1e-9) ** balance, 1.0)


@dataclass(frozen=True)
class Plan:
    """How to fit.

    Attributes:
        settings: The `train` section; its `epochs` sets the learning-rate schedule.
        n_epochs: Stop after so many epochs of that schedule (the fold models stop where the main model was best).
        seed: Of the batch order.
    """

    settings: Train
    n_epochs: int
    seed: int


def fit(model: AudienceModel, train: Examples, plan: Plan, *, dev: Examples | None, progress: Progress) -> list[Epoch]:
    """Train in place; with `dev`, stop early and end with the weights of the best epoch.

    Args:
        model: Moved to a GPU where torch sees one, and run there in bf16.
        train: What is learned from.
        plan: How.
        dev: Judged after each epoch at threshold 0.5.
        progress: Called after each step with the messages of the step and the epoch's mean loss so far.
    """
    pass_over = _Pass(model, train, plan)
    epochs: list[Epoch] = []
    best_weights = None
    for number in range(1, plan.n_epochs + 1):
        loss = pass_over.run(progress)
        score = None
        if dev is not None:
            score = macro_f1(dev.labels, logits_of(model, dev, plan.settings.batch_tokens) >= 0)
        epochs.append(Epoch(number, loss, score))
        shown = "-" if score is None else f"{score:.4f}"
        logger.info("epoch %d: loss %.4f, dev macro-F1 %s", number, loss, shown)
        if dev is None:
            continue
        if best_epoch(epochs) == number:
            best_weights = copy.deepcopy(model.state_dict())
        if number - best_epoch(epochs) >= plan.settings.patience_epochs:
            break
    if best_weights is not None:
        model.load_state_dict(best_weights)
    return epochs


class _Pass:
    """One model, its optimiser and its place in the schedule; each run is one epoch."""

    def __init__(self, model: AudienceModel, train: Examples, plan: Plan) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device)
        self.train = train
        self.settings = plan.settings
        self.generator = np.random.default_rng(plan.seed)
        self.optimiser = _optimiser(model, plan.settings)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        positive = torch.tensor(class_weights(train.labels, plan.settings.class_balance), dtype=torch.float32)
        self.loss_of = nn.BCEWithLogitsLoss(reduction="none", pos_weight=positive.to(self.device))
        self.labels = torch.tensor(train.labels, dtype=torch.float32, device=self.device)
        self.weights = torch.tensor(train.weights / train.weights.mean(), dtype=torch.float32, device=self.device)
        # the loss of a step is divided by a usual step's messages, not its own: every message weighs the same
        self.usual_messages = plan.settings.batch_tokens / np.mean([len(ids) for ids in train.ids])
        self.n_done = 0

    def run(self, progress: Progress) -> float:
        """One epoch; its mean loss a message."""
        self.model.train()
        total, n_before = 0.0, self.n_done
        for step in token_budget_steps(self.train, self.settings.batch_tokens, self.generator):
            total += self._learn(step)
            self.n_done += len(step.places)
            progress(len(step.places), total / (self.n_done - n_before))
        return total / len(self.train.ids)

    def _learn(self, step: Step) -> float:
        """Forward, backward, one update; the summed loss of the step's messages."""
        factor = schedule(self.n_done / (self.settings.epochs * len(self.train.ids)), self.settings.warmup_share)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits, _ = self.model(step.input_ids.to(self.device), step.attention_mask.to(self.device))
        losses = self.loss_of(logits.float(), self.labels[step.places]).mean(dim=1) * self.weights[step.places]
        summed = losses.sum()
        (summed / self.usual_messages).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.max_gradient_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return float(summed.item())


def best_epoch(epochs: list[Epoch]) -> int:
    """Number of the first epoch with the highest dev macro-F1."""
    return max(epochs, key=lambda epoch: (epoch.dev_macro_f1 or 0.0, -epoch.number)).number


def schedule(done: float, warmup_share: float) -> float:
    """Learning-rate factor: linear up over the warm-up, then half a cosine down to 0. `done` is the share of training."""
    if done < warmup_share:
        return max(done / warmup_share, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - warmup_share) / (1 - warmup_share))))


def _optimiser(model: AudienceModel, settings: Train) -> torch.optim.AdamW:
    head = list(model.head.parameters())
    decayed = [part for part in model.encoder.parameters() if part.ndim > 1]
    plain = [part for part in model.encoder.parameters() if part.ndim <= 1]
    groups = [
        {"params": decayed, "lr": settings.learning_rate, "weight_decay": settings.weight_decay},
        {"params": plain, "lr": settings.learning_rate, "weight_decay": 0.0},
        {"params": head, "lr": settings.head_learning_rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups)


@torch.inference_mode()
def logits_of(model: AudienceModel, examples: Examples, batch_tokens: int) -> NDArray[np.float32]:
    """Logits of each message in order, shape (n_messages, n_audiences)."""
    model.eval()
    device = next(model.parameters()).device
    batches = canonical_batches(examples.ids, batch_tokens=batch_tokens, pad_id=examples.pad_id)
    results = []
    for batch in batches:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            logits, _ = model(
                torch.from_numpy(batch.input_ids).to(device), torch.from_numpy(batch.attention_mask).to(device)
            )
        results.append(logits.float().cpu().numpy())
    return in_input_order(batches, results, len(examples.ids))
