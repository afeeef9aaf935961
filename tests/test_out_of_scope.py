from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import TinyRun

from eval.figures import Judged, author_clusters
from eval.out_of_scope import IN_SCOPE, Flagged, OutOfScope, out_of_scope
from segmenter.bundle import Bundle
from segmenter.params import Params
from segmenter.prepared import read_split
from segmenter.score import Scorer, open_scorer

FINNISH = "Leipomo myy sämpylöitä kuuteen asti, ja satamassa on hiljaista."


def measured(scorer: Scorer, frame: pd.DataFrame, params: Params) -> OutOfScope:
    judged = Judged(np.zeros((len(frame), 3), np.bool_), author_clusters(frame), {}, scorer.bundle.audience_ids)
    return out_of_scope(scorer, frame, judged, scorer.score(frame["text"].tolist()), params)


def kind(found: OutOfScope, name: str) -> Flagged:
    [part] = [part for part in found.out if part.kind == name]
    return part


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, tiny_run.params.score)


@pytest.fixture(scope="module")
def params(tiny_run: TinyRun) -> Params:
    return tiny_run.params


@pytest.fixture(scope="module")
def frame(tiny_run: TinyRun) -> pd.DataFrame:
    return read_split(tiny_run.params, "test")


@pytest.fixture(scope="module")
def found(scorer: Scorer, frame: pd.DataFrame, params: Params) -> OutOfScope:
    return measured(scorer, frame, params)


def test_in_scope_are_the_messages_in_trained_languages(found: OutOfScope, frame: pd.DataFrame) -> None:
    assert (found.in_scope.kind, found.in_scope.n) == (IN_SCOPE, len(frame))
    assert kind(found, "language_of_split") == Flagged("language_of_split", 0, 0, None, {})


def test_what_a_scorer_finds_in_scope_is_not_flagged(scorer: Scorer, frame: pd.DataFrame, found: OutOfScope) -> None:
    assert found.in_scope.n_flagged == sum(bool(reason) for reason in scorer.score(frame["text"].tolist()).scope)


def test_too_few_letters_and_links_alone_are_all_flagged_as_too_short(found: OutOfScope, frame: pd.DataFrame) -> None:
    for name in ("too_short", "empty"):
        assert kind(found, name).reasons == {"too_short": len(frame)}
        share = kind(found, name).share
        assert share is not None
        assert share.value == 1.0


def test_a_message_of_the_split_in_another_language_is_out_of_scope(
    scorer: Scorer, frame: pd.DataFrame, params: Params
) -> None:
    more = pd.concat([frame, frame.head(1).assign(text=FINNISH, lang="fi")], ignore_index=True)
    found = measured(scorer, more, params)
    assert found.in_scope.n == len(frame)
    assert kind(found, "language_of_split").reasons == {"language_not_trained": 1}


def test_written_sentences_in_a_trained_language_are_left_out(
    scorer: Scorer,
    frame: pd.DataFrame,
    found: OutOfScope,
    params: Params,
    reseal: Callable[[Path, Path, dict[str, Any]], Bundle],
    tmp_path: Path,
) -> None:
    manifest = scorer.bundle.manifest
    changes = {"languages": [*manifest.languages, "fi"], "pieces_per_word": {**manifest.pieces_per_word, "fi": 9.0}}
    knows_finnish = Scorer(reseal(scorer.bundle.path, tmp_path / "bundle", changes), scorer.settings)
    assert kind(found, "language").n == 13 * 6  # as out_of_scope.yaml has them
    assert kind(measured(knows_finnish, frame, params), "language").n == 12 * 6


def test_languages_that_were_not_trained_are_told_apart(found: OutOfScope) -> None:
    assert kind(found, "language").reasons == {"language_not_trained": 78}


def test_noise_is_made_of_every_message_and_always_the_same(
    scorer: Scorer, frame: pd.DataFrame, found: OutOfScope, params: Params
) -> None:
    assert {part.kind: part.n for part in found.out if part.kind in ("random_letters", "codes", "base64")} == {
        "random_letters": len(frame),
        "codes": len(frame),
        "base64": len(frame),
    }
    assert measured(scorer, frame, params).as_dict() == found.as_dict()


def test_shares_have_the_bounds_of_as_many_authors(scorer: Scorer, frame: pd.DataFrame, params: Params) -> None:
    # ten authors of as many messages each, all flagged: from 0.025^(1/10) = 0.6915 to 1; one author alone: anything
    each = frame.assign(author=[f"a{number % 10}" for number in range(len(frame))], split_unit="author")
    assert len(frame) % 10 == 0
    for own, low in ((each, 0.6915), (each.assign(author="a0"), 0.0)):
        share = kind(measured(scorer, own, params), "too_short").share
        assert share is not None
        assert (share.value, share.low, share.high) == (1.0, pytest.approx(low, abs=1e-4), 1.0)


def test_metrics_are_flat_and_leave_out_what_has_no_message(found: OutOfScope) -> None:
    assert set(found.metrics()) == {
        "scope/in/flagged",
        *(
            f"scope/out/{name}/flagged"
            for name in ("language", "too_short", "empty", "random_letters", "codes", "base64")
        ),
    }


def test_sentences_name_every_kind_that_has_messages(found: OutOfScope) -> None:
    first, second = found.sentences()
    assert first == f"Flagged as out of scope though in scope: {found.in_scope}."
    assert f"too short {kind(found, 'too_short')};" in second
    assert "language of split" not in second
