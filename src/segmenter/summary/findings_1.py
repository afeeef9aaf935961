"""What a scored table says, as plain data: counts, words, examples, unknowns. No HTML, no chart, no correction.

Counts are of what the model chose: facts about labels, not estimates of shares. Not here: how they are counted
(tally.py, harvest.py), corrected shares.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from segmenter.summary.events import Event
from segmenter.summary.words import WordList

FORMAT = 1  # of summary.json; raised with any change of a key or its meaning


@dataclass(frozen=True)
class FileDigest:
    """A scored file as it was read."""

    name: str
    sha256: str
    n_bytes: int


@dataclass(frozen=True)
class Corpus:
    """Facts counted in the file, whatever the model says.

    Attributes:
        n_texts: Different texts, exact copies counted once (case, spacing, links and handles aside).
        n_repeats: Messages that repeat an earlier one: n_messages - n_texts.
        n_copied_texts: Texts that occur more than once.
        n_sources: Different sources; None where the table has no `source` column.
        first_day: ISO date in the time zone of the summary; None without any date.
        n_no_date: Messages without a date that could be read.
        n_assumed_utc: Messages whose time carried no zone and was read as UTC.
    """

    n_messages: int
    n_texts: int
    n_repeats: int
    n_copied_texts: int
    n_sources: int | None
    n_languages: int
    first_day: str | None
    last_day: str | None
    n_no_date: int
    n_assumed_utc: int


@dataclass(frozen=True)
class AudienceCount:
    """What the model chose for one audience.

    Attributes:
        n_chosen: Messages clearly above the threshold and in scope.
        n_texts: Different texts among them.
        n_near: In-scope messages too near the threshold to tell.
        n_set_aside: Messages above the threshold but out of scope, not in n_chosen.
    """

    id: str
    name: str
    n_chosen: int
    n_texts: int
    n_near: int
    n_set_aside: int


@dataclass(frozen=True)
class Group:
    """Counts of one language, source or day; `kind` is `one`, or `pooled` or `not_given` for sources."""

    name: str
    kind: str
    n_messages: int
    n_uncertain: int
    audiences: dict[str, int]


@dataclass(frozen=True)
class Unknowns:
    """What the model could not tell; a message may have several reasons.

    Attributes:
        n_near: In-scope messages near a threshold.
        n_out_of_scope: Messages too short, shattered, or in a language without enough training messages.
        n_shattered: Messages that the tokenizer cuts far finer than others of their language: codes, disguised letters.
        n_set_aside: Those of them that scored above a threshold.
        untrained: Messages by language that the model was not trained on.
    """

    n_uncertain: int
    n_near: int
    n_out_of_scope: int
    n_too_short: int
    n_shattered: int
    n_set_aside: int
    untrained: dict[str, int]


@dataclass(frozen=True)
class Example:
    """A redacted message; `n_copies` counts it and its exact copies, `place` is its file and line."""

    audience: str
    text: str
    score: float
    language: str
    source: str | None
    day: str | None
    n_copies: int
    place: str


@dataclass(frozen=True)
class Origin:
    """What the scored table does not say: the command line, audience names by id, where reference labels come from."""

    command: str
    audience_names: Mapping[str, str]
    reference_labels: str


@dataclass(frozen=True)
class Method:
    """How the summary was made."""

    files: list[FileDigest]
    model: str
    reference_labels: str
    command: str
    version: str
    made_at: str
    time_zone: str
    settings: dict[str, object]


@dataclass(frozen=True)
class Findings:
    """Everything a summary says."""

    format: int
    corpus: Corpus
    verdicts: dict[str, int]
    audiences: list[AudienceCount]
    n_several: int
    days: list[Group]
    languages: list[Group]
    sources: list[Group]
    n_pooled_sources: int
    events: list[Event]
    words: list[WordList]
    examples: list[Example]
    unknowns: Unknowns
    method: Method
