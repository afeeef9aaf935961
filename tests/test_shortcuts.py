import re

import numpy as np
import pandas as pd
import pytest
from conftest import TinyRun
from numpy.typing import NDArray

from eval.baselines import Judgement
from eval.figures import MACRO, Judged
from eval.names import mentions, without
from eval.shortcuts import F1, GAIN, NAMES_EXCESS, NAMES_FALL, OTHERS_FALL, WITHIN, ShortcutReport, shortcuts
from eval.slices import ALL
from segmenter.metrics import counts
from segmenter.prepared import label_array, read_split
from segmenter.score import Scorer, open_scorer

Labels = NDArray[np.bool_]


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, tiny_run.params.score)


@pytest.fixture(scope="module")
def frame(tiny_run: TinyRun) -> pd.DataFrame:
    return read_split(tiny_run.params, "test")


def judgement(name: str, chosen: Labels) -> Judgement:
    return Judgement(name, chosen.astype(np.float64), chosen)


def report(run: TinyRun, scorer: Scorer, frame: pd.DataFrame, chosen: Labels, rule: Labels) -> ShortcutReport:
    truth = label_array(frame, run.params.audience_ids)
    judged = Judged(truth, np.arange(len(frame)), {}, run.params.audience_ids)
    return shortcuts(scorer, frame, judged, [judgement("model", chosen), judgement("language", rule)], run.params)


@pytest.fixture(scope="module")
def by_language(tiny_run: TinyRun, scorer: Scorer, frame: pd.DataFrame) -> ShortcutReport:
    """A model that marks every German message with every audience and no English one, beside the very same rule."""
    german = np.repeat((frame["lang"] == "de").to_numpy()[:, None], 3, axis=1)
    return report(tiny_run, scorer, frame, german, german)


@pytest.fixture(scope="module")
def named(tiny_run: TinyRun, scorer: Scorer, frame: pd.DataFrame) -> tuple[ShortcutReport, pd.DataFrame]:
    """Every English message calls upon Norway, and the model is the bundle."""
    texts = [
        f"Norway: {text}" if lang == "en" else text for text, lang in zip(frame["text"], frame["lang"], strict=True)
    ]
    own = frame.assign(text=texts)
    chosen = scorer.score(texts).verdicts.chosen
    return report(tiny_run, scorer, own, chosen, np.zeros_like(chosen)), own


def test_within_a_language_f1_is_that_of_its_messages(by_language: ShortcutReport, frame: pd.DataFrame) -> None:
    german = frame[frame["lang"] == "de"]
    n_true = sum("gardeners" in audiences for audiences in german["audiences"])
    # all are marked: F1 = 2 hits / (marked + true)
    figure = by_language.figure("de", F1, "gardeners")
    assert figure.value == pytest.approx(2 * n_true / (len(german) + n_true))
    assert (figure.n, figure.n_true) == (len(german), n_true)
    assert by_language.figure("en", F1, "gardeners").value == 0.0  # none is marked


def test_the_mean_over_languages_weighs_each_the_same(by_language: ShortcutReport) -> None:
    german, both = by_language.figure("de", F1), by_language.figure(WITHIN, F1)
    assert both.value == pytest.approx((german.value or 0.0) / 2)  # English has 0


def test_a_model_that_is_the_language_rule_gains_nothing_on_it(by_language: ShortcutReport) -> None:
    for part in (ALL, "de", "en", WITHIN):
        figure = by_language.figure(part, GAIN)
        assert (figure.value, figure.low, figure.high) == (0.0, 0.0, 0.0)


def test_where_no_name_stands_nothing_is_masked_and_f1_stays(by_language: ShortcutReport) -> None:
    masking = by_language.masking
    assert (masking.n_touched, masking.n_words, masking.n_other_words) == (0, 0, 0)
    for metric in (NAMES_FALL, OTHERS_FALL, NAMES_EXCESS):
        figure = by_language.figure(ALL, metric)
        assert (figure.value, figure.low, figure.high) == (0.0, 0.0, 0.0)


def test_what_was_masked_is_counted(named: tuple[ShortcutReport, pd.DataFrame]) -> None:
    found, frame = named
    n = int((frame["lang"] == "en").sum())
    masking = found.masking
    assert (masking.n, masking.n_touched, masking.n_countries, masking.n_people) == (len(frame), n, n, 0)
    assert masking.n_words == masking.n_other_words == n
    assert masking.touched_share == {"de": 0.0, "en": 1.0}
    assert masking.words_per_message == n / len(frame)


