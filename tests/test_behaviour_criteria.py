import pytest

from eval.behaviour import BehaviourReport, Failure
from eval.behaviour_criteria import behaviour_holds, parts_hold
from eval.rates import Rate
from segmenter.sections import Gate

GATE = Gate(
    split="gate",
    slice_messages_at_least=100,
    slice_loss_at_most=0.02,
    slice_losses={},
    calibration_error_rise_at_most=0.01,
    behaviour_fall_at_most=0.05,
    behaviour_cases_at_least=20,
    int8_agreement_at_least=0.99,
)


def report(**passed: int) -> BehaviourReport:
    """Of 20 cases in each capability so many passed."""
    rates = [Rate(name, "all", "all", 20, 10, n, n / 20, 0.0, 1.0) for name, n in passed.items()]
    return BehaviourReport(10, 20 * len(rates), {}, {}, [], rates, [])


def failed(n: int, **by_part: range) -> BehaviourReport:
    """Perturbations of `n` cases each, of which those of these numbers failed."""
    rates = [Rate("invariance", "group", name, n, n, n - len(ids), 0.0, 0.0, 1.0) for name, ids in by_part.items()]
    failures = [
        Failure(f"{number}/{name}", "invariance", name, "en", ("x", "y"), "why", "", "")
        for name, ids in by_part.items()
        for number in ids
    ]
    return BehaviourReport(n, n * len(rates), {}, {}, [], rates, failures)


def test_each_capability_is_a_criterion_and_may_fall_so_far() -> None:
    # of 20 cases one less is a fall of .05, two less one of .1
    found = behaviour_holds(report(minimum=17, invariance=16), report(minimum=18, invariance=18), GATE)
    states = {one.name: one.state for one in found}
    assert states["behaviour/minimum"] == "pass"
    assert states["behaviour/invariance"] == "miss"
    assert found[1].found == "16 of 20 cases against 18: -0.100"


def test_a_capability_without_a_case_is_not_evaluable() -> None:
    ours, theirs = (
        BehaviourReport(10, 20, {"direction": 56}, {"direction": 1}, [], report(minimum=18, invariance=18).rates, [])
        for _ in range(2)
    )
    direction = behaviour_holds(ours, theirs, GATE)[2]
    assert (direction.name, direction.state, direction.n_unjudged) == ("behaviour/direction", "not evaluable", 57)
    assert direction.found == "not evaluable: no case, 57 for other audiences or equal after the text rules"


def test_a_perturbation_that_collapses_is_a_miss_though_the_pooled_rate_holds() -> None:
    # typos fall from 36 of 40 to 12: 24 lost, none won, p = 2 ** -24
    found = parts_hold(failed(40, typos=range(28), url=range(2)), failed(40, typos=range(4), url=range(2)), GATE)
    assert (found.name, found.state, found.value) == ("behaviour/parts", "miss", -0.6)
    assert found.found == "1 of 2 fell more; worst: invariance, typos: 12 of 40 cases against 36: -0.600"


@pytest.mark.parametrize(("n_lost", "state"), [(6, "pass"), (7, "miss")])
def test_a_fall_has_to_be_more_than_chance_for_so_many_parts(n_lost: int, state: str) -> None:
    # 6 lost of 40 and none won: p = 1 / 64, with two parts .031; 7: 1 / 128, with two parts .016; the limit is .025
    found = parts_hold(failed(40, typos=range(n_lost), url=range(0)), failed(40, typos=range(0), url=range(0)), GATE)
    assert found.state == state


def test_cases_lost_and_won_are_weighed_against_each_other() -> None:
    # 20 other cases fail: 20 lost and 20 won, no fall
    found = parts_hold(failed(60, typos=range(20)), failed(60, typos=range(20, 40)), GATE)
    assert (found.state, found.value) == ("pass", 0.0)


def test_a_fall_within_the_limit_is_none_however_certain() -> None:
    # 8 of 200 lost is .04, with p = 2 ** -8
    found = parts_hold(failed(200, typos=range(8)), failed(200, typos=range(0)), GATE)
    assert (found.state, found.value) == ("pass", -0.04)


def test_a_part_with_few_cases_is_counted_and_not_judged() -> None:
    few, more = failed(19, name=range(19)), failed(20, typos=range(0))
    whole = BehaviourReport(20, 39, {}, {}, [], few.rates + more.rates, few.failures)
    former = BehaviourReport(20, 39, {}, {}, [], failed(19, name=range(0)).rates + more.rates, [])
    found = parts_hold(whole, former, GATE)
    assert (found.state, found.n_unjudged) == ("pass", 1)
    assert found.found.endswith("; 1 more have too few cases")
    assert parts_hold(few, failed(19, name=range(0)), GATE).state == "not evaluable"
