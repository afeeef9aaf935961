from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import TinyRun
from numpy.typing import NDArray

from segmenter.bundle import Bundle, audit
from segmenter.calibration import Calibration, to_scores
from segmenter.out_of_fold import OutOfFold, read_out_of_fold, write_out_of_fold
from segmenter.scoring.drift import N_BINS, Drift, bins, drift_of

AUDIENCES = ["gardeners", "cyclists", "readers"]
PLAIN = Calibration(slope=1.0, intercept=0.0, threshold=0.5, low=0.5, high=0.5)  # a score's log-odds are the logit
LIMIT = 0.25


def scores_of(odds: list[float]) -> NDArray[np.float32]:
    """Messages that have the same log-odds for every audience."""
    return np.repeat(1 / (1 + np.exp(-np.array(odds, np.float32)))[:, None], 3, axis=1)


@pytest.fixture
def calibrated_on(tiny_run: TinyRun, tmp_path: Path) -> Callable[[list[float]], Bundle]:
    """A function that gives a bundle whose out-of-fold messages have certain log-odds, the same for every audience."""

    def write(odds: list[float]) -> Bundle:
        logits = np.repeat(np.array(odds, np.float32)[:, None], 3, axis=1)
        rest = (np.array(["en"] * len(odds), np.str_), np.arange(len(odds)))
        write_out_of_fold(tmp_path, OutOfFold(AUDIENCES, logits, logits > 0, *rest))
        manifest = audit(tiny_run.bundle).manifest.model_copy(update={"calibration": [PLAIN] * 3})
        return Bundle(tmp_path, manifest, "of these tests")

    return write


def found(bundle: Bundle, odds: list[float]) -> Drift:
    drift = drift_of(bundle, bins(scores_of(odds)))
    assert drift is not None
    return drift


# edges are log-odds -8, -7.5, ... 8, the lower one belonging to its bin: -8 opens bin 1, 0 bin 17, 8 bin 33
@pytest.mark.parametrize(
    ("score", "place"), [(0.0, 0), (0.0003, 0), (0.3, 15), (0.4999, 16), (0.5, 17), (0.6, 17), (0.9996, 32), (1.0, 33)]
)
def test_a_score_falls_into_the_bin_of_its_log_odds(score: float, place: int) -> None:
    # log-odds of .3 are -0.85, of .6 0.41, of .0003 -8.1, of .9996 7.8
    assert bins(np.array([[score]], np.float32)).tolist() == [[int(bin == place) for bin in range(N_BINS)]]


def test_counts_of_the_whole_are_those_of_its_pieces() -> None:
    scores = scores_of([-9.0, -3.0, 0.2, 0.3, 5.0])
    assert (bins(scores[:2]) + bins(scores[2:])).tolist() == bins(scores).tolist()
    assert bins(scores[:0]).tolist() == [[0] * N_BINS] * 3


def test_the_index_is_the_population_stability_index(calibrated_on: Callable[[list[float]], Bundle]) -> None:
    # two groups, half of the reference in each; with half a message added, 300.5 and 100.5 of 401 against .5 and .5:
    # (.7494 - .5) ln(.7494 / .5) + (.2506 - .5) ln(.2506 / .5) = .2731
    # chance: 6.63 is the 99th percentile of chi-squared with 1 degree of freedom; 6.63 (1/400 + 1/200) = .0498
    drift = found(calibrated_on([-1.2] * 100 + [1.2] * 100), [-1.2] * 300 + [1.2] * 100)
    assert (drift.n_messages, drift.n_reference) == (400, 200)
    assert [part.audience for part in drift.audiences] == AUDIENCES
    assert [part.index for part in drift.audiences] == pytest.approx([0.2731] * 3, abs=1e-4)
    assert [part.chance for part in drift.audiences] == pytest.approx([0.0498] * 3, rel=0.01)


def test_what_chance_may_add_is_taken_off_before_a_warning(calibrated_on: Callable[[list[float]], Bundle]) -> None:
    # .2731 less .0498 is .2233
    drift = found(calibrated_on([-1.2] * 100 + [1.2] * 100), [-1.2] * 300 + [1.2] * 100)
    assert drift.warning(0.225) is None
    assert drift.warning(0.22) is not None


def test_equal_shares_do_not_drift(calibrated_on: Callable[[list[float]], Bundle]) -> None:
    odds = [-4.0, -2.0, -1.0, 0.2, 1.0, 3.0] * 50
    assert [part.index for part in found(calibrated_on(odds), odds * 2).audiences] == pytest.approx([0.0] * 3, abs=1e-4)


def test_a_corpus_drawn_from_the_calibration_messages_does_not_warn(tiny_run: TinyRun) -> None:
    bundle = audit(tiny_run.bundle)
    scores = to_scores(read_out_of_fold(bundle).logits, bundle.manifest.calibration)
    random = np.random.default_rng(5)
    for n_messages in (5, 50, 500):
        drawn = [drift_of(bundle, bins(random.choice(scores, n_messages))) for _ in range(40)]
        assert sum(drift is None or drift.warning(LIMIT) is not None for drift in drawn) <= 2  # of 40, 5 %


def test_other_scores_warn_by_name_the_farthest_first(calibrated_on: Callable[[list[float]], Bundle]) -> None:
    bundle = calibrated_on([-3.0, -1.0, 1.0, 3.0] * 1000)
    scores = scores_of([-3.0, -1.0, 1.0, 3.0] * 1000)
    scores[:2000, 1] = scores_of([1.0])[0, 0]  # 500, 500, 2500 and 500 in place of 1,000 each
    scores[:, 2] = scores_of([3.0])[0, 0]
    drift = drift_of(bundle, bins(scores))
    assert drift is not None
    gardeners, cyclists, readers = (part.index for part in drift.audiences)
    assert gardeners < LIMIT < cyclists < readers
    assert drift.warning(LIMIT) == (
        "the scores of this corpus are unlike those the model was calibrated on (population stability index "
        f"{readers:.2f} for readers, {cyclists:.2f} for cyclists; above 0.25 counts as far); shares counted from it are "
        "less certain: check them on labelled messages drawn at random"
    )


def test_a_handful_of_messages_proves_no_drift(calibrated_on: Callable[[list[float]], Bundle]) -> None:
    assert found(calibrated_on([-3.0, -1.0, 1.0, 3.0] * 100), [3.0] * 3).warning(LIMIT) is None


def test_how_sure_a_no_is_makes_no_drift(calibrated_on: Callable[[list[float]], Bundle]) -> None:
    # scores of .00034 in place of .0025: no share depends on them
    others = [-1.0, 0.2, 1.0, 2.0] * 100
    assert found(calibrated_on([-6.0] * 1000 + others), [-7.99] * 1000 + others).warning(0.01) is None


def test_without_messages_on_both_sides_there_is_nothing_to_compare(
    tiny_run: TinyRun, calibrated_on: Callable[[list[float]], Bundle]
) -> None:
    assert drift_of(audit(tiny_run.bundle), bins(scores_of([]))) is None
    assert drift_of(calibrated_on([]), bins(scores_of([1.0]))) is None
