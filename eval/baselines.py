"""What a model has to beat, on the same messages: majority, language alone, TF-IDF with logistic regression, versions.

The first three are fitted on train; thresholds are chosen on dev by F1, as the model's are by its out-of-fold scores.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmenter.bundle import Bundle
from segmenter.errors import BundleError, TableError
from segmenter.metrics import best_threshold
from segmenter.params import Params
from segmenter.plain_models import language_shares, logistic_scores, tfidf_features
from segmenter.prepared import label_array
from segmenter.score import Scored
from segmenter.sections import Eval

Floats = NDArray[np.float64]
NAMES = ("majority", "language", "tfidf")


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

    def within(self, mask: NDArray[np.bool_]) -> "Judgement":
        """On some of the messages."""
        return Judgement(self.name, self.scores[mask], self.chosen[mask])


@dataclass(frozen=True)
class Earlier:
    """A bundle that the judged one is set against, and its name in tables and metrics."""

    name: str
    bundle: Bundle


def earlier(named: str, bundle: Bundle) -> Earlier:
    """A bundle as a user named it: `earlier champion` for `models:/audience@champion`, `earlier 3` for `models:/audience/3`."""
    version = re.fullmatch(r"models:/[^/@]+[/@](.+)", named)
    return Earlier(f"earlier {version.group(1) if version else bundle.digest[:8]}", bundle)


def refuse_unfair(params: Params, bundle: Bundle, frame: pd.DataFrame, *, split: str, where: object) -> None:
    """See to it that a bundle can be judged on the messages of a split.

    Args:
        params: Of the evaluation.
        bundle: To be judged.
        frame: The messages.
        split: Their name.
        where: What the user knows the bundle by.

    Raises:
        BundleError: Other audiences than the params', or it was trained on some of the messages.
        TableError: The split has no messages.
    """
    if not len(frame):
        raise TableError(
            f"split {split!r}", "has no messages", "name another with --split, or bring labelled messages for it"
        )
    if bundle.audience_ids != params.audience_ids:
        found = f"its audiences are {', '.join(bundle.audience_ids)}, the params' {', '.join(params.audience_ids)}"
        raise BundleError(where, found, "evaluate it with the params it was trained with")
    seen = frame["key"].isin(bundle.row_keys)
    if seen.any():
        example = frame.loc[seen, "id"].iloc[0]
        found = f"was trained on {int(seen.sum())} of the {len(frame)} messages of split {split!r}, such as {example}"
        raise BundleError(where, found, "judge it on messages it has not seen")


def refuse_twice(bundle: Bundle, against: Sequence[Earlier]) -> None:
    """See to it that no bundle is set against itself.

    Raises:
        BundleError: One of `against` is the judged bundle, or is there twice.
    """
    for place, other in enumerate(against):
        if other.bundle.digest in [bundle.digest, *(part.bundle.digest for part in against[:place])]:
            raise BundleError(other.name, f"is bundle {other.bundle.name}, which is judged already", "name another")


def judgement(name: str, scored: Scored) -> Judgement:
    """What a bundle says."""
    return Judgement(name, scored.scores.astype(np.float64), scored.verdicts.chosen)


def baselines(
    params: Params, splits: dict[str, pd.DataFrame], judged: pd.DataFrame, names: Sequence[str] = NAMES
) -> list[Judgement]:
    """Judgements of `judged` by some baselines, fitted on splits `train` and `dev`: on weak labels if there are no others."""
    fitted = {name: _trusted(splits[name]) for name in ("train", "dev")}
    labels = {name: label_array(frame, params.audience_ids) for name, frame in fitted.items()}
    found = [_majority(labels["train"], len(judged))] if "majority" in names else []
    for name, scores in (("language", _language_scores), ("tfidf", _tfidf_scores)):
        if name in names:
            dev, test = scores(params.eval, fitted["train"], labels["train"], [fitted["dev"], judged])
            columns = range(dev.shape[1])
            thresholds = np.array([best_threshold(dev[:, i], labels["dev"][:, i], params.seed) for i in columns])
            found.append(Judgement(name, test, test >= thresholds))
    return found


def _trusted(frame: pd.DataFrame) -> pd.DataFrame:
    trusted = frame[frame["label_kind"] != "weak"]
    return frame if trusted.empty else trusted


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
