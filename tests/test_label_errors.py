from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cleanlab.filter import find_label_issues
from conftest import tiny_messages
from numpy.typing import NDArray

from segmenter.params import Params
from training.label_errors import Suspicion, label_errors, out_of_fold_scores, suspicions, tasks

IDS = ["gardeners", "cyclists", "readers"]
ALL = np.ones(8, np.bool_)
FLIPPED = range(5, 240, 20)  # 12 messages, of every audience and language


@pytest.fixture(scope="module")
def planted(tiny_params: dict[str, Any]) -> tuple[NDArray[np.bool_], list[Suspicion]]:
    """The tiny messages' labels, one of the first two columns turned round in each of FLIPPED, and what is suspected."""
    rows = tiny_messages()
    labels = np.array([[name == row["audiences"] for name in IDS] for row in rows])
    for number, place in enumerate(FLIPPED):
        labels[place, number % 2] ^= True
    fold = np.arange(len(rows)) % 5
    texts, every = [row["text"] for row in rows], np.ones(len(rows), np.bool_)
    scores = out_of_fold_scores(texts, labels, fold, every, Params.model_validate(tiny_params).eval)
    return labels, suspicions(labels, scores, every, IDS, support_at_least=3)


def test_planted_errors_are_ranked_first(planted: tuple[NDArray[np.bool_], list[Suspicion]]) -> None:
    first = {suspicion.place for suspicion in planted[1][: len(FLIPPED)]}
    assert len(first & set(FLIPPED)) >= 11  # recall at 12 of 12 planted


def test_the_suggestion_turns_the_planted_error_back(planted: tuple[NDArray[np.bool_], list[Suspicion]]) -> None:
    rows, right = tiny_messages(), 0
    for suspicion in planted[1][: len(FLIPPED)]:
        right += suspicion.suggested == [name for name in (rows[suspicion.place]["audiences"],) if name]
    assert right >= 11


def test_the_most_suspicious_stand_first(planted: tuple[NDArray[np.bool_], list[Suspicion]]) -> None:
    qualities = [suspicion.quality for suspicion in planted[1]]
    assert qualities == sorted(qualities)


def test_a_message_is_scored_by_models_that_never_saw_its_label(tiny_params: dict[str, Any]) -> None:
    texts = [f"{word} {what}" for word in ("red", "blue", "old") for what in ("beds", "beds", "lane", "lane")]
    labels = np.array([[what.endswith("beds")] for what in texts])
    turned = labels.copy()
    turned[0] ^= True
    fold, every, settings = np.repeat([0, 1, 2], 4), np.ones(12, np.bool_), Params.model_validate(tiny_params).eval
    before, after = (out_of_fold_scores(texts, part, fold, every, settings) for part in (labels, turned))
    assert before[:4].tolist() == after[:4].tolist()
    assert before[4:].tolist() != after[4:].tolist()


@pytest.fixture
def mixed(tiny_params: dict[str, Any]) -> Callable[[int], list[Suspicion]]:
    """A function that doubts 240 gold messages, the label of one flipped, and as many weak ones with the first n flipped."""

    def of(n_flipped: int) -> list[Suspicion]:
        rows = tiny_messages()
        labels = np.tile(np.array([[name == row["audiences"] for name in IDS] for row in rows]), (2, 1))
        labels[19, 0] ^= True
        labels[240 : 240 + n_flipped, 0] ^= True
        kinds = ["gold"] * 240 + ["weak"] * 240
        frame = pd.DataFrame({"text": [row["text"] for row in rows] * 2, "label_kind": kinds})
        return label_errors(frame, labels, np.arange(480) % 5, Params.model_validate(tiny_params))

    return of


def test_trusted_labels_stand_before_weak_ones(mixed: Callable[[int], list[Suspicion]]) -> None:
    are_weak = [one.place >= 240 for one in mixed(40)]
    assert are_weak == sorted(are_weak) and len(set(are_weak)) == 2
    assert mixed(40)[0].place == 19


