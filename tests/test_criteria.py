import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.baselines import Judgement
from eval.behaviour import BehaviourReport
from eval.criteria import (
    Contest,
    Criterion,
    beats_language,
    behaviour_holds,
    calibration_holds,
    gains,
    holm,
    int8_agrees,
    p_of_loss,
    slice_gains,
    slices_hold,
)
from eval.figures import Judged, figures
from eval.rates import Rate
from segmenter.bundle import CpuGraph
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
    assert (found.passed, found.found) == (False, "not evaluable, n = 200")


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


def test_no_slice_to_judge_is_said_and_held_against_nobody() -> None:
    found = slices_hold(contest(TRUTH, TRUTH, with_sections(gate_changes={"slice_messages_at_least": 500})))
    assert (found.passed, found.found) == (True, "not evaluable: no slice has 500 messages, by several authors")


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


def test_p_values_are_adjusted_as_holm_does() -> None:
    # the least times 3, the next times 2, the last as it is; never below one before it, never above 1
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.6, 0.5]) == [1.0, 1.0]


def test_several_slices_need_stronger_evidence() -> None:
    # one p-value of .02 counts by itself (.025), among five it does not: 5 times .02
    assert holm([0.02])[0] < 0.025 < holm([0.02, 0.9, 0.9, 0.9, 0.9])[0]


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


def report(**passed: int) -> BehaviourReport:
    """Of 20 cases in each capability so many passed."""
    rates = [Rate(name, "all", 20, 10, n, n / 20, 0.0, 1.0) for name, n in passed.items()]
    return BehaviourReport(10, 20 * len(rates), {}, [], rates, [])


def test_each_capability_is_a_criterion_and_may_fall_so_far() -> None:
    # of 20 cases one less is a fall of .05, two less one of .1
    settings = with_sections(gate_changes={"behaviour_fall_at_most": 0.05}).gate
    found = behaviour_holds(report(minimum=17, invariance=16), report(minimum=18, invariance=18), settings)
    assert [(one.name, one.passed) for one in found] == [("behaviour/minimum", True), ("behaviour/invariance", False)]
    assert found[1].found == "16 of 20 cases against 18: -0.100"


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


def test_a_language_with_too_few_of_either_label_is_not_judged() -> None:
    # 25 of 100 carry cyclists in either language
    assert set(within(TRUTH, with_sections({"conclusion_support_at_least": 26}))) == {
        "within/de/gardeners",
        "within/en/gardeners",
    }


def test_no_language_to_judge_is_said() -> None:
    [found] = within(TRUTH, with_sections({"conclusion_support_at_least": 51})).values()
    assert found.passed
    assert found.found.startswith(
        "not evaluable: no language has 51 messages that carry an audience and 51 that do not"
    )


@pytest.mark.parametrize(
    ("graph", "passed"),
    [
        (CpuGraph(precision="int8", int8_agreement=0.99, n_decisions=300), True),
        (CpuGraph(precision="int8", int8_agreement=0.98, n_decisions=300), False),
        (CpuGraph(precision="fp32", int8_agreement=0.5, n_decisions=300), True),  # the fp32 graph was sealed instead
        (None, True),
    ],
)
def test_an_int8_graph_has_to_agree(graph: CpuGraph | None, passed: bool) -> None:
    assert int8_agrees(graph, with_sections(gate_changes={"int8_agreement_at_least": 0.99}).gate).passed is passed


def test_metrics_are_flat_and_hold_what_there_is() -> None:
    found = Criterion("gain/champion", True, "", "", 0.2, 0.1, 0.3).metrics()
    names = ("gate/gain/champion", "gate/gain/champion/low", "gate/gain/champion/high", "gate/gain/champion/passed")
    assert [found[name] for name in names] == [0.2, 0.1, 0.3, 1.0]
    assert Criterion("slices", False, "", "").metrics() == {"gate/slices/passed": 0.0}


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


def beyond_chance(contest: Contest) -> dict[tuple[str, str, str], float]:
    """By slice, audience and metric: the figure less what marking as many messages at random would give."""
    found = {}
    for figure in figures(contest.judged, [contest.challenger], contest.params.eval, 5):
        if figure.audience in AUDIENCES and figure.value is not None:
            mask, column = contest.judged.slices[figure.part], AUDIENCES.index(figure.audience)
            p, r = contest.judged.truth[mask, column].mean(), contest.challenger.chosen[mask, column].mean()
            chance = {"precision": p, "recall": r, "f1": 2 * p * r / (p + r), "average_precision": p}
            if figure.metric in chance:
                found[figure.part, figure.audience, figure.metric] = figure.value - chance[figure.metric]
    return found


def test_a_model_trained_on_shuffled_labels_is_at_chance_in_every_figure(
    world: World, trained_on: Callable[[Labels], Contest]
) -> None:
    # 4 figures of 2 audiences in 3 slices; one shuffle's chance words move them by a few hundredths either way
    shuffle = np.random.default_rng(3)
    found = [beyond_chance(trained_on(shuffle.permutation(world.truth[:1000]))) for _ in range(12)]
    means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    assert len(means) == 24
    assert {name: mean for name, mean in means.items() if abs(mean) > 0.03} == {}


def test_a_model_trained_on_shuffled_labels_meets_nothing_that_asks_for_knowledge(
    world: World, trained_on: Callable[[Labels], Contest]
) -> None:
    found = asked_of(trained_on(np.random.default_rng(3).permutation(world.truth[:1000])))
    assert len(found) == 5
    assert [one.name for one in found if one.passed] == []


def test_the_same_model_trained_on_the_labels_meets_it(world: World, trained_on: Callable[[Labels], Contest]) -> None:
    assert [one.name for one in asked_of(trained_on(world.truth[:1000])) if not one.passed] == []
