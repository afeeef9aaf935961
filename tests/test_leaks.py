import numpy as np
import pandas as pd
import pytest
from plain_table import PLAIN_TABLE

from segmenter.errors import TableError
from segmenter.sections import Data, LabelledTable
from training.leaks import Leak, is_late, leak_masks, leaks, refuse, tied

TABLE = LabelledTable.model_validate(PLAIN_TABLE)


def data(test_from: str | None = None) -> Data:
    return Data(
        tables=[TABLE],
        reference_labels="invented",
        test_from=test_from,
        test_sources=["courier"],
        leaks="refuse",
        seed=1,
        dev_share=0.1,
        test_share=0.2,
        gate_share=0.0,
    )


def frame(**columns: list[object]) -> pd.DataFrame:
    """Messages that share nothing but what the columns say."""
    n = len(next(iter(columns.values())))
    plain: dict[str, list[object]] = {
        "id": [f"m{place}" for place in range(n)],
        "author": [None] * n,
        "split_unit": ["author"] * n,
        "key": [f"k{place}" for place in range(n)],
        "group": list(range(n)),
        "source": ["herald"] * n,
        "created_at": [None] * n,
    }
    return pd.DataFrame(plain | columns)


def test_messages_of_one_author_or_one_group_are_tied() -> None:
    messages = frame(author=["ann", "ann", "ben", None, None], group=[0, 1, 2, 2, 4])
    assert tied(messages, np.array([True, False, False, False, False])).tolist() == [True, True, False, False, False]
    assert tied(messages, np.array([False, False, False, True, False])).tolist() == [False, False, True, True, False]


def test_messages_without_an_author_are_not_tied_by_it() -> None:
    assert tied(frame(author=[None, None]), np.array([True, False])).tolist() == [True, False]


def test_the_author_of_a_source_split_by_message_ties_nothing() -> None:
    messages = frame(author=["herald", "herald"], split_unit=["message", "message"])
    assert tied(messages, np.array([True, False])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("written", "late"),
    [
        ("2025-01-01", True),
        ("2024-12-31T23:59:59Z", False),
        ("2025-01-01T01:00:00+02:00", False),  # still 2024 in UTC
        ("1735689600", True),  # 2025-01-01 00:00 UTC, in seconds
        ("last spring", False),
        (None, False),
    ],
)
def test_a_message_is_late_from_the_first_moment_of_the_day_in_utc(written: str | None, late: bool) -> None:
    assert is_late(frame(created_at=[written]), data("2025-01-01")).tolist() == [late]


def test_nothing_is_late_where_no_date_parts_test() -> None:
    assert is_late(frame(created_at=["2030-01-01"]), data()).tolist() == [False]


def test_an_equal_text_is_no_near_duplicate_too() -> None:
    messages = frame(key=["same", "same", "other"], group=[0, 0, 0])
    found = leaks(messages, leak_masks(messages, pd.Series(["train", "test", "dev"]), data()))
    assert found == [Leak("text", ["m0"]), Leak("near_duplicate", ["m2"])]


def test_what_test_and_gate_share_is_no_leak() -> None:
    messages = frame(author=["ann", "ann"], group=[0, 0])
    assert not leaks(messages, leak_masks(messages, pd.Series(["test", "gate"]), data()))


def test_a_message_left_out_leaks_nothing() -> None:
    messages = frame(author=["ann", "ann", "ann"], source=["courier"] * 3)
    assert not leaks(messages, leak_masks(messages, pd.Series(["leave_out", "test", "gate"]), data()))


def test_every_kind_of_leak_is_said_with_its_ids() -> None:
    sentence = (
        r"held out: 2 by author \(m1, m2\); 1 by source \(m7\); mark them leave_out in their table, or set data\.leaks"
    )
    with pytest.raises(TableError, match=sentence):
        refuse([Leak("author", ["m1", "m2"]), Leak("source", ["m7"])])


def test_where_nothing_leaks_nothing_is_refused() -> None:
    assert refuse([]) is None
