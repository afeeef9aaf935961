import numpy as np
import pytest
from scipy.stats import binomtest

from eval.cases import Case
from eval.expectations import Unchanged
from eval.rates import clustered_wilson, rates_of


def case(message: str, group: str, language: str = "en", capability: str = "invariance") -> Case:
    return Case(f"{message}/{group}", message, capability, group, language, ("a", "b"), Unchanged(0.1), "why")


def test_rates_are_counted_by_capability_group_and_language() -> None:
    cases = [case("1", "url"), case("1", "typos"), case("2", "url", "de"), case("3", "none_of_it", "en", "minimum")]
    found = rates_of(cases, {"1/url": True, "1/typos": False, "2/url": True, "3/none_of_it": False})
    counted = [(rate.capability, rate.kind, rate.part, rate.n, rate.n_messages, rate.passed) for rate in found]
    assert counted == [
        ("invariance", "all", "all", 3, 2, 2),
        ("invariance", "group", "url", 2, 2, 2),
        ("invariance", "group", "typos", 1, 1, 0),
        ("invariance", "language", "de", 1, 1, 1),
        ("invariance", "language", "en", 2, 1, 1),
        ("minimum", "all", "all", 1, 1, 0),
        ("minimum", "group", "none_of_it", 1, 1, 0),
        ("minimum", "language", "en", 1, 1, 0),
    ]
    assert found[0].value == pytest.approx(2 / 3)


def test_no_cases_have_no_rates() -> None:
    assert rates_of([], {}) == []


@pytest.mark.parametrize(("n", "passed"), [(20, 13), (40, 39), (10, 10), (10, 0), (1, 1)])
def test_one_case_a_message_has_wilsons_interval(n: int, passed: int) -> None:
    per_message = np.array([(1, number < passed) for number in range(n)], np.float64)
    wilson = binomtest(passed, n).proportion_ci(method="wilson")
    # n / (n - 1) in the variance of clusters makes n cases worth n - 1, where some passed and some did not
    if 0 < passed < n:
        assert clustered_wilson(per_message)[0] < wilson.low < clustered_wilson(per_message)[0] + 0.02
    else:
        assert clustered_wilson(per_message) == pytest.approx((wilson.low, wilson.high), abs=1e-5)


def test_cases_that_stand_and_fall_with_their_message_count_as_one() -> None:
    # 10 messages of 5 cases each, 7 pass whole: worth about 9 independent cases, not 50
    together = np.array([(5, 5 * (number < 7)) for number in range(10)], np.float64)
    alone = np.array([(1, number < 7) for number in range(10)], np.float64)
    assert clustered_wilson(together) == pytest.approx(clustered_wilson(alone))


def test_where_all_passed_a_message_counts_once() -> None:
    wilson = binomtest(8, 8).proportion_ci(method="wilson")
    assert clustered_wilson(np.full((8, 2), 13.0)) == pytest.approx((wilson.low, wilson.high), abs=1e-5)
