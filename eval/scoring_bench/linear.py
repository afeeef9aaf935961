"""`python -m eval.scoring_bench.linear tfidf …`: TF-IDF and logistic regression, timed for its speed alone.

It is fitted on the texts to warm up with and labels drawn at random: what it says means nothing.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from eval.scoring_bench.timing import Count, Logits, Order, command
from segmenter.cli import run

SEED = 17


class Linear:
    """Words 1-2 and characters 2-5 as eval.baselines has them, one regression an audience."""

    def __init__(self, order: Order) -> None:
        self.count, self.threads = Count(), "one thread"
        self.stages: dict[str, float] = {}
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        self._features = make_union(words, characters)
        fitted = self._features.fit_transform(order.warm_up)
        labels = np.random.default_rng(SEED).random((len(order.warm_up), len(order.bundle.audience_ids))) < 0.5
        labels[:2] = [[True], [False]]  # both answers of each audience
        self._models = [LogisticRegression().fit(fitted, column) for column in labels.T]

    def logits(self, texts: Sequence[str]) -> Logits:
        """Of cleaned texts."""
        features = self._features.transform(texts)
        return np.stack([model.decision_function(features) for model in self._models], axis=1).astype(np.float32)

    def gemm_per_second(self) -> float:
        """Not measured."""
        return 0.0


app = command(Linear)

if __name__ == "__main__":
    run(app)
