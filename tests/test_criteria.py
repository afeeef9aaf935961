import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.baselines import Judgement
from eval.criteria import (
    Contest,
    beats_language,
    calibration_holds,
    gains,
    int8_agrees,
    no_int8,
    p_of_loss,
    slice_gains,
    slices_hold,
)
from eval.criterion import Criterion
from eval.figures import Judged
from segmenter.bundle import CpuGraph
from segmenter.intervals import Resamples, resample
from segmenter.metrics import measured
from segmenter.params import Params, load_params
from segmenter.plain_models import logistic_scores, tfidf_features

REPOSITORY = Path(__file__).parents[1]
N = 200
AUDIENCES = ["gardeners", "cyclists"]
Labels = NDArray[np.bool_]


def with_sections(
    eval_changes: dict[str, object] | None = None, gate_changes: dict[str, object] | None = None
) -> Params:
    """The example's params with few messages needed, some keys of `eval` and `gate` changed."""
    params = load_params(REPOSITORY / "training" / "example" / "params.yaml")
    evaluation = {"slice_support_at_least": 5, "conclusion_support_at_least": 20, "bootstrap_rounds": 400}
    changes = {
        "eval": params.eval.model_copy(update=evaluation | (eval_changes or {})),
        "gate": params.gate.model_copy(update=gate_changes or {}),
    }
    return params.model_copy(update=changes)


