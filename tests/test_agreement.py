import pytest

from training.agreement import Bootstrap, agreement

BOOTSTRAP = Bootstrap(n_rounds=200, seed=1, support_at_least=1)
# Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, example A: two observers, ten units, two values
MEG = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
OWEN = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]


def pairs(*annotators: list[int]) -> list[dict[str, list[str]] | None]:
    """Messages annotated by one annotator a list: 1 marks the audience, 0 does not, -1 did not annotate."""
    names = "abc"
    return [
        {names[i]: ["gardeners"] if mark else [] for i, mark in enumerate(marks) if mark >= 0}
        for marks in zip(*annotators, strict=True)
    ]


def test_alpha_is_that_of_the_published_example() -> None:
    # four units disagree; of 20 values 14 are 0 and 6 are 1: alpha = 1 - 19 * 4 / (14 * 6)
    [found] = agreement(pairs(MEG, OWEN), ["gardeners"], BOOTSTRAP)
    assert found.alpha == pytest.approx(1 - 19 * 4 / (14 * 6))
    assert (found.n, found.n_marked) == (10, 5)


def test_annotators_who_always_agree_have_an_alpha_of_one() -> None:
    [found] = agreement(pairs(MEG, MEG), ["gardeners"], BOOTSTRAP)
    assert (found.alpha, found.low, found.high) == (1.0, 1.0, 1.0)


def test_the_interval_holds_alpha() -> None:
    [found] = agreement(pairs(MEG, OWEN), ["gardeners"], BOOTSTRAP)
    assert found.low is not None and found.alpha is not None and found.high is not None
    assert found.low < found.alpha < found.high


def test_a_message_of_one_annotator_says_nothing() -> None:
    # the third annotator's lone message is left out: ten units as before
    alone = pairs([-1], [-1], [1])
    [found] = agreement([*pairs(MEG, OWEN), *alone, None, {}], ["gardeners"], BOOTSTRAP)
    assert found.alpha == pytest.approx(1 - 19 * 4 / (14 * 6))
    assert found.n == 10


def test_three_annotators_may_leave_messages_out() -> None:
    # a and b agree on 1, a and c on 0; each message has two values, all four values paired: no disagreement
    [found] = agreement(pairs([1, 0], [1, -1], [-1, 0]), ["gardeners"], BOOTSTRAP)
    assert found.alpha == 1.0


def test_without_two_annotators_nothing_is_evaluable() -> None:
    [found] = agreement([None, {"a": ["gardeners"]}], ["gardeners"], BOOTSTRAP)
    assert (found.alpha, found.low, found.high, found.n) == (None, None, None, 0)


def test_an_audience_marked_too_rarely_is_not_evaluable() -> None:
    [found] = agreement(pairs(MEG, OWEN), ["gardeners"], Bootstrap(10, 1, support_at_least=6))
    assert (found.alpha, found.n, found.n_marked) == (None, 10, 5)


def test_each_audience_has_its_own_figure_and_one_nobody_marks_has_none() -> None:
    found = agreement(pairs(MEG, OWEN), ["readers", "gardeners"], BOOTSTRAP)
    assert [(one.audience, one.alpha is None) for one in found] == [("readers", True), ("gardeners", False)]
