from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from segmenter.calibration import Calibration, judge
from segmenter.sections import Calibrate
from training.guarantee import WIDTHS, Errors, banded, errors, narrowest, promise

Labels = NDArray[np.bool_]
HALF = Calibration(slope=1.0, intercept=0.0, threshold=0.5, low=0.5, high=0.5)


def stated(**changes: Any) -> Calibrate:  # noqa: ANN401
    whole = {"folds": 2, "method": "platt", "risk": 0.05, "confidence": 0.95, "coverage_at_least": 0.5}
    whole |= {"error_goal": 0.05, "uncertain_share_at_most": 0.2, "int8_messages": 1, "int8_agreement_at_least": 0.9}
    return Calibrate.model_validate(whole | changes)


LAST = len(WIDTHS) - 1  # place of the empty band, under which every message is certain


def everything(wrong: Labels, clusters: NDArray[np.int64], risk: float = 0.05) -> Errors:
    """Errors of messages that are certain under every band."""
    return errors(np.zeros(len(wrong), np.int64), wrong, clusters, risk)


def own(n_messages: int, n_errors: int) -> Errors:
    """Of messages by an author each."""
    return everything(wrong_first(n_messages, n_errors), np.arange(n_messages))


def wrong_first(n_messages: int, n_errors: int) -> Labels:
    return np.arange(n_messages) < n_errors


@pytest.mark.parametrize(
    ("n_messages", "n_errors", "holds"), [(58, 0, False), (59, 0, True), (300, 8, True), (300, 9, False)]
)
def test_five_percent_at_95_needs_no_error_in_59_or_at_most_8_in_300(
    n_messages: int, n_errors: int, holds: bool
) -> None:
    # .95 ** 59 = .0485; the binomial tail of 8 in 300 is .0359, of 9 in 300 .0662
    found = own(n_messages, n_errors)
    assert (found.p_values(0.05)[LAST] <= 0.05) == holds
    assert (found.bounds(0.95)[LAST] <= 0.05) == holds


def test_without_clusters_the_p_value_is_the_binomial_tail() -> None:
    # 4 errors in 200 spread as a binomial's do, but for n / (n - 1): 200 / 199 of the variance
    found = own(200, 4)
    assert found.design_effect[LAST] == pytest.approx(200 / 199)
    assert found.p_values(0.05)[LAST] == pytest.approx(binom.cdf(4, 200, 0.05), rel=0.02)


def test_all_wrong_is_never_shown_to_keep_a_risk() -> None:
    assert own(5, 5).p_values(0.05)[LAST] == 1.0


def test_errors_in_whole_authors_count_as_one_message_each() -> None:
    # 40 authors of 10, all wrong or all right, 2 wrong: share .05, squared residuals 2 * 9.5**2 + 38 * .5**2 = 190;
    # times 40/39 over 400 * .05 * .95 = 19: 10.256
    found = everything(wrong_first(400, 20), np.repeat(np.arange(40), 10))
    assert (found.n_clusters[LAST], found.n_errors[LAST]) == (40, 20)
    assert found.design_effect[LAST] == pytest.approx(190 * 40 / 39 / 19)


def test_58_authors_show_nothing_however_many_messages_they_wrote() -> None:
    # were 5 % of all authors wrong throughout, 58 would hold none of them in .95 ** 58 = .051 of the draws
    for n_authors in (58, 59):
        found = everything(np.zeros(100 * n_authors, np.bool_), np.repeat(np.arange(n_authors), 100))
        assert found.p_values(0.05)[LAST] == pytest.approx(0.95**n_authors)


def test_authors_of_uneven_size_count_as_fewer() -> None:
    # one of 6 and three of 2: 12 ** 2 / (36 + 3 * 4) = 3
    found = everything(np.zeros(12, np.bool_), np.array([0] * 6 + [1, 1, 2, 2, 3, 3]))
    assert (found.n_clusters[LAST], found.n_even_clusters[LAST]) == (4, 3.0)


