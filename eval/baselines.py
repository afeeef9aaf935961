"""What a model has to beat, on the same messages: majority, language alone, TF-IDF with logistic regression.

Each is fitted on train; thresholds are chosen on dev by F1, as the model's are by its out-of-fold scores.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from segmenter.metrics import best_threshold
from segmenter.params import Eval, Params
from segmenter.prepared import label_array
from segmenter.text import clean

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
    """Every baseline's judgement of `judged`, fitted on splits `train` and `dev`."""
    labels = {name: label_array(splits[name], params.audience_ids) for name in ("train", "dev")}
    found = [_majority(labels["train"], len(judged))]
    for name, scores in (("language", _language_scores), ("tfidf", _tfidf_scores)):
        dev, test = scores(params.eval, splits["train"], labels["train"], [splits["dev"], judged])
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
    """Share of each audience among the training messages of a message's language; overall share for a new language."""
    overall = labels.mean(axis=0)
    languages = train["lang"].to_numpy(str)
    shares = {lang: labels[languages == lang].mean(axis=0) for lang in np.unique(languages)}
    return [np.array([shares.get(lang, overall) for lang in frame["lang"]]) for frame in others]


def _tfidf_scores(
    settings: Eval, train: pd.DataFrame, labels: NDArray[np.bool_], others: list[pd.DataFrame]
) -> list[Floats]:
    """Words 1-2 and characters 2-5, sublinear; one balanced logistic regression an audience."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=settings.tfidf_words)
    characters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, max_features=settings.tfidf_characters
    )
    features = make_union(words, characters)
    fitted = features.fit_transform([clean(text) for text in train["text"]])
    turned = [features.transform([clean(text) for text in frame["text"]]) for frame in others]
    scores: list[list[Floats]] = [[] for _ in others]
    for column in range(labels.shape[1]):
        if labels[:, column].all() or not labels[:, column].any():  # one answer only: nothing to fit
            for place, frame in enumerate(others):
                scores[place].append(np.full(len(frame), float(labels[0, column])))
            continue
        model = LogisticRegression(C=settings.tfidf_inverse_regularisation, class_weight="balanced", max_iter=2000)
        model.fit(fitted, labels[:, column])
        for place, part in enumerate(turned):
            scores[place].append(model.predict_proba(part)[:, 1])
    return [np.stack(columns, axis=1) for columns in scores]
