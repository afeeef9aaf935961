import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Outcome, TinyRun

from eval import behaviour
from eval.behaviour import BehaviourReport, report, run_suite
from eval.cases import Case, Suite
from eval.expectations import Answer, Chosen, Direction, Expectation, Unchanged
from segmenter.score import Scorer, open_scorer

GARDEN = """
capability: minimum
written_by: the tests
audiences: [gardeners, cyclists]
groups:
  for_one_public:
    - {id: plain, language: en, text: "gardeners, water the red beds before noon", expect: [gardeners], why: Clear.}
    - {id: wrong, language: en, text: "a blue cloud passed over the harbour", expect: [cyclists], why: Never so.}
"""


@pytest.fixture(scope="module")
def tiny_scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, tiny_run.params.score)


@pytest.fixture(scope="module")
def own(tiny_scorer: Scorer) -> BehaviourReport:
    """The repository's own suite, put to a model of gardeners, cyclists and readers."""
    return run_suite(tiny_scorer, REPOSITORY / "eval" / "behaviour", tiny_scorer.bundle.audience_ids)


def case(name: str, capability: str, group: str, texts: tuple[str, ...], expectation: Expectation) -> Case:
    return Case(name, name, capability, group, "en", texts, expectation, "why")


def three_cases() -> BehaviourReport:
    """One passes, one fails, one is for an audience that the model lacks."""
    suite = Suite(
        [
            case("1", "invariance", "url", ("x", "y"), Unchanged(0.1)),
            case("2", "direction", "address", ("x", "y"), Direction("a", "rises_at_least", 0.5)),
            case("3", "minimum", "none", ("z",), Chosen(frozenset({"c"}), frozenset({"a", "c"}))),
        ],
        ["the tests"],
    )
    answers = {"x": Answer({"a": 0.2, "b": 0.9}, frozenset("b")), "y": Answer({"a": 0.3, "b": 0.9}, frozenset("b"))}
    return report(suite, answers, frozenset("ab"))


def test_a_model_passes_and_fails_as_written(tiny_scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "garden.yaml").write_text(GARDEN, "utf-8")
    found = run_suite(tiny_scorer, tmp_path, tiny_scorer.bundle.audience_ids)
    assert [failure.id for failure in found.failures] == ["wrong"]
    assert found.failures[0].expected == "cyclists"
    assert found.failures[0].found.startswith("none (gardeners 0.")
    assert "readers" not in found.failures[0].found  # an audience that the file's writer had not in mind
    assert found.capabilities()["minimum"].value == 0.5


def test_a_model_of_other_audiences_is_judged_on_invariance_alone(own: BehaviourReport) -> None:
    assert set(own.capabilities()) == {"invariance"}
    assert set(own.n_skipped) == {"minimum", "direction"}
    assert own.n_cases == own.capabilities()["invariance"].n
    assert own.n_messages == own.capabilities()["invariance"].n_messages


def test_what_the_text_rules_take_away_is_counted_apart_and_in_no_rate(own: BehaviourReport) -> None:
    # 40 messages with zero-width and 40 with look-alike characters
    assert own.n_equal == {"invariance": 80}
    assert not {rate.part for rate in own.rates} & {"zero_width", "look_alikes"}


def test_a_case_for_an_audience_that_the_model_lacks_is_skipped_and_counted() -> None:
    found = three_cases()
    assert (found.n_cases, found.n_messages, found.n_skipped) == (2, 2, {"minimum": 1})


def test_a_failure_says_what_was_expected_and_what_was_found() -> None:
    [failure] = three_cases().failures
    assert failure.expected == "a rises at least 0.5"
    assert failure.found == "none (a 0.20) → none (a 0.30)"


def test_rates_have_flat_names_and_capabilities_have_bounds() -> None:
    metrics = three_cases().metrics()
    assert metrics["behaviour/invariance"] == 1.0
    assert metrics["behaviour/invariance/url"] == 1.0
    assert metrics["behaviour/direction/en"] == 0.0
    assert metrics["behaviour/direction/low"] == 0.0
    assert metrics["behaviour/direction/high"] < 1.0
    assert "behaviour/direction/address/low" not in metrics


def test_a_report_is_plain_json() -> None:
    found = json.loads(json.dumps(three_cases().as_dict()))
    assert found["rates"][0]["capability"] == "invariance"
    assert found["failures"][0]["texts"] == ["x", "y"]


def test_the_command_prints_rates_and_failures_and_writes_them(
    tiny_run: TinyRun,
    tiny_params: dict[str, Any],
    write_params: Callable[[Path, dict[str, Any]], Path],
    outcome_of: Callable[..., Outcome],
    tmp_path: Path,
) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "garden.yaml").write_text(GARDEN, "utf-8")
    sections = tiny_params | {
        "eval": tiny_params["eval"] | {"behaviour": str(suite)},
        "tracking": tiny_params["tracking"] | {"run_folder": str(tmp_path / "run")},
    }
    params = write_params(tmp_path / "params.yaml", sections)
    done = outcome_of(behaviour.app, "--model", tiny_run.bundle, "--params", params)
    assert done.code == 0, done.err
    assert "2 cases of 2 messages" in done.out
    assert "wrong (for_one_public): expected cyclists; found none (gardeners 0." in done.out
    written = json.loads((tmp_path / "run" / "behaviour.json").read_text("utf-8"))
    assert [failure["id"] for failure in written["failures"]] == ["wrong"]
    assert written["written_by"] == ["the tests"]


def test_a_faulty_file_is_one_sentence(
    tiny_run: TinyRun,
    tiny_params: dict[str, Any],
    write_params: Callable[[Path, dict[str, Any]], Path],
    outcome_of: Callable[..., Outcome],
    tmp_path: Path,
) -> None:
    (tmp_path / "garden.yaml").write_text(GARDEN.replace("[cyclists]", "[cyclist]"), "utf-8")
    sections = tiny_params | {"eval": tiny_params["eval"] | {"behaviour": str(tmp_path)}}
    params = write_params(tmp_path / "params.yml", sections)
    done = outcome_of(behaviour.app, "--model", tiny_run.bundle, "--params", params)
    assert (done.code, done.out) == (2, "")
    assert "garden.yaml: case 'wrong': unknown audience 'cyclist'; did you mean 'cyclists'?" in done.err