def test_no_error_at_all_does_not_hide_clusters() -> None:
    # 10 authors of 40, none wrong: around the risk of .05, 10 * 2**2 * 10/9 over 400 * .05 * .95 = 19: 2.34
    found = everything(np.zeros(400, np.bool_), np.repeat(np.arange(10), 40))
    assert found.design_effect[LAST] == pytest.approx(10 * 4 * 10 / 9 / 19)


def test_spread_out_errors_never_count_for_more_than_they_are() -> None:
    # each of 20 authors of 20 has one wrong: less spread than a binomial's
    found = everything(np.tile(wrong_first(20, 1), 20), np.repeat(np.arange(20), 20))
    assert found.design_effect[LAST] == 1.0


def test_likeness_is_learned_from_all_messages_where_few_errors_are_left() -> None:
    # 40 authors of 10 that are all certain and right, and of 10 that are uncertain: all wrong in 20 authors, none in the
    # others. Of all 800: share .25, squared residuals 40 * 25 = 1,000, times 40/39 over 800 * .25 * .75 = 150: 6.838;
    # of a possible 20, so likeness (6.838 - 1) / 19 = .3073. The 10 certain of an author: 1 + 9 * .3073
    uncertain = np.tile(np.repeat([False, True], 10), 40)
    author = np.repeat(np.arange(40), 20)
    found = errors(np.where(uncertain, LAST, 0), uncertain & (author < 20), author, 0.05)
    assert found.design_effect[LAST] == pytest.approx(1000 * 40 / 39 / 150)
    assert (found.n_messages[0], found.n_errors[0]) == (400, 0)
    assert found.design_effect[0] == pytest.approx(1 + 9 * (1000 * 40 / 39 / 150 - 1) / 19)


def test_the_tests_end_at_the_first_that_fails() -> None:
    # 400 right from the widest band on, 40 more wrong under the second but last, 4,000 more right under the last: the
    # empty band would pass again, but is no longer asked
    certain_from = np.repeat([0, LAST - 1, LAST], [400, 40, 4000])
    wrong = np.repeat([False, True, False], [400, 40, 4000])
    found = errors(certain_from, wrong, np.arange(4440), 0.05)
    assert found.p_values(0.05)[[LAST - 2, LAST - 1, LAST]] == pytest.approx([0, 1, 0], abs=0.001)
    assert narrowest(found, stated(coverage_at_least=0.05)) == LAST - 2


def test_a_band_reaches_as_far_to_both_sides_in_log_odds() -> None:
    # threshold .2: log-odds ln(1/4); a width of ln 2 reaches ln(1/8) and ln(1/2): 1/9 and 1/3
    (found,) = banded([HALF.model_copy(update={"threshold": 0.2})], float(np.log(2)))
    assert (found.low, found.high) == pytest.approx((1 / 9, 1 / 3))


@pytest.mark.parametrize("threshold", [0.05, 0.26, 0.38, 0.5, 0.93])
def test_no_width_is_an_empty_band(threshold: float) -> None:
    (found,) = banded([HALF.model_copy(update={"threshold": threshold})], 0.0)
    scores = np.array([[threshold]], np.float32)
    assert not judge(scores, [found]).near.any()
    assert judge(scores, [found]).clear.tolist() == judge(scores, [found]).chosen.tolist()


def graded(n_messages: int) -> NDArray[np.float32]:
    """Scores of one audience at log-odds of -4 to 4, evenly."""
    return (1 / (1 + np.exp(-np.linspace(-4, 4, n_messages)))).astype(np.float32).reshape(-1, 1)


def test_the_narrowest_band_that_keeps_the_risk_is_taken() -> None:
    # 1,000 messages, wrong within log-odds of 0.5 to either side (125): without them none is wrong; 24 errors in some
    # 900 are the most that keep 5 % (12 to each side, .1 in log-odds): the band ends near 0.4
    scores = graded(1000)
    truth = (scores >= 0.5) ^ (np.abs(np.linspace(-4, 4, 1000)) < 0.5).reshape(-1, 1)
    found = promise([HALF], scores, truth, np.arange(1000), stated())
    promised = found.guarantee
    assert promised is not None
    (part,) = found.calibrations
    assert np.log(part.high / (1 - part.high)) == pytest.approx(0.4, abs=0.051)
    inside = judge(scores, [part]).near.any(axis=1)
    wrong = (judge(scores, [part]).clear != truth).any(axis=1)[~inside]
    assert promised.coverage == pytest.approx((~inside).mean())
    assert (promised.n_messages, promised.n_errors) == (len(wrong), wrong.sum())
    assert own(len(wrong), int(wrong.sum())).p_values(0.05)[LAST] <= 0.05


