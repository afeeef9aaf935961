import math

import numpy as np
import pytest
import torch
from conftest import TinyRun
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segmenter.batches import tokenise
from segmenter.metrics import macro_f1
from segmenter.model import AudienceModel, find_base, new_model
from segmenter.params import Params
from segmenter.prepared import label_array, read_split
from segmenter.text import clean
from training.loop import (
    Epoch,
    Examples,
    Plan,
    best_epoch,
    class_weights,
    fit,
    logits_of,
    schedule,
    token_budget_steps,
)

PAD = 9
QUICK = settings(max_examples=80, deadline=None, derandomize=True)
LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=80)


def examples(lengths: list[int]) -> Examples:
    """Messages of so many tokens; each token is the number of its message."""
    n = len(lengths)
    ids = [[number + 10] * length for number, length in enumerate(lengths)]
    return Examples(ids, np.zeros((n, 1), np.bool_), np.ones(n), PAD)


def of_split(params: Params, name: str, labels: NDArray[np.bool_] | None = None) -> Examples:
    """A prepared split of the tiny run, tokenised; other labels in place of its own if given."""
    base, frame = find_base(params.base), read_split(params, name)
    tokens = tokenise(base.tokenizer, [clean(text) for text in frame["text"]], params.text.max_tokens)
    own = label_array(frame, params.audience_ids)
    return Examples(tokens.ids, own if labels is None else labels, np.ones(len(frame)), base.pad_id)


def trained(
    params: Params, train: Examples, dev: Examples | None, *, n_epochs: int | None = None, **changes: object
) -> tuple[AudienceModel, list[Epoch]]:
    """A fresh model fitted under a changed `train` section; stopped after `n_epochs` of its epochs if given."""
    options = params.train.model_copy(update=changes)
    torch.manual_seed(params.seed)
    model = new_model(find_base(params.base), n_audiences=train.labels.shape[1], dropout=options.dropout)
    plan = Plan(options, n_epochs or options.epochs, params.seed)
    return model, fit(model, train, plan, dev=dev, progress=lambda n, loss: None)


@QUICK
@given(lengths=LENGTHS, batch_tokens=st.integers(60, 400))
def test_a_batch_stays_within_the_token_budget(lengths: list[int], batch_tokens: int) -> None:
    steps = token_budget_steps(examples(lengths), batch_tokens, np.random.default_rng(1))
    assert max(step.input_ids.numel() for step in steps) <= batch_tokens


@QUICK
@given(lengths=LENGTHS, batch_tokens=st.integers(1, 400))
def test_every_message_comes_once_an_epoch(lengths: list[int], batch_tokens: int) -> None:
    steps = token_budget_steps(examples(lengths), batch_tokens, np.random.default_rng(1))
    assert sorted(place for step in steps for place in step.places) == list(range(len(lengths)))


def test_a_message_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    steps = list(token_budget_steps(examples([5, 50, 5]), 20, np.random.default_rng(1)))
    assert sorted(tuple(step.input_ids.shape) for step in steps) == [(1, 50), (2, 5)]


def test_a_row_is_its_message_then_padding() -> None:
    (step,) = token_budget_steps(examples([3, 1]), 100, np.random.default_rng(1))
    rows = {int(place): row for place, row in zip(step.places, range(2), strict=True)}
    assert step.input_ids[rows[0]].tolist() == [10, 10, 10]
    assert step.input_ids[rows[1]].tolist() == [11, PAD, PAD]
    assert step.attention_mask[rows[1]].tolist() == [1, 0, 0]


def test_messages_of_like_length_share_a_batch() -> None:
    # 4 to 60 tokens in turn; unsorted rows of 8 would be padded to near 60, that is by almost half
    lengths = [4 + 8 * (number % 8) for number in range(400)]
    steps = list(token_budget_steps(examples(lengths), 512, np.random.default_rng(1)))
    padding = 1 - sum(lengths) / sum(step.input_ids.numel() for step in steps)
    unsorted = 1 - sum(lengths) / (60 * len(lengths))
    assert unsorted == pytest.approx(0.467, abs=0.001)
    assert padding < 0.1


def test_the_order_of_batches_differs_between_epochs() -> None:
    generator, each = np.random.default_rng(1), examples([4, 9, 20, 33] * 5)
    first, second = ([list(step.places) for step in token_budget_steps(each, 40, generator)] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (0.0, 0.01),  # not 0: the first step learns something
        (0.05, 0.5),  # half of the warm-up
        (0.1, 1.0),  # cos 0 = 1
        (0.4, 0.75),  # a third of the way: (1 + cos 60°) / 2
        (0.55, 0.5),  # half of it: (1 + cos 90°) / 2
        (1.0, 0.0),  # (1 + cos 180°) / 2
        (1.2, 0.0),
    ],
)
def test_the_learning_rate_rises_then_falls_as_half_a_cosine(done: float, expected: float) -> None:
    assert schedule(done, 0.1) == pytest.approx(expected, abs=1e-12)


