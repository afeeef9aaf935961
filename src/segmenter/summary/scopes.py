"""Which parts of a corpus are told of: all of it, the days around each event, each of a few periods.

Not here: what was told (told.py), how a rate moved around an event (windows.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from segmenter.summary.corpus import Corpus
from segmenter.summary.events import Event
from segmenter.summary.findings import Scope
from segmenter.summary.periods import NO_DAY, calendar, day_number, iso_day

Longs = NDArray[np.int64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Part:
    """Some messages by row number, rising, and what they are called."""

    scope: Scope
    rows: Longs


def whole(days: Ints) -> Part:
    """All messages, undated ones among them; `days` are of each message, as of `local_days`."""
    dated = days[days != NO_DAY]
    first, last = (iso_day(int(dated.min())), iso_day(int(dated.max()))) if len(dated) else (None, None)
    return Part(Scope("corpus", "the whole corpus", first, last), np.arange(len(days)))


def around(days: Ints, events: list[Event], *, window_days: int) -> Iterator[Part]:
    """The messages of so many days before and from each event; events without a message are left out."""
    for event in events:
        day = day_number(event.date.isoformat())
        found = _between(days, day - window_days, day + window_days - 1, "window", event.label)
        if len(found.rows):
            yield found


def by_period(corpus: Corpus, days: Ints, *, zone: ZoneInfo, periods_at_most: int) -> Iterator[Part]:
    """The messages of each period: the finest unit, days at least, of which so many are enough, or several years together.

    Periods without a message are left out; a single one is the whole and is none.
    """
    found = calendar(corpus.seconds, np.zeros_like(corpus.has_time), zone, periods_at_most=periods_at_most).periods
    if len(found.starts) < 2:
        return
    together = -(-len(found.starts) // periods_at_most)
    starts = [day_number(start) for start in [*found.starts[::together], found.end]]
    for number, (first, following) in enumerate(zip(starts, starts[1:], strict=False)):
        labels = found.labels[number * together : (number + 1) * together]
        label = labels[0] if len(labels) == 1 else f"{labels[0]} to {labels[-1]}"
        part = _between(days, first, following - 1, "period", label)
        if len(part.rows):
            yield part


def _between(days: Ints, first: int, last: int, kind: str, label: str) -> Part:
    """The messages of some days, both ends among them."""
    rows = np.flatnonzero((days != NO_DAY) & (days >= first) & (days <= last))
    return Part(Scope(kind, label, iso_day(first), iso_day(last)), rows)
