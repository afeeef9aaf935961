"""What transformers and labels are measured against: language alone, and TF-IDF with logistic regression.

Fitted where they are used, never sealed into a bundle. Not here: thresholds and judgements (eval/baselines.py).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from segmenter.sections import Eval
from segmenter.text import clean

Labels = NDArray[np.bool_]
Floats = NDArray[np.float64]


def language_shares(languages: Sequence[str], labels: Labels, others: list[Sequence[str]]) -> list[Floats]:
    """Share of each audience among the labelled messages of a language; the overall share for a new language.

    Args:
        languages: Of the labelled messages.
        labels: Shape (n_messages, n_audiences).
        others: Languages of the messages to score, list by list.

    Returns:
        Scores of each list of `others`, shape (n_messages, n_audiences).
    """
    overall, known = labels.mean(axis=0), np.asarray(languages, str)
    shares = {language: labels[known == language].mean(axis=0) for language in np.unique(known)}
    return [np.array([shares.get(language, overall) for language in part]) for part in others]


def tfidf_features(parts: list[Sequence[str]], settings: Eval) -> list[csr_array]:
    """Cleaned texts as words 1-2 and characters 2-5, sublinear; vocabulary and weights are those of the first part."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=settings.tfidf_words)
    characters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, max_features=settings.tfidf_characters
    )
    features = make_union(words, characters)
    first, *others = [[clean(text) for text in part] for part in parts]
    return [csr_array(features.fit_transform(first)), *(csr_array(features.transform(part)) for part in others)]


def logistic_scores(
    fitted: csr_array, labels: Labels, others: list[csr_array], settings: Eval, *, balanced: bool
) -> list[Floats]:
    """Scores of each of `others` by one logistic regression an audience, fitted on `fitted` and its labels.

    Args:
        fitted: Features, shape (n_messages, n_features).
        labels: Shape (n_messages, n_audiences).
        others: Features of the messages to score.
        settings: The inverse regularisation is taken from them.
        balanced: Messages that carry an audience weigh as much as those that do not: finds rare ones, scores too high.
    """
    scores: list[list[Floats]] = [[] for _ in others]
    for column in range(labels.shape[1]):
        if labels[:, column].all() or not labels[:, column].any():  # one answer only: nothing to fit
            for place, part in enumerate(others):
                scores[place].append(np.full(part.shape[0], float(labels[0, column])))
            continue
        weight = "balanced" if balanced else None
        model = LogisticRegression(C=settings.tfidf_inverse_regularisation, class_weight=weight, max_iter=2000)
        model.fit(fitted, labels[:, column])
        for place, part in enumerate(others):
            scores[place].append(model.predict_proba(part)[:, 1])
    return [np.stack(columns, axis=1) for columns in scores]
