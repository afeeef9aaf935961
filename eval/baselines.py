"""What a model has to beat, on the same messages: majority, language alone, TF-IDF with logistic regression.

Each is fitted on train; thresholds are chosen on dev by F1, as the model's are by its out-of-fold scores.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmenter.metrics import best_threshold
from segmenter.params import Params
from segmenter.plain_models import language_shares, logistic_scores, tfidf_features
from segmenter.prepared import label_array
from segmenter.sections import Eval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Judgement:
    """What one contender says of the judged messages.

    Attributes:
        name: As in tables and metric names.
        scores: In [0, 1], shape (n_messages, n_audiences).
        chosen: Same shape.
    """

    name: str
    scores: Floats
    chosen: NDArray[np.bool_]


def baselines(params: Params, splits: dict[str, pd.DataFrame], judged: pd.DataFrame) -> list[Judgement]:
    """Every baseline's judgement of `judged`, fitted on the labels of splits `train` and `dev` that are not weak."""
    fitted = {name: splits[name][splits[name]["label_kind"] != "weak"] for name in ("train", "dev")}
    labels = {name: label_array(frame, params.audience_ids) for name, frame in fitted.items()}
    found = [_majority(labels["train"], len(judged))]
    for name, scores in (("language", _language_scores), ("tfidf", _tfidf_scores)):
        dev, test = scores(params.eval, fitted["train"], labels["train"], [fitted["dev"], judged])
        columns = range(dev.shape[1])
        thresholds = np.array([best_threshold(dev[:, i], labels["dev"][:, i], params.seed) for i in columns])
        found.append(Judgement(name, test, test >= thresholds))
    return found


def _majority(train: NDArray[np.bool_], n_messages: int) -> Judgement:
    """For each audience the more frequent answer; its score is the audience's share of train."""
    share = train.mean(axis=0)
    scores = np.tile(share, (n_messages, 1))
    return Judgement("majority", scores, scores >= 0.5)


def _language_scores(
    settings: Eval, train: pd.DataFrame, labels: NDArray[np.bool_], others: list[pd.DataFrame]
) -> list[Floats]:
    return language_shares(train["lang"].tolist(), labels, [frame["lang"].tolist() for frame in others])


def _tfidf_scores(
    settings: Eval, train: pd.DataFrame, labels: NDArray[np.bool_], others: list[pd.DataFrame]
) -> list[Floats]:
    fitted, *turned = tfidf_features([frame["text"].tolist() for frame in (train, *others)], settings)
    return logistic_scores(fitted, labels, turned, settings, balanced=True)
