from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, PreTrainedModel

from segmenter.errors import ParamsError
from segmenter.sections import Adapt
from training.checkpoint import Checkpoints
from training.masked import IGNORED, Corpus, MaskedTraining, hidden
from training.steps import Padder

SPECIAL = np.array([0, 1, 2, 3, 4])


def corpus(n_messages: int = 120) -> Corpus:
    """Messages of two alternating tokens each, so that a hidden one can be guessed from its neighbours."""
    generator = np.random.default_rng(2)
    rows = []
    for _ in range(n_messages):
        first = int(generator.integers(10, 40))
        rows.append([2, *[first, first + 1] * int(generator.integers(2, 8)), 3])
    return Corpus(Padder(rows, pad_id=0), SPECIAL, mask_id=4, n_pieces=60)


@pytest.fixture
def model(tiny_bert: Path) -> PreTrainedModel:
    """The tiny BERT under a fresh masked-language head."""
    torch.manual_seed(1)
    return AutoModelForMaskedLM.from_pretrained(tiny_bert)


def checkpoints(training: MaskedTraining, folder: Path) -> Checkpoints:
    folder.mkdir(exist_ok=True)
    opened = Checkpoints(folder / "checkpoint", training.plan)
    opened.begin(run_id="")
    return opened


def test_only_text_is_hidden_and_what_is_not_a_target_is_as_it_was() -> None:
    whole = corpus()
    guess = hidden(whole, np.arange(50), 0.3, np.random.default_rng(1))
    for row in range(50):
        ids = whole.padder.padded(np.array([row])).input_ids[0].tolist()
        shown, targets = guess.input_ids[row, : len(ids)].numpy(), guess.targets[row, : len(ids)].numpy()
        at = targets != IGNORED
        assert targets[at].tolist() == np.array(ids)[at].tolist()
        assert shown[~at].tolist() == np.array(ids)[~at].tolist()
        assert not at[[0, -1]].any()
        assert (guess.targets[row, len(ids) :] == IGNORED).all()


def test_about_so_many_tokens_are_hidden_and_most_of_them_behind_the_mask() -> None:
    whole = corpus(2_000)
    guess = hidden(whole, np.arange(2_000), 0.2, np.random.default_rng(1))
    n_text = int(guess.attention_mask.sum()) - 2 * 2_000
    at = guess.targets != IGNORED
    assert int(at.sum()) / n_text == pytest.approx(0.2, abs=0.01)
    assert float((guess.input_ids[at] == 4).float().mean()) == pytest.approx(0.8, abs=0.02)


def test_a_step_hides_a_token_even_where_chance_would_hide_none() -> None:
    one = Corpus(Padder([[2, 20, 3]], pad_id=0), SPECIAL, mask_id=4, n_pieces=60)
    for seed in range(20):
        guess = hidden(one, np.array([0]), 0.01, np.random.default_rng(seed))
        assert (guess.targets != IGNORED).sum() == 1


def test_training_lowers_the_loss_of_messages_it_never_saw(
    model: PreTrainedModel, tiny_adapt: Adapt, tmp_path: Path
) -> None:
    training = MaskedTraining(model, corpus(600), tiny_adapt, 1)
    held = corpus(60)
    before = training.held_out_loss(held)
    assert training.held_out_loss(held) == before  # the same tokens are hidden again
    training.run(checkpoints(training, tmp_path), lambda n, loss: None)
    assert training.held_out_loss(held) < before - 0.5


def test_the_embeddings_learn_alone_at_first(model: PreTrainedModel, tiny_adapt: Adapt) -> None:
    training = MaskedTraining(model, corpus(), tiny_adapt.model_copy(update={"embeddings_share": 0.9}), 1)
    inner = {name: value.clone() for name, value in model.base_model.encoder.named_parameters()}
    embeddings = model.get_input_embeddings().weight.detach().clone()
    training.model.train()
    training._learn(training.steps[0])
    assert all(torch.equal(inner[name], value) for name, value in model.base_model.encoder.named_parameters())
    assert not torch.equal(embeddings, model.get_input_embeddings().weight)


class Killed(Exception):
    """Stands for the power going off."""


def run(model: PreTrainedModel, adapt: Adapt, folder: Path, killed_at: int | None = None) -> MaskedTraining:
    training = MaskedTraining(model, corpus(), adapt, 1)

    def progress(n_messages: int, loss: float) -> None:
        if training.n_done == killed_at:
            raise Killed

    training.run(checkpoints(training, folder), progress)
    return training


@pytest.mark.parametrize("killed_at", [1, 2, 4])
def test_a_killed_training_goes_on_to_the_same_weights(
    tiny_bert: Path, tiny_adapt: Adapt, tmp_path: Path, killed_at: int
) -> None:
    every_step = tiny_adapt.model_copy(update={"checkpoint_minutes": 1e-9})

    def fresh() -> PreTrainedModel:
        torch.manual_seed(1)
        return AutoModelForMaskedLM.from_pretrained(tiny_bert)

    unbroken = run(fresh(), every_step, tmp_path / "unbroken").model
    with pytest.raises(Killed):
        run(fresh(), every_step, tmp_path / "broken", killed_at)
    resumed = run(fresh(), every_step, tmp_path / "broken").model
    for (name, one), (_, other) in zip(unbroken.named_parameters(), resumed.named_parameters(), strict=True):
        assert torch.equal(one, other), name


def test_a_checkpoint_of_other_params_is_refused(model: PreTrainedModel, tiny_adapt: Adapt, tmp_path: Path) -> None:
    every_step = tiny_adapt.model_copy(update={"checkpoint_minutes": 1e-9})
    with pytest.raises(Killed):
        run(model, every_step, tmp_path, 2)
    with pytest.raises(ParamsError, match=r"unfinished training of another adapt; delete it to start anew"):
        run(model, every_step.model_copy(update={"mask_share": 0.4}), tmp_path)


@pytest.mark.parametrize("arch", ["xlm-roberta", "modernbert"])
def test_other_architectures_learn_as_well(
    tiny_encoder: Callable[[str, Path], Path], tiny_adapt: Adapt, tmp_path: Path, arch: str
) -> None:
    torch.manual_seed(1)
    model = AutoModelForMaskedLM.from_pretrained(tiny_encoder(arch, tmp_path / arch))
    training = MaskedTraining(model, corpus(300), tiny_adapt, 1)
    before = training.held_out_loss(corpus(40))
    training.run(checkpoints(training, tmp_path), lambda n, loss: None)
    assert training.held_out_loss(corpus(40)) < before
