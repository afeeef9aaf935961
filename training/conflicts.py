"""Conflicts: messages of one text, or nearly one, that carry different labels. Not here: what is near (segmenter.duplicates)."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Conflict:
    """Messages whose texts say that one of their labels is wrong.

    Attributes:
        places: Their rows in the frame of labelled messages.
        is_exact: The texts are equal by their key; else nearly equal.
    """

    places: list[int]
    is_exact: bool


def conflicts(frame: pd.DataFrame) -> list[Conflict]:
    """Groups of messages whose labels differ, exact ones first, then in the order of the frame.

    Args:
        frame: Labelled messages with their text's `key` and the `group` of its near-copies.
    """
    labels = frame["audiences"].map(";".join).to_numpy(str)
    keys = frame["key"].to_numpy(str)
    found = []
    for places in pd.Series(range(len(frame))).groupby(frame["group"].to_numpy(), sort=False).agg(list):
        if len(set(labels[places])) > 1:
            found.append(Conflict(places, is_exact=len(set(keys[places])) == 1))
    return sorted(found, key=lambda conflict: not conflict.is_exact)
