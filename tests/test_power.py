"""eval/power.py: what the gate's gain criterion lets pass."""

import pytest
from conftest import REPOSITORY

from eval import power
from eval.power import MORE_EVIDENCE, Passed, contests, detectable, true_gains
from segmenter.params import Params, load_params


@pytest.fixture(scope="module")
def params() -> Params:
    found = load_params(REPOSITORY / "params.yaml")
    return found.model_copy(update={"eval": found.eval.model_copy(update={"bootstrap_rounds": 400})})


def passed(gain: float, n_passed: int) -> Passed:
    return Passed("all common", 500, 0.0, gain, n_passed, 100)


def test_equal_models_hardly_ever_pass(params: Params) -> None:
    # 2.5 % of 200 are 5; at most 5 % may pass
    assert sum(contests("all common", 500, 0.0, 200, params)) <= 10


def test_a_much_better_model_passes(params: Params) -> None:
    assert sum(contests("all common", 500, MORE_EVIDENCE[-1], 20, params)) >= 18


def test_a_worse_model_does_not_pass(params: Params) -> None:
    assert sum(contests("all common", 500, -0.4, 20, params)) == 0


def test_true_gains_rise_with_the_evidence_from_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "TRUTH_AUTHORS", 3_000)
    gains = true_gains("all common", 1)
    assert gains[0] == 0.0
    assert gains == sorted(gains)
    assert len(gains) == len(MORE_EVIDENCE)


def test_one_seed_gives_the_same_contests(params: Params) -> None:
    first, again = (list(contests("as the gate split", 500, 0.4, 10, params)) for _ in range(2))
    assert first == again


def test_the_detectable_gain_lies_between_two_that_were_simulated() -> None:
    # from 60 % at 0.04 to 100 % at 0.08: 80 % halfway
    assert detectable([passed(0.0, 2), passed(0.04, 60), passed(0.08, 100)]) == pytest.approx(0.06)


def test_there_is_no_detectable_gain_where_none_was_found_often_enough() -> None:
    assert detectable([passed(0.0, 2), passed(0.04, 60), passed(0.08, 79)]) is None
