from typing import Any

import numpy as np
import pytest

from segmenter.params import Params
from segmenter.plain_models import language_shares, logistic_scores, tfidf_features
from segmenter.sections import Eval


@pytest.fixture
def settings(tiny_params: dict[str, Any]) -> Eval:
    return Params.model_validate(tiny_params).eval


def test_a_language_scores_its_share_and_a_new_one_the_share_of_all() -> None:
    labels = np.array([[True, False], [False, False], [True, True]])
    [scores] = language_shares(["en", "en", "de"], labels, [["de", "en", "it"]])
    # German 1 of 1 and 1 of 1; English 1 of 2 and 0 of 2; all 2 of 3 and 1 of 3
    assert np.allclose(scores, [[1, 1], [0.5, 0], [2 / 3, 1 / 3]])


def test_the_vocabulary_is_that_of_the_first_part(settings: Eval) -> None:
    first, second = tfidf_features([["red beds"], ["oily lamp", "red lamp"]], settings)
    # no two letters of `oily lamp` stand side by side in `red beds`, nor at the edge of its words
    assert first.shape[1] == second.shape[1]
    assert (second[[0]].sum(), second[[1]].sum() > 0) == (0, True)


def test_features_stay_sparse(settings: Eval) -> None:
    [features] = tfidf_features([["red beds", "blue lane"]], settings)
    assert 0 < features.nnz < features.shape[0] * features.shape[1]


def test_an_audience_that_all_or_none_carry_scores_one_or_nought(settings: Eval) -> None:
    [features] = tfidf_features([["red beds", "blue lane"]], settings)
    labels = np.array([[True, False, True], [True, False, False]])
    [scores] = logistic_scores(features, labels, [features], settings, balanced=True)
    assert scores[:, :2].tolist() == [[1, 0], [1, 0]]


def test_balanced_models_score_a_rare_audience_higher(settings: Eval) -> None:
    texts = ["red beds", *[f"{word} lane" for word in ("blue", "green", "old", "new", "tall", "low")]]
    [features] = tfidf_features([texts], settings)
    labels = np.array([[True], *[[False]] * 6])
    [plain], [balanced] = (
        logistic_scores(features, labels, [features], settings, balanced=part) for part in (False, True)
    )
    assert balanced[0, 0] > plain[0, 0]
