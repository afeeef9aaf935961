import numpy as np
import pytest

from segmenter.metrics import (
    Floats,
    Labels,
    average_precision,
    best_threshold,
    bootstrap_counts,
    brier,
    calibration_error,
    counts,
    exact_match,
    interval,
    macro_f1,
    reliability,
)

# Four messages, three audiences. Audience 0: one found, one missed, one wrong; 1: both found; 2: nowhere.
TRUTH = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], bool)
CHOSEN = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]], bool)


def column(*values: float) -> Floats:
    return np.array([[value] for value in values], np.float64)


def labels(*values: int) -> Labels:
    return np.array([[value] for value in values], bool)


def test_precision_is_the_right_among_the_chosen() -> None:
    # audience 0: 1 of 2; 1: 2 of 2; 2: nothing chosen
    assert counts(TRUTH, CHOSEN).precision.tolist() == [0.5, 1.0, 0.0]


def test_recall_is_the_found_among_the_true() -> None:
    # audience 0: 1 of 2; 1: 2 of 2; 2: nothing true
    assert counts(TRUTH, CHOSEN).recall.tolist() == [0.5, 1.0, 0.0]


def test_f1_is_the_harmonic_mean() -> None:
    # audience 0: tp 1, fp 2, fn 1: precision 1/3, recall 1/2 -> 2 * (1/6) / (5/6) = 0.4
    truth, chosen = labels(1, 1, 0, 0), labels(1, 0, 1, 1)
    assert counts(truth, chosen).f1.tolist() == [0.4]


def test_f1_is_zero_where_an_audience_is_nowhere() -> None:
    assert counts(TRUTH, CHOSEN).f1[2] == 0.0


def test_macro_f1_weighs_audiences_the_same() -> None:
    # (0.5 + 1 + 0) / 3
    assert macro_f1(TRUTH, CHOSEN) == pytest.approx(0.5)


def test_truth_and_chosen_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"truth \(4, 3\) and chosen \(3, 3\) differ in shape"):
        counts(TRUTH, CHOSEN[:3])


def test_average_precision_is_the_area_under_the_steps() -> None:
    # by falling score: true, false, true, false: precision 1 at recall 1/2, 2/3 at recall 1 -> 1/2 * 1 + 1/2 * 2/3
    assert average_precision(labels(1, 0, 1, 0), column(0.9, 0.8, 0.7, 0.1)) == pytest.approx([5 / 6])


def test_average_precision_of_an_audience_that_is_nowhere_is_unknown() -> None:
    assert np.isnan(average_precision(labels(0, 0), column(0.9, 0.8))).tolist() == [True]


def test_brier_is_the_mean_squared_distance() -> None:
    # (0.1^2 + 0.2^2) / 2
    assert brier(labels(1, 0), column(0.9, 0.2)) == pytest.approx([0.025])


def test_calibration_error_is_the_mean_gap_of_bins_of_equal_count() -> None:
    # bins {0.1, 0.3} and {0.6, 0.8}: mean score 0.2 against share 0.5, 0.7 against 0.5 -> (2 * 0.3 + 2 * 0.2) / 4
    assert calibration_error(labels(0, 1, 1, 0), column(0.1, 0.3, 0.6, 0.8), 2) == pytest.approx([0.25])


def test_calibration_error_weighs_bins_by_their_messages() -> None:
    # three messages, two bins: {0.2, 0.4} share 0 gap 0.3, {0.9} share 1 gap 0.1 -> (2 * 0.3 + 1 * 0.1) / 3
    assert calibration_error(labels(0, 0, 1), column(0.2, 0.4, 0.9), 2) == pytest.approx([0.7 / 3])


def test_calibration_error_does_not_depend_on_the_order_of_messages() -> None:
    truth, scores = labels(0, 1, 1, 0), column(0.1, 0.3, 0.6, 0.8)
    order = [2, 0, 3, 1]
    assert calibration_error(truth[order], scores[order], 2) == pytest.approx(calibration_error(truth, scores, 2))


def test_reliability_gives_mean_score_share_and_count_by_rising_score() -> None:
    points = reliability(np.array([1, 0, 1], bool), np.array([0.9, 0.2, 0.4]), 2)
    assert points == [(pytest.approx(0.3), 0.5, 2), (0.9, 1.0, 1)]


def test_more_bins_than_messages_leave_no_empty_bin() -> None:
    assert [n for _, _, n in reliability(np.array([1, 0], bool), np.array([0.9, 0.2]), 10)] == [1, 1]


