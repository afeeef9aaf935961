import numpy as np
import pytest

from training.shortcut import shortcuts

FOLD = np.repeat([0, 1], 8)


def test_balanced_accuracy_and_f1_are_those_of_marking_the_language() -> None:
    # in each fold 3 of 4 English messages carry it and 1 of 4 German ones: the other fold says, mark English;
    # 3 of 4 that carry it found, 3 of 4 that do not left out; 6 found, 2 wrong, 2 missed: F1 12 / 16
    languages = (["en"] * 4 + ["de"] * 4) * 2
    labels = np.array([True, True, True, False, True, False, False, False] * 2)[:, None]
    [found] = shortcuts(languages, labels, FOLD, ["gardeners"], support_at_least=3)
    assert (found.balanced_accuracy, found.f1) == (0.75, 0.75)
    assert (found.n, found.n_true) == (16, 8)


def test_a_label_that_equals_the_language_is_predicted_wholly() -> None:
    languages = (["en"] * 4 + ["de"] * 4) * 2
    labels = (np.array(languages) == "de")[:, None]
    [found] = shortcuts(languages, labels, FOLD, ["gardeners"], support_at_least=3)
    assert (found.balanced_accuracy, found.f1) == (1.0, 1.0)


def test_a_label_that_has_nothing_to_do_with_the_language_is_at_chance() -> None:
    # half of either language carries it: no language carries it more often than all do, so none is marked
    languages = (["en"] * 4 + ["de"] * 4) * 2
    labels = np.array([True, False] * 8)[:, None]
    [found] = shortcuts(languages, labels, FOLD, ["gardeners"], support_at_least=3)
    assert (found.balanced_accuracy, found.f1) == (0.5, 0.0)


def test_a_message_is_judged_by_the_other_folds() -> None:
    # the first fold has German gardeners, the second English ones: each fold's rule is wrong on the other
    languages = (["en"] * 4 + ["de"] * 4) * 2
    labels = np.array([False] * 4 + [True] * 4 + [True] * 4 + [False] * 4)[:, None]
    [found] = shortcuts(languages, labels, FOLD, ["gardeners"], support_at_least=3)
    assert found.balanced_accuracy == 0.0


@pytest.mark.parametrize("n_true", [2, 14])
def test_too_few_that_carry_it_or_do_not_are_not_evaluable(n_true: int) -> None:
    labels = (np.arange(16) < n_true)[:, None]
    [found] = shortcuts(["en"] * 16, labels, FOLD, ["gardeners"], support_at_least=3)
    assert (found.balanced_accuracy, found.f1, found.n_true) == (None, None, n_true)
