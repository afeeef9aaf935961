import numpy as np
import pytest
from conftest import TinyRun
from numpy.typing import NDArray

from eval.abstention import Abstention, abstention, curve, distances, held
from eval.figures import Judged
from segmenter.bundle import Manifest, audit
from segmenter.calibration import Calibration, Guarantee, judge, to_scores
from segmenter.score import Scored
from segmenter.sections import Eval

Labels = NDArray[np.bool_]
BAND = Calibration(slope=1.0, intercept=0.0, threshold=0.5, low=0.4, high=0.6)
PROMISE = Guarantee(
    risk=0.2, confidence=0.95, coverage=0.8, n_messages=80, n_clusters=80, n_errors=8, design_effect=1.0
)


@pytest.fixture(scope="module")
def manifest(tiny_run: TinyRun) -> Manifest:
    """Of a bundle with a band from .4 to .6 for each of its three audiences, and no guarantee."""
    changes = {"calibration": [BAND] * 3, "guarantee": None, "no_guarantee": "too few"}
    return audit(tiny_run.bundle).manifest.model_copy(update=changes)


@pytest.fixture(scope="module")
def settings(tiny_run: TinyRun) -> Eval:
    return tiny_run.params.eval.model_copy(update={"bootstrap_rounds": 400, "slice_support_at_least": 3})


def scored(logits: NDArray[np.float32], scope: list[str] | None = None) -> Scored:
    """As a bundle with three such bands scores."""
    scores, n = to_scores(logits, [BAND] * 3), len(logits)
    return Scored(
        logits=logits,
        scores=scores,
        verdicts=judge(scores, [BAND] * 3),
        languages=["en"] * n,
        scope=scope or [""] * n,
        long=np.zeros(n, np.bool_),
        pooled=np.zeros((n, 1), np.float32),
        pieces_per_word=np.ones(n),
    )


def rows(first: list[float]) -> NDArray[np.float32]:
    """Logits of the first audience; the others are clearly not meant."""
    return np.column_stack([first, np.full((len(first), 2), -5.0)]).astype(np.float32)


def judged(truth: Labels, clusters: list[int] | None = None) -> Judged:
    whole = np.column_stack([truth, np.zeros((len(truth), 2), np.bool_)])
    return Judged(whole, np.array(clusters or range(len(truth))), {}, ["a", "b", "c"])


def found(manifest: Manifest, settings: Eval, scored: Scored, judged: Judged) -> Abstention:
    return abstention(judged, scored, manifest, settings, 1)


def test_an_uncertain_message_counts_for_coverage_and_not_for_error(manifest: Manifest, settings: Eval) -> None:
    # 2 certain and right, 1 certain and wrong, 1 uncertain (score .5) that would be wrong: 3/4 covered, 1/3 wrong
    part = found(manifest, settings, scored(rows([3, -3, 3, 0])), judged(np.array([True, False, False, False])))
    assert part.error is not None
    assert (part.n, part.n_certain, part.coverage.value, part.error.value) == (4, 3, 0.75, pytest.approx(1 / 3))


def test_a_message_out_of_scope_is_never_certain(manifest: Manifest, settings: Eval) -> None:
    part = found(manifest, settings, scored(rows([3, 3]), ["", "too_short"]), judged(np.array([True, False])))
    assert part.error is not None
    assert (part.coverage.value, part.error.value) == (0.5, 0.0)


def test_one_wrong_audience_is_a_wrong_set(manifest: Manifest, settings: Eval) -> None:
    logits = rows([3, 3])
    logits[1, 2] = 3
    error = found(manifest, settings, scored(logits), judged(np.array([True, True]))).error
    assert error is not None
    assert error.value == 0.5


def test_where_nothing_is_certain_there_is_no_error(manifest: Manifest, settings: Eval) -> None:
    part = found(manifest, settings, scored(rows([0, 0])), judged(np.array([True, True])))
    assert (part.coverage.value, part.error, part.held) == (0.0, None, None)
    assert "error_of_the_certain" not in part.metrics()


def test_no_error_in_few_messages_is_not_sure_to_be_none(manifest: Manifest, settings: Eval) -> None:
    # Clopper and Pearson's upper bound of 0 in 10: 1 - .025^(1/10) = .3085
    error = found(manifest, settings, scored(rows([3] * 10)), judged(np.full(10, True))).error
    assert error is not None
    assert (error.value, error.low, error.high) == (0.0, 0.0, pytest.approx(0.3085, abs=0.0001))


def test_no_error_of_one_author_says_nothing_of_others(manifest: Manifest, settings: Eval) -> None:
    # ten authors, one of whom wrote 491 of 500 messages: 500^2 / (491^2 + 9) = 1.04 of one size
    clusters = [0] * 491 + list(range(1, 10))
    error = found(manifest, settings, scored(rows([3] * 500)), judged(np.full(500, True), clusters)).error
    assert error is not None
    assert (error.value, error.low, error.high) == (0.0, 0.0, 1.0)
    assert error.n_effective == pytest.approx(1.04, abs=0.005)