def judged(**slices: Labels) -> Judged:
    """200 messages of 100 authors with two each; every other message is for gardeners, every fourth for cyclists."""
    number = np.arange(N)
    truth = np.stack([number % 2 == 0, number % 4 == 1], axis=1)
    return Judged(truth, number // 2, {"all": np.ones(N, np.bool_), **slices}, AUDIENCES)


def choosing(name: str, chosen: Labels) -> Judgement:
    """A judgement that is sure of what it says."""
    return Judgement(name, chosen.astype(np.float64), chosen)


def flipped(truth: Labels, which: Labels, column: int = 0) -> Labels:
    """Labels that are wrong of one audience where `which` says."""
    chosen = truth.copy()
    chosen[which, column] ^= True
    return chosen


def contest(mine: Labels, other: Labels, params: Params | None = None, **slices: Labels) -> Contest:
    return Contest(
        judged(**slices), choosing("challenger", mine), choosing("champion", other), params or with_sections()
    )


TRUTH = judged().truth
SOME = np.arange(N) % 10 < 4  # 80 messages of 40 authors: half of them are for gardeners


def test_a_better_model_gains() -> None:
    # the champion errs on 80 of 200 about gardeners: F1 60 / (60 + 80 / 2) = .6 against 1; cyclists equal: mean gain .2
    found = gains(contest(TRUTH, flipped(TRUTH, SOME)))
    assert (found.name, found.passed) == ("gain/champion", True)
    assert found.value == pytest.approx(0.2)
    assert found.found.startswith("macro-F1 1.000 against 0.800: +0.200 [+0.1")


def test_an_equal_model_does_not_gain() -> None:
    found = gains(contest(TRUTH, TRUTH))
    assert (found.passed, found.value, found.low) == (False, 0.0, 0.0)


def test_a_gain_within_the_noise_is_no_gain() -> None:
    # the two err on two messages each, of different authors
    number = np.arange(N)
    found = gains(contest(flipped(TRUTH, np.isin(number, (0, 10))), flipped(TRUTH, np.isin(number, (20, 30, 40)))))
    assert found.value is not None
    assert found.value > 0
    assert not found.passed


def test_a_gain_is_missed_where_no_audience_has_messages_enough() -> None:
    found = gains(contest(TRUTH, flipped(TRUTH, SOME), with_sections({"slice_support_at_least": 101})))
    assert (found.state, found.found) == ("miss", "not evaluable, n = 200")


def test_an_audience_without_messages_enough_is_left_out_of_the_gain_and_named() -> None:
    # 50 of 200 are for cyclists
    found = gains(contest(TRUTH, flipped(TRUTH, SOME), with_sections({"slice_support_at_least": 60})))
    assert found.value == pytest.approx(0.4)
    assert found.found.endswith("over 1 of 2 audiences, the rest have too few messages")


def test_a_slice_that_lost_is_refused_by_name_though_the_whole_gained() -> None:
    # in the first 60 messages the challenger is wrong of gardeners each time, elsewhere the champion is
    early = np.arange(N) < 60
    found = slices_hold(contest(flipped(TRUTH, early), flipped(TRUTH, ~early), **{"lang=de": early}))
    assert not found.passed
    assert found.found.startswith("1 of 4 lost more; worst: lang=de, gardeners: -1.000 [")


@pytest.mark.parametrize(("limit", "passed"), [(0.8, True), (0.2, False)])
def test_a_slice_may_be_allowed_a_loss_of_its_own(limit: float, passed: bool) -> None:
    # wrong of 32 of its 60 messages, half of them for gardeners: F1 14 / (14 + 32 / 2), a loss of .53
    early = np.arange(N) < 60
    params = with_sections(gate_changes={"slice_losses": {"lang=de": limit, "all": 0.9}})
    mine = flipped(TRUTH, early & (np.arange(N) % 8 < 4))
    assert slices_hold(contest(mine, TRUTH, params, **{"lang=de": early})).passed is passed


def test_a_slice_with_few_messages_is_not_judged() -> None:
    few = np.arange(N) < 28  # of 30 that the example asks for
    found = slice_gains(contest(flipped(TRUTH, few), TRUTH, **{"lang=de": few}))
    assert {one.part for one in found} == {"all"}


def test_a_slice_of_one_author_is_not_judged() -> None:
    alone = contest(TRUTH, TRUTH, **{"source=one": np.arange(N) < 60})
    one_author = np.where(np.arange(N) < 60, 0, alone.judged.clusters)
    whole = Judged(TRUTH, one_author, alone.judged.slices, AUDIENCES)
    found = slice_gains(Contest(whole, alone.challenger, alone.other, alone.params))
    assert {one.part for one in found} == {"all"}


def test_no_slice_to_judge_is_not_evaluable() -> None:
    found = slices_hold(contest(TRUTH, TRUTH, with_sections(gate_changes={"slice_messages_at_least": 500})))
    assert found.state == "not evaluable"
    assert found.found == "not evaluable: no slice has 500 messages, by several authors"
    assert found.n_unjudged == 2


def test_slices_that_cannot_be_judged_are_counted() -> None:
    # the first 20 messages are a slice of both audiences, too small; the five of them for cyclists one of cyclists alone
    few, cyclists = np.arange(N) < 20, (np.arange(N) < 20) & TRUTH[:, 1]
    found = slices_hold(contest(TRUTH, TRUTH, **{"lang=de": few, "several": cyclists}))
    assert (found.state, found.n_unjudged) == ("pass", 3)
    assert found.found.endswith("; 3 more have too few messages or authors")


def test_the_losses_that_are_allowed_are_said() -> None:
    params = with_sections(gate_changes={"slice_loss_at_most": 0.02, "slice_losses": {"lang=de": 0.05}})
    assert (
        slices_hold(contest(TRUTH, TRUTH, params)).needed == "no Holm-adjusted upper bound below -0.02, lang=de -0.05"
    )


def test_the_worst_slice_is_named_where_all_hold() -> None:
    late = np.arange(N) >= 150
    found = slices_hold(contest(flipped(TRUTH, late & (np.arange(N) == 150)), TRUTH, **{"lang=fr": late}))
    assert found.passed
    assert found.found.startswith("none of 4 lost more; worst: lang=fr, gardeners: -0.02")


def test_p_of_a_loss_is_that_of_students_t() -> None:
    # draws .1 either side of their mean, of 11 authors: an error of .1 * sqrt(11 / 10) = .10488;
    # .1901 beyond the allowed loss is 1.8125 errors, the .05 quantile of t with 10 degrees
    assert p_of_loss(np.array([-0.3, -0.1]), -0.1901, 11.0) == pytest.approx(0.05, abs=0.0005)


@pytest.mark.parametrize(("beyond", "p"), [(-0.08, 0.0), (0.02, 1.0)])
def test_resamples_that_do_not_differ_decide_by_themselves(beyond: float, p: float) -> None:
    assert p_of_loss(np.full(4, -0.1), beyond, 11.0) == p


@pytest.mark.parametrize(("limit", "passed"), [(0.06, True), (0.04, False)])
def test_the_calibration_error_may_rise_so_far_and_no_further(limit: float, passed: bool) -> None:
    # scores .1 too near the middle of one audience: an error of .1; of the mean over two, .05
    whole = judged()
    far = whole.truth.astype(np.float64)
    near = far.copy()
    near[:, 0] = 0.1 + 0.8 * far[:, 0]
    sides = (Judgement("challenger", near, whole.truth), Judgement("champion", far, whole.truth))
    params = with_sections(gate_changes={"calibration_error_rise_at_most": limit})
    found = calibration_holds(Contest(whole, *sides, params))
    assert (found.passed, found.found) == (passed, "0.0500 against 0.0000: +0.0500")


LANGUAGES = np.where(np.arange(N) < 100, "de", "en")


MARKS_GARDENERS = np.stack([np.ones(N, np.bool_), np.zeros(N, np.bool_)], axis=1)  # language alone: all, and none


def within(chosen: Labels, params: Params | None = None) -> dict[str, Criterion]:
    language = choosing("language", MARKS_GARDENERS)
    found = beats_language(
        Contest(judged(), choosing("challenger", chosen), language, params or with_sections()), LANGUAGES
    )
    return {one.name: one for one in found}


def test_a_model_that_reads_beats_the_language_within_each() -> None:
    # half of either language is for gardeners: marking all is F1 2 * .5 / 1.5; marking half at random .5;
    # a quarter for cyclists: language marks none; marking a quarter at random .25
    found = within(TRUTH)
    names = {f"within/{language}/{audience}" for language in ("de", "en") for audience in AUDIENCES}
    assert {name for name, one in found.items() if one.passed} == names
    assert re.match(
        r"F1 1\.000; over language \+0\.333 \[.*over chance \+0\.500 \[", found["within/de/gardeners"].found
    )
    assert re.match(r"F1 1\.000; over language \+1\.000 \[.*over chance \+0\.750 \[", found["within/en/cyclists"].found)


def test_marking_a_language_whole_does_not_beat_the_language() -> None:
    german = np.stack([LANGUAGES == "de"] * 2, axis=1)
    found = within(german)
    assert {one.passed for one in found.values()} == {False}
    assert found["within/de/gardeners"].value == 0.0
    # of cyclists language marks none, F1 0; marking all is above that, but no better than chance
    assert found["within/de/cyclists"].found.startswith("F1 0.400; over language +0.400 [")
    assert found["within/de/cyclists"].value == 0.0


def test_a_few_marks_at_random_do_not_beat_a_language_that_marks_none() -> None:
    found = within(np.random.default_rng(1).random((N, 2)) < 0.3)
    assert {one.passed for one in found.values()} == {False}


def test_an_audience_too_rare_in_a_language_is_named_as_not_evaluable() -> None:
    # 25 of 100 carry cyclists in either language
    found = within(TRUTH, with_sections({"conclusion_support_at_least": 26}))
    assert {name: one.state for name, one in found.items()} == {
        "within/de/gardeners": "pass",
        "within/en/gardeners": "pass",
        "within/de/cyclists": "not evaluable",
        "within/en/cyclists": "not evaluable",
    }
    assert found["within/en/cyclists"].found == "not evaluable: 25 with, 75 without (at least 26 each)"
    assert (found["within/en/cyclists"].value, found["within/en/cyclists"].low) == (None, None)


def test_a_language_that_one_author_wrote_is_not_evaluable() -> None:
    whole = judged()
    one_author = np.where(LANGUAGES == "de", 0, whole.clusters)
    sides = (choosing("challenger", TRUTH), choosing("language", MARKS_GARDENERS))
    contested = Contest(replace(whole, clusters=one_author), *sides, with_sections())
    found = {one.name: one for one in beats_language(contested, LANGUAGES)}
    assert {name for name, one in found.items() if one.passed} == {"within/en/gardeners", "within/en/cyclists"}
    assert found["within/de/gardeners"].state == "not evaluable"
    assert found["within/de/gardeners"].found == "not evaluable: 1.0 authors of one size (at least 3)"


def test_an_audience_that_no_message_of_a_language_carries_is_no_criterion() -> None:
    whole = judged()
    truth = whole.truth & ~((LANGUAGES == "de")[:, None] & np.array([False, True]))
    other = choosing("language", MARKS_GARDENERS)
    contested = Contest(replace(whole, truth=truth), choosing("challenger", truth), other, with_sections())
    found = {one.name for one in beats_language(contested, LANGUAGES)}
    assert found == {"within/de/gardeners", "within/en/gardeners", "within/en/cyclists"}


@pytest.mark.parametrize(("n_differing", "passed"), [(4, True), (5, False)])
def test_an_int8_graph_has_to_agree_on_the_messages(n_differing: int, passed: bool) -> None:
    # of 400 decisions 4 are one in a hundred
    int8 = TRUTH.copy()
    int8[:n_differing, 0] ^= True
    found = int8_agrees(int8, TRUTH, with_sections(gate_changes={"int8_agreement_at_least": 0.99}).gate)
    assert found.passed is passed
    assert found.found.endswith(f": {n_differing} of 400 decisions are not those of fp32")


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        (None, "not evaluable: no CPU graph"),
        (CpuGraph(precision="fp32", int8_agreement=0.5, n_decisions=300), "not evaluable: fp32 graph"),
    ],
)
def test_without_an_int8_graph_its_agreement_is_not_evaluable(graph: CpuGraph | None, found: str) -> None:
    one = no_int8(graph, with_sections().gate)
    assert (one.name, one.state, one.found) == ("int8_agreement", "not evaluable", found)


