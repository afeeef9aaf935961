from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_training import changed, equal, settings, stage, tiny_base, tiny_examples, tiny_model, weights

from segmenter.metrics import macro_f1
from segmenter.model import AudienceModel, BaseEncoder
from training.checkpoint import Checkpoints
from training.examples import Examples
from training.loop import Epoch, Stage, best_epoch, fit, logits_of, schedule

Fitted = tuple[AudienceModel, list[Epoch]]
EVERY_STEP = 1e-9  # minutes between checkpoints


class Killed(Exception):
    """The end of a training that nobody saw coming."""


@pytest.fixture(scope="module")
def base(tiny_bert: Path) -> BaseEncoder:
    return tiny_base(tiny_bert)


@pytest.fixture(scope="module")
def parts(base: BaseEncoder) -> tuple[Examples, Examples, Examples]:
    """120 messages to learn from, 40 that stop, 80 to judge."""
    whole = tiny_examples(base)
    places = np.split(np.arange(len(whole.labels)), [120, 160])
    return whole.part(places[0]), whole.part(places[1]), whole.part(places[2])


def fitted(base: BaseEncoder, what: Stage, *, dropout: float = 0.0) -> Fitted:
    model = tiny_model(base, dropout=dropout)
    return model, fit(model, what, None, lambda n, loss: None)


def chosen(model: AudienceModel, examples: Examples) -> list[list[bool]]:
    return [list(row) for row in logits_of(model, examples, 512, "fp32") >= 0]


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


def test_the_best_epoch_is_the_first_of_the_highest() -> None:
    scores = (0.5, 0.9, 0.9, 0.7)
    assert best_epoch([Epoch(number, 0.1, score) for number, score in enumerate(scores, 1)]) == 2


def test_training_stops_once_dev_is_no_better_for_the_patience(
    base: BaseEncoder, parts: tuple[Examples, ...], tiny_params: dict[str, Any]
) -> None:
    _, epochs = fitted(base, stage(parts[0], parts[1], settings(tiny_params, epochs=12, patience_epochs=1)))
    assert len(epochs) < 12
    assert len(epochs) == best_epoch(epochs) + 1


def test_the_weights_at_the_end_are_those_of_the_best_epoch(
    base: BaseEncoder, parts: tuple[Examples, ...], tiny_params: dict[str, Any]
) -> None:
    # dev is labelled by what the model chooses after one epoch: the first is the best, and learning on makes it worse
    options = settings(tiny_params, epochs=5, patience_epochs=5)
    after_one, _ = fitted(base, stage(parts[0], None, options, n_epochs=1))
    labelled = changed(parts[1], labels=logits_of(after_one, parts[1], 512, "fp32") >= 0)
    model, epochs = fitted(base, stage(parts[0], labelled, options))
    assert best_epoch(epochs) == 1 < len(epochs)
    assert chosen(model, parts[1]) == [list(row) for row in labelled.labels]


def test_one_seed_gives_identical_metrics_and_weights(
    base: BaseEncoder, parts: tuple[Examples, ...], tiny_params: dict[str, Any]
) -> None:
    what = stage(parts[0], parts[1], settings(tiny_params, epochs=1))
    (one, its_epochs), (other, other_epochs) = (fitted(base, what, dropout=0.1) for _ in range(2))
    assert its_epochs == other_epochs
    assert equal(weights(one), weights(other))


def test_progress_counts_every_message_of_every_epoch(
    base: BaseEncoder, parts: tuple[Examples, ...], tiny_params: dict[str, Any]
) -> None:
    seen: list[int] = []
    what = stage(parts[0].part(np.arange(20)), None, settings(tiny_params, batch_tokens=32), n_epochs=2)
    fit(tiny_model(base), what, None, lambda n, loss: seen.append(n))
    assert sum(seen) == 40


def test_a_message_of_weight_near_zero_teaches_nothing(
    base: BaseEncoder, parts: tuple[Examples, ...], tiny_params: dict[str, Any]
) -> None:
    # two messages with opposite labels; only the weighty one is learned
    labels = np.array([[True, False, False], [False, True, True]])
    weighty = changed(parts[0].part(np.array([0, 0])), labels=labels, weights=np.array([1.0, 1e-9]))
    model, _ = fitted(base, stage(weighty, None, settings(tiny_params, epochs=30, class_balance=0.0)))
    assert chosen(model, weighty)[0] == [True, False, False]


