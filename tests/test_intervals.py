"""src/segmenter/intervals.py: how sure a figure is."""

import numpy as np
import pytest

from segmenter.intervals import Estimate, Labels, interval, resample, shown
from segmenter.metrics import f1, shares

ONE = np.array([True])  # the one column there is


def labels(*values: int) -> Labels:
    return np.array([[value] for value in values], bool)


def made_up(n: int) -> tuple[Labels, Labels]:
    """Truth and chosen of three audiences."""
    draw = np.random.default_rng(4)
    truth = draw.random((n, 3)) < 0.4
    return truth, (0.4 * truth + 0.6 * draw.random((n, 3))) >= 0.5


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


def test_as_many_authors_count_as_would_tell_as_much_at_one_size() -> None:
    # all messages: authors of 3, 1 and 2: 6^2 / (9 + 1 + 4); true ones: 1, 1 and none: 2^2 / 2
    resamples = resample(np.array([1, 1, 1, 2, 3, 3]), n_rounds=1, seed=1)
    part = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0]], bool).T
    assert resamples.n_effective(part) == pytest.approx([36 / 14, 2, 0])


def test_an_interval_of_many_authors_leaves_out_a_fortieth_at_each_end() -> None:
    # 0 to 1000 in steps of one: 2.5 % is 25, 97.5 % is 975
    low, high = interval(np.arange(1001.0)[:, None], 500.0, 1e9)
    assert (low.tolist(), high.tolist()) == ([pytest.approx(25)], [pytest.approx(975)])


def test_an_interval_of_few_authors_leaves_out_less() -> None:
    # t of 9 degrees of freedom: 2.2622 * sqrt(10 / 9) = 2.3846, beyond which the normal distribution has 0.855 %. On a
    # value at the end of the draws the usual percentiles, 25 and 975, are no farther: 975 + 2.3846 / 1.96 * (975 - 1000)
    low, high = interval(np.arange(1001.0), 1000.0, 10)
    assert float(high) == 1000.0
    assert float(interval(np.arange(1001.0), 0.0, 10)[0]) == 0.0
    # below 1000: the usual percentile is 975 away from it, times 2.3846 / 1.96 is 1186.2
    assert float(low) == pytest.approx(1000 - 1186.2, abs=0.1)


def test_an_interval_of_few_authors_reaches_beyond_their_draws() -> None:
    # three authors of one size: t of 2 degrees of freedom, 4.3027 * sqrt(3 / 2) = 5.2697, times 1.96 as far: 2.6887
    low, high = interval(np.arange(1001.0), 500.0, 3)
    assert [float(low), float(high)] == pytest.approx([500 - 2.6887 * 475, 500 + 2.6887 * 475], abs=0.1)


def test_messages_of_one_author_say_nothing_of_others() -> None:
    estimate = shares(labels(1, 0), labels(1, 1), resample(np.array([5, 5]), n_rounds=50, seed=1)).estimate(ONE)
    assert estimate == Estimate(0.5, 0.0, 1.0, 1.0)


def test_fewer_than_three_authors_say_nothing_of_others() -> None:
    # authors of 6, 1 and 1 messages: 8^2 / (36 + 1 + 1) = 1.68; one that wrote as much as the others: 3
    def found(*clusters: int) -> Estimate:
        part = np.arange(len(clusters))[:, None] % 2 == 0
        return shares(part, np.ones_like(part), resample(np.array(clusters), n_rounds=50, seed=1)).estimate(ONE)

    one_wrote_most, all_wrote_alike = found(1, 1, 1, 1, 1, 1, 2, 3), found(1, 1, 1, 2, 2, 2, 3, 3, 3)
    assert (one_wrote_most.low, one_wrote_most.high) == (0.0, 1.0)
    assert one_wrote_most.n_effective == pytest.approx(64 / 38)
    assert all_wrote_alike.n_effective == pytest.approx(3)
    assert 0 < all_wrote_alike.low < all_wrote_alike.value < all_wrote_alike.high