def test_errors_of_one_author_widen_the_interval(manifest: Manifest, settings: Eval) -> None:
    truth = np.arange(200) >= 20  # the first 20 are wrong
    said = scored(rows([3] * 200))
    alone = found(manifest, settings, said, judged(truth))
    together = found(manifest, settings, said, judged(truth, [number // 20 for number in range(200)]))
    errors = [part.error for part in (alone, together) if part.error is not None]
    assert [error.value for error in errors] == [pytest.approx(0.1)] * 2
    width = [error.high - error.low for error in errors]
    assert width[1] > 2 * width[0]


def test_messages_for_several_audiences_are_not_evaluable_where_they_are_few(
    manifest: Manifest, settings: Eval
) -> None:
    # the last two are uncertain; three others are enough. Six, all wrong: 0.025^(1/6) = 54.1 %
    said, labels = scored(rows([3] * 6 + [0] * 2)), judged(np.full(8, True))
    for rows_of_several, sentence in (
        ([0], "not evaluable, n = 1, 1 of them certain"),
        ([0, 1, 7], "not evaluable, n = 3, 2 of them certain"),
        (list(range(8)), "100.0% [54.1%, 100.0%] of 6 certain messages have a wrong audience set, n = 8"),
    ):
        labels.truth[rows_of_several, 1] = True  # and the model says the first audience alone
        part = found(manifest, settings, said, labels)
        assert (part.n_several, part.several_sentence()) == (len(rows_of_several), sentence)


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.01, 0.05, "holds"), (0.051, 0.2, "is broken"), (0.05, 0.051, "stays open")]
)
def test_a_guarantee_holds_below_is_broken_above_and_is_open_between(low: float, high: float, verdict: str) -> None:
    assert held(0.05, low, high) == verdict


def test_a_guarantee_is_judged_by_these_messages(manifest: Manifest, settings: Eval) -> None:
    promised = manifest.model_copy(update={"guarantee": PROMISE, "no_guarantee": ""})
    said = scored(rows([3] * 200))
    good = found(promised, settings, said, judged(np.arange(200) >= 10))
    assert (good.risk, good.held) == (0.2, "holds")
    assert good.held_sentence().startswith("the guaranteed risk of 20% holds here: 5.0% [")
    assert found(promised, settings, said, judged(np.arange(200) >= 100)).held == "is broken"


def test_without_a_guarantee_nothing_is_said_to_hold(manifest: Manifest, settings: Eval) -> None:
    part = found(manifest, settings, scored(rows([3] * 20)), judged(np.full(20, True)))
    assert (part.risk, part.held, part.held_sentence()) == (None, None, "nothing is guaranteed")


def test_a_set_is_as_certain_as_its_nearest_audience() -> None:
    # thresholds .5 and .2, scores .5 + and .8: log-odds 0 from 0, ln 4 from -ln 4 (2 ln 4)
    parts = [BAND, BAND.model_copy(update={"threshold": 0.2})]
    scores = np.array([[0.8, 0.8], [0.5, 0.8]], np.float32)
    assert distances(scores, parts) == pytest.approx([np.log(4), 0.0], abs=1e-6)


def test_the_curve_counts_errors_from_the_most_certain_on() -> None:
    # in order of distance: right (3), wrong (2), right and wrong together (1); the one out of scope never counts
    distance, wrong = np.array([1.0, 3.0, 2.0, 1.0, 9.0]), np.array([True, False, True, False, True])
    points = curve(distance, np.array([True, True, True, True, False]), wrong)
    assert [(point.width, point.coverage, point.error) for point in points] == [
        (3, 0.2, 0),
        (2, 0.4, 0.5),
        (1, 0.8, 0.5),
    ]


def test_a_curve_of_many_messages_is_thinned_but_ends_at_all_of_them() -> None:
    points = curve(np.linspace(0, 5, 5000), np.full(5000, True), np.arange(5000) < 1000)
    assert len(points) == 100
    assert (points[-1].coverage, points[-1].error) == (1.0, 0.2)


def test_no_message_in_scope_has_no_curve() -> None:
    assert curve(np.array([1.0]), np.array([False]), np.array([False])) == []


def test_it_goes_to_mlflow_under_flat_names_and_to_json_whole(manifest: Manifest, settings: Eval) -> None:
    part = found(manifest, settings, scored(rows([3] * 4)), judged(np.array([True, True, True, False])))
    assert part.metrics()["error_of_the_certain"] == 0.25
    assert set(part.metrics()) == {
        *("coverage", "coverage/low", "coverage/high"),
        *("error_of_the_certain", "error_of_the_certain/low", "error_of_the_certain/high"),
    }
    assert part.as_dict()["curve"] == [{"width": pytest.approx(3.0), "coverage": 1.0, "error": 0.25}]
