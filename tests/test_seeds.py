"""eval/seeds.py: several runs of one recipe side by side."""

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import Outcome, TinyRun, TinyVersion
from rich.console import Console

from eval.figures import Figure
from eval.gains import Gain
from eval.seeds import app, conclusions, gain_lines, gain_table, read_run, read_runs, seed_table
from segmenter.errors import TableError


def f1(audience: str, value: float | None) -> Figure:
    return Figure("model", "all", audience, "f1", value, None, None, 40, 20)


def gain(part: str, audience: str, value: float, *, half_width: float = 0.02, conclusive: bool = True) -> Gain:
    return Gain(
        part=part,
        audience=audience,
        model=0.7 + value,
        least=0.7,
        most=0.75,
        baseline=0.7,
        gain=value,
        low=value - half_width,
        high=value + half_width,
        n=200,
        n_true=60,
        conclusive=conclusive,
    )


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


def test_a_line_of_the_gains_holds_support_spread_interval_and_verdict() -> None:
    lines = list(gain_lines([gain("en", "gardeners", 0.03)], 3))
    assert lines[2] == (
        "| en (200) | gardeners | 60 / 140 | 0.730 (0.700–0.750) | 0.700 | +0.030 [+0.010, +0.050] | better |"
    )


def test_the_table_of_gains_fits_eighty_columns() -> None:
    shown = StringIO()
    found = [gain("all", "macro", 0.03), gain("source=town_gazette", "maga_isolationist", -0.03)]
    Console(width=200, file=shown).print(gain_table(found, 3))
    assert max(map(len, shown.getvalue().splitlines())) <= 80
    assert "-0.030 [-0.050, -0.010]" in shown.getvalue()


def test_the_pooled_sentence_gives_the_interval_and_what_it_means(tiny_run: TinyRun) -> None:
    sentence, _ = conclusions([gain("all", "macro", 0.03)], tiny_run.params)
    assert sentence == "Pooled macro-F1 0.730 against TF-IDF 0.700: +0.030 [+0.010, +0.050], better."


def test_within_languages_only_what_lies_below_is_named(tiny_run: TinyRun) -> None:
    found = [
        gain("lang=en", "gardeners", 0.01),
        gain("lang=de", "gardeners", -0.01),
        gain("lang=de", "cyclists", -0.2, conclusive=False),  # too few messages for a conclusion
        gain("lang=de", "macro", -0.2),  # the audiences are named one by one
        gain("split_unit=author", "gardeners", -0.2),  # no language
    ]
    [sentence] = conclusions(found, tiny_run.params)
    assert sentence == (
        "Within a language, 50 messages with an audience and 50 without: 2 judged; "
        "below TF-IDF: lang=de gardeners -0.010 [-0.030, +0.010], open."
    )


@pytest.fixture
def evaluations(tiny_version: TinyVersion, tmp_path: Path) -> list[Path]:
    """Two folders of the tiny run's evaluation; the second is as if another bundle had been judged."""
    folders = [tmp_path / "seed-1", tmp_path / "seed-2"]
    for folder in folders:
        shutil.copytree(tiny_version.evaluation.folder, folder)
    metrics = json.loads((folders[1] / "metrics.json").read_text("utf-8"))
    (folders[1] / "metrics.json").write_text(json.dumps(metrics | {"bundle": "another"}), "utf-8")
    return folders


def change(folder: Path, column: str, value: object) -> None:
    frame = pd.read_parquet(folder / "decisions.parquet")
    frame.loc[0, column] = value
    frame.to_parquet(folder / "decisions.parquet", index=False)


def test_a_run_is_read_back_whole(tiny_version: TinyVersion) -> None:
    run = read_run(tiny_version.evaluation.folder)
    assert run.figures == tiny_version.evaluation.found
    assert (run.split, run.decisions.audience_ids) == ("test", ["gardeners", "cyclists", "readers"])


def test_runs_of_the_same_messages_are_read_together(evaluations: list[Path]) -> None:
    assert [run.folder for run in read_runs(evaluations)] == evaluations


def test_runs_that_judged_other_messages_are_refused(evaluations: list[Path]) -> None:
    change(evaluations[1], "key", "another text")
    with pytest.raises(TableError, match=r"seed-2: judged other messages, or by other labels, than .*seed-1; evaluate"):
        read_runs(evaluations)


def test_runs_judged_by_other_labels_are_refused(evaluations: list[Path]) -> None:
    truth = read_run(evaluations[0]).decisions.of("truth")
    change(evaluations[1], "truth_gardeners", not truth[0, 0])
    with pytest.raises(TableError, match="seed-2: judged other messages, or by other labels"):
        read_runs(evaluations)


def test_one_bundle_is_not_two_seeds(evaluations: list[Path]) -> None:
    with pytest.raises(TableError, match="seed-1: judged a bundle that is named twice; name each run once"):
        read_runs([evaluations[0], evaluations[0]])


def test_a_file_that_is_no_metrics_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"figures": [{"model": "x"}]}), "utf-8")
    with pytest.raises(TableError, match=r"is not a metrics\.json .*; name what python -m eval\.evaluate wrote"):
        read_run(tmp_path)


def test_the_command_writes_both_tables_and_says_what_they_come_to(
    tiny_params: dict[str, Any],
    write_params: Callable[[Path, dict[str, Any]], Path],
    evaluations: list[Path],
    outcome_of: Callable[..., Outcome],
    tmp_path: Path,
) -> None:
    tracking = tiny_params["tracking"] | {"run_folder": str(tmp_path / "run")}
    path = write_params(tmp_path / "params.yaml", tiny_params | {"tracking": tracking})
    outcome = outcome_of(app, "--params", path, *evaluations)
    assert outcome.code == 0, outcome.err
    assert "Pooled macro-F1" in outcome.out
    found = json.loads((tmp_path / "run" / "evaluation-test" / "seeds.json").read_text("utf-8"))
    assert (found["split"], found["baseline"], len(found["bundles"])) == ("test", "tfidf", 2)
    assert {gain["part"] for gain in found["gains"]} == {"all", "lang=de", "lang=en"}
    assert "mean of 2" in (tmp_path / "run" / "evaluation-test" / "seeds.md").read_text("utf-8")
