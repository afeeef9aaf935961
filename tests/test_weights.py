import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_training import changed, settings, tiny_base, tiny_examples

from segmenter.batches import Tokens
from training.examples import Examples
from training.weights import class_weights, decision_weights, language_weights


def examples(counts: dict[tuple[str, bool], int]) -> Examples:
    """So many messages of each language and answer, one audience."""
    rows = [pair for pair, n in counts.items() for _ in range(n)]
    labels, languages = np.array([[label] for _, label in rows]), np.array([language for language, _ in rows])
    n = len(rows)
    return Examples(Tokens([[1]] * n, np.arange(n)), labels, np.ones(n), languages, 0)


def weight_of(found: NDArray[np.float64], given: Examples, language: str, label: bool) -> float:
    """The one weight of all messages of a language and answer."""
    own = set(found[(given.languages == language) & (given.labels[:, 0] == label), 0].tolist())
    assert len(own) == 1
    return own.pop()


def weighted_share(found: NDArray[np.float64], given: Examples, language: str) -> float:
    """Share of the audience in a language under the weights."""
    inside = given.languages == language
    return float(np.average(given.labels[inside, 0], weights=found[inside, 0]))


# English: 3 of 4 for the audience; Russian: 1 of 8. Overall 4 of 12, a third.
SKEWED = {("en", True): 3, ("en", False): 1, ("ru", True): 1, ("ru", False): 7}


def test_a_rare_audience_weighs_more() -> None:
    # 1 of 4: 3 negatives a positive; 2 of 4: 1; nobody: 1
    labels = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]], np.bool_)
    assert class_weights(labels, 1 - 1e-12) == pytest.approx([3.0, 1.0, 1.0])
    assert class_weights(labels, 0.5) == pytest.approx([math.sqrt(3), 1.0, 1.0])
    assert class_weights(labels, 0.0) == pytest.approx([1.0, 1.0, 1.0])


def test_each_answer_weighs_what_is_expected_over_what_is_found() -> None:
    given = examples(SKEWED)
    found = language_weights(given, 1.0)
    # true: (1/3) / (3/4) and (1/3) / (1/8); false: (2/3) / (1/4) and (2/3) / (7/8)
    assert weight_of(found, given, "en", True) == pytest.approx(4 / 9)
    assert weight_of(found, given, "ru", True) == pytest.approx(8 / 3)
    assert weight_of(found, given, "en", False) == pytest.approx(8 / 3)
    assert weight_of(found, given, "ru", False) == pytest.approx(16 / 21)


def test_under_full_balance_the_audience_is_as_frequent_in_each_language() -> None:
    given = examples(SKEWED)
    found = language_weights(given, 1.0)
    assert [weighted_share(found, given, language) for language in ("en", "ru")] == pytest.approx([1 / 3, 1 / 3])


def test_no_language_gains_or_loses_weight() -> None:
    given = examples(SKEWED)
    found = language_weights(given, 1.0)
    assert [found[given.languages == language].sum() for language in ("en", "ru")] == pytest.approx([4, 8])


def test_half_the_balance_takes_the_log_odds_half_of_the_way() -> None:
    # English log-odds log 3, overall log 1/2: half of the way is log of the root of 3/2
    given = examples(SKEWED)
    share = weighted_share(language_weights(given, 0.5), given, "en")
    assert share / (1 - share) == pytest.approx(math.sqrt(1.5))


def test_without_balance_every_decision_weighs_one() -> None:
    assert language_weights(examples(SKEWED), 0.0).tolist() == [[1.0]] * 12


def test_a_language_with_one_answer_alone_has_finite_weights() -> None:
    # overall a half; English all true: 1/2 over 1; Russian all false: likewise
    found = language_weights(examples({("en", True): 4, ("ru", False): 4}), 1.0)
    assert found[:, 0].tolist() == [0.5] * 8


def test_the_messages_own_weights_count_in_the_shares() -> None:
    # English true twice as heavy: 2 of 3 there; Russian 1 of 2; overall 3 of 5
    given = examples({("en", True): 1, ("en", False): 1, ("ru", True): 1, ("ru", False): 1})
    found = language_weights(changed(given, weights=np.array([2.0, 1.0, 1.0, 1.0])), 1.0)
    assert weight_of(found, given, "en", True) == pytest.approx((3 / 5) / (2 / 3))
    assert weight_of(found, given, "ru", True) == pytest.approx((3 / 5) / (1 / 2))


def test_the_few_of_a_small_cell_weigh_no_more_than_the_most(tiny_params: dict[str, Any]) -> None:
    # 1 Russian of 50 where half are for the audience: 25 times, unless cut
    given = examples({("en", True): 50, ("en", False): 1, ("ru", True): 1, ("ru", False): 50})
    most = 5.0
    found = decision_weights(given, settings(tiny_params, language_balance=1.0, language_weight_at_most=most))
    assert language_weights(given, 1.0).max() == pytest.approx(25.5)
    assert found.max() == most


def test_a_message_s_weight_counts_for_each_of_its_decisions(tiny_params: dict[str, Any]) -> None:
    given = changed(examples({("en", True): 1, ("en", False): 1}), weights=np.array([0.5, 2.0]))
    assert decision_weights(given, settings(tiny_params)).tolist() == [[0.5], [2.0]]


def test_language_alone_predicts_nothing_under_the_weights(tiny_params: dict[str, Any], tiny_bert: Path) -> None:
    # two thirds of the German messages to gardeners and of the English ones to cyclists are taken away
    whole = tiny_examples(tiny_base(tiny_bert))
    rare = ((whole.languages == "de") & whole.labels[:, 0]) | ((whole.languages == "en") & whole.labels[:, 1])
    kept = np.flatnonzero(~rare | (np.arange(len(rare)) % 3 == 0))
    given = whole.part(kept)

    def gap(found: NDArray[np.float64]) -> float:
        """How much the audiences' shares differ between the languages: what language alone could tell."""
        shares = [
            np.average(given.labels[given.languages == language], axis=0, weights=found[given.languages == language])
            for language in ("en", "de")
        ]
        return float(np.abs(shares[0] - shares[1]).max())

    assert gap(np.ones(given.labels.shape)) > 0.1
    assert gap(decision_weights(given, settings(tiny_params, language_balance=1.0))) < 1e-12