def test_a_message_matches_when_its_whole_set_is_right() -> None:
    # messages 0 and 2 of 4 are right in all three audiences; 1 lacks audience 0, 3 has it
    assert exact_match(TRUTH, CHOSEN) == 0.5


def recall_interval(n: int, *, per_cluster: int = 1, seed: int = 1) -> tuple[float, float]:
    """Interval of a recall of 0.7 over n messages; messages of one cluster are all found or all missed."""
    n_clusters = n // per_cluster
    found = np.repeat(np.arange(n_clusters) % 10 < 7, per_cluster)[:, None]
    clusters = np.repeat(np.arange(n_clusters) * 3 - 50, per_cluster)  # any numbers will do
    low, high = interval(bootstrap_counts(np.ones_like(found), found, clusters, n_rounds=2000, seed=seed).recall)
    return float(low[0]), float(high[0])


def width(interval: tuple[float, float]) -> float:
    return interval[1] - interval[0]


def test_a_bootstrap_interval_is_that_of_the_normal_approximation() -> None:
    # 0.7 +- 1.96 * sqrt(0.7 * 0.3 / 400) = 0.7 +- 0.0449
    assert recall_interval(400) == pytest.approx((0.6551, 0.7449), abs=0.008)


def test_a_bootstrap_interval_shrinks_with_more_messages() -> None:
    # sixteen times the messages: a quarter of the width
    assert width(recall_interval(100)) / width(recall_interval(1600)) == pytest.approx(4, rel=0.2)


def test_messages_of_one_author_widen_the_interval() -> None:
    # 400 messages of 40 authors who are all right or all wrong: as wide as 40 messages, sqrt(10) = 3.16 times
    assert width(recall_interval(400, per_cluster=10)) / width(recall_interval(400)) == pytest.approx(3.16, rel=0.2)


def test_one_seed_gives_the_same_interval() -> None:
    assert recall_interval(100, seed=5) == recall_interval(100, seed=5)


def test_another_seed_gives_another_draw() -> None:
    assert recall_interval(200, per_cluster=1, seed=5) != recall_interval(200, per_cluster=1, seed=6)


def test_two_models_on_one_seed_are_drawn_in_pairs() -> None:
    # one finds the first 60 of 100 messages, the other ten more: it is never behind in any draw
    found = np.arange(100)[:, None]
    one, other = (
        bootstrap_counts(np.ones((100, 1), bool), found < n_found, np.arange(100), n_rounds=200, seed=3)
        for n_found in (60, 70)
    )
    assert (other.recall >= one.recall).all()


def test_a_draw_keeps_whole_authors_together() -> None:
    # two authors of two messages, one found, one missed: recall is 0, 1/2 or 1 in every draw
    truth, chosen = labels(1, 1, 1, 1), labels(1, 1, 0, 0)
    drawn = bootstrap_counts(truth, chosen, np.array([7, 7, 8, 8]), n_rounds=100, seed=1)
    assert set(drawn.recall[:, 0]) == {0.0, 0.5, 1.0}


def test_every_draw_has_as_many_authors_as_the_test_set() -> None:
    # one message an author, all true: found and missed are 4 in every draw
    drawn = bootstrap_counts(np.ones_like(TRUTH), CHOSEN, np.arange(4), n_rounds=50, seed=1)
    assert drawn.tp.shape == (50, 3)
    assert (drawn.tp + drawn.fn == 4).all()


def test_an_interval_leaves_out_a_fortieth_at_each_end() -> None:
    # 0 to 1000 in steps of one: 2.5 % is 25, 97.5 % is 975
    low, high = interval(np.arange(1001.0)[:, None])
    assert (low.tolist(), high.tolist()) == ([25.0], [975.0])


def test_the_best_threshold_parts_true_from_false() -> None:
    # every threshold above 0.3 and up to 0.6 is perfect: 0.31, 0.32, … 0.60 on the grid, of which the 16th is 0.46
    truth = np.arange(100) < 50
    assert best_threshold(np.where(truth, 0.6, 0.3), truth, seed=1) == 0.46


def test_the_best_threshold_of_an_audience_that_is_nowhere_is_a_half() -> None:
    assert best_threshold(np.array([0.1, 0.9]), np.array([False, False]), seed=1) == 0.5


def test_one_seed_gives_the_same_best_threshold() -> None:
    scores = np.random.default_rng(0).random(60)
    truth = np.random.default_rng(1).random(60) < scores
    assert best_threshold(scores, truth, seed=4) == best_threshold(scores, truth, seed=4)
