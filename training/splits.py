"""Which message trains, which one tunes, which one tests: never an author, and never a text, on both sides.

Messages that share an author (where `split_unit` is author) or a text are one cluster and stay together.
"""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from segmenter.errors import TableError
from segmenter.params import Data

HELD_OUT = ("test", "gate")


def clusters(frame: pd.DataFrame) -> NDArray[np.int64]:
    """A number per message, equal for messages that share an author or a text, directly or through others."""
    n_messages = len(frame)
    author = frame["author"].where(frame["split_unit"] == "author")
    authors = pd.factorize(author)[0]
    keys = pd.factorize(frame["key"])[0]
    nodes = n_messages + keys.max() + 1
    rows = np.arange(n_messages)
    known = authors >= 0
    start = np.concatenate([rows, rows[known]])
    end = np.concatenate([n_messages + keys, nodes + authors[known]])
    size = int(end.max()) + 1
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][:n_messages], np.int64)


def assign(frame: pd.DataFrame, data: Data, seed: int) -> pd.Series:
    """A split for every message: the given one, else cut by cluster, labels balanced over the splits.

    Test is cut only where no table brings a test split; dev is cut from what may train, likewise. A training message
    whose text also stands in test or gate becomes `leave_out`.

    Raises:
        TableError: Given splits leak: an author stands both in train or dev and in test or gate.
    """
    cluster = clusters(frame)
    split = frame["split"].copy()
    _refuse_shared_authors(frame)
    held = split.isin(HELD_OUT).to_numpy()
    free = split.isna().to_numpy()
    split[free & np.isin(cluster, cluster[held])] = "leave_out"  # bound to held-out messages by author or text
    split[~held & frame["key"].isin(frame["key"][held]).to_numpy()] = "leave_out"  # a held-out text trains nothing
    free = split.isna().to_numpy()
    if not (split == "test").any():
        fitted = split.isin(("train", "dev")).to_numpy()
        free = free & ~np.isin(cluster, cluster[fitted])  # not those bound to given training messages by author or text
        split[_cut(frame, cluster, free, data.test_share, seed)] = "test"
    split[split.isna().to_numpy() & np.isin(cluster, cluster[(split == "dev").to_numpy()])] = "dev"
    free = split.isna().to_numpy() | (split == "train").to_numpy()
    if not (split == "dev").any():
        split[_cut(frame, cluster, free, data.dev_share, seed + 1)] = "dev"
    return split.fillna("train")


def folds(frame: pd.DataFrame, n_folds: int, seed: int) -> NDArray[np.int64]:
    """A fold number per message; clusters stay whole, labels are balanced.

    Raises:
        TableError: Fewer clusters than folds.
    """
    fold = np.zeros(len(frame), np.int64)
    cluster = clusters(frame)
    if len(np.unique(cluster)) < n_folds:
        raise TableError(
            "train split",
            f"{len(np.unique(cluster))} authors or texts for {n_folds} folds",
            "bring more labelled messages",
        )
    cutter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings(action="ignore"):  # it warns of labels rarer than folds, as labels are
        for number, (_, held) in enumerate(cutter.split(frame, _strata(frame, n_folds), cluster)):
            fold[held] = number
    return fold


def _strata(frame: pd.DataFrame, n_parts: int) -> NDArray[np.str_]:
    """Audiences and language of each message as one word; the same word for all where none is frequent enough to cut by."""
    found = (frame["audiences"].map(";".join) + "|" + frame["lang"]).to_numpy(str)
    n_most = np.unique(found, return_counts=True)[1].max()
    return found if n_most >= n_parts else np.full(len(frame), "")


def _cut(
    frame: pd.DataFrame, cluster: NDArray[np.int64], free: NDArray[np.bool_], share: float, seed: int
) -> NDArray[np.bool_]:
    """Which free messages to hold out so that about `share` of them are, as a mask over the frame."""
    chosen = np.zeros(len(frame), np.bool_)
    places = np.flatnonzero(free)
    part = frame.iloc[places]
    n_folds = max(2, round(1 / share))
    if len(np.unique(cluster[places])) < n_folds:
        raise TableError(
            "labelled tables", f"{len(places)} messages are too few to split", "bring more labelled messages"
        )
    cutter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings(action="ignore"):  # likewise
        _, held = next(cutter.split(part, _strata(part, n_folds), cluster[places]))
    chosen[places[held]] = True
    return chosen


def overlaps(frame: pd.DataFrame) -> tuple[set[str], set[str]]:
    """Authors (where split_unit is author) and text keys that stand both in train or dev and in test or gate."""
    fitted, held = frame[frame["split"].isin(("train", "dev"))], frame[frame["split"].isin(HELD_OUT)]
    return _authors(fitted) & _authors(held), set(fitted["key"]) & set(held["key"])


def _refuse_shared_authors(frame: pd.DataFrame) -> None:
    for one, others in ((("train", "dev"), HELD_OUT), (("train",), ("dev",))):
        own, other = frame[frame["split"].isin(one)], frame[frame["split"].isin(others)]
        authors = _authors(own) & _authors(other)
        if authors:
            leaking = own.loc[own["author"].isin(authors), "id"].tolist()
            shown = ", ".join(map(str, leaking[:5])) + (" …" if len(leaking) > 5 else "")
            found = f"{len(leaking)} training messages are by authors who also stand in {' or '.join(others)} ({shown})"
            raise TableError("given splits", found, "mark them leave_out, or map their split to it in params")


def _authors(frame: pd.DataFrame) -> set[str]:
    return set(frame.loc[frame["split_unit"] == "author", "author"].dropna())
