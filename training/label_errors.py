"""Likely label errors: cleanlab's confident learning on out-of-fold scores of TF-IDF models, as a ranked file to review.

Every labelled message is scored by a model that saw neither it, nor its author, nor a near-copy; held-out messages are
audited too. These models are thrown away: no model that is kept learns from a fold here. They learn from trusted labels
where there are enough: weak ones are wrong in numbers, and are judged by them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from cleanlab.count import get_confident_thresholds
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray

from segmenter.params import Params
from segmenter.plain_models import logistic_scores, tfidf_features
from segmenter.sections import Eval
from segmenter.sources.label_studio import NONE, result

Labels = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Suspicion:
    """A message whose labels are likely wrong.

    Attributes:
        place: Its row in the frame of labelled messages.
        quality: Out-of-fold score of the least likely of its doubted labels, marked or not, in [0, 1]; low is suspicious.
        suggested: Its audiences with every doubted label turned round.
        reason: Why, in words.
    """

    place: int
    quality: float
    suggested: list[str]
    reason: str


def label_errors(frame: pd.DataFrame, labels: Labels, fold: NDArray[np.int64], params: Params) -> list[Suspicion]:
    """Messages with a doubted label: the trusted ones first, then the weak ones, each the most suspicious first.

    Args:
        frame: As read_labels returns it.
        labels: Shape (n_messages, n_audiences).
        fold: A fold number per message; what belongs together shares one.
        params: Audiences, and the section `eval`.
    """
    support, trusted = params.eval.slice_support_at_least, (frame["label_kind"] != "weak").to_numpy()
    learned = trusted if _has_support(labels[trusted], support).all() else np.ones_like(trusted)
    scores = out_of_fold_scores(frame["text"].tolist(), labels, fold, learned, params.eval)
    found = suspicions(labels, scores, learned, params.audience_ids, support_at_least=support)
    return sorted(found, key=lambda one: not trusted[one.place])


def _has_support(labels: Labels, at_least: int) -> Labels:
    """Which audiences enough messages carry, and enough do not."""
    n_true = labels.sum(axis=0)
    return np.asarray(np.minimum(n_true, len(labels) - n_true) >= at_least)


def out_of_fold_scores(
    texts: list[str], labels: Labels, fold: NDArray[np.int64], learned: NDArray[np.bool_], settings: Eval
) -> Floats:
    """Scores of every message by models of the `learned` messages of other folds; words are weighted over all texts."""
    [features] = tfidf_features([texts], settings)
    scores = np.zeros(labels.shape)
    for number in np.unique(fold):
        held, others = fold == number, learned & (fold != number)
        [scores[held]] = logistic_scores(features[others], labels[others], [features[held]], settings, balanced=False)
    return scores


def suspicions(
    labels: Labels, scores: Floats, learned: NDArray[np.bool_], audience_ids: list[str], *, support_at_least: int
) -> list[Suspicion]:
    """Messages with a doubted label, the most suspicious first.

    Args:
        labels: Shape (n_messages, n_audiences).
        scores: Out of fold, same shape.
        learned: Messages that the models learned from; they say which score is a usual one.
        audience_ids: In the order of the columns.
        support_at_least: Learned messages that carry an audience, and that do not, for its labels to be doubted.

    Source: Northcutt et al. 2021, Confident Learning: a label is doubted where the other answer is the likelier one, and
        no less likely than it is on average among the messages with that answer.
    """
    doubted, quality = np.zeros(labels.shape, np.bool_), np.ones(labels.shape)
    for column in np.flatnonzero(_has_support(labels[learned], support_at_least)):
        answers = labels[:, column].astype(np.int64)
        both = np.stack([1 - scores[:, column], scores[:, column]], axis=1)
        usual = get_confident_thresholds(answers[learned], both[learned])
        other = both[np.arange(len(both)), 1 - answers]
        doubted[:, column] = (other >= usual[1 - answers]) & (other > 0.5)
        quality[:, column] = get_label_quality_scores(answers, both)
    lowest = np.where(doubted, quality, 1.0).min(axis=1)
    places = np.flatnonzero(doubted.any(axis=1))
    return [
        Suspicion(
            int(place),
            float(lowest[place]),
            [audience_ids[column] for column in np.flatnonzero(labels[place] ^ doubted[place])],
            _reason(labels[place], scores[place], doubted[place], audience_ids),
        )
        for place in places[np.argsort(lowest[places], kind="stable")]
    ]


def _reason(labels: Labels, scores: Floats, doubted: Labels, audience_ids: list[str]) -> str:
    marked = ("not marked", "marked")
    return "; ".join(
        f"{audience_ids[i]} is {marked[int(labels[i])]} but scores {scores[i]:.2f} out of fold"
        for i in np.flatnonzero(doubted)
    )


def tasks(frame: pd.DataFrame, found: list[Suspicion]) -> list[dict[str, object]]:
    """Label Studio tasks in the order of `found`, the current labels as predictions; for training/label_studio.xml."""
    return [_task(rank, frame.iloc[one.place], one) for rank, one in enumerate(found, start=1)]


def _task(rank: int, message: pd.Series, suspicion: Suspicion) -> dict[str, object]:
    current = message["audiences"]
    data = {
        "rank": rank,
        "text": message["text"],
        "current": ";".join(current) or NONE,
        "suggested": ";".join(suspicion.suggested) or NONE,
        "reason": suspicion.reason,
        "quality": round(suspicion.quality, 4),
        **{name: str(message[name]) for name in ("id", "table", "line", "lang", "label_kind", "split")},
    }
    return {"data": data, "predictions": [{"model_version": "current labels", "result": [result(current)]}]}
