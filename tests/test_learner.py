from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_training import changed, equal, settings, tiny_base, tiny_examples, tiny_model, weights

from segmenter.batches import Tokens
from segmenter.model import AudienceModel, BaseEncoder
from training.examples import Examples
from training.learner import Learner
from training.steps import Batch


@pytest.fixture(scope="module")
def base(tiny_bert: Path) -> BaseEncoder:
    return tiny_base(tiny_bert)


def batches(*groups: list[int]) -> list[Batch]:
    return [Batch(np.array(places), seed) for seed, places in enumerate(groups)]


def gradients(model: AudienceModel) -> dict[str, torch.Tensor]:
    return {name: part.grad for name, part in model.named_parameters() if part.grad is not None}


def learner(base: BaseEncoder, train: Examples, params: dict[str, Any], **changes: object) -> Learner:
    return Learner(tiny_model(base), train, settings(params, **changes))


def test_accumulated_batches_have_the_gradients_of_one_larger_batch(
    base: BaseEncoder, tiny_params: dict[str, Any]
) -> None:
    # batches of other lengths: what is padded differs, and one holds more messages than the other
    train = tiny_examples(base)
    whole = learner(base, train, tiny_params, batch_tokens=512)
    parts = learner(base, train, tiny_params, batch_tokens=256, accumulate_batches=2)
    losses = [
        float(whole.gradients(batches([*range(20)]))),
        float(parts.gradients(batches([*range(15)], [*range(15, 20)]))),
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for name, part in gradients(whole.model).items():
        torch.testing.assert_close(gradients(parts.model)[name], part, rtol=1e-4, atol=1e-6)


def test_a_long_message_weighs_as_much_as_a_short_one(base: BaseEncoder, tiny_params: dict[str, Any]) -> None:
    # the same short window stands for each part of a long message, and for a whole one
    (window,) = tiny_examples(base, ["the old bakery sells rolls"]).tokens.ids
    train = changed(tiny_examples(base, ["long", "short"]), tokens=Tokens([window] * 4, np.array([0, 0, 0, 1])))
    found = learner(base, train, tiny_params)
    assert float(found.gradients(batches([0, 1, 2]))) == pytest.approx(float(found.gradients(batches([3]))), rel=1e-5)


def test_smoothed_labels_keep_a_certain_answer_from_being_the_best(
    base: BaseEncoder, tiny_params: dict[str, Any]
) -> None:
    # all labels false; logits of -20 have no loss, but against labels of 0.1 each has 0.1 * 20
    train = tiny_examples(base, ["red", "blue"])
    model = tiny_model(base)
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.fill_(-20.0)
    losses = [
        float(Learner(model, train, settings(tiny_params, label_smoothing=share)).gradients(batches([0, 1]))) / 2
        for share in (0.0, 0.2)
    ]
    assert losses == pytest.approx([0.0, 2.0], abs=1e-4)


def test_frozen_embeddings_stay_and_the_rest_learns(base: BaseEncoder, tiny_params: dict[str, Any]) -> None:
    found = learner(base, tiny_examples(base), tiny_params, freeze_embeddings=True)
    before = weights(found.model)
    found.step(batches([*range(20)]), 1.0)
    same = {name for name, part in weights(found.model).items() if torch.equal(part, before[name])}
    assert "encoder.embeddings.word_embeddings.weight" in same
    assert "encoder.encoder.layer.0.output.dense.weight" not in same


def test_embeddings_learn_unless_they_are_frozen(base: BaseEncoder, tiny_params: dict[str, Any]) -> None:
    found = learner(base, tiny_examples(base), tiny_params)
    name = "encoder.embeddings.word_embeddings.weight"
    before = weights(found.model)[name]
    found.step(batches([*range(20)]), 1.0)
    assert not torch.equal(weights(found.model)[name], before)


def test_bf16_is_of_the_products_alone(base: BaseEncoder, tiny_params: dict[str, Any]) -> None:
    train = tiny_examples(base)
    found = {
        precision: learner(base, train, tiny_params, precision=precision) for precision in ("auto", "fp32", "bf16")
    }
    losses = {precision: float(one.step(batches([*range(20)]), 1.0)) for precision, one in found.items()}
    assert losses["bf16"] != losses["fp32"] == losses["auto"]  # auto: no GPU here
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.02)
    assert {part.dtype for part in found["bf16"].model.parameters()} == {torch.float32}


def test_the_rate_is_a_share_of_the_highest(base: BaseEncoder, tiny_params: dict[str, Any]) -> None:
    found = learner(base, tiny_examples(base), tiny_params, learning_rate=0.001, head_learning_rate=0.01)
    found.step(batches([0, 1]), 0.5)
    assert [group["lr"] for group in found.optimiser.param_groups] == [0.0005, 0.0005, 0.005]


def test_a_restored_learner_goes_on_to_the_bit(base: BaseEncoder, tiny_params: dict[str, Any]) -> None:
    train = tiny_examples(base)
    one, other = (learner(base, train, tiny_params) for _ in range(2))
    one.step(batches([0, 1, 2], [3, 4]), 1.0)
    other.restore({name: part.clone() for name, part in one.state().items()})
    for found in (one, other):
        found.step(batches([5, 6]), 0.5)
    assert equal(one.state(), other.state())