def test_all_right_is_not_sure_to_be_right_always() -> None:
    # 59 authors of one message: 0.025^(1/59) = 0.9394; the same from the other end where none is right
    whole, resamples = np.ones((59, 1), bool), resample(np.arange(59), n_rounds=50, seed=1)
    right, wrong = (shares(part, whole, resamples).estimate(ONE) for part in (whole, ~whole))
    assert [right.value, right.low, right.high] == pytest.approx([1.0, 0.9394, 1.0], abs=1e-4)
    assert [wrong.value, wrong.low, wrong.high] == pytest.approx([0.0, 0.0, 0.0606], abs=1e-4)


def test_a_share_of_nothing_may_be_anything() -> None:
    nothing = labels(0, 0, 0)
    drawn = shares(labels(1, 0, 1), nothing, resample(np.arange(3), n_rounds=50, seed=1))
    assert drawn.estimate(ONE) == Estimate(0.0, 0.0, 1.0, 0.0)


def test_models_that_choose_the_same_differ_by_nothing() -> None:
    truth, chosen = made_up(60)
    drawn = f1(truth, chosen, resample(np.arange(60), n_rounds=50, seed=1))
    found = drawn.less(drawn).estimate(np.ones(3, bool))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_an_estimate_over_several_audiences_is_of_their_mean() -> None:
    truth, chosen = made_up(60)
    drawn = f1(truth, chosen, resample(np.arange(60), n_rounds=200, seed=1))
    found, both = drawn.estimate(np.array([True, False, True])), drawn.draws[:, [0, 2]].mean(axis=1)
    assert found.value == pytest.approx(drawn.values[[0, 2]].mean())
    assert found.low < np.percentile(both, 2.5) < found.value < np.percentile(both, 97.5) < found.high


def test_an_audience_that_is_all_right_widens_the_interval_of_the_mean() -> None:
    # recall of an audience of 12 messages, all found: it may be as low as 0.025^(1/12) = 0.7353, 0.2647 below 1; half of
    # that joins, in quadrature, what the 188 of the other say
    whole = np.zeros((200, 2), bool)
    whole[:12, 0], whole[12:, 1] = True, True
    part = whole & ~np.isin(np.arange(200), np.arange(20, 40))[:, None]
    drawn = shares(part, whole, resample(np.arange(200), n_rounds=2000, seed=1))
    both, other = drawn.estimate(np.array([True, True])), drawn.estimate(np.array([False, True]))
    below = np.hypot((other.value - other.low) / 2, 0.2647 / 2)
    assert both.value - both.low == pytest.approx(below, abs=0.005)
    assert both.high == 1.0


def test_a_mean_over_a_rare_audience_that_is_mostly_all_right_is_held_by_its_interval() -> None:
    # 12 and 188 messages, 9 of 10 found: in 0.9^12 = 28 % of test sets all of the 12 are. The bootstrap of the mean
    # alone holds 0.9 in 71 % of the test sets
    draw, whole = np.random.default_rng(3), np.arange(200)[:, None] < 12
    whole = np.hstack([whole, ~whole])
    held = []
    for number in range(100):
        found = shares(
            whole & (draw.random((200, 1)) < 0.9), whole, resample(np.arange(200), n_rounds=300, seed=number)
        )
        estimate = found.estimate(np.array([True, True]))
        held.append(estimate.low <= 0.9 <= estimate.high)
    assert np.mean(held) >= 0.92


def test_a_gain_that_no_resample_changes_is_not_sure() -> None:
    # all of 59 found against none: the gain is 1, and 0.9394 may be, as of a share
    truth, resamples = np.ones((59, 1), bool), resample(np.arange(59), n_rounds=50, seed=1)
    gain = f1(truth, truth, resamples).less(f1(truth, ~truth, resamples)).estimate(ONE)
    assert (gain.value, gain.low, gain.high) == (1.0, pytest.approx(0.9394, abs=1e-4), 1.0)


def test_a_figure_is_shown_with_its_interval() -> None:
    assert shown(Estimate(0.8127, 0.7, 0.9004, 20.0), ".3f") == "0.813 [0.700, 0.900]"
    assert shown(Estimate(0.8127, 0.7, 0.9004, 20.0), ".1%") == "81.3% [70.0%, 90.0%]"
    assert shown(Estimate(0.01, -0.02, 0.05, 20.0), "+.3f") == "+0.010 [-0.020, +0.050]"
