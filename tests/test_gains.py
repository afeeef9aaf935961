"""eval/gains.py: several runs against a baseline on the same resampled messages."""

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from numpy.typing import NDArray

from eval.decisions import Decisions
from eval.gains import Gain, gains
from segmenter.params import load_params

SETTINGS = load_params(REPOSITORY / "params.yaml").eval.model_copy(
    update={
        "calibration_bins": 1,
        "bootstrap_rounds": 400,
        "slice_support_at_least": 2,
        "conclusion_support_at_least": 3,
        "slices": [],
        "period": "year",
        "length_words": [],
    }
)
# Forty messages by forty authors, half English and half German; every second one is for gardeners, every fourth for cyclists.
TRUTH = np.column_stack([np.arange(40) % 2 == 0, np.arange(40) % 4 == 0])
Labels = NDArray[np.bool_]


def run(model: Labels, tfidf: Labels, clusters: NDArray[np.int64] | None = None) -> Decisions:
    about = {
        "row": range(40),
        "key": [f"k{number}" for number in range(40)],
        "cluster": np.arange(40) if clusters is None else clusters,
        "in all": True,
        "in lang=en": np.arange(40) % 2 == np.repeat([0, 1], 20),  # gardeners are all English first, then all German
    }
    labels = {"truth": TRUTH, "model": model, "tfidf": tfidf}
    columns = {
        f"{name}_{audience}": chosen[:, i]
        for name, chosen in labels.items()
        for i, audience in enumerate(("gardeners", "cyclists"))
    }
    return Decisions(pd.DataFrame(about | columns), ["gardeners", "cyclists"])


def missing(places: range) -> Labels:
    """The truth, but nothing chosen of some messages."""
    chosen = TRUTH.copy()
    chosen[list(places)] = False
    return chosen


def of(runs: list[Decisions], audience: str = "macro", part: str = "all") -> Gain:
    return next(gain for gain in gains(runs, "tfidf", SETTINGS, 1) if (gain.part, gain.audience) == (part, audience))


def test_a_gain_is_the_mean_over_runs_less_the_baseline() -> None:
    # gardeners, 20 true. Run one finds all: F1 1. Run two misses those of the first 20 messages, 10: 2 * 10 / (20 + 10) = 2/3.
    # TF-IDF misses them too: 2/3. Mean (1 + 2/3) / 2 = 5/6; gain 5/6 - 2/3 = 1/6
    half = missing(range(20))
    gain = of([run(TRUTH, half), run(half, half)], "gardeners")
    assert (gain.model, gain.baseline, gain.gain) == (pytest.approx(5 / 6), pytest.approx(2 / 3), pytest.approx(1 / 6))
    assert (gain.least, gain.most) == (pytest.approx(2 / 3), 1.0)


def test_the_macro_gain_is_the_mean_over_audiences() -> None:
    # cyclists, 10 true, 5 of them among the first 20 messages: 2 * 5 / (10 + 5) = 2/3 as well
    half = missing(range(20))
    assert of([run(TRUTH, half)]).gain == pytest.approx(1 / 3)


def test_a_gain_says_on_how_many_messages_it_rests() -> None:
    gain = of([run(TRUTH, TRUTH)], "cyclists")
    assert (gain.n, gain.n_true) == (40, 10)


def test_a_model_that_equals_the_baseline_gains_nothing_for_sure() -> None:
    half = missing(range(20))
    gain = of([run(half, half)])
    assert (gain.gain, gain.low, gain.high, gain.verdict) == (0.0, 0.0, 0.0, "open")


def test_a_model_that_errs_as_often_elsewhere_has_an_interval_with_zero_in_it() -> None:
    gain = of([run(missing(range(10)), missing(range(10, 20)))])
    assert gain.low < 0 < gain.high
    assert gain.verdict == "open"


def test_a_clearly_better_model_has_an_interval_without_zero() -> None:
    gain = of([run(TRUTH, missing(range(20)))])
    assert 0 < gain.low < gain.gain < gain.high
    assert gain.verdict == "better"


def test_a_clearly_worse_model_is_called_worse() -> None:
    assert of([run(missing(range(20)), TRUTH)]).verdict == "worse"


def test_messages_of_one_author_show_nothing() -> None:
    # whatever was gained on them may be lost on the next author's
    gain = of([run(TRUTH, missing(range(20)), np.zeros(40, np.int64))])
    assert (gain.gain, gain.low, gain.high) == (pytest.approx(1 / 3), -1.0, 1.0)
    assert gain.verdict == "open"


def test_runs_are_averaged_within_each_resample() -> None:
    # two runs whose gains cancel in every resample: TF-IDF misses nothing that both miss, and the reverse
    first, second = missing(range(10)), missing(range(10, 20))
    gain = of([run(first, second), run(second, first)])
    assert (gain.low, gain.high) == (pytest.approx(0.0), pytest.approx(0.0))


def test_a_language_is_judged_on_its_messages_alone() -> None:
    # English: even places below 20, odd ones from 20: 20 messages, gardeners are the ten below 20, all missed by TF-IDF
    gain = of([run(TRUTH, missing(range(20)))], "gardeners", "lang=en")
    assert (gain.n, gain.n_true, gain.gain) == (20, 10, 1.0)


def test_a_slice_of_one_audience_has_no_macro_line() -> None:
    few = SETTINGS.model_copy(update={"slice_support_at_least": 6})  # cyclists: 5 in English
    names = [gain.audience for gain in gains([run(TRUTH, TRUTH)], "tfidf", few, 1) if gain.part == "lang=en"]
    assert names == ["gardeners"]


def test_a_gain_is_conclusive_where_enough_carry_the_audience_and_enough_do_not() -> None:
    # English: gardeners 10 of 20, cyclists 5 of 20
    asked = SETTINGS.model_copy(update={"conclusion_support_at_least": 6})
    found = {
        gain.audience: gain.conclusive
        for gain in gains([run(TRUTH, TRUTH)], "tfidf", asked, 1)
        if gain.part == "lang=en"
    }
    assert found == {"macro": False, "gardeners": True, "cyclists": False}