# A model trained on shuffled labels, through the same plain models as the TF-IDF baseline.

LETTERS = list("abcdefghijklmnoprstuvw")
LANGUAGE_NAMES = ("en", "de")


def words(draw: np.random.Generator, n: int) -> list[str]:
    """Invented words that share no beginnings: no one of them tells much of a label by chance."""
    return ["".join(draw.choice(LETTERS, 6)) for _ in range(n)]


@dataclass(frozen=True)
class World:
    """Texts of eight words of their language, and three more of each audience they carry; languages; labels."""

    texts: list[str]
    languages: NDArray[np.str_]
    truth: Labels


@pytest.fixture(scope="module")
def world() -> World:
    draw = np.random.default_rng(1)
    common = {language: words(draw, 200) for language in LANGUAGE_NAMES}
    marks = {language: [words(draw, 30) for _ in AUDIENCES] for language in LANGUAGE_NAMES}
    languages, truth = draw.choice(LANGUAGE_NAMES, 2000), draw.random((2000, 2)) < 0.3
    texts = [
        " ".join(
            np.concatenate(
                [
                    draw.choice(common[language], 8),
                    *(draw.choice(marks[language][column], 3) for column in np.flatnonzero(row)),
                ]
            )
        )
        for language, row in zip(languages, truth, strict=True)
    ]
    return World(texts, languages, truth)


