from pathlib import Path

import pytest
import torch
from conftest import TinyRun
from tiny_training import tiny_base, tiny_model

from eval.hf_trainer import Like, Order, WithLoss, timed
from segmenter.params import Params
from segmenter.prepared import read_split

LIKE = Like(12, [2.0, 1.0, 0.5])


@pytest.fixture(scope="module")
def params(tiny_run: TinyRun) -> Params:
    """The tiny run's, for two epochs."""
    train = tiny_run.params.train.model_copy(update={"epochs": 2})
    return tiny_run.params.model_copy(update={"train": train})


@pytest.mark.parametrize("order", ["random", "group_by_length"])
def test_every_message_is_learned_in_every_epoch(params: Params, order: Order) -> None:
    assert timed(params, LIKE, order)["n_windows"] == 2 * len(read_split(params, "train"))


def test_bf16_and_frozen_embeddings_are_fitted_too(params: Params) -> None:
    train = params.train.model_copy(update={"precision": "bf16", "freeze_embeddings": True})
    done = timed(params.model_copy(update={"train": train}), LIKE, "random")
    assert done["n_windows"] == 2 * len(read_split(params, "train"))


def test_batches_are_as_large_as_the_other_fit_had_them(params: Params) -> None:
    n_messages = len(read_split(params, "train"))
    assert timed(params, LIKE, "random")["n_batches"] == 2 * -(-n_messages // 12)


def test_the_loss_is_that_of_training(tiny_bert: Path) -> None:
    model = tiny_model(tiny_base(tiny_bert)).eval()
    ids, mask, labels = (
        torch.full((2, 4), 5),
        torch.ones(2, 4, dtype=torch.long),
        torch.tensor([[1.0, 0, 0], [0, 1, 1]]),
    )
    loss = WithLoss(model, LIKE.class_weights)(ids, mask, labels, torch.tensor([0.5, 1.5]))["loss"]
    chance = torch.sigmoid(model(ids, mask)[0])
    parts = -(labels * torch.tensor(LIKE.class_weights) * chance.log() + (1 - labels) * (1 - chance).log())
    # each message's mean over audiences, the first weighing a half, the second one and a half
    assert loss.item() == pytest.approx((parts[0].mean() * 0.5 + parts[1].mean() * 1.5).item() / 2, rel=1e-5)
