import threading
from collections.abc import Iterator

import pytest

from segmenter.flow import ahead


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ahead")]


class Met:
    """Items 0, 1, 2 …, which of them were begun, and whether the iterator was let go of."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.closed_in: list[str] = []

    def items(self, n: int, *, fails_at: int | None = None) -> Iterator[int]:
        try:
            for item in range(n):
                self.begun.append(item)
                if item == fails_at:
                    raise ValueError(f"item {item} is bad")
                yield item
        finally:
            self.closed_in.append(threading.current_thread().name)


@pytest.mark.parametrize("n", [1, 2, 50])
def test_items_come_in_their_order(n: int) -> None:
    assert list(ahead(iter(range(20)), n)) == list(range(20))


def test_no_items_are_no_items() -> None:
    assert list(ahead([], 2)) == []


def test_none_is_an_item_like_others() -> None:
    assert list(ahead([None, None], 1)) == [None, None]


def test_items_are_found_in_another_thread_while_the_reader_works() -> None:
    third = threading.Event()

    def items() -> Iterator[str]:
        yield threading.current_thread().name
        yield "second"
        third.set()
        yield "third"

    found = ahead(items(), 2)
    assert next(found).startswith("ahead")
    assert third.wait(10)  # the reader has taken one item alone
    assert list(found) == ["second", "third"]


def test_no_more_than_n_items_are_found_before_they_are_asked_for() -> None:
    # item 0 is taken, n = 3 more are begun, and no other until the next is taken
    met = Met()
    found = ahead(met.items(100), 3)
    next(found)
    threading.Event().wait(0.1)
    assert met.begun == [0, 1, 2, 3]
    found.close()


def test_nothing_is_begun_before_the_first_item_is_asked_for() -> None:
    met = Met()
    ahead(met.items(3), 2)
    assert (met.begun, threads()) == ([], [])


def test_an_error_reaches_the_reader_in_its_turn() -> None:
    met, taken = Met(), []
    with pytest.raises(ValueError, match="item 2 is bad"):
        for item in ahead(met.items(5, fails_at=2), 4):
            taken.append(item)
    assert (taken, met.begun, threads()) == ([0, 1], [0, 1, 2], [])


def test_a_reader_that_stops_early_leaves_no_thread_and_nothing_open() -> None:
    met = Met()
    for item in (found := ahead(met.items(10**9), 2)):
        if item == 5:
            found.close()
    assert threads() == []
    assert len(met.closed_in) == 1
    assert len(met.begun) <= 8


def test_an_error_of_the_reader_ends_the_thread() -> None:
    met = Met()

    def read() -> None:
        for item in ahead(met.items(10**9), 2):
            if item == 3:
                raise RuntimeError("the reader failed")

    with pytest.raises(RuntimeError, match="the reader failed"):
        read()
    assert (threads(), len(met.closed_in)) == ([], 1)


def test_nested_stages_end_together() -> None:
    met = Met()
    inner = ahead(met.items(10**9), 2)
    outer = ahead((item * 2 for item in inner), 2)
    assert [next(outer), next(outer)] == [0, 2]
    outer.close()
    inner.close()  # what a plain generator goes through is closed by who made it
    assert (threads(), len(met.closed_in)) == ([], 1)