@pytest.fixture(scope="module")
def trained_on(world: World) -> Callable[[Labels], Contest]:
    """A function: labels of the first 1,000 messages to what a model that learned them says of the others."""
    params = with_sections({"conclusion_support_at_least": 50, "tfidf_words": 1000, "tfidf_characters": 1000})
    learned, held_out = tfidf_features([world.texts[:1000], world.texts[1000:]], params.eval)
    truth, languages = world.truth[1000:], world.languages[1000:]
    slices = {"all": np.ones(1000, np.bool_), "lang=de": languages == "de", "lang=en": languages == "en"}

    def train(labels: Labels) -> Contest:
        [scores] = logistic_scores(learned, labels, [held_out], params.eval, balanced=True)
        mine = Judgement("model", scores, scores >= 0.5)
        whole = Judged(truth, np.arange(1000), slices, AUDIENCES)
        return Contest(whole, mine, choosing("language", np.ones_like(truth)), params)

    return train


def asked_of(contest: Contest) -> list[Criterion]:
    """The criteria that ask for knowledge of the text."""
    languages = np.where(contest.judged.slices["lang=de"], "de", "en")
    return [gains(contest), *beats_language(contest, languages)]


def beyond_chance(contest: Contest, draw: np.random.Generator) -> dict[tuple[str, str, str], float]:
    """By slice, metric and audience: each figure less what it is, on average, with the labels dealt out to other messages."""
    found = {}
    for part, mask in contest.judged.slices.items():
        truth, one = contest.judged.truth[mask], contest.challenger.within(mask)
        whole = resample(np.arange(len(truth)), n_rounds=1, seed=1)

        def values(labels: Labels, one: Judgement = one, whole: Resamples = whole) -> dict[str, NDArray[np.float64]]:
            drawn = measured(labels, one.scores, one.chosen, whole, n_bins=contest.params.eval.calibration_bins)
            return {metric: part.values for metric, part in drawn.items()}

        dealt = [values(draw.permutation(truth)) for _ in range(10)]
        for metric, figures in values(truth).items():
            beyond = figures - np.mean([one[metric] for one in dealt], axis=0)
            named = AUDIENCES if len(beyond) > 1 else ["whole sets"]
            found |= {(part, metric, name): float(value) for name, value in zip(named, beyond, strict=True)}
    return found


