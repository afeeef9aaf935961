import time

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from segmenter.metrics import (
    Estimate,
    Floats,
    Labels,
    Resamples,
    average_precision,
    best_threshold,
    brier,
    calibration_error,
    counts,
    exact_match,
    f1,
    interval,
    macro_f1,
    measured,
    reliability,
    resample,
    shares,
)

ONE = np.array([True])  # the one column there is
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


def recall_interval(n: int, *, per_cluster: int = 1, seed: int = 1) -> Estimate:
    """Interval of a recall of 0.7 over n messages; messages of one cluster are all found or all missed."""
    n_clusters = n // per_cluster
    found = np.repeat(np.arange(n_clusters) % 10 < 7, per_cluster)[:, None]
    clusters = np.repeat(np.arange(n_clusters) * 3 - 50, per_cluster)  # any numbers will do
    return shares(found, np.ones_like(found), resample(clusters, n_rounds=2000, seed=seed)).estimate(ONE)


def width(estimate: Estimate) -> float:
    return estimate.high - estimate.low


def test_a_bootstrap_interval_is_that_of_the_normal_approximation() -> None:
    # 0.7 +- 1.96 * sqrt(0.7 * 0.3 / 400) = 0.7 +- 0.0449
    found = recall_interval(400)
    assert [found.value, found.low, found.high] == pytest.approx([0.7, 0.6551, 0.7449], abs=0.008)


def test_a_bootstrap_interval_shrinks_with_more_messages() -> None:
    # sixteen times the messages: a quarter of the width
    assert width(recall_interval(100)) / width(recall_interval(1600)) == pytest.approx(4, rel=0.2)


def test_messages_of_one_author_widen_the_interval() -> None:
    # 400 messages of 40 authors who are all right or all wrong: as wide as 40 messages, sqrt(10) = 3.16 times
    assert width(recall_interval(400, per_cluster=10)) / width(recall_interval(400)) == pytest.approx(3.16, rel=0.2)


def test_one_seed_gives_the_same_interval() -> None:
    assert recall_interval(100, seed=5) == recall_interval(100, seed=5)


def test_another_seed_gives_another_draw() -> None:
    assert recall_interval(200, seed=5) != recall_interval(200, seed=6)


def test_two_models_on_the_same_resamples_are_drawn_in_pairs() -> None:
    # one finds the first 60 of 100 messages, the other ten more: it is never behind in any draw
    truth, found = np.ones((100, 1), bool), np.arange(100)[:, None]
    one, other = (f1(truth, found < n, resample(np.arange(100), n_rounds=200, seed=3)) for n in (60, 70))
    assert (other.less(one).draws >= 0).all()


def test_a_draw_keeps_whole_authors_together() -> None:
    # two authors of two messages, one found, one missed: recall is 0, 1/2 or 1 in every draw
    drawn = shares(labels(1, 1, 0, 0), labels(1, 1, 1, 1), resample(np.array([7, 7, 8, 8]), n_rounds=100, seed=1))
    assert set(drawn.draws[:, 0]) == {0.0, 0.5, 1.0}


def test_every_draw_has_as_many_authors_as_the_test_set() -> None:
    times = resample(np.array([4, 9, 9, 4, 6]), n_rounds=50, seed=1).times
    assert times.shape == (51, 3)
    assert set(times.sum(axis=1)) == {3.0}


def made_up(n: int) -> tuple[Labels, Floats, Labels]:
    """Truth, scores (many of them equal) and chosen of three audiences."""
    draw = np.random.default_rng(4)
    truth = draw.random((n, 3)) < 0.4
    scores = np.round(0.4 * truth + 0.6 * draw.random((n, 3)), 1)
    return truth, scores, scores >= 0.5


def test_a_draw_is_the_metric_of_the_drawn_messages() -> None:
    # each resample written out, a message of a cluster drawn twice standing there twice
    truth, scores, chosen = made_up(60)
    resamples = resample(np.arange(60) % 25, n_rounds=20, seed=2)
    found = measured(truth, scores, chosen, resamples, n_bins=5)
    for number, times in enumerate(resamples.times[1:].astype(int)):
        rows = np.repeat(np.arange(60), times[resamples.cluster])
        counted = counts(truth[rows], chosen[rows])
        areas = [average_precision_score(truth[rows, i], scores[rows, i]) for i in range(3)]
        assert found["precision"].draws[number] == pytest.approx(counted.precision)
        assert found["recall"].draws[number] == pytest.approx(counted.recall)
        assert found["f1"].draws[number] == pytest.approx(counted.f1)
        assert found["average_precision"].draws[number] == pytest.approx(areas)
        assert found["brier"].draws[number] == pytest.approx(brier(truth[rows], scores[rows]))
        assert found["exact_match"].draws[number] == pytest.approx(exact_match(truth[rows], chosen[rows]))


def test_the_values_are_those_of_the_messages_as_they_are() -> None:
    truth, scores, chosen = made_up(60)
    found = measured(truth, scores, chosen, resample(np.arange(60) % 25, n_rounds=1, seed=2), n_bins=5)
    assert found["f1"].values == pytest.approx(counts(truth, chosen).f1)
    assert found["average_precision"].values == pytest.approx(average_precision(truth, scores))
    assert found["calibration_error"].values == pytest.approx(calibration_error(truth, scores, 5))


