"""eval/seeds.py: several runs of one recipe side by side."""

import json
from pathlib import Path

import pytest

from eval.figures import Figure
from eval.seeds import read_figures, seed_table
from segmenter.errors import TableError


def f1(audience: str, value: float | None) -> Figure:
    return Figure("model", "all", audience, "f1", value, None, None, 40, 20)


def test_a_cell_is_the_mean_with_the_least_and_the_most() -> None:
    # (.5 + .7) / 2 = .6
    lines = list(seed_table([[f1("macro", 0.5)], [f1("macro", 0.7)]]))
    assert lines[2] == "| all (40) | this model | 0.600 (0.500–0.700) |"


def test_runs_that_agree_show_no_spread() -> None:
    assert "| all (40) | this model | 0.500 |" in list(seed_table([[f1("macro", 0.5)], [f1("macro", 0.5)]]))


def test_an_audience_that_one_run_could_not_judge_is_not_evaluable() -> None:
    assert "not evaluable" in list(seed_table([[f1("macro", 0.5)], [f1("macro", None)]]))[2]


def test_the_macro_figure_stands_first() -> None:
    header = next(iter(seed_table([[f1("gardeners", 0.5), f1("macro", 0.5)]])))
    assert header == "| slice (n) | contender | macro | gardeners |"


def test_a_file_that_is_no_metrics_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"figures": [{"model": "x"}]}), "utf-8")
    with pytest.raises(TableError, match=r"is not a metrics\.json .*; name what python -m eval\.evaluate wrote"):
        read_figures(tmp_path / "metrics.json")
