"""A message as the summary shows it: its text, its source where that is large enough, its time in one time zone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from segmenter.summary.columns import UNDATED
from segmenter.summary.corpus import Corpus
from segmenter.summary.findings import Span

Spans = Callable[[str, str, str], list[Span] | None]


@dataclass(frozen=True)
class Shown:
    """How messages are shown.

    Attributes:
        text: A message's text made fit to be shown.
        sources: The name of each source, that of the pool for small ones, shape (n_sources,).
        zone: Of times.
        spans: The words of a text that carry its score: takes it, what is shown of it, and an audience's id; None where the
            model is not at hand.
    """

    text: Callable[[str], str]
    sources: list[str]
    zone: ZoneInfo
    spans: Spans

    def source(self, corpus: Corpus, row: int) -> str | None:
        """The source of a message, None where none is given."""
        return self.sources[corpus.source[row]] if corpus.source[row] >= 0 else None

    def moment(self, corpus: Corpus, row: int) -> str | None:
        """When a message was written: ISO date and, where it has one, time; None without a date."""
        if corpus.seconds[row] == UNDATED:
            return None
        moment = datetime.fromtimestamp(int(corpus.seconds[row]), self.zone)
        return moment.isoformat() if corpus.has_time[row] else moment.date().isoformat()