def test_without_warm_up_the_rate_starts_full() -> None:
    assert schedule(0.0, 0.0) == 1.0


def test_a_rare_audience_weighs_more() -> None:
    # 1 of 4: 3 negatives a positive; 2 of 4: 1; nobody: 1
    labels = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]], np.bool_)
    assert class_weights(labels, 1 - 1e-12) == pytest.approx([3.0, 1.0, 1.0])
    assert class_weights(labels, 0.5) == pytest.approx([math.sqrt(3), 1.0, 1.0])
    assert class_weights(labels, 0.0) == pytest.approx([1.0, 1.0, 1.0])


def test_the_best_epoch_is_the_first_of_the_highest() -> None:
    scores = (0.5, 0.9, 0.9, 0.7)
    assert best_epoch([Epoch(number, 0.1, score) for number, score in enumerate(scores, 1)]) == 2


def test_training_stops_once_dev_is_no_better_for_the_patience(tiny_run: TinyRun) -> None:
    parts = [of_split(tiny_run.params, name) for name in ("train", "dev")]
    _, epochs = trained(tiny_run.params, *parts, epochs=12, patience_epochs=1)
    assert len(epochs) < 12
    assert len(epochs) == best_epoch(epochs) + 1


def test_the_weights_at_the_end_are_those_of_the_best_epoch(tiny_run: TinyRun) -> None:
    # dev is labelled by what the model chooses after one epoch: the first is the best, and learning on makes it worse
    train, dev = (of_split(tiny_run.params, name) for name in ("train", "dev"))
    after_one, _ = trained(tiny_run.params, train, None, n_epochs=1, epochs=5)
    labelled = Examples(dev.ids, logits_of(after_one, dev, 512) >= 0, dev.weights, dev.pad_id)
    model, epochs = trained(tiny_run.params, train, labelled, epochs=5, patience_epochs=5)
    assert best_epoch(epochs) == 1 < len(epochs)
    assert (logits_of(model, dev, 512) >= 0).tolist() == labelled.labels.tolist()


def test_one_seed_gives_identical_metrics_and_weights(tiny_run: TinyRun) -> None:
    parts = [of_split(tiny_run.params, name) for name in ("train", "dev")]
    runs = [trained(tiny_run.params, *parts, epochs=1, dropout=0.1) for _ in range(2)]
    assert runs[0][1] == runs[1][1]
    weights = [model.state_dict() for model, _ in runs]
    assert all(torch.equal(part, weights[1][name]) for name, part in weights[0].items())


def test_progress_counts_every_message_of_every_epoch(tiny_run: TinyRun) -> None:
    train = of_split(tiny_run.params, "train").part(np.arange(20))
    model = new_model(find_base(tiny_run.params.base), n_audiences=3, dropout=0.0)
    seen: list[int] = []
    fit(model, train, Plan(tiny_run.params.train, 2, 1), dev=None, progress=lambda n, loss: seen.append(n))
    assert sum(seen) == 40


def test_a_message_of_weight_near_zero_teaches_nothing(tiny_run: TinyRun) -> None:
    # two messages with opposite labels; only the weighty one is learned
    base = of_split(tiny_run.params, "train").part(np.array([0, 0]))
    labels = np.array([[True, False, False], [False, True, True]])
    weighty = Examples(base.ids, labels, np.array([1.0, 1e-9]), base.pad_id)
    model, _ = trained(tiny_run.params, weighty, None, epochs=30, class_balance=0.0)
    assert (logits_of(model, weighty, 512)[0] >= 0).tolist() == [True, False, False]


def test_logits_come_in_message_order(tiny_run: TinyRun) -> None:
    train = of_split(tiny_run.params, "train").part(np.arange(12))
    model = new_model(find_base(tiny_run.params.base), n_audiences=3, dropout=0.0)
    whole = logits_of(model, train, 64)
    alone = np.concatenate([logits_of(model, train.part(np.array([place])), 64) for place in range(12)])
    assert whole == pytest.approx(alone, abs=1e-5)


def test_labels_shuffled_by_hand_teach_nothing_that_holds(tiny_run: TinyRun) -> None:
    # choosing every audience always, as language alone does here (each is a quarter of either language), is F1
    # 2 * .25 / 1.25 = .4; noise on 60 messages moves that by at most .1
    test = of_split(tiny_run.params, "test")
    own = of_split(tiny_run.params, "train")
    shuffled = of_split(tiny_run.params, "train", np.random.default_rng(1).permutation(own.labels))
    scores = [
        macro_f1(test.labels, logits_of(trained(tiny_run.params, part, None, epochs=4)[0], test, 512) >= 0)
        for part in (own, shuffled)
    ]
    assert scores[0] > 0.8
    assert scores[1] < 0.5
