"""eval/bench_shares.py and eval/shares_bench: corpora whose shares are known, and what is said of them."""

from dataclasses import replace

import numpy as np
import pytest

from eval.bench_shares import CUTS, as_json, tables
from eval.shares_bench.breaks import half_the_words, inner_letters_mixed, letters_mixed
from eval.shares_bench.corpora import LEAST, MOST, corpus, cut
from eval.shares_bench.labelled import Labelled
from eval.shares_bench.picture import chart
from eval.shares_bench.report import line, sampled_held, warned
from eval.shares_bench.trials import ALL, Outcome, Plan, Sampled, Trial, trials, trials_of
from segmenter.params import load_settings

FAST = load_settings(None).summary.model_copy(update={"share_draws": 60})
TEXT = "gardeners water the seedlings before noon"


def labelled(n: int = 3000) -> Labelled:
    """Invented messages for cyclists, readers or nobody, five an author; two languages, and a few of a third."""
    draw = np.random.default_rng(1)
    kind = draw.integers(0, 3, n)
    truth = np.column_stack([kind == 0, kind == 1])
    scores = 1 / (1 + np.exp(-np.where(truth, 2, -2) + draw.normal(0, 1.5, (n, 2))))
    chosen = scores >= 0.4
    languages = np.where(np.arange(n) % 200 == 0, "nl", np.where(draw.random(n) < 0.5, "en", "de"))
    ids = ["cyclists", "readers"]
    return Labelled(ids, scores.astype(np.float32), chosen, scores >= 0.6, truth, languages, np.arange(n) // 5)


def outcome(truth: float, value: float, *, counted: float = 0.0, is_focus: bool = True) -> Outcome:
    """The interval is 0.1 to either side."""
    found = {"value": value, "low": value - 0.1, "high": value + 0.1}
    return Outcome(0, 0, "cyclists", ALL, is_focus, n=100, truth=truth, counted=counted, clear=0.0, **found)


def test_no_author_is_on_both_sides_of_a_cut() -> None:
    known, side = cut(labelled(), np.random.default_rng(2))
    assert set(known.clusters.tolist()).isdisjoint(side.clusters.tolist())
    assert len(known) + len(side) == 3000
    assert 1300 < len(known) < 1700


def test_a_corpus_has_the_share_that_was_drawn_in_each_language() -> None:
    side, shares = labelled(), []
    for seed in range(60):
        made = side.part(corpus(side, 1000, 0, np.random.default_rng(seed)))
        assert len(made) == 1000
        assert set(made.languages.tolist()) <= {"en", "de"}  # 15 messages are too few to draw from
        shares.append(made.truth[:, 0].mean())
    assert min(shares) < 0.15
    assert max(shares) > 0.55
    assert min(shares) > LEAST - 0.02
    assert max(shares) < MOST + 0.05


def test_garbled_text_has_the_letters_of_the_text() -> None:
    draw = np.random.default_rng(3)
    mixed, inner, half = (change(TEXT, draw) for change in (letters_mixed, inner_letters_mixed, half_the_words))
    assert [sorted(word) for word in mixed.split()] == [sorted(word) for word in TEXT.split()]
    assert mixed != TEXT
    assert [(word[0], word[-1]) for word in inner.split()] == [(word[0], word[-1]) for word in TEXT.split()]
    assert len(half.split()) == 3
    assert set(half.split()) < set(TEXT.split())


def test_words_of_one_letter_stay() -> None:
    assert inner_letters_mixed("a b", np.random.default_rng(1)) == "a b"


def test_outcomes_add_up_to_a_line() -> None:
    # errors .05 and .2, the second beyond its interval; counting is off by .4 and .6
    found = line([outcome(0.4, 0.45), outcome(0.6, 0.4)], "cyclists", "all")
    assert (found.n, found.held) == (2, 0.5)
    assert [found.error, found.bias, found.counted_error, found.width] == pytest.approx([0.125, -0.075, 0.5, 0.2])
    assert found.ratio == pytest.approx(0.25)


def test_shares_from_labels_are_asked_about_from_five_percent() -> None:
    own = [Sampled("cyclists", 0.04, 0.5, 0.4, 0.6, 9), Sampled("cyclists", 0.05, 0.05, 0.0, 0.1, 9)]
    trial = Trial([outcome(0.4, 0.4)], own, 0.5, is_unlike=False)
    assert sampled_held([trial]) == (1.0, 1)
    assert warned([trial, replace(trial, is_unlike=True)]) == 0.5


def test_trials_know_the_truth_and_are_told_in_tables_and_a_picture() -> None:
    whole = labelled()
    plan = Plan(n_cuts=8, n_corpora=2, n_messages=400, n_labels=100)
    found = list(trials(whole, plan, FAST, seed=1))
    assert len(found) == 16
    assert np.mean([one.held for trial in found for one in trial.outcomes]) > 0.85
    assert {one.language for trial in found for one in trial.outcomes} == {ALL, "en", "de"}
    own = list(trials_of(whole, whole, plan, FAST, seed=1))
    kinds = {CUTS: found, "as they are": own, "letters mixed": own}
    assert as_json(kinds)["letters mixed"]["n_corpora"] == 8
    text = "\n".join(tables(kinds))
    assert "| corrected 95 % intervals hold: 92%" in text
    assert "| cyclists | in focus | 8 |" in text
    assert len(chart(found).to_dict()["hconcat"]) == 3
