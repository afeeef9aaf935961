import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Outcome, tiny_messages

from training.audit import app

Run = Callable[..., Outcome]


@pytest.fixture
def run(
    tiny_params: dict[str, Any],
    write_params: Callable[[Path, dict[str, Any]], Path],
    outcome_of: Callable[..., Outcome],
    tmp_path: Path,
) -> Run:
    """A function that runs the command on rows; the run folder is `run`."""

    def of(rows: list[dict[str, str]]) -> Outcome:
        table = tmp_path / "letters.jsonl"
        table.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        tables = [tiny_params["data"]["tables"][0] | {"path": str(table)}]
        own = {"data": tiny_params["data"] | {"tables": tables}}
        own["tracking"] = tiny_params["tracking"] | {"run_folder": str(tmp_path / "run")}
        return outcome_of(app, "--params", write_params(tmp_path / "params.yaml", tiny_params | own))

    return of


def test_the_command_writes_a_page_its_figures_and_tasks_to_review(run: Run, tmp_path: Path) -> None:
    rows = tiny_messages()
    rows[19]["audiences"] = ""  # a gardener's
    outcome = run(rows)
    assert outcome.code == 0
    folder = tmp_path / "run" / "audit"
    assert sorted(path.name for path in folder.iterdir()) == ["audit.html", "audit.json", "label_errors.json"]
    figures = json.loads((folder / "audit.json").read_text("utf-8"))
    tasks = json.loads((folder / "label_errors.json").read_text("utf-8"))
    assert (figures["format"], figures["n_messages"]) == (1, 240)
    assert [task["data"]["id"] for task in tasks] == [part["id"] for part in figures["label_errors"]]
    assert "letters:20" in [task["data"]["id"] for task in tasks]


def test_a_loud_language_is_said_on_stderr_and_ends_well(run: Run) -> None:
    rows = [row for row in tiny_messages() if (row["audiences"] == "cyclists") == (row["lang"] == "de")]
    outcome = run(rows)
    assert outcome.code == 0
    assert outcome.err.startswith("warning: the language alone predicts cyclists with a balanced accuracy of 1.00")


def test_a_bad_label_is_one_sentence_and_exit_2(run: Run) -> None:
    outcome = run([{"text": "a red bed", "audiences": "gardners"}])
    assert (outcome.code, outcome.out) == (2, "")
    assert "unknown audience 'gardners'; did you mean 'gardeners'?" in outcome.err
