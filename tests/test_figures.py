import numpy as np
import pytest
from conftest import REPOSITORY
from numpy.typing import NDArray

from eval.baselines import Judgement
from eval.figures import Figure, Judged, figures, value_of
from segmenter.params import load_params
from segmenter.sections import Eval

# Four messages, audiences a and b: m0 a, m1 a, m2 b, m3 none. The model says: m0 a, m1 none, m2 b, m3 a.
TRUTH = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], np.bool_)
CHOSEN = np.array([[1, 0], [0, 0], [0, 1], [1, 0]], np.bool_)
SCORES = np.array([[0.9, 0.1], [0.2, 0.1], [0.1, 0.8], [0.6, 0.1]])


def settings(support_at_least: int) -> Eval:
    return load_params(REPOSITORY / "params.yaml").eval.model_copy(
        update={
            "calibration_bins": 1,
            "bootstrap_rounds": 200,
            "slice_support_at_least": support_at_least,
            "conclusion_support_at_least": support_at_least,
            "slices": [],
            "period": "year",
            "length_words": [],
        }
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


def test_a_figure_says_on_how_many_messages_and_authors_it_rests() -> None:
    # a: m0 and m1 carry it, m3 is chosen for it; each of its own author
    figure = found("f1", "a")
    assert (figure.n, figure.n_true, figure.n_effective) == (4, 2, pytest.approx(3))


def test_the_macro_figure_counts_messages_with_any_audience() -> None:
    assert found("f1", "macro").n_true == 3


def test_an_audience_with_too_few_true_messages_is_not_evaluable() -> None:
    # b has one, two are asked for
    figure = found("f1", "b", 2)
    assert (figure.value, figure.low, figure.high, figure.n_true) == (None, None, None, 1)


def test_what_is_not_evaluable_says_on_how_few_messages_with_and_without() -> None:
    assert found("f1", "b", 2).shown() == "not evaluable, 1 with, 3 without"
    assert found("exact_match", "macro", 5).shown() == "not evaluable, n = 4"


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


METRICS = ("precision", "recall", "f1", "average_precision", "brier", "exact_match")


@pytest.mark.parametrize("metric", METRICS)
def test_every_figure_has_an_interval_around_it(metric: str) -> None:
    figure = found(metric, "macro")  # of fewer than three authors on average, but for exact match
    assert figure.low is not None
    assert figure.high is not None
    assert figure.value is not None
    assert figure.low < figure.value < figure.high


def test_f1_has_an_interval_around_it() -> None:
    figure = found("f1", "a")
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= 1 / 2 <= figure.high
    assert figure.low < figure.high


def test_messages_of_one_author_are_drawn_together() -> None:
    # one author wrote all, which says nothing of others
    rows = figures(judged(clusters=[7, 7, 7, 7]), [of("model")], settings(1), 1)
    figure = value_of(rows, "model", "all", "a", "f1")
    assert (figure.value, figure.low, figure.high) == (1 / 2, 0.0, 1.0)


def test_identical_contenders_gain_nothing() -> None:
    rows = figures(judged(), [of("model"), of("twin")], settings(1), 1)
    gain = value_of(rows, "model-twin", "all", "a", "f1_gain")
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_a_gain_is_the_first_contender_less_the_other() -> None:
    # the other chooses nothing: F1 0; .75 - 0
    rows = figures(judged(), [of("model"), of("silent", np.zeros_like(CHOSEN))], settings(1), 1)
    assert value_of(rows, "model-silent", "all", "macro", "f1_gain").value == pytest.approx(3 / 4)


def test_a_gain_is_not_evaluable_where_nothing_is() -> None:
    rows = figures(judged(), [of("model"), of("twin")], settings(3), 1)
    gain = value_of(rows, "model-twin", "all", "macro", "f1_gain")
    assert (gain.value, gain.low, gain.high) == (None, None, None)


@pytest.mark.parametrize(
    ("metric", "audience", "expected"),
    [
        ("f1_gain", "a", 1 / 2),  # the other finds nothing
        ("f1_gain", "b", 1.0),
        ("average_precision_gain", "a", 0.0),  # by the same scores
    ],
)
def test_a_gain_is_given_for_each_audience(metric: str, audience: str, expected: float) -> None:
    rows = figures(judged(), [of("model"), of("silent", np.zeros_like(CHOSEN))], settings(1), 1)
    assert value_of(rows, "model-silent", "all", audience, metric).value == pytest.approx(expected)


def test_a_slice_is_judged_on_its_messages_alone() -> None:
    # without m3: a has one right, one missed, none wrong: 2 / 3
    part = Judged(TRUTH, np.arange(4), {"first three": np.array([True, True, True, False])}, ["a", "b"])
    rows = figures(part, [of("model")], settings(1), 1)
    assert value_of(rows, "model", "first three", "a", "f1").value == pytest.approx(2 / 3)


def test_whole_audience_sets_need_messages_enough_whoever_carries_them() -> None:
    # four messages: enough for a support of four, though no audience has that many
    assert found("exact_match", "macro", 4).value == pytest.approx(1 / 2)
    figure = found("exact_match", "macro", 5)
    assert (figure.value, figure.n_true) == (None, 4)


def test_one_seed_gives_one_interval() -> None:
    runs = [figures(judged(), [of("model")], settings(1), 1) for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_figure_that_is_not_there_is_a_callers_fault() -> None:
    with pytest.raises(ValueError, match="no figure model all c f1"):
        value_of(figures(judged(), [of("model")], settings(1), 1), "model", "all", "c", "f1")
