from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import TinyRun

from eval.baselines import Judgement, baselines, earlier
from segmenter.bundle import audit
from segmenter.params import Params

BEDS, LANE, SHELF, CLOUD = "water the {} beds", "the {} lane opens", "the {} shelf has novels", "a {} cloud passed"
WORDS = ("red", "blue", "green", "small", "old")


def frame(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Messages as (text, `;`-joined audiences, language)."""
    parts = [
        {"text": text, "audiences": [name for name in ids.split(";") if name], "lang": lang, "label_kind": "gold"}
        for text, ids, lang in rows
    ]
    return pd.DataFrame(parts)


def phrased(*pairs: tuple[str, str]) -> list[tuple[str, str, str]]:
    """Each (phrase, audiences) with each word, in English."""
    return [(phrase.format(word), ids, "en") for phrase, ids in pairs for word in WORDS]


SPLITS = {
    "train": frame(*phrased((BEDS, "gardeners"), (LANE, "cyclists"), (SHELF, "readers"), (CLOUD, ""))),
    "dev": frame(*phrased((BEDS, "gardeners"), (LANE, "cyclists"), (SHELF, "readers"), (CLOUD, ""))),
}


@pytest.fixture
def params(tiny_params: dict[str, Any]) -> Params:
    return Params.model_validate(tiny_params)


def named(found: list[Judgement], name: str) -> Judgement:
    return next(judgement for judgement in found if judgement.name == name)


def test_there_are_three_baselines(params: Params) -> None:
    found = baselines(params, SPLITS, frame(("a bed", "", "en")))
    assert [judgement.name for judgement in found] == ["majority", "language", "tfidf"]


def test_majority_gives_the_more_frequent_answer_to_every_message(params: Params) -> None:
    train = frame(
        ("apple", "gardeners", "en"),
        ("berry", "gardeners;cyclists", "en"),
        ("cherry", "gardeners", "en"),
        ("damson", "readers", "en"),
    )
    majority = named(baselines(params, SPLITS | {"train": train}, frame(("x", "", "en"), ("y", "", "de"))), "majority")
    # gardeners 3 of 4, cyclists and readers 1 of 4
    assert majority.scores.tolist() == [[0.75, 0.25, 0.25]] * 2
    assert majority.chosen.tolist() == [[True, False, False]] * 2


def test_language_scores_are_the_shares_of_the_language(params: Params) -> None:
    train = frame(
        ("apple", "gardeners", "en"), ("berry", "cyclists", "en"), ("cherry", "", "en"), ("damson", "", "en"),
        ("elder", "gardeners", "de"), ("fig", "gardeners;readers", "de"),
    )  # fmt: skip
    judged = frame(("x", "", "de"), ("y", "", "en"))
    language = named(baselines(params, SPLITS | {"train": train}, judged), "language")
    # of two German messages: 2, 0, 1; of four English ones: 1, 1, 0
    assert language.scores.tolist() == [[1.0, 0.0, 0.5], [0.25, 0.25, 0.0]]


def test_a_language_not_in_train_has_the_shares_of_all(params: Params) -> None:
    train = frame(
        ("apple", "gardeners", "en"),
        ("berry", "cyclists", "en"),
        ("cherry", "gardeners", "de"),
        ("damson", "readers", "de"),
    )
    language = named(baselines(params, SPLITS | {"train": train}, frame(("x", "", "it"))), "language")
    # of four messages: 2, 1, 1
    assert language.scores.tolist() == [[0.5, 0.25, 0.25]]


def test_tfidf_finds_an_obvious_word(params: Params) -> None:
    judged = frame(("the tall beds", "", "en"), ("the tall lane", "", "en"), ("the tall shelf", "", "en"))
    tfidf = named(baselines(params, SPLITS, judged), "tfidf")
    assert tfidf.scores.argmax(axis=1).tolist() == [0, 1, 2]
    assert np.diag(tfidf.chosen).all()


def test_tfidf_reads_the_cleaned_text(params: Params) -> None:
    judged = frame(("the beds @ann", "", "en"), ("the beds @ben", "", "en"))
    tfidf = named(baselines(params, SPLITS, judged), "tfidf")
    assert tfidf.scores[0].tolist() == tfidf.scores[1].tolist()


def test_thresholds_are_chosen_on_dev(params: Params) -> None:
    # half of its words are those of gardeners' messages in train; of such messages one dev says that they are theirs, the
    # other that they are nobody's
    between = "water the {} lane"
    judged = frame(*phrased((between, "")))
    theirs, nobodys = (frame(*phrased((BEDS, "gardeners"), (between, ids), (CLOUD, ""))) for ids in ("gardeners", ""))
    low, high = (named(baselines(params, SPLITS | {"dev": dev}, judged), "tfidf") for dev in (theirs, nobodys))
    assert low.scores.tolist() == high.scores.tolist()
    assert low.chosen[:, 0].all()
    assert not high.chosen[:, 0].any()


def test_weak_labels_teach_the_baselines_nothing(params: Params) -> None:
    judged = frame(("the tall beds", "", "en"))
    weak = frame(*phrased((BEDS, "readers"))).assign(label_kind="weak")
    more = SPLITS | {"train": pd.concat([SPLITS["train"], weak], ignore_index=True)}
    for one, other in zip(baselines(params, SPLITS, judged), baselines(params, more, judged), strict=True):
        assert one.scores.tolist() == other.scores.tolist()


def test_weak_labels_teach_the_baselines_where_there_are_no_others(params: Params) -> None:
    judged = frame(("the tall beds", "", "en"))
    weak = {name: part.assign(label_kind="weak") for name, part in SPLITS.items()}
    for one, other in zip(baselines(params, SPLITS, judged), baselines(params, weak, judged), strict=True):
        assert one.scores.tolist() == other.scores.tolist()


def test_labels_of_the_judged_messages_change_nothing(params: Params) -> None:
    rows = phrased((BEDS, "gardeners"), (LANE, "cyclists"))
    relabelled = [(text, "readers", lang) for text, _, lang in rows]
    for one, other in zip(
        baselines(params, SPLITS, frame(*rows)), baselines(params, SPLITS, frame(*relabelled)), strict=True
    ):
        assert one.chosen.tolist() == other.chosen.tolist()


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("models:/audience@champion", "earlier champion"),
        ("models:/audience/3", "earlier 3"),
        ("runs/former/bundle", None),  # by its digest
    ],
)
def test_an_earlier_version_is_called_as_it_was_named(tiny_run: TinyRun, named: str, expected: str | None) -> None:
    bundle = audit(tiny_run.bundle)
    assert earlier(named, bundle).name == (expected or f"earlier {bundle.digest[:8]}")
