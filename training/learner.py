"""One model that learns, step by step: loss, gradients over every process, optimiser, and its state as tensors."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segmenter.model import AudienceModel
from segmenter.sections import Precision, Train
from training import processes
from training.checkpoint import moments, named, restore_moments
from training.examples import Examples
from training.steps import Batch, Padder
from training.weights import class_weights, decision_weights


class Learner:
    """A model, its optimiser, and what it learns from."""

    def __init__(self, model: AudienceModel, train: Examples, settings: Train) -> None:
        """Move the model to its device; nothing is learned yet."""
        self.device = processes.device()
        self.model = model.to(self.device)
        self.settings = settings
        self.padder = Padder(train.tokens.ids, train.pad_id)
        self.batches_a_step = settings.accumulate_batches * processes.count()
        # the loss of a step is divided by a usual step's windows, not its own: every message weighs the same
        self.usual_windows = self.batches_a_step * settings.batch_tokens / self.padder.lengths.mean()
        owner, smoothing = train.tokens.message, settings.label_smoothing
        self._labels = self._on_device((train.labels * (1 - smoothing) + smoothing / 2)[owner])
        # a long message weighs no more than a short one: each of its windows has its part
        weights = (decision_weights(train, settings) / train.tokens.n_windows[:, None])[owner]
        self._weights = self._on_device(weights / weights.mean())
        positive = self._on_device(class_weights(train.labels, settings.class_balance))
        self._loss_of = nn.BCEWithLogitsLoss(reduction="none", pos_weight=positive)
        model.encoder.get_input_embeddings().weight.requires_grad_(not settings.freeze_embeddings)
        self.optimiser = _optimiser(model, settings)
        self._rates = [group["lr"] for group in self.optimiser.param_groups]
        self._learned = [part for group in self.optimiser.param_groups for part in group["params"]]

    def _on_device(self, values: NDArray[np.floating]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self.device)

    def step(self, batches: Sequence[Batch], rate: float) -> Tensor:
        """Learn some batches as one; their summed loss. `rate` is the share of the highest learning rates."""
        summed = self.gradients(batches)
        for group, highest in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = highest * rate
        nn.utils.clip_grad_norm_(self._learned, self.settings.max_gradient_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return summed

    def gradients(self, batches: Sequence[Batch]) -> Tensor:
        """This process's part of the batches, forward and backward; gradients and loss are added up over all processes."""
        summed = torch.zeros((), dtype=torch.float64, device=self.device)
        for batch in batches[processes.number() :: processes.count()]:
            torch.manual_seed(batch.seed)
            summed += self._backward(batch.places)
        if processes.count() == 1:
            return summed
        own = [torch.zeros_like(part) if part.grad is None else part.grad for part in self._learned]
        added = processes.add_up(torch.cat([gradient.flatten() for gradient in own]))
        for part, gradient in zip(self._learned, torch.split(added, [part.numel() for part in own]), strict=True):
            part.grad = gradient.view_as(part)
        return processes.add_up(summed)

    def _backward(self, places: NDArray[np.int64]) -> Tensor:
        padded, rows = self.padder.padded(places), torch.from_numpy(places).to(self.device)
        with autocast(self.device, self.settings.precision):
            logits, _ = self.model(padded.input_ids.to(self.device), padded.attention_mask.to(self.device))
        losses = self._loss_of(logits.float(), self._labels[rows]) * self._weights[rows]
        summed: Tensor = losses.mean(dim=1).sum()
        (summed / self.usual_windows).backward()
        return summed.detach()

    def state(self) -> dict[str, Tensor]:
        """Weights and the optimiser's moments by name; they change with the next step."""
        weights = {f"weights.{name}": part for name, part in self.model.state_dict().items()}
        return weights | {f"moments.{name}": value for name, value in moments(self.optimiser).items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave, to the bit."""
        self.model.load_state_dict(named(state, "weights"))
        restore_moments(self.optimiser, named(state, "moments"))


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """The precision of the network's products; weights, gradients and loss stay fp32."""
    bf16 = precision == "bf16" or (precision == "auto" and device.type == "cuda")
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)


def _optimiser(model: AudienceModel, settings: Train) -> torch.optim.AdamW:
    head = list(model.head.parameters())
    learned = [part for part in model.encoder.parameters() if part.requires_grad]
    decayed = [part for part in learned if part.ndim > 1]
    plain = [part for part in learned if part.ndim <= 1]
    groups = [
        {"params": decayed, "lr": settings.learning_rate, "weight_decay": settings.weight_decay},
        {"params": plain, "lr": settings.learning_rate, "weight_decay": 0.0},
        {"params": head, "lr": settings.head_learning_rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, fused=True)
