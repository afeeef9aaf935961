import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Outcome

from eval import simulate_windows
from eval.simulate_windows import app, cell
from eval.window_worlds import World
from segmenter.params import load_settings

STEADY = World("independent days", 26, 500, 0.0, ratio=2.0)


def test_a_clear_change_is_found_and_steady_rates_are_not() -> None:
    settings = load_settings(None).summary.model_copy(update={"window_draws": 199})
    found = cell(STEADY, n_corpora=4, settings=settings, seed=1)
    assert (found.power, found.n_corpora, found.n_intervals) == (1.0, 4, 12)
    assert found.false_findings <= 0.5 <= found.held


def test_every_kind_of_corpus_has_a_row_and_power_a_picture(
    tmp_path: Path, outcome_of: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_windows, "RATIOS", (1.0, 1.5))
    monkeypatch.setattr(simulate_windows, "DISPERSIONS", (0.1,))
    outcome = outcome_of(app, "--out", tmp_path, "--corpora", 1)
    assert outcome.code == 0, outcome.err
    cells = json.loads((tmp_path / "windows.json").read_text("utf-8"))["cells"]
    # independent days: 2 ratios x 2 volumes in half a year, 2 volumes in the shortest; lasting: 2 ratios x 3 noises x 2 x 2
    assert len(cells) == 4 + 2 + 24
    assert len((tmp_path / "windows.md").read_text("utf-8").splitlines()) == 2 + 30
    assert (tmp_path / "windows.png").read_bytes().startswith(b"\x89PNG")