def test_logits_come_in_message_order(base: BaseEncoder) -> None:
    train, model = tiny_examples(base).part(np.arange(12)), tiny_model(base)
    whole = logits_of(model, train, 64, "fp32")
    alone = np.concatenate([logits_of(model, train.part(np.array([place])), 64, "fp32") for place in range(12)])
    assert whole == pytest.approx(alone, abs=1e-5)


def test_logits_of_a_long_message_are_pooled_over_its_windows(base: BaseEncoder) -> None:
    # 60 words, 46 a window, 16 shared: words 1 to 46 and 31 to 60, 48 and 32 tokens
    words = ["red", "beds", "need", "shade"] * 15
    texts = [" ".join(words), " ".join(words[:46]), " ".join(words[30:])]
    logits = logits_of(tiny_model(base), tiny_examples(base, texts), 512, "fp32")
    assert logits[0] == pytest.approx((48 * logits[1] + 32 * logits[2]) / 80, rel=1e-4)


def test_labels_shuffled_by_hand_teach_nothing_that_holds(
    base: BaseEncoder, parts: tuple[Examples, ...], tiny_params: dict[str, Any]
) -> None:
    # choosing every audience always, as language alone does here (each is a quarter of either language), is F1
    # 2 * .25 / 1.25 = .4; noise on 80 messages moves that by at most .1
    own, _, test = parts
    shuffled = changed(own, labels=np.random.default_rng(1).permutation(own.labels))
    options = settings(tiny_params, epochs=4)
    models = [fitted(base, stage(train, None, options))[0] for train in (own, shuffled)]
    scores = [macro_f1(test.labels, logits_of(model, test, 512, "fp32") >= 0) for model in models]
    assert scores[0] > 0.8
    assert scores[1] < 0.5


def killed_after(n_calls: int) -> Callable[[int, float], None]:
    """A progress that ends the training at its n-th call; the first is the start, the next ones ten steps apart."""
    calls = iter(range(1, n_calls + 1))

    def call(n_windows: int, loss: float) -> None:
        if next(calls) == n_calls:
            raise Killed

    return call


@pytest.fixture(scope="module")
def unbroken(base: BaseEncoder, parts: tuple[Examples, ...], tiny_params: dict[str, Any]) -> Fitted:
    return fitted(base, interrupted_stage(parts, tiny_params), dropout=0.1)


def interrupted_stage(parts: tuple[Examples, ...], tiny_params: dict[str, Any]) -> Stage:
    """Two epochs of 21 steps each, the dropout on."""
    options = settings(tiny_params, epochs=2, batch_tokens=64, checkpoint_minutes=EVERY_STEP)
    return stage(parts[0], parts[1], options)


# calls come at the start, at steps 10, 20 and 21: 2 dies at step 10, 4 before the first epoch is judged, 6 in the second
@pytest.mark.parametrize("deaths", [(2,), (4,), (6,), (3, 3, 2)])
def test_a_training_that_was_killed_ends_as_an_unbroken_one(
    base: BaseEncoder,
    parts: tuple[Examples, ...],
    tiny_params: dict[str, Any],
    tmp_path: Path,
    unbroken: Fitted,
    deaths: tuple[int, ...],
) -> None:
    what = interrupted_stage(parts, tiny_params)
    checkpoints = Checkpoints(tmp_path / "checkpoint", {})
    checkpoints.begin("")
    for n_calls in deaths:
        with pytest.raises(Killed):
            fit(tiny_model(base, dropout=0.1), what, checkpoints, killed_after(n_calls))
        torch.manual_seed(99)  # nothing hangs on the generator of the process that died
    model = tiny_model(base, dropout=0.1)
    epochs = fit(model, what, checkpoints, lambda n, loss: None)
    assert epochs == unbroken[1]
    assert equal(weights(model), weights(unbroken[0]))


def test_a_stage_that_has_ended_is_not_learned_again(
    base: BaseEncoder, parts: tuple[Examples, ...], tiny_params: dict[str, Any], tmp_path: Path
) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoint", {})
    checkpoints.begin("")
    what = stage(parts[0], parts[1], settings(tiny_params, epochs=2))
    first, again = tiny_model(base), tiny_model(base)
    epochs = fit(first, what, checkpoints, lambda n, loss: None)
    seen: list[int] = []
    assert fit(again, what, checkpoints, lambda n, loss: seen.append(n)) == epochs
    assert seen == [240]  # both epochs of 120 messages, done before
    assert equal(weights(first), weights(again))
