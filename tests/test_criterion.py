import pytest

from eval.criterion import Criterion, holm, state_of


def test_what_is_not_evaluable_is_never_a_pass() -> None:
    found = Criterion("slices", "not evaluable", "", "")
    assert not found.passed
    assert found.metrics() == {"gate/slices/evaluable": 0.0}
    assert found.as_dict()["state"] == "not evaluable"


def test_what_can_be_decided_is_a_pass_or_a_miss() -> None:
    assert (state_of(passed=True), state_of(passed=False)) == ("pass", "miss")


def test_metrics_are_flat_and_hold_what_there_is() -> None:
    assert Criterion("gain/champion", "pass", "", "", 0.2, 0.1, 0.3).metrics() == {
        "gate/gain/champion": 0.2,
        "gate/gain/champion/low": 0.1,
        "gate/gain/champion/high": 0.3,
        "gate/gain/champion/passed": 1.0,
        "gate/gain/champion/evaluable": 1.0,
    }
    assert Criterion("slices", "miss", "", "", n_unjudged=7).metrics() == {
        "gate/slices/passed": 0.0,
        "gate/slices/evaluable": 1.0,
        "gate/slices/unjudged": 7.0,
    }


def test_p_values_are_adjusted_as_holm_does() -> None:
    # the least times 3, the next times 2, the last as it is; never below one before it, never above 1
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.6, 0.5]) == [1.0, 1.0]


def test_several_slices_need_stronger_evidence() -> None:
    # one p-value of .02 counts by itself (.025), among five it does not: 5 times .02
    assert holm([0.02])[0] < 0.025 < holm([0.02, 0.9, 0.9, 0.9, 0.9])[0]
