import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import TinyRun
from rich.console import Console

from eval.criterion import Criterion
from eval.gate_report import GateReport, Side, gate_table, markdown, write
from segmenter.bundle import audit

GAIN = Criterion(
    "gain/champion", "pass", "macro-F1 0.700 against 0.600: +0.100", "lower bound above 0", 0.1, 0.05, 0.15
)
SLICES = Criterion("slices", "miss", "1 of 4 lost more", "none")
WITHIN = Criterion("within/ru/cyclists", "not evaluable", "not evaluable: 30 with, 25 without", "lower bound above 0")


@pytest.fixture
def side(tiny_run: TinyRun) -> Side:
    return Side("runs/x/bundle", None, audit(tiny_run.bundle))


def report(side: Side, *criteria: Criterion, champion: Side | None = None) -> GateReport:
    return GateReport(side, champion, "gate", 1460, 108, "5eed", list(criteria), 3)


def test_one_missed_criterion_is_a_missed_gate(side: Side) -> None:
    assert report(side, GAIN).word == "passed"
    assert report(side, GAIN, SLICES).word == "missed"


def test_what_is_not_evaluable_misses_no_gate_and_is_counted_apart(side: Side) -> None:
    found = report(side, GAIN, WITHIN)
    assert (found.word, found.counted) == ("passed", "1 pass, 0 miss, 1 not evaluable")
    assert "gate/within/ru/cyclists/passed" not in found.metrics()
    assert found.metrics()["gate/within/ru/cyclists/evaluable"] == 0.0
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(gate_table(found))
    [line] = [line for line in console.export_text().splitlines() if "within/ru/cyclists" in line]
    assert line.split()[1] == "not"  # evaluable, below
    assert "| not evaluable | `within/ru/cyclists` | not evaluable: 30 with, 25 without |" in markdown(found)


def test_the_title_says_who_against_whom_on_what(side: Side) -> None:
    assert report(side, GAIN).title() == [
        f"challenger runs/x/bundle ({side.bundle.name})",
        "no champion yet",
        "gate: 1,460 messages of 108 authors",
        "decision number 3 on this split",
    ]
    dry = replace(report(side, GAIN), decision=None)
    assert dry.title()[-1] == "a dry run, not counted"
    assert "gate/decision" not in dry.metrics()


def test_a_slice_named_like_markup_is_shown_as_it_is(side: Side) -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(gate_table(report(side, Criterion("slices", "pass", "worst: note=[/b]", "none"))))
    assert "worst: note=[/b]; needed: none" in console.export_text()


def test_the_table_fits_a_console_of_80_columns(side: Side) -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(gate_table(report(side, GAIN, SLICES, champion=side)))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert any("MISS" in line and "slices" in line for line in lines)


def test_the_page_has_a_line_a_criterion_and_where_labels_come_from(side: Side) -> None:
    page = markdown(report(side, GAIN, SLICES))
    assert page.startswith("# Gate: missed\n")
    assert "| pass | `gain/champion` | macro-F1 0.700 against 0.600: +0.100 | lower bound above 0 |" in page
    assert "| **miss** | `slices` | 1 of 4 lost more | none |" in page
    assert side.bundle.manifest.reference_labels in page


def test_both_files_say_the_same(side: Side, tmp_path: Path) -> None:
    folder = write(report(side, GAIN, SLICES, champion=side), tmp_path)
    found = json.loads((folder / "gate.json").read_text("utf-8"))
    assert (found["gate"], found["n"], found["champion"]["bundle"]) == ("missed", 1460, side.bundle.digest)
    assert [one["state"] for one in found["criteria"]] == ["pass", "miss"]
    assert (found["split_digest"], found["decision"]) == ("5eed", 3)
    assert (folder / "gate.md").read_text("utf-8") == markdown(report(side, GAIN, SLICES, champion=side))
