import numpy as np
import pandas as pd
import pytest
from conftest import PHRASES, WORDS, TinyRun

from eval.faithfulness import Faithfulness, faithfulness
from eval.figures import Judged
from segmenter.intervals import Estimate
from segmenter.score import Scorer, open_scorer

# One word for gardeners among words for nobody: it alone carries the score.
TEXTS = [f"gardeners, the {word} bakery sells rolls until six" for word in WORDS]
OTHERS = [PHRASES[""]["en"].split("|")[1].format(word) for word in WORDS]


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, tiny_run.params.score)


def found(scorer: Scorer, run: TinyRun, texts: list[str], **settings: int) -> Faithfulness:
    params = run.params.model_copy(update={"eval": run.params.eval.model_copy(update=settings)})
    frame = pd.DataFrame({"text": texts})
    judged = Judged(np.zeros((len(texts), 3), np.bool_), np.arange(len(texts)), {}, params.audience_ids)
    return faithfulness(scorer, frame, judged, scorer.score(texts), params)


def test_the_top_words_carry_more_than_random_ones(scorer: Scorer, tiny_run: TinyRun) -> None:
    one = found(scorer, tiny_run, TEXTS + OTHERS)
    assert one.top is not None
    assert one.random is not None
    assert one.gain is not None
    assert one.gain.low > 0
    assert one.gain.value == pytest.approx(one.top.value - one.random.value)


def test_messages_that_nobody_is_chosen_for_are_left_out(scorer: Scorer, tiny_run: TinyRun) -> None:
    n_chosen = int(scorer.score(TEXTS + OTHERS).verdicts.chosen.sum())
    assert 0 < n_chosen < 2 * len(WORDS)
    assert found(scorer, tiny_run, TEXTS + OTHERS).n == n_chosen


def test_no_more_messages_are_asked_than_params_say(scorer: Scorer, tiny_run: TinyRun) -> None:
    assert found(scorer, tiny_run, TEXTS, faithfulness_messages=4).n == 4


def test_the_same_seed_gives_the_same_figures(scorer: Scorer, tiny_run: TinyRun) -> None:
    one, other = (found(scorer, tiny_run, TEXTS, faithfulness_messages=4) for _ in range(2))
    assert one == other


def test_a_message_of_three_words_is_no_test(scorer: Scorer, tiny_run: TinyRun) -> None:
    # all three words are the top three and the random three
    assert scorer.score(["gardeners, red beds"]).verdicts.chosen.sum() == 1
    one = found(scorer, tiny_run, ["gardeners, red beds"])
    assert (one.n, one.n_short, one.gain) == (0, 1, None)


def test_where_nobody_is_chosen_nothing_is_evaluable(scorer: Scorer, tiny_run: TinyRun) -> None:
    one = found(scorer, tiny_run, OTHERS[:2])
    assert one == Faithfulness(None, None, None, 0, 0)
    assert (one.metrics(), one.sentence()) == ({}, "Explanations: not evaluable, n = 0.")


def test_metrics_have_flat_names_and_bounds() -> None:
    top, random, gain = (Estimate(value, value - 0.1, value + 0.1, 9.0) for value in (0.5, 0.1, 0.4))
    one = Faithfulness(top, random, gain, 9, 0)
    assert one.metrics() == {
        **{"faithfulness/top": 0.5, "faithfulness/top/low": 0.4, "faithfulness/top/high": 0.6},
        **{"faithfulness/random": 0.1, "faithfulness/random/low": 0.0, "faithfulness/random/high": 0.2},
        **{"faithfulness/gain": 0.4, "faithfulness/gain/low": pytest.approx(0.3), "faithfulness/gain/high": 0.5},
    }
