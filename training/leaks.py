"""Who is tied to whom, by author or by text, and which training messages thereby know what is held out.

Not here: how splits are cut so that none does (splits.py).
"""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmenter.errors import TableError
from segmenter.sections import Data
from segmenter.summary.dates import day_of

HELD_OUT = ("test", "gate")
FITTED = ("train", "dev")
WAYS = {  # in which a training message is known from held-out ones, as an error says them
    "author": "author",
    "text": "text",
    "near_duplicate": "nearly equal text",
    "time": "date",
    "source": "source",
}
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Leak:
    """Messages of train or dev that should not stand there.

    Attributes:
        kind: One of WAYS: what they share with a held-out message, or with a dev message where they train.
        ids: Of the messages.
    """

    kind: str
    ids: list[str]


def authors(frame: pd.DataFrame) -> pd.Series:
    """Authors that bind: those of messages that are split by author."""
    return frame["author"].where(frame["split_unit"] == "author")


def tied(frame: pd.DataFrame, others: Mask) -> Mask:
    """Which messages share an author or a text with one of the `others`, themselves included."""
    return _of_same(authors(frame), others) | _of_same(frame["group"], others)


def days(frame: pd.DataFrame) -> pd.Series:
    """The day (UTC) each message was written on, None where it names none."""
    zone = ZoneInfo("UTC")
    found = [day_of(value, zone) for value in frame["created_at"]]
    return pd.Series([None if part is None else part.day for part in found], frame.index, object)


def is_late(frame: pd.DataFrame, data: Data) -> Mask:
    """Which messages were written on or after `test_from`; none without a date."""
    if data.test_from is None:
        return np.zeros(len(frame), np.bool_)
    first = date.fromisoformat(data.test_from)
    return np.array([day is not None and day >= first for day in days(frame)], np.bool_)


def leak_masks(frame: pd.DataFrame, split: pd.Series, data: Data) -> dict[str, Mask]:
    """For each of WAYS, which messages of train or dev leak; a message may leak in several ways."""
    fitted, held = (split.isin(names).to_numpy() for names in (FITTED, HELD_OUT))
    train, dev = (split == "train").to_numpy(), (split == "dev").to_numpy()

    def shared(values: pd.Series) -> Mask:
        return (fitted & _of_same(values, held)) | (train & _of_same(values, dev))

    texts = shared(frame["key"])
    return {
        "author": shared(authors(frame)),
        "text": texts,
        "near_duplicate": shared(frame["group"]) & ~texts,
        "time": fitted & is_late(frame, data),
        "source": fitted & frame["source"].isin(data.test_sources).to_numpy(),
    }


def leaks(frame: pd.DataFrame, masks: dict[str, Mask]) -> list[Leak]:
    """The leaking messages of each kind that has any."""
    return [Leak(kind, frame.loc[mask, "id"].tolist()) for kind, mask in masks.items() if mask.any()]


def refuse(found: list[Leak]) -> None:
    """Stop where messages leak, with their ids.

    Raises:
        TableError: They do.
    """
    if found:
        shown = "; ".join(f"{len(leak.ids)} by {WAYS[leak.kind]} ({_some(leak.ids)})" for leak in found)
        raise TableError(
            "given splits",
            f"training messages are known from messages held out: {shown}",
            "mark them leave_out in their table, or set data.leaks: leave_out in params",
        )


def _some(ids: list[str]) -> str:
    return ", ".join(map(str, ids[:5])) + (" …" if len(ids) > 5 else "")


def _of_same(values: pd.Series, others: Mask) -> Mask:
    """Which values stand among those of the others; a missing value is like no other."""
    return values.isin(set(values[others].dropna())).to_numpy()
