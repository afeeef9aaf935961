"""What each decision weighs in the loss: rare audiences more, what the language alone would tell less."""

import numpy as np
from numpy.typing import NDArray

from segmenter.sections import Train
from training.examples import Examples

Floats = NDArray[np.float64]


def class_weights(labels: NDArray[np.bool_], balance: float) -> Floats:
    """Weight of a true label per audience: (negatives / positives) ** balance; 1.0 for an audience nobody carries."""
    positives = labels.sum(axis=0)
    ratio = (len(labels) - positives) / np.maximum(positives, 1)
    return np.where(positives > 0, np.maximum(ratio, 1e-9) ** balance, 1.0)


def decision_weights(examples: Examples, settings: Train) -> Floats:
    """What each message weighs for each audience, shape (n_messages, n_audiences): its own weight and its language's."""
    by_language = language_weights(examples, settings.language_balance)
    return examples.weights[:, None] * np.minimum(by_language, settings.language_weight_at_most)


def language_weights(examples: Examples, balance: float) -> Floats:
    """Weights under which each audience is as frequent in every language as overall, shape (n_messages, n_audiences).

    With `n` the (weighted) messages of a language and `p` and `own` the shares of an audience overall and among them,
    its true labels weigh p / own and its false ones (1 - p) / (1 - own). They then sum to n * p and n * (1 - p):
    language and label are independent, and no language gains or loses weight. As an exponent, `balance` goes between:
    the log-odds of the label in a language are a mean of its own and the overall ones.

    A language with one answer alone still tells it, for there is nothing there to balance it with.

    Source: Kamiran and Calders 2012, Data preprocessing techniques for classification without discrimination, 4.2.
    """
    found = np.ones(examples.labels.shape)
    overall = np.average(examples.labels, axis=0, weights=examples.weights)
    for language in np.unique(examples.languages):
        inside = examples.languages == language
        labels = examples.labels[inside]
        own = np.average(labels, axis=0, weights=examples.weights[inside])
        with np.errstate(divide="ignore", invalid="ignore"):  # of the answer that does not occur
            found[inside] = np.where(labels, overall / own, (1 - overall) / (1 - own))
    return found**balance
