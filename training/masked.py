"""Masked-language training: the encoder learns unlabelled text by guessing hidden tokens. Resumable at any step, exactly.

Every step's messages and masks follow from the seed and the step's number alone, so a checkpoint is weights,
the optimiser's moments and that number. Not here: which texts (unlabelled.py), which pieces (pieces.py).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from segmenter.errors import ParamsError
from segmenter.sections import Adapt
from training import processes
from training.checkpoint import Checkpoints, State, moments, named, restore_moments
from training.learner import autocast
from training.loop import schedule
from training.steps import Padder, token_budget_batches

logger = logging.getLogger(__name__)
Progress = Callable[[int, float], None]
IGNORED = -100  # torch's cross entropy leaves such targets out
KEPT_SHARE = RANDOM_SHARE = 0.1  # of the tokens to guess: shown as they are, shown as another (Devlin et al. 2019)
STAGE = "masked"  # the one checkpoint of such a training


@dataclass(frozen=True)
class Corpus:
    """Tokenised messages.

    Attributes:
        padder: Their token ids, special tokens included.
        special: Ids that are never hidden.
        mask_id: Hides a token.
        n_pieces: Size of the vocabulary.
    """

    padder: Padder
    special: NDArray[np.int64]
    mask_id: int
    n_pieces: int


@dataclass(frozen=True)
class Guess:
    """One batch to guess: ids and mask of shape (n_rows, n_tokens); targets likewise, IGNORED where nothing is hidden."""

    input_ids: Tensor
    attention_mask: Tensor
    targets: Tensor


def hidden(corpus: Corpus, places: NDArray[np.int64], mask_share: float, generator: np.random.Generator) -> Guess:
    """The messages at `places` with about `mask_share` of their tokens hidden, at least one a batch that has any."""
    padded = corpus.padder.padded(places)
    ids, mask = padded.input_ids.numpy().copy(), padded.attention_mask
    draw = generator.random(ids.shape)
    draw[(mask.numpy() == 0) | np.isin(ids, corpus.special)] = 1.0
    chosen = draw < 1.0
    chosen &= draw <= max(mask_share, float(draw.min()))
    targets = np.where(chosen, ids, IGNORED)
    way = generator.random(ids.shape)
    ids[chosen & (way >= KEPT_SHARE + RANDOM_SHARE)] = corpus.mask_id
    other = chosen & (way < RANDOM_SHARE)
    ids[other] = generator.integers(corpus.n_pieces, size=int(other.sum()))
    return Guess(torch.from_numpy(ids), mask, torch.from_numpy(targets))


class MaskedTraining:
    """One encoder with a masked-language head, its optimiser, and its place in the training."""

    def __init__(self, model: PreTrainedModel, corpus: Corpus, adapt: Adapt, seed: int) -> None:
        """Plan every step; nothing is learned yet.

        Raises:
            ParamsError: An architecture whose layers are not known.
        """
        _head(model)
        self.device = processes.device()
        self.model = model.to(self.device)
        for part in model.modules():
            if isinstance(part, nn.Dropout):  # each message is seen once: nothing to overfit
                part.p = 0.0
        self.corpus, self.adapt, self.seed = corpus, adapt, seed
        self.steps = self._batches(corpus, np.random.default_rng(seed))
        matrices = [part for part in model.parameters() if part.ndim > 1]
        plain = [part for part in model.parameters() if part.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": adapt.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=adapt.learning_rate, fused=True)
        self.n_done = 0

    def _batches(self, corpus: Corpus, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        found = token_budget_batches(corpus.padder.lengths, self.adapt.batch_tokens, generator)
        return [batch.places for batch in found]

    @property
    def plan(self) -> dict[str, object]:
        """What a checkpoint must agree with, beside the messages themselves."""
        return {
            "adapt": self.adapt.model_dump(exclude={"checkpoint_minutes"}),
            "seed": self.seed,
            "steps": len(self.steps),
            "tokens": int(self.corpus.padder.lengths.sum()),
            "pieces": self.corpus.n_pieces,
        }

    def run(self, checkpoints: Checkpoints, progress: Progress) -> None:
        """Learn to the end, from a checkpoint where there is one; `progress` gets messages and loss of each step."""
        state = checkpoints.load(STAGE)
        if state is not None:
            self.model.load_state_dict(named(state.tensors, "weights"), strict=False)  # tied ones stand there once
            restore_moments(self.optimiser, named(state.tensors, "moments"))
            self.n_done = int(state.facts["n_done"])
            logger.info("resumed at step %d of %d", self.n_done, len(self.steps))
            progress(sum(map(len, self.steps[: self.n_done])), 0.0)
        self.model.train()
        saved = monotonic()
        while self.n_done < len(self.steps):
            places = self.steps[self.n_done]
            loss = self._learn(places)
            self.n_done += 1
            progress(len(places), loss)
            if monotonic() - saved >= 60 * self.adapt.checkpoint_minutes:
                self._save(checkpoints)
                saved = monotonic()

    def _save(self, checkpoints: Checkpoints) -> None:
        weights = {f"weights.{name}": part for name, part in self.model.named_parameters()}
        kept = {f"moments.{name}": part for name, part in moments(self.optimiser).items()}
        checkpoints.save(STAGE, State(weights | kept, {"n_done": self.n_done}))
        logger.info("checkpoint at step %d of %d", self.n_done, len(self.steps))

    def _learn(self, places: NDArray[np.int64]) -> float:
        done = self.n_done / len(self.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = self.adapt.learning_rate * schedule(done, self.adapt.warmup_share)
        self._freeze(done < self.adapt.embeddings_share)
        guess = hidden(self.corpus, places, self.adapt.mask_share, np.random.default_rng([self.seed, self.n_done]))
        loss = self._loss(guess)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), self.adapt.max_gradient_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return float(loss.item())

    def _freeze(self, embeddings_alone: bool) -> None:
        """Let the encoder's inner layers learn, or not; embeddings and the new head always do."""
        inner = (
            self.model.base_model.encoder if hasattr(self.model.base_model, "encoder") else self.model.base_model.layers
        )
        for part in inner.parameters():
            part.requires_grad_(not embeddings_alone)

    def _loss(self, guess: Guess) -> Tensor:
        with autocast(self.device, self.adapt.precision):
            tokens = self.model.base_model(guess.input_ids.to(self.device), guess.attention_mask.to(self.device))
            targets = guess.targets.to(self.device)
            at = targets != IGNORED
            logits = _head(self.model)(tokens.last_hidden_state[at])
        if not len(logits):
            return logits.float().sum()  # special tokens alone: nothing to guess, where a mean would be NaN
        return nn.functional.cross_entropy(logits.float(), targets[at])

    @torch.inference_mode()
    def held_out_loss(self, held: Corpus) -> float:
        """Mean loss a hidden token of messages that are never learned from; the same tokens are hidden at every call."""
        self.model.eval()
        generator = np.random.default_rng(self.seed)
        total = n_tokens = 0.0
        for places in self._batches(held, generator):
            guess = hidden(held, places, self.adapt.mask_share, generator)
            n_hidden = float((guess.targets != IGNORED).sum())
            total += float(self._loss(guess)) * n_hidden
            n_tokens += n_hidden
        return total / max(n_tokens, 1.0)


def _head(model: PreTrainedModel) -> Callable[[Tensor], Tensor]:
    """Hidden states to logits over the vocabulary, as each architecture names its layers.

    Raises:
        ParamsError: An architecture that is not known here.
    """
    for name in ("cls", "lm_head"):  # BERT; RoBERTa and XLM-R
        if hasattr(model, name):
            return getattr(model, name)  # type: ignore[no-any-return]
    if not (hasattr(model, "head") and hasattr(model, "decoder")):
        remedy = "choose a BERT, RoBERTa, XLM-R or ModernBERT encoder"
        raise ParamsError("params: adapt.base", f"is a {type(model).__name__}, whose layers are not known", remedy)
    return nn.Sequential(model.head, model.decoder)  # ModernBERT
