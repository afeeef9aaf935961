import numpy as np
import pytest

from segmenter.summary.weeks import weeks_around

STEADY = np.full(24 * 7, 100)


def test_weeks_are_whole_ones_counted_from_the_event() -> None:
    # 24 weeks, the event on day 3 of the eleventh: ten whole weeks before it and thirteen from it on
    found = weeks_around(STEADY, STEADY // 10, 73, 14)
    assert (len(found.before), len(found.after), found.n_side, found.n_needed) == (10, 13, 2, 8)
    assert found.is_enough
    assert not weeks_around(STEADY, STEADY // 10, 40, 14).is_enough
    assert not weeks_around(STEADY, STEADY // 10, 73, 6).is_enough  # a window of less than a week


def test_a_steady_rate_shows_no_change_and_no_chance_of_one() -> None:
    found = weeks_around(STEADY, STEADY // 10, 84, 14)
    assert found.seen() == pytest.approx(0)
    assert found.changes(np.random.default_rng(1), 50) == pytest.approx(np.zeros(50))


def test_a_lasting_change_is_no_part_of_chance() -> None:
    # 70 of 700 a week, then 140: log(140.5 / 701) - log(70.5 / 701) = .690
    found = weeks_around(STEADY, np.where(np.arange(len(STEADY)) < 84, 10, 20), 84, 14)
    assert found.seen() == pytest.approx(0.690, abs=0.001)
    assert found.changes(np.random.default_rng(1), 50) == pytest.approx(np.zeros(50))


def test_chance_is_drawn_out_where_weeks_that_follow_each_other_are_alike() -> None:
    # weekly counts that change every week, or every two: in the latter a window of two weeks and the next often differ whole
    one, two = (np.repeat(np.where(np.arange(24) // width % 2, 8, 12), 7) for width in (1, 2))
    spread = [
        weeks_around(STEADY, counts, 84, 14).changes(np.random.default_rng(1), 500).std() for counts in (one, two)
    ]
    assert spread[1] > 1.2 * spread[0]


def test_weeks_without_messages_show_no_change() -> None:
    # a tenth in all weeks but the one before the event and the second after it, which are empty: a tenth is taken there too
    empty = np.isin(np.arange(len(STEADY)) // 7, (11, 13))
    totals = np.where(empty, 0, STEADY)
    found = weeks_around(totals, totals // 10, 84, 14)
    assert found.before == pytest.approx(np.full(12, np.log(0.1)))
    assert found.after == pytest.approx(np.full(12, np.log(0.1)))