def test_weak_labels_are_judged_by_what_trusted_ones_say(mixed: Callable[[int], list[Suspicion]]) -> None:
    # all 60 weak gardeners are flipped: models that learned from weak labels would take that for half the truth
    doubted = {one.place for one in mixed(60)}
    assert len(doubted & set(range(240, 300))) >= 30
    assert not doubted & set(range(300, 480))


def test_only_labels_that_score_worse_than_their_like_are_doubted() -> None:
    # gardeners score 0.9 on average but one 0.1, the others 0.1 but one 0.95: these two cross the other side's mean
    scores = np.array([[0.95], [0.95], [0.9], [0.1], [0.05], [0.05], [0.1], [0.95]])
    labels = np.array([[True]] * 4 + [[False]] * 4)
    found = suspicions(labels, scores, ALL, ["gardeners"], support_at_least=2)
    assert [(one.place, one.suggested) for one in found] == [(7, ["gardeners"]), (3, [])]
    assert [one.quality for one in found] == pytest.approx([0.05, 0.1])


def test_doubts_are_those_of_cleanlab() -> None:
    rng = np.random.default_rng(1)
    scores, labels = rng.random((300, 1)), rng.random((300, 1)) < 0.3
    both = np.hstack([1 - scores, scores])
    theirs = find_label_issues(labels[:, 0].astype(int), both, filter_by="confident_learning", n_jobs=1)
    found = suspicions(labels, scores, np.ones(300, np.bool_), ["gardeners"], support_at_least=2)
    assert sorted(one.place for one in found) == np.flatnonzero(theirs).tolist()


def test_the_reason_names_the_label_and_its_score() -> None:
    scores = np.array([[0.95], [0.95], [0.9], [0.1], [0.05], [0.05], [0.1], [0.95]])
    labels = np.array([[True]] * 4 + [[False]] * 4)
    reasons = [one.reason for one in suspicions(labels, scores, ALL, ["gardeners"], support_at_least=2)]
    assert reasons == [
        "gardeners is not marked but scores 0.95 out of fold",
        "gardeners is marked but scores 0.10 out of fold",
    ]


@pytest.mark.parametrize("n_true", [0, 1, 7, 8])
def test_labels_of_an_audience_with_too_few_are_never_doubted(n_true: int) -> None:
    labels = (np.arange(8) < n_true)[:, None]
    assert suspicions(labels, 1.0 - labels, ALL, ["gardeners"], support_at_least=2) == []


def test_a_task_holds_the_current_labels_as_predictions_and_the_reason_beside_the_text() -> None:
    row = {"id": "r1", "text": "a red bed", "audiences": ["gardeners", "readers"], "lang": "en", "author": "ann"}
    place = {"table": "letters.csv", "line": 2, "label_kind": "gold", "split": "test"}
    [task] = tasks(pd.DataFrame([row | place]), [Suspicion(0, 0.25, [], "why")])
    assert task["predictions"] == [
        {
            "model_version": "current labels",
            "result": [
                {
                    "from_name": "audience",
                    "to_name": "text",
                    "type": "choices",
                    "value": {"choices": ["gardeners", "readers"]},
                }
            ],
        }
    ]
    assert task["data"] == {
        "rank": 1,
        "text": "a red bed",
        "current": "gardeners;readers",
        "suggested": "none",
        "reason": "why",
        "quality": 0.25,
        "id": "r1",
        "table": "letters.csv",
        "line": "2",
        "lang": "en",
        "label_kind": "gold",
        "split": "test",
    }


def test_a_message_for_none_has_an_explicit_choice() -> None:
    row = {"id": "r1", "text": "a red bed", "audiences": [], "lang": "en", "table": "t", "line": 2}
    [task] = tasks(pd.DataFrame([row | {"label_kind": "gold", "split": "free"}]), [Suspicion(0, 0.25, ["readers"], "")])
    assert task["predictions"][0]["result"][0]["value"] == {"choices": ["none"]}  # type: ignore[index]
