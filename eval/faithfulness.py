"""Are explanations true to the model? Leaving out the top three words must lower the score more than three random ones.

Asked of messages that the model chooses an audience for. Source: DeYoung et al. 2020, ERASER (comprehensiveness). Not
here: the words' effects (segmenter.explain), whether what a model goes by is right (shortcuts.py).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eval.figures import Judged
from segmenter.explain import Explanation, WordEffect, explain, without
from segmenter.intervals import Drawn, Estimate, resample, shown
from segmenter.params import Params
from segmenter.score import Scored, Scorer

TOP = 3  # words left out
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Faithfulness:
    """How much the score of a chosen audience falls, with 95 % author-clustered intervals; None without a message.

    Attributes:
        top: Without the three words that carry the score most.
        random: Without three random ones, the mean of some draws.
        gain: The paired difference: what an explanation knows.
        n: Messages drawn (once for each audience they are chosen for) with more than three words, or runs of words.
        n_short: Drawn, but of three words or fewer, where both are the same.
    """

    top: Estimate | None
    random: Estimate | None
    gain: Estimate | None
    n: int
    n_short: int

    def as_dict(self) -> dict[str, object]:
        """As written to metrics.json."""
        return asdict(self)

    def metrics(self) -> dict[str, float]:
        """Under flat MLflow names: `faithfulness/gain`, `faithfulness/gain/low`."""
        flat: dict[str, float] = {}
        for name, one in (("top", self.top), ("random", self.random), ("gain", self.gain)):
            if one is not None:
                path = f"faithfulness/{name}"
                flat |= {path: one.value, f"{path}/low": one.low, f"{path}/high": one.high}
        return flat

    def sentence(self) -> str:
        """What it comes to, for a reader."""
        if self.top is None or self.random is None or self.gain is None:
            return f"Explanations: not evaluable, n = {self.n}."
        top, random, gain = (shown(one, ".3f") for one in (self.top, self.random, self.gain))
        return (
            f"Explanations: without the three words that carry it most, the score of a chosen audience falls by {top}, "
            f"without three random ones by {random}; n = {self.n:,}, paired difference {gain}."
        )


def faithfulness(scorer: Scorer, frame: pd.DataFrame, judged: Judged, scored: Scored, params: Params) -> Faithfulness:
    """Leave words out of messages drawn by seed among those with a score at or above the threshold.

    Args:
        scorer: Of the judged bundle.
        frame: The messages.
        judged: Their authors.
        scored: What the bundle says of them.
        params: For messages and draws, the words left out, rounds and seed.
    """
    random = np.random.default_rng(params.seed)
    pairs = np.argwhere(scored.verdicts.chosen)
    n_drawn = min(len(pairs), params.eval.faithfulness_messages)
    pairs = pairs[np.sort(random.choice(len(pairs), n_drawn, replace=False))]
    explained = list(_explained(scorer, frame["text"].tolist(), pairs, params))
    kept = np.array([len(found.words) > TOP for found in explained], np.bool_)
    pairs, explained = pairs[kept], [found for found in explained if len(found.words) > TOP]
    if not len(pairs):
        return Faithfulness(None, None, None, 0, n_drawn)
    drawn = [_top(found.words) for found in explained]
    for _ in range(params.eval.faithfulness_draws):
        drawn += [[found.words[place] for place in random.choice(len(found.words), TOP, False)] for found in explained]
    drops = _drops(scorer, explained, drawn, pairs[:, 1])
    means = np.stack([drops[0], drops[1:].mean(axis=0), drops[0] - drops[1:].mean(axis=0)], axis=1)
    top, rest, gain = _means(means, judged.clusters[pairs[:, 0]], params)
    return Faithfulness(top, rest, gain, len(pairs), int(n_drawn - len(pairs)))


def _explained(scorer: Scorer, texts: list[str], pairs: NDArray[np.int64], params: Params) -> Iterator[Explanation]:
    """The explanation of each pair of message and audience (rows of places), in their order."""
    by_audience = {
        column: iter(explain(scorer, [texts[row] for row, one in pairs if one == column], audience, params.explain))
        for column, audience in enumerate(scorer.bundle.audience_ids)
        if (pairs[:, 1] == column).any()
    }
    return (next(by_audience[column]) for column in pairs[:, 1])


def _top(words: list[WordEffect]) -> list[WordEffect]:
    return sorted(words, key=lambda word: -word.log_odds)[:TOP]


def _drops(
    scorer: Scorer, explained: list[Explanation], left_out: list[list[WordEffect]], columns: NDArray[np.int64]
) -> Floats:
    """By how much each score falls, shape (n_left_out / n_explained, n_explained); `left_out` comes round by round."""
    n_rounds = len(left_out) // len(explained)
    parts = [without(found.text, words) for found, words in zip(explained * n_rounds, left_out, strict=True)]
    scores = scorer.score(parts).scores[np.arange(len(parts)), np.tile(columns, n_rounds)].astype(np.float64)
    return np.array([found.score for found in explained]) - scores.reshape(n_rounds, -1)


def _means(values: Floats, clusters: NDArray[np.int64], params: Params) -> list[Estimate]:
    """The mean of each column over the messages."""
    resamples = resample(clusters, n_rounds=params.eval.bootstrap_rounds, seed=params.seed)
    everything = np.ones(values.shape, np.bool_)
    rows = resamples.sums(values) / resamples.sums(everything)
    drawn = Drawn(rows[0], rows[1:], resamples.n_effective(everything), least=-1.0)
    return [drawn.estimate(np.arange(values.shape[1]) == column) for column in range(values.shape[1])]
