"""Which message trains, which one tunes, which one tests: never an author, and never a text, on both sides.

Texts count as one that are near-duplicates (column `group`). Not here: what ties messages (leaks.py).
"""

import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from segmenter.errors import TableError
from segmenter.sections import Data
from training.leaks import HELD_OUT, Leak, Mask, authors, days, is_late, leak_masks, leaks, refuse, tied


@dataclass(frozen=True)
class Assignment:
    """Splits.

    Attributes:
        split: Of every message: train, dev, test, gate or leave_out.
        leaks: Given training messages that leaked and were left out.
        left_out: Messages that became `leave_out`, by reason.
    """

    split: pd.Series
    leaks: list[Leak]
    left_out: dict[str, int]


def clusters(frame: pd.DataFrame) -> NDArray[np.int64]:
    """A number per message, equal for messages that share an author (where split_unit is author) or a text.

    Texts are one that have one `group` of near-duplicates; messages are also bound through others.
    """
    n_messages = len(frame)
    if not n_messages:
        return np.zeros(0, np.int64)
    writers = pd.factorize(authors(frame))[0]
    groups = pd.factorize(frame["group"])[0]
    nodes = n_messages + groups.max() + 1
    rows = np.arange(n_messages)
    known = writers >= 0
    start = np.concatenate([rows, rows[known]])
    end = np.concatenate([n_messages + groups, nodes + writers[known]])
    size = int(end.max()) + 1
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][:n_messages], np.int64)


def assign(frame: pd.DataFrame, data: Data) -> Assignment:
    """A split for every message: the given one, else test by date and source, else cut by cluster, labels balanced.

    Test and gate are cut only where nothing else makes such a split; dev is cut from what may train, likewise. What is tied to a
    held-out message by author or text trains nothing: a free message becomes `leave_out`, a given one is a leak. Weak
    labels never tune or test, unless there are no others.

    Raises:
        TableError: Given splits leak and `data.leaks` is `refuse`, or there are too few messages to cut.
    """
    cut = _Splitter(frame, data)
    found = cut.check_given()
    cut.cut_time_and_sources()
    cut.cut_held_out("test", data.test_share, data.seed)
    cut.cut_held_out("gate", data.gate_share, data.seed + 2)
    cut.cut_dev()
    return Assignment(cut.split.fillna("train"), found, dict(cut.left_out))


class _Splitter:
    """Splits in the making: `split` is None for the messages that are still free."""

    def __init__(self, frame: pd.DataFrame, data: Data) -> None:
        self.frame = frame
        self.data = data
        self.split = frame["split"].copy()
        self.left_out: Counter[str] = Counter()
        weak = (frame["label_kind"] == "weak").to_numpy()
        self.weak = weak if not weak.all() else np.zeros(len(frame), np.bool_)

    def check_given(self) -> list[Leak]:
        """Refuse what leaks among the given splits, or leave it out."""
        masks = leak_masks(self.frame, self.split, self.data)
        found = leaks(self.frame, masks)
        if self.data.leaks == "refuse":
            refuse(found)
        self._leave_out(np.logical_or.reduce(list(masks.values())), "a given training message that leaks")
        return found

    def cut_time_and_sources(self) -> None:
        """Free messages of the time and the sources that are held out are test."""
        late = is_late(self.frame, self.data)
        wanted = self._free & (late | self.frame["source"].isin(self.data.test_sources).to_numpy())
        fits = wanted & ~self.weak & ~tied(self.frame, self._in("train", "dev"))
        self.split[fits] = "test"
        self._leave_out(wanted & ~fits, "of the time or a source held out, but weak or tied to train or dev")
        if self.data.test_from is not None:
            self._leave_out(self._free & days(self.frame).isna().to_numpy(), "without a date, where a date parts test")
        self._leave_out_tied()

    def cut_held_out(self, name: str, share: float, seed: int) -> None:
        """Test or gate from the free messages that nothing ties to given training ones, where there is none yet."""
        if share and not self._in(name).any():
            free = self._free & ~self.weak & ~tied(self.frame, self._in("train", "dev"))
            self.split[_cut(self.frame, free, share, seed)] = name
            self._leave_out_tied()

    def cut_dev(self) -> None:
        """Dev from what may train, where none is given; free messages tied to given dev messages join them."""
        dev = self._in("dev")
        if dev.any():
            joins = self._free & ~self.weak & self._bound(dev)
            tied_to_train = tied(self.frame, self._in("train"))
            self.split[joins & ~tied_to_train] = "dev"
            self._leave_out(joins & tied_to_train, "tied to both train and dev")
        else:
            trains = (self._free | self._in("train")) & ~self.weak
            self.split[_cut(self.frame, trains, self.data.dev_share, self.data.seed + 1)] = "dev"
        trains = self._free | (self._in("train") & self.weak)
        self._leave_out(trains & tied(self.frame, self._in("dev")), "weak, and tied to dev")

    @property
    def _free(self) -> Mask:
        return self.split.isna().to_numpy()

    def _in(self, *names: str) -> Mask:
        return self.split.isin(names).to_numpy()

    def _bound(self, dev: Mask) -> Mask:
        """Which messages are bound to dev messages, directly or through other free ones."""
        places = np.flatnonzero((self._free & ~self.weak) | dev)
        cluster = clusters(self.frame.iloc[places])
        found = np.zeros(len(self.frame), np.bool_)
        found[places] = np.isin(cluster, cluster[dev[places]])
        return found

    def _leave_out(self, which: Mask, reason: str) -> None:
        if which.any():
            self.split[which] = "leave_out"
            self.left_out[reason] += int(which.sum())

    def _leave_out_tied(self) -> None:
        self._leave_out(self._free & tied(self.frame, self._in(*HELD_OUT)), "tied to a message held out")


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


def _cut(frame: pd.DataFrame, free: Mask, share: float, seed: int) -> Mask:
    """Which free messages to hold out so that about `share` of them are, as a mask over the frame."""
    chosen = np.zeros(len(frame), np.bool_)
    places = np.flatnonzero(free)
    part = frame.iloc[places]
    cluster = clusters(part)
    n_folds = max(2, round(1 / share))
    if len(np.unique(cluster)) < n_folds:
        raise TableError(
            "labelled tables", f"{len(places)} messages are too few to split", "bring more labelled messages"
        )
    cutter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings(action="ignore"):  # likewise
        _, held = next(cutter.split(part, _strata(part, n_folds), cluster))
    chosen[places[held]] = True
    return chosen
