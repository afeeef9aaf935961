"""eval/simulate.py and its picture: tables and files of a simulation."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, Outcome

from eval import interval_coverage, power
from eval.interval_coverage import Held
from eval.power import Passed
from eval.simulate import app, gate_table, interval_table
from eval.simulation_chart import chart

HELD = [
    Held("zipf", "f1", "macro", truth=0.7, held=0.9534, width=0.21, n=50),
    Held("log-normal", "f1", "macro", truth=0.7, held=0.94, width=0.2, n=50),
    Held("zipf", "coverage", "all", truth=0.6, held=1.0, width=0.3, n=50),
]
PASSED = [
    Passed("all common", 1000, 0.0, 0.0, 1, 40),
    Passed("all common", 1000, 0.3, 0.04, 24, 40),
    Passed("all common", 1000, 0.6, 0.08, 40, 40),
]


def test_the_interval_table_has_a_line_per_metric_and_kind_of_authors() -> None:
    assert list(interval_table(HELD))[2:] == [
        "| f1 | zipf |  |  |  | 95.3 % (0.21) |  |",
        "| f1 | log-normal |  |  |  | 94.0 % (0.20) |  |",
        "| coverage | zipf |  |  |  |  | 100.0 % (0.30) |",
    ]


def test_the_gate_table_has_a_line_per_number_of_messages() -> None:
    # 60 % at 0.04 and 100 % at 0.08: 80 % at 0.06
    assert list(gate_table(PASSED))[2:] == ["| all common | 1,000 | 1 of 40 | 0.060 | 0.040: 60 %, 0.080: 100 % |"]


def test_a_gain_that_was_never_found_often_enough_is_said_to_be_greater() -> None:
    assert list(gate_table(PASSED[:2]))[2:] == ["| all common | 1,000 | 1 of 40 | over 0.040 | 0.040: 60 % |"]


def test_the_picture_shows_intervals_and_challengers() -> None:
    drawn = chart(HELD, PASSED).to_dict()
    assert [panel["title"]["text"] for panel in drawn["hconcat"]] == ["95 % intervals", "Challengers"]


def test_a_simulation_leaves_figures_tables_and_a_picture(
    tmp_path: Path, outcome_of: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in (interval_coverage, power):
        monkeypatch.setattr(room, "TRUTH_AUTHORS", 500)
    sizes = ["--sets", 3, "--authors", 20, "--messages", 300, "--runs", 2, "--gate-messages", 200]
    outcome = outcome_of(app, "--params", REPOSITORY / "params.yaml", "--out", tmp_path / "out", *sizes)
    assert outcome.code == 0, outcome.err
    found = json.loads((tmp_path / "out" / "simulation.json").read_text("utf-8"))
    assert (found["format"], found["n_sets"], found["n_authors"]) == (1, 3, 20)
    assert {one["sizes"] for one in found["intervals"]} == {"zipf", "log-normal"}
    assert {one["n_messages"] for one in found["gate"]} == {200}
    assert (tmp_path / "out" / "simulation.md").read_text("utf-8") in outcome.out
    assert (tmp_path / "out" / "simulation.png").stat().st_size > 10_000
