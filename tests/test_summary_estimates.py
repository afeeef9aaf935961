import numpy as np
import pytest
from binned import histogram
from conftest import TinyRun

from segmenter.bundle import audit
from segmenter.params import load_settings
from segmenter.shares.bins import N_BINS
from segmenter.shares.ground import grounds
from segmenter.summary.estimates import Estimator, grounds_of

SETTINGS = load_settings(None).summary.model_copy(update={"share_draws": 60})


def estimator() -> Estimator:
    """English alone, 60 messages with the audience and 140 without, by as many authors; scores tell them apart."""
    truth = np.arange(200) < 60
    scores = np.where(truth, 0.9, 0.1).astype(np.float32)
    known = grounds(
        ["cyclists"],
        scores=scores[:, None],
        truth=truth[:, None],
        languages=np.array(["en"] * 200),
        clusters=np.arange(200),
    )
    return Estimator(known, ["en", "de"], SETTINGS, seed=1)


def cell(n_high: int, n_low: int, n_german: int) -> np.ndarray:
    """Messages by language and bin: English ones of high and of low score, German ones of high score."""
    english = histogram(np.array([0.9] * n_high + [0.1] * n_low))
    return np.stack([english, histogram(np.full(n_german, 0.9))])


def test_messages_that_no_estimate_reaches_are_in_the_bounds() -> None:
    # 100 English messages, 40 with high scores; 60 German ones and 40 out of scope, 200 in all
    [found] = estimator().findings("cyclists", cell(40, 60, 60)[None], np.array([200]))
    assert found is not None
    assert (found.n_estimable, found.n_messages, found.method) == (100, 200, "corrected")
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(0.4, abs=0.1)
    # none of the other 100: half the lower end; all of them: half the upper end and a half more
    assert found.bound_low == pytest.approx(found.low / 2)
    assert found.bound_high == pytest.approx(found.high / 2 + 0.5)


def test_a_cell_without_estimable_messages_has_no_share() -> None:
    counts = np.stack([cell(0, 0, 60), cell(40, 60, 0)])
    found = estimator().findings("cyclists", counts, np.array([60, 100]))
    assert [share is None for share in found] == [True, False]


def test_without_a_bundle_nothing_is_estimated() -> None:
    unknown = Estimator({}, ["en"], SETTINGS, seed=1)
    assert unknown.findings("cyclists", np.ones((2, 1, N_BINS), np.int64), np.array([N_BINS] * 2)) == [None, None]


def test_grounds_are_a_bundles_out_of_fold_messages(tiny_run: TinyRun) -> None:
    known = grounds_of(audit(tiny_run.bundle))
    assert list(known) == ["gardeners", "cyclists", "readers"]
    assert all(0 <= ground.scores.min() <= ground.scores.max() <= 1 for ground in known.values())
    assert all(ground.truth.any() and not ground.truth.all() for ground in known.values())