def test_a_guarantee_may_leave_no_message_uncertain() -> None:
    scores = graded(500)
    found = promise([HALF], scores, scores >= 0.5, np.arange(500), stated())
    assert found.guarantee is not None
    assert (found.guarantee.coverage, found.guarantee.n_errors) == (1.0, 0)
    assert found.calibrations[0].low == found.calibrations[0].high


def test_any_audience_wrong_is_a_wrong_set() -> None:
    # the first audience is always right, the second always wrong
    scores = np.hstack([graded(500), graded(500)])
    truth = scores >= 0.5
    truth[:, 1] = ~truth[:, 1]
    assert promise([HALF, HALF], scores, truth, np.arange(500), stated()).guarantee is None


def test_a_guarantee_for_fewer_messages_than_wanted_does_not_ship_but_is_told() -> None:
    # right beyond log-odds of 2.4 alone: 40 % of the messages
    scores = graded(1000)
    truth = (scores >= 0.5) ^ (np.abs(np.linspace(-4, 4, 1000)) < 2.4).reshape(-1, 1)
    found = promise([HALF], scores, truth, np.arange(1000), stated())
    assert found.guarantee is None
    assert found.calibrations == [HALF]
    # the next narrower band has 14 wrong in 414, with a tail of .078
    assert "a band that leaves 40% certain would keep it" in found.no_guarantee
    assert promise([HALF], scores, truth, np.arange(1000), stated(coverage_at_least=0.4)).guarantee is not None


def test_fewer_than_59_messages_carry_no_guarantee() -> None:
    scores = graded(58)
    found = promise([HALF], scores, scores >= 0.5, np.arange(58), stated())
    assert found.guarantee is None
    assert "0 have a wrong audience set: up to" in found.no_guarantee
    assert "no wider band keeps it" in found.no_guarantee


def test_one_author_carries_no_guarantee_for_others() -> None:
    # whatever one author's messages are like: the next may be another
    scores = graded(500)
    assert promise([HALF], scores, scores >= 0.5, np.zeros(500, np.int64), stated()).guarantee is None


def drawn(generator: np.random.Generator, n_authors: int, n_messages: int) -> tuple[Any, Labels, Any]:
    """A calibration set: where each message becomes certain, whether it is wrong, its author.

    Authors write unevenly (log-normal), are more or less often wrong, and the busy ones more often; certain messages less.
    """
    weight = generator.lognormal(0, 1.3, n_authors)
    sizes = np.maximum(1, np.round(weight / weight.sum() * n_messages)).astype(np.int64)
    author = np.repeat(np.arange(n_authors), sizes)
    worse = generator.normal(0, 1, n_authors) + 0.25 * np.log(weight)
    distance = np.abs(generator.logistic(0, 2.2, len(author)))
    wrong = generator.random(len(author)) < 1 / (1 + np.exp(1.6 + 0.9 * distance - worse[author]))
    return np.searchsorted(-WIDTHS, -distance), wrong, author


def test_the_guarantee_is_broken_in_at_most_a_twentieth_of_calibration_sets() -> None:
    generator, settings = np.random.default_rng(5), stated()
    sets = [errors(*drawn(generator, 1000, 4000), risk=0.05) for _ in range(800)]
    population, tried = sets[:400], sets[400:]
    true_risk = sum(part.n_errors for part in population) / sum(part.n_messages for part in population)
    assert true_risk[LAST] > 0.06  # with no band at all the risk would not be kept
    shipped = [place for part in tried if (place := narrowest(part, settings)) is not None]
    assert len(shipped) > 380  # and it is not kept by promising nothing
    assert sum(true_risk[place] > 0.05 for place in shipped) <= 20
