"""The language shortcut: how much of each audience the language of a message gives away, its text unread."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score

from segmenter.metrics import counts
from segmenter.plain_models import language_shares

Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Shortcut:
    """What the best rule that knows the language alone makes of one audience, judged out of fold.

    Attributes:
        audience: Its id.
        balanced_accuracy: Mean of the shares found among the messages that carry it and those that do not: 0.5 is
            chance. None where too few carry it, or too few do not.
        f1: Of the same rule, likewise.
        n: Messages.
        n_true: Messages that carry it.
    """

    audience: str
    balanced_accuracy: float | None
    f1: float | None
    n: int
    n_true: int


def shortcuts(
    languages: list[str], labels: Labels, fold: NDArray[np.int64], audience_ids: list[str], *, support_at_least: int
) -> list[Shortcut]:
    """One Shortcut an audience.

    The rule of best balanced accuracy marks a message where its language carries the audience more often than the
    messages overall do; shares are those of the other folds.

    Args:
        languages: One a message.
        labels: Shape (n_messages, n_audiences).
        fold: A fold number per message.
        audience_ids: In the order of the columns.
        support_at_least: Messages that carry an audience, and that do not, for a figure.
    """
    chosen = _chosen(np.array(languages), labels, fold)
    f1 = counts(labels, chosen).f1
    found = []
    for column, audience in enumerate(audience_ids):
        truth, n_true = labels[:, column], int(labels[:, column].sum())
        if min(n_true, len(truth) - n_true) < support_at_least:
            found.append(Shortcut(audience, None, None, len(truth), n_true))
            continue
        accuracy = float(balanced_accuracy_score(truth, chosen[:, column]))
        found.append(Shortcut(audience, accuracy, float(f1[column]), len(truth), n_true))
    return found


def _chosen(languages: NDArray[np.str_], labels: Labels, fold: NDArray[np.int64]) -> Labels:
    chosen = np.zeros(labels.shape, np.bool_)
    for number in np.unique(fold):
        held = fold == number
        [shares] = language_shares(languages[~held].tolist(), labels[~held], [languages[held].tolist()])
        chosen[held] = shares > labels[~held].mean(axis=0)
    return chosen
