import pandas as pd

from training.conflicts import Conflict, conflicts


def frame(*rows: tuple[str, int, str]) -> pd.DataFrame:
    """Messages as (key, group, `;`-joined audiences)."""
    return pd.DataFrame(
        [{"key": key, "group": group, "audiences": [one for one in ids.split(";") if one]} for key, group, ids in rows]
    )


def test_one_text_with_two_labels_is_a_conflict() -> None:
    messages = frame(("a", 0, "gardeners"), ("b", 1, "readers"), ("a", 0, ""))
    assert conflicts(messages) == [Conflict([0, 2], is_exact=True)]


def test_one_text_with_one_label_is_none() -> None:
    assert conflicts(frame(("a", 0, "gardeners"), ("a", 0, "gardeners"), ("b", 1, ""))) == []


def test_near_copies_with_different_labels_are_a_conflict_that_is_not_exact() -> None:
    messages = frame(("a", 4, "gardeners"), ("b", 4, "gardeners;readers"))
    assert conflicts(messages) == [Conflict([0, 1], is_exact=False)]


def test_exact_conflicts_stand_first() -> None:
    messages = frame(("a", 0, "gardeners"), ("b", 0, ""), ("c", 1, "readers"), ("c", 1, "cyclists"))
    assert [one.places for one in conflicts(messages)] == [[2, 3], [0, 1]]
