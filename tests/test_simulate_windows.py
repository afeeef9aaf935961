import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Outcome

from eval import simulate_windows
from eval.simulate_windows import EVENT_DAY, app, cell, simulated
from segmenter.params import load_settings


def test_a_simulated_change_is_of_the_first_audience_and_lasts() -> None:
    # 65 working days and 26 of weekends on either side, 500 and 250 a day: 39,000 messages, a tenth before, a fifth after
    found = simulated(2.0, 500, 0.0, np.random.default_rng(1))
    before, after = (found.counts["one"][side].sum() for side in (slice(EVENT_DAY), slice(EVENT_DAY, None)))
    assert before == pytest.approx(3900, rel=0.1)
    assert after == pytest.approx(7800, rel=0.1)
    assert found.counts["two"][EVENT_DAY:].sum() == pytest.approx(found.counts["two"][:EVENT_DAY].sum(), rel=0.1)


def test_dispersion_widens_daily_counts() -> None:
    # mean 100 (two in 500): variance 100 without, 100 + .2 x 100 x 100 = 2,100 with a dispersion of .2
    counts = [simulated(1.0, 500, spread, np.random.default_rng(1)).counts["two"] for spread in (0.0, 0.2)]
    days = np.arange(len(counts[0])) % 7 < 5
    assert counts[1][days].var() > 5 * counts[0][days].var()


def test_a_clear_change_is_found_and_steady_rates_are_not() -> None:
    settings = load_settings(None).summary.model_copy(update={"window_draws": 199})
    found = cell(2.0, 500, 0.0, n_corpora=4, settings=settings, seed=1)
    assert (found.power, found.n_corpora) == (1.0, 4)
    assert found.false_findings <= 0.5


def test_every_kind_of_corpus_has_a_row(
    tmp_path: Path, outcome_of: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_windows, "EFFECTS", (1.0, 1.5))
    monkeypatch.setattr(simulate_windows, "DISPERSIONS", (0.1,))
    outcome = outcome_of(app, "--out", tmp_path, "--corpora", 2)
    assert outcome.code == 0, outcome.err
    cells = json.loads((tmp_path / "windows.json").read_text("utf-8"))["cells"]
    assert [(one["effect"], one["volume"]) for one in cells] == [(1.0, 50), (1.0, 500), (1.5, 50), (1.5, 500)]
    assert len((tmp_path / "windows.md").read_text("utf-8").splitlines()) == 2 + 4
