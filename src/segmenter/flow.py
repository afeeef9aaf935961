"""Stages that overlap: an iterator run a little ahead of its reader, in a thread of its own. Not here: any stage."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item], n: int) -> Generator[Item, None, None]:
    """The same items in the same order, up to `n` of them found before they are asked for.

    An error of `items` reaches the reader in its turn. When the reader stops, however it stops, no further item is begun,
    a generator's `finally` has run and the thread is gone before the reader goes on.

    Args:
        items: Run in the thread alone; may itself be what another `ahead` finds.
        n: At least 1, the one that is being made included.
    """
    iterator, thread = iter(items), ThreadPoolExecutor(1, "ahead")
    try:
        coming = deque(thread.submit(_next, iterator) for _ in range(n))
        while found := coming.popleft().result():
            coming.append(thread.submit(_next, iterator))
            yield found.pop()
    finally:
        thread.shutdown(cancel_futures=True)
        if isinstance(iterator, Generator):
            iterator.close()


def _next(iterator: Iterator[Item]) -> list[Item]:
    """The next item, or an empty list at the end."""
    for item in iterator:
        return [item]
    return []
