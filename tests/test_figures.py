import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from eval.baselines import Judgement
from eval.figures import Figure, Judged, figures, slices, value_of
from segmenter.sections import Eval

# Four messages, audiences a and b: m0 a, m1 a, m2 b, m3 none. The model says: m0 a, m1 none, m2 b, m3 a.
TRUTH = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], np.bool_)
CHOSEN = np.array([[1, 0], [0, 0], [0, 1], [1, 0]], np.bool_)
SCORES = np.array([[0.9, 0.1], [0.2, 0.1], [0.1, 0.8], [0.6, 0.1]])


def settings(support_at_least: int) -> Eval:
    return Eval(
        calibration_bins=1,
        bootstrap_rounds=200,
        slice_support_at_least=support_at_least,
        conclusion_support_at_least=support_at_least,
        tfidf_words=1,
        tfidf_characters=1,
        tfidf_inverse_regularisation=1.0,
    )


def judged(truth: NDArray[np.bool_] = TRUTH, clusters: list[int] | None = None) -> Judged:
    numbers = np.array(clusters if clusters is not None else range(len(truth)), np.int64)
    return Judged(truth, numbers, {"all": np.ones(len(truth), np.bool_)}, ["a", "b"])


def of(name: str, chosen: NDArray[np.bool_] = CHOSEN) -> Judgement:
    return Judgement(name, SCORES, chosen)


def found(metric: str, audience: str, support_at_least: int = 1) -> Figure:
    return value_of(figures(judged(), [of("model")], settings(support_at_least), 1), "model", "all", audience, metric)


@pytest.mark.parametrize(
    ("metric", "audience", "expected"),
    [
        ("precision", "a", 1 / 2),  # m0 right, m3 wrong
        ("recall", "a", 1 / 2),  # m0 found, m1 not
        ("f1", "a", 1 / 2),
        ("f1", "b", 1.0),
        ("f1", "macro", 3 / 4),
        ("average_precision", "a", 5 / 6),  # by score: m0 right, m3 wrong, m1 right: (1/1 + 2/3) / 2
        ("brier", "a", 0.255),  # (.1² + .8² + .1² + .6²) / 4
        ("brier", "b", 0.0175),  # (.1² + .1² + .2² + .1²) / 4
        ("brier", "macro", 0.13625),
        ("calibration_error", "a", 0.05),  # one bin: mean score .45, share 2/4
        ("calibration_error", "b", 0.025),  # .275 against 1/4
        ("exact_match", "macro", 1 / 2),  # m0 and m2
    ],
)
def test_a_figure_is_what_a_hand_would_count(metric: str, audience: str, expected: float) -> None:
    assert found(metric, audience).value == pytest.approx(expected)


def test_a_figure_says_on_how_many_messages_it_rests() -> None:
    figure = found("f1", "a")
    assert (figure.n, figure.n_true) == (4, 2)


def test_the_macro_figure_counts_messages_with_any_audience() -> None:
    assert found("f1", "macro").n_true == 3


def test_an_audience_with_too_few_true_messages_is_not_evaluable() -> None:
    # b has one, two are asked for
    figure = found("f1", "b", 2)
    assert (figure.value, figure.low, figure.high, figure.n_true) == (None, None, None, 1)


def test_an_audience_that_nearly_all_carry_is_not_evaluable() -> None:
    # a: three of four carry it, one does not; two of each kind are asked for
    truth = np.array([[1, 0], [1, 0], [1, 1], [0, 1]], np.bool_)
    figure = value_of(figures(judged(truth), [of("model")], settings(2), 1), "model", "all", "a", "f1")
    assert (figure.value, figure.n_true) == (None, 3)


def test_the_macro_figure_is_the_mean_over_evaluable_audiences() -> None:
    # a alone
    assert found("f1", "macro", 2).value == pytest.approx(1 / 2)


def test_a_slice_without_evaluable_audiences_has_no_macro_figure() -> None:
    assert found("f1", "macro", 3).value is None


