"""Messages whose labels and scores are known: those in a bundle's out-of-fold table, or a split that the bundle scores."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eval.figures import author_clusters
from segmenter.bundle import Bundle
from segmenter.calibration import Labels, Scores, judge, to_scores
from segmenter.out_of_fold import read_out_of_fold
from segmenter.params import Params
from segmenter.prepared import label_array, read_split
from segmenter.score import Scorer
from segmenter.shares.ground import Ground, grounds


@dataclass(frozen=True)
class Labelled:
    """Messages; arrays of shape (n_messages, n_audiences) or (n_messages,).

    Attributes:
        audience_ids: In the order of the columns.
        scores: Calibrated.
        chosen: At or above the threshold.
        clear: At or above the uncertain band: what the summary counts.
        truth: Labels.
        languages: As detected or labelled.
        clusters: Authors.
    """

    audience_ids: list[str]
    scores: Scores
    chosen: Labels
    clear: Labels
    truth: Labels
    languages: NDArray[np.str_]
    clusters: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.truth)

    def part(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "Labelled":
        """Some of the messages."""
        arrays = ("scores", "chosen", "clear", "truth", "languages", "clusters")
        return replace(self, **{name: getattr(self, name)[places] for name in arrays})

    @property
    def grounds(self) -> dict[str, Ground]:
        """What each audience is corrected by, where these are the calibration messages."""
        return grounds(
            self.audience_ids,
            scores=self.scores,
            truth=self.truth,
            languages=self.languages,
            clusters=self.clusters,
        )


def out_of_fold_messages(bundle: Bundle) -> Labelled:
    """The calibration messages of a bundle, judged by fold models."""
    found = read_out_of_fold(bundle)
    return _judged(
        bundle, to_scores(found.logits, bundle.manifest.calibration), found.truth, found.languages, found.clusters
    )


def split_messages(params: Params, bundle: Bundle, split: str, change: Callable[[str], str]) -> Labelled:
    """A prepared split, its texts changed, without what is out of scope then; judged by the bundle itself."""
    frame = read_split(params, split)
    truth, clusters = label_array(frame, params.audience_ids), author_clusters(frame)
    scored = Scorer(bundle, params.score).score([change(text) for text in frame["text"]])
    whole = _judged(bundle, scored.scores, truth, np.array(scored.languages, np.str_), clusters)
    return whole.part(np.array([not why for why in scored.scope], np.bool_))


def _judged(
    bundle: Bundle, scores: Scores, truth: Labels, languages: NDArray[np.str_], clusters: NDArray[np.int64]
) -> Labelled:
    verdicts = judge(scores, bundle.manifest.calibration)
    return Labelled(bundle.audience_ids, scores, verdicts.chosen, verdicts.clear, truth, languages, clusters)