def test_a_draw_is_binned_as_all_messages_are() -> None:
    # bins {0.1, 0.3} and {0.6, 0.8}; the first message twice, the second not at all: gaps 2 * 0.1 and |0.6 - 1 + 0.8| = 0.4
    truth, scores = labels(0, 1, 1, 0), column(0.1, 0.3, 0.6, 0.8)
    resamples = Resamples(np.arange(4), np.array([[1.0, 1, 1, 1], [2, 0, 1, 1]]))
    found = measured(truth, scores, truth, resamples, n_bins=2)["calibration_error"]
    assert found.draws.tolist() == [[pytest.approx((0.2 + 0.4) / 4)]]


def test_draws_without_a_true_message_do_not_count_towards_average_precision() -> None:
    # of two authors one has the only true message, ranked first: a draw has it and is 1, or has no average precision
    truth, scores = labels(1, 0), column(0.9, 0.1)
    found = measured(truth, scores, truth, resample(np.arange(2), n_rounds=50, seed=1), n_bins=1)["average_precision"]
    assert set(found.draws[~np.isnan(found.draws)]) == {1.0}
    low, high = interval(found.draws[:, 0], 2)
    assert (float(low), float(high)) == (1.0, 1.0)


def test_as_many_authors_count_as_would_tell_as_much_at_one_size() -> None:
    # all messages: authors of 3, 1 and 2: 6^2 / (9 + 1 + 4); true ones: 1, 1 and none: 2^2 / 2
    resamples = resample(np.array([1, 1, 1, 2, 3, 3]), n_rounds=1, seed=1)
    part = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0]], bool).T
    assert resamples.n_effective(part) == pytest.approx([36 / 14, 2, 0])


def test_an_interval_of_many_authors_leaves_out_a_fortieth_at_each_end() -> None:
    # 0 to 1000 in steps of one: 2.5 % is 25, 97.5 % is 975
    low, high = interval(np.arange(1001.0)[:, None], 1e9)
    assert (low.tolist(), high.tolist()) == ([pytest.approx(25)], [pytest.approx(975)])


def test_an_interval_of_few_authors_leaves_out_less() -> None:
    # t of 9 degrees of freedom: 2.2622 * sqrt(10 / 9) = 2.3846, beyond which the normal distribution has 0.855 %
    low, high = interval(np.arange(1001.0), 10)
    assert [float(low), float(high)] == pytest.approx([8.55, 991.45], abs=0.01)


def test_messages_of_one_author_say_nothing_of_others() -> None:
    estimate = shares(labels(1, 0), labels(1, 1), resample(np.array([5, 5]), n_rounds=50, seed=1)).estimate(ONE)
    assert estimate == Estimate(0.5, 0.0, 1.0)


def test_all_right_is_not_sure_to_be_right_always() -> None:
    # 59 authors of one message: 0.025^(1/59) = 0.9394; the same from the other end where none is right
    whole, resamples = np.ones((59, 1), bool), resample(np.arange(59), n_rounds=50, seed=1)
    right, wrong = (shares(part, whole, resamples).estimate(ONE) for part in (whole, ~whole))
    assert [right.value, right.low, right.high] == pytest.approx([1.0, 0.9394, 1.0], abs=1e-4)
    assert [wrong.value, wrong.low, wrong.high] == pytest.approx([0.0, 0.0, 0.0606], abs=1e-4)


def test_a_share_of_nothing_may_be_anything() -> None:
    nothing = labels(0, 0, 0)
    drawn = shares(labels(1, 0, 1), nothing, resample(np.arange(3), n_rounds=50, seed=1))
    assert drawn.estimate(ONE) == Estimate(0.0, 0.0, 1.0)


def test_models_that_choose_the_same_differ_by_nothing() -> None:
    truth, _, chosen = made_up(60)
    drawn = f1(truth, chosen, resample(np.arange(60), n_rounds=50, seed=1))
    assert drawn.less(drawn).estimate(np.ones(3, bool)) == Estimate(0.0, 0.0, 0.0)


def test_an_estimate_over_several_audiences_is_of_their_mean() -> None:
    truth, _, chosen = made_up(60)
    drawn = f1(truth, chosen, resample(np.arange(60), n_rounds=200, seed=1))
    found, both = drawn.estimate(np.array([True, False, True])), drawn.draws[:, [0, 2]].mean(axis=1)
    assert found.value == pytest.approx(drawn.values[[0, 2]].mean())
    assert both.min() <= found.low < np.percentile(both, 2.5) < found.value < np.percentile(both, 97.5) < found.high


def test_a_calibrated_model_has_a_calibration_error_that_may_be_nothing() -> None:
    # scores are the chances that labels are drawn by: what error 200 messages show is chance alone
    draw = np.random.default_rng(8)
    scores = draw.random((200, 1))
    truth = draw.random((200, 1)) < scores
    found = measured(truth, scores, truth, resample(np.arange(200), n_rounds=400, seed=1), n_bins=10)
    estimate = found["calibration_error"].estimate(ONE)
    assert np.quantile(found["calibration_error"].draws, 0.01) > 0.03
    assert estimate.low < 0.01 < estimate.value < estimate.high


def test_all_metrics_of_2000_messages_take_less_than_a_second() -> None:
    truth, scores, chosen = made_up(2000)
    began = time.process_time()
    measured(truth, scores, chosen, resample(np.arange(2000) % 900, n_rounds=1000, seed=1), n_bins=10)
    assert time.process_time() - began < 1.0


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
