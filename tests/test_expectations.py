import pytest

from eval.expectations import Answer, Chosen, Direction, Rule, Unchanged

MAGA, EUROPE, RUSSIA = "maga_isolationist", "european_publics", "domestic_russian"
IN_MIND = frozenset({MAGA, EUROPE, RUSSIA})


def answer(*chosen: str, **scores: float) -> Answer:
    return Answer(scores, frozenset(chosen))


@pytest.mark.parametrize(
    ("expected", "chosen", "is_met"),
    [
        ([EUROPE], [EUROPE], True),
        ([EUROPE], [EUROPE, MAGA], False),  # one too many
        ([EUROPE, MAGA], [EUROPE], False),  # one too few
        ([], [], True),
        ([], [RUSSIA], False),
        ([], ["gardeners"], True),  # an audience of the model that the writer had not in mind
    ],
)
def test_exactly_the_expected_audiences_are_chosen(expected: list[str], chosen: list[str], is_met: bool) -> None:
    assert Chosen(frozenset(expected), IN_MIND).met([answer(*chosen)]) == is_met


@pytest.mark.parametrize(
    ("expected", "model", "judged"),
    [
        ([EUROPE], [EUROPE, "gardeners"], [EUROPE]),
        ([EUROPE], [MAGA], []),  # the model cannot choose it
        ([], [MAGA, "gardeners"], [MAGA]),  # none: of those in mind that it has
        ([], ["gardeners"], []),  # it has none of those in mind
    ],
)
def test_a_plain_case_suits_a_model_that_has_its_audiences(
    expected: list[str], model: list[str], judged: list[str]
) -> None:
    assert Chosen(frozenset(expected), IN_MIND).judged(frozenset(model)) == set(judged)


@pytest.mark.parametrize(
    ("before", "after", "is_met"),
    [
        (answer("a", a=0.9), answer("a", a=0.5), True),  # chosen as before, however far the score fell
        (answer("a", a=0.41), answer(a=0.39), True),  # beside the threshold
        (answer("a", a=0.5), answer(a=0.4), True),  # by just the amount
        (answer("a", a=0.5), answer(a=0.39), False),
        (answer("a", a=0.41, b=0.1), answer(a=0.39, b=0.3), False),  # another score moved by 0.2
    ],
)
def test_unchanged_means_the_same_audiences_or_scores_nearby(before: Answer, after: Answer, is_met: bool) -> None:
    assert Unchanged(0.1).met([before, after]) == is_met


@pytest.mark.parametrize(
    ("rule", "before", "after", "is_met"),
    [
        ("rises_at_least", 0.2, 0.3, True),
        ("rises_at_least", 0.2, 0.25, False),
        ("rises_at_most", 0.2, 0.3, True),
        ("rises_at_most", 0.2, 0.35, False),
        ("rises_at_most", 0.9, 0.1, True),
        ("falls_at_least", 0.3, 0.2, True),
        ("falls_at_least", 0.3, 0.25, False),
        ("moves_at_most", 0.3, 0.2, True),
        ("moves_at_most", 0.3, 0.15, False),
        ("moves_at_most", 0.3, 0.45, False),
    ],
)
def test_a_direction_follows_its_rule(rule: Rule, before: float, after: float, is_met: bool) -> None:
    assert Direction("a", rule, 0.1).met([answer(a=before), answer(a=after)]) == is_met


def test_a_direction_watches_one_audience_alone() -> None:
    direction = Direction("a", "moves_at_most", 0.1)
    assert direction.met([answer(a=0.3, b=0.1), answer(a=0.3, b=0.9)])
    assert direction.judged(frozenset("ab")) == {"a"}
    assert direction.judged(frozenset("b")) == set()


def test_expectations_and_answers_read_as_sentences() -> None:
    assert Chosen(frozenset(), IN_MIND).sentence() == "none"
    assert Unchanged(0.1).sentence() == "the same audiences, or scores within 0.1"
    assert Direction(EUROPE, "rises_at_least", 0.1).sentence() == "european_publics rises at least 0.1"
    assert answer("b", a=0.125, b=0.5, c=0.9).shown(frozenset("ab")) == "b (a 0.12, b 0.50)"  # 0.125 rounds to even