def test_the_fall_is_f1_less_f1_on_the_masked_messages(
    named: tuple[ShortcutReport, pd.DataFrame], tiny_run: TinyRun, scorer: Scorer
) -> None:
    found, frame = named
    truth = label_array(frame, tiny_run.params.audience_ids)
    texts = frame["text"].tolist()
    masked = [without(text, mentions(text, lang), lang) for text, lang in zip(texts, frame["lang"], strict=True)]
    assert masked[0] != texts[0] or masked[-1] != texts[-1]
    before, after = (counts(truth, scorer.score(part).verdicts.chosen).f1 for part in (texts, masked))
    assert found.figure(ALL, NAMES_FALL, "readers").value == pytest.approx((before - after)[2])
    assert found.figure(ALL, NAMES_FALL).value == pytest.approx((before - after).mean())


def test_a_language_with_too_few_messages_is_not_evaluable_and_says_so(
    tiny_run: TinyRun, scorer: Scorer, frame: pd.DataFrame
) -> None:
    own = frame.assign(lang=["fr", "fr", *frame["lang"][2:]])
    chosen = label_array(own, tiny_run.params.audience_ids)
    found = report(tiny_run, scorer, own, chosen, ~chosen)
    figure = found.figure("fr", F1)
    assert (figure.value, figure.low, figure.high, figure.n) == (None, None, None, 2)
    assert "Not evaluable within: fr, n = 2." in found.sentences()
    assert not [name for name in found.metrics() if "/fr/" in name]


def test_metrics_have_flat_names(by_language: ShortcutReport) -> None:
    flat = by_language.metrics()
    assert flat["shortcut/within/de/gardeners"] == by_language.figure("de", F1, "gardeners").value
    assert flat["shortcut/within/macro"] == by_language.figure(WITHIN, F1).value
    assert flat["shortcut/language_gain/macro/low"] == by_language.figure(ALL, GAIN).low
    assert flat["shortcut/masked_fall/macro"] == by_language.figure(ALL, NAMES_FALL).value
    assert flat["shortcut/masked_message_share"] == 0.0
    assert [name for name in flat if not re.fullmatch(r"[\w./ -]+", name)] == []


def test_every_figure_goes_into_the_whole_report(by_language: ShortcutReport) -> None:
    whole = by_language.as_dict()
    # 5 metrics, 4 parts (all, de, en, the mean of both), 3 audiences and macro
    assert isinstance(whole["figures"], list)
    assert len(whole["figures"]) == 5 * 4 * 4
    assert whole["figures"][0]["audience"] == "gardeners"


def test_an_unknown_figure_is_a_fault(by_language: ShortcutReport) -> None:
    with pytest.raises(ValueError, match="no figure de f1 nobody"):
        by_language.figure("de", F1, "nobody")


def test_sentences_set_the_fall_beside_that_of_other_words(named: tuple[ShortcutReport, pd.DataFrame]) -> None:
    found, _ = named
    fall, others, excess = (found.figure(ALL, metric).shown() for metric in (NAMES_FALL, OTHERS_FALL, NAMES_EXCESS))
    last, n = found.sentences()[-1], found.masking.n_words
    assert re.match(r"Names of people and countries stand in \d\d% of", last)
    assert last.endswith(
        f"with these {n} words masked, macro-F1 falls by {fall}, with {n} other words of the same messages masked by "
        f"{others}; paired difference {excess}."
    )


def test_the_two_falls_are_compared_in_pairs(named: tuple[ShortcutReport, pd.DataFrame]) -> None:
    found, _ = named
    fall, others, excess = (
        found.figure(ALL, metric, "readers").value for metric in (NAMES_FALL, OTHERS_FALL, NAMES_EXCESS)
    )
    assert fall is not None
    assert others is not None
    assert excess == pytest.approx(fall - others)


def test_where_a_message_has_too_few_other_words_fewer_are_masked_and_counted(
    tiny_run: TinyRun, scorer: Scorer, frame: pd.DataFrame
) -> None:
    # names alone, two words of them: no other word is there to be masked
    texts = [
        "Norway, Sweden" if lang == "en" else text for text, lang in zip(frame["text"], frame["lang"], strict=True)
    ]
    own = frame.assign(text=texts)
    chosen = label_array(own, tiny_run.params.audience_ids)
    found = report(tiny_run, scorer, own, chosen, ~chosen)
    n = int((frame["lang"] == "en").sum())
    assert (found.masking.n_words, found.masking.n_other_words) == (2 * n, 0)
    assert f"these {2 * n} words masked, " in found.sentences()[-1]
    assert "with 0 other words of the same messages" in found.sentences()[-1]


def test_macro_is_the_mean_of_the_audiences(by_language: ShortcutReport) -> None:
    values = [by_language.figure("de", F1, audience).value or 0.0 for audience in ("gardeners", "cyclists", "readers")]
    assert by_language.figure("de", F1, MACRO).value == pytest.approx(np.mean(values))


def test_languages_in_which_no_gain_over_language_is_shown_are_open(by_language: ShortcutReport) -> None:
    # the contender decides by language alone: nothing is gained anywhere
    assert {figure.part for figure in by_language.open_languages()} == {"en", "de"}
    assert all(figure.value == 0.0 for figure in by_language.open_languages())