def test_f1_has_an_interval_around_it() -> None:
    figure = found("f1", "a")
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= 1 / 2 <= figure.high
    assert figure.low < figure.high


def test_messages_of_one_author_are_drawn_together() -> None:
    # one author wrote all: every resample is the whole, the interval a point
    rows = figures(judged(clusters=[7, 7, 7, 7]), [of("model")], settings(1), 1)
    figure = value_of(rows, "model", "all", "a", "f1")
    assert (figure.low, figure.high) == (pytest.approx(1 / 2), pytest.approx(1 / 2))


def test_identical_contenders_gain_nothing() -> None:
    rows = figures(judged(), [of("model"), of("twin")], settings(1), 1)
    gain = value_of(rows, "model-twin", "all", "macro", "f1_gain")
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_a_gain_is_the_first_contender_less_the_other() -> None:
    # the other chooses nothing: F1 0; .75 - 0
    rows = figures(judged(), [of("model"), of("silent", np.zeros_like(CHOSEN))], settings(1), 1)
    assert value_of(rows, "model-silent", "all", "macro", "f1_gain").value == pytest.approx(3 / 4)


def test_there_is_no_gain_where_nothing_is_evaluable() -> None:
    rows = figures(judged(), [of("model"), of("twin")], settings(3), 1)
    assert [figure for figure in rows if figure.metric == "f1_gain"] == []


def test_a_slice_is_judged_on_its_messages_alone() -> None:
    # without m3: a has one right, one missed, none wrong: 2 / 3
    part = Judged(TRUTH, np.arange(4), {"first three": np.array([True, True, True, False])}, ["a", "b"])
    rows = figures(part, [of("model")], settings(1), 1)
    assert value_of(rows, "model", "first three", "a", "f1").value == pytest.approx(2 / 3)


def test_one_seed_gives_one_interval() -> None:
    runs = [figures(judged(), [of("model")], settings(1), 1) for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_figure_that_is_not_there_is_a_callers_fault() -> None:
    with pytest.raises(ValueError, match="no figure model all c f1"):
        value_of(figures(judged(), [of("model")], settings(1), 1), "model", "all", "c", "f1")


# Two messages in each of four languages; audience a is carried by one of the two English and one of the two German ones.
LANGUAGES = pd.DataFrame(
    {"lang": ["en", "en", "de", "de", "ru", "ru", "it", "it"], "split_unit": ["author", "message"] + ["author"] * 6}
)
CARRIED = np.array([[1, 0], [0, 0], [1, 0], [0, 0], [0, 0], [0, 0], [1, 0], [1, 0]], np.bool_)


def masks(support_at_least: int) -> dict[str, list[int]]:
    """The places of each slice's messages."""
    found = slices(LANGUAGES, CARRIED, settings(support_at_least))
    return {name: np.flatnonzero(mask).tolist() for name, mask in found.items()}


def test_languages_are_slices() -> None:
    found = masks(1)
    assert (found["all"], found["en"], found["de"]) == (list(range(8)), [0, 1], [2, 3])


def test_a_language_that_can_carry_no_figure_is_no_slice() -> None:
    # nobody in Russian and everybody in Italian carries a; two of each kind there are in no language
    assert {"ru", "it"} & set(masks(1)) == set()
    assert {"en", "de", "ru", "it"} & set(masks(2)) == set()


def test_the_other_languages_are_one_slice() -> None:
    assert masks(1)["not en, not ru"] == [2, 3, 6, 7]


def test_rows_split_by_author_are_apart_from_rows_split_by_message() -> None:
    found = masks(1)
    assert found["author-disjoint"] == [0, 2, 3, 4, 5, 6, 7]
    assert found["message-split"] == [1]


def test_an_empty_slice_is_left_out() -> None:
    frame = LANGUAGES.assign(split_unit="author", lang="en")
    assert set(slices(frame, CARRIED, settings(1))) == {"all", "en", "author-disjoint"}