def test_a_model_trained_on_shuffled_labels_is_at_chance_in_every_figure(
    world: World, trained_on: Callable[[Labels], Contest]
) -> None:
    # 6 metrics of 2 audiences, and exact match, in 3 slices; one shuffle's chance words move them by a few hundredths either way
    shuffle = np.random.default_rng(3)
    found = [beyond_chance(trained_on(shuffle.permutation(world.truth[:1000])), shuffle) for _ in range(24)]
    means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    assert len(means) == 3 * (6 * 2 + 1)
    assert {name: mean for name, mean in means.items() if abs(mean) > 0.03} == {}


def test_the_same_model_trained_on_the_labels_is_beyond_chance_in_every_figure(
    world: World, trained_on: Callable[[Labels], Contest]
) -> None:
    found = beyond_chance(trained_on(world.truth[:1000]), np.random.default_rng(3))
    assert {name: value for name, value in found.items() if abs(value) < 0.1} == {}


def test_a_model_trained_on_shuffled_labels_meets_nothing_that_asks_for_knowledge(
    world: World, trained_on: Callable[[Labels], Contest]
) -> None:
    found = asked_of(trained_on(np.random.default_rng(3).permutation(world.truth[:1000])))
    assert len(found) == 5
    assert [one.name for one in found if one.passed] == []


def test_the_same_model_trained_on_the_labels_meets_it(world: World, trained_on: Callable[[Labels], Contest]) -> None:
    assert [one.name for one in asked_of(trained_on(world.truth[:1000])) if not one.passed] == []
