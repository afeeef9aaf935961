import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import REPOSITORY, Outcome, TinyRun

from eval.bench_scoring import app
from eval.scoring_bench.contenders import OURS
from eval.scoring_bench.rounds import ORIGINAL, runs

FEW = ["--contender", "segmenter", "--messages", 40, "--rounds", 1, "--script-messages", 30, "--first-rounds", 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture
def benched(
    tiny_run: TinyRun, folder: Path, monkeypatch: pytest.MonkeyPatch, outcome_of: Callable[..., Outcome]
) -> dict[str, Any]:
    """What one round on the tiny bundle wrote; run once."""
    monkeypatch.chdir(REPOSITORY)  # the contenders are run from a checkout
    if not (folder / "scoring.json").is_file():
        words = [*FEW, "--product-messages", 60, "--model", tiny_run.bundle, "--out", folder]
        outcome = outcome_of(app, *words)
        assert outcome.code == 0, outcome.err
    return dict(json.loads((folder / "scoring.json").read_text("utf-8")))


def test_a_round_times_every_contender_on_the_same_messages(benched: dict[str, Any]) -> None:
    assert [one["contender"] for one in benched["runs"]] == ["segmenter", "torch-sorted"]
    assert [one["trial"]["n_messages"] for one in benched["runs"]] == [40, 40]
    ours, other = (one["messages_per_second"] for one in benched["runs"])
    assert benched["engines"]["torch-sorted"]["times"]["median"] == pytest.approx(ours / other)


def test_decisions_are_compared_with_those_of_fp32(benched: dict[str, Any]) -> None:
    assert benched["engines"]["torch-sorted"]["agreement"]["share"] == 1.0
    assert benched["engines"]["segmenter"]["agreement"]["n_decisions"] == 120  # 40 messages, 3 audiences
    assert benched["engines"]["segmenter"]["agreement"]["share"] > 0.9


def test_a_script_s_seconds_are_computed_for_all_messages(benched: dict[str, Any]) -> None:
    segmenter, script = benched["files"]
    assert (segmenter["n_messages"], script["n_messages"], script["n_of"]) == (60, 30, 60)
    assert segmenter["seconds_of_all"] == segmenter["process"]["seconds"]
    assert script["seconds_of_all"] > script["process"]["seconds"]


def test_the_first_scores_are_those_of_ten_messages(benched: dict[str, Any]) -> None:
    assert [(job["tool"].split()[0], job["n_messages"]) for job in benched["first_scores"]] == [
        ("segmenter", 10),
        ("script", 10),
    ]


def test_tables_and_a_picture_stand_beside_the_figures(benched: dict[str, Any], folder: Path) -> None:
    assert "| segmenter |" in (folder / "scoring.md").read_text("utf-8")
    assert (folder / "scoring.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_contender_is_refused(tiny_run: TinyRun, tmp_path: Path, outcome_of: Callable[..., Outcome]) -> None:
    outcome = outcome_of(app, "--model", tiny_run.bundle, "--out", tmp_path, "--contender", "abacus")
    assert outcome.code == 2
    assert "'abacus' is none of segmenter, pipeline-1" in " ".join(outcome.err.replace("│", " ").split())


def test_a_contender_that_fails_ends_the_benchmark_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    (tmp_path / ORIGINAL).write_text('{"warm_up": [], "timed": []}', "utf-8")
    with pytest.raises(typer.Exit) as end:
        list(runs(tmp_path / "none", tmp_path, n_rounds=1, contenders=[OURS]))
    assert end.value.exit_code == 2
    assert "none: is not there" in capsys.readouterr().err
