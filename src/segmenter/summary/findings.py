"""What a scored table says, as plain data: the one contract between counting, estimating, wording, page and other outputs.

`summary.json` is these dataclasses as they are (its schema: summary.schema.json). Facts are counts (`n_…`); estimates are
shares with intervals; the rest is unknown. Not here: how anything is found, or shown.
"""

from dataclasses import dataclass

from segmenter.summary.events import Event
from segmenter.summary.words import WordList

FORMAT = 2  # of summary.json; raised with any change of a key or its meaning


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
        n_pooled_sources: Sources too small to be named.
        first_day: ISO date in the time zone of the summary; None without any date.
        n_no_date: Messages without a date that could be read.
        n_assumed_utc: Messages whose time carried no zone and was read as UTC.
    """

    n_messages: int
    n_texts: int
    n_repeats: int
    n_copied_texts: int
    n_sources: int | None
    n_pooled_sources: int
    n_languages: int
    first_day: str | None
    last_day: str | None
    n_no_date: int
    n_assumed_utc: int


@dataclass(frozen=True)
class ShareFinding:
    """The estimated share of some messages that is built for an audience.

    Attributes:
        value: In [0, 1], of the messages that an estimate exists for.
        low: End of its 95 % interval, as `high`.
        n_estimable: In-scope messages in languages in which this audience can be estimated.
        n_messages: All messages of the cell.
        bound_low: `low` of all messages if none of the others were built for the audience.
        bound_high: `high` of all messages if all of the others were.
        method: `corrected` (calibration within language) or `sampled` (labels of a random sample of this corpus).
    """

    value: float
    low: float
    high: float
    n_estimable: int
    n_messages: int
    bound_low: float
    bound_high: float
    method: str


@dataclass(frozen=True)
class AudienceFinding:
    """One audience in the whole corpus.

    Attributes:
        n_chosen: Messages clearly above the threshold and in scope.
        n_texts: Different texts among them.
        n_near: In-scope messages too near the threshold to tell.
        n_set_aside: Messages above the threshold but out of scope, not in n_chosen.
        share: Corrected by the bundle's calibration; None where that is not possible.
        sampled: From labels of a random sample of this corpus; None without them.
        not_estimable: Languages without an estimate, and why; `*` for all, where the bundle is not known.
    """

    id: str
    name: str
    n_chosen: int
    n_texts: int
    n_near: int
    n_set_aside: int
    share: ShareFinding | None
    sampled: ShareFinding | None
    not_estimable: dict[str, str]


@dataclass(frozen=True)
class Periods:
    """The periods of the timeline, in order, empty ones included; none where no message has a date.

    Attributes:
        unit: `hour`, `day`, `week`, `month` or `year`.
        starts: ISO date (of an hour: date, time and offset), in the time zone of the summary.
        labels: As shown.
        end: Where the last one ends, as `starts`; empty without periods.
    """

    unit: str
    starts: list[str]
    labels: list[str]
    end: str


@dataclass(frozen=True)
class Cell:
    """What one audience has in one value of a dimension."""

    n_chosen: int
    share: ShareFinding | None


@dataclass(frozen=True)
class SeriesOf:
    """One audience over the periods: a figure a period; shares None where not estimable."""

    n_chosen: list[int]
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]


@dataclass(frozen=True)
class Series:
    """The dated messages of one value over the periods; audiences by id."""

    n_messages: list[int]
    audiences: dict[str, SeriesOf]


@dataclass(frozen=True)
class Value:
    """One value of a dimension: a language, a source, or the whole corpus.

    Attributes:
        kind: `one`; `pooled` (small or further sources together) or `not_given` (no source) for sources.
        audiences: By audience id.
        over_time: None without dates.
    """

    name: str
    kind: str
    n_messages: int
    n_uncertain: int
    n_out_of_scope: int
    audiences: dict[str, Cell]
    over_time: Series | None


@dataclass(frozen=True)
class Dimension:
    """The corpus cut one way: `all` (one value), `language` or `source`, largest value first, pooled ones last."""

    name: str
    values: list[Value]


@dataclass(frozen=True)
class Window:
    """One audience before and after one event: an association, never a cause.

    Attributes:
        event: Its place in `Findings.events`, from 0.
        audience: Its id.
        n_days_before: Days with a place in the window before the event, whose own day is the first one after.
        n_chosen_before: Messages chosen for the audience on them.
        n_messages_before: All messages on them.
        ratio: Rate after over rate before, None where it cannot be estimated, as its interval `low`, `high`.
        p: Block-permutation p-value; None for events that were not declared, and without a ratio.
        p_holm: The same, corrected over audiences and declared events.
        note: Why there is no ratio or no p; empty otherwise.
    """

    event: int
    audience: str
    n_days_before: int
    n_days_after: int
    n_chosen_before: int
    n_chosen_after: int
    n_messages_before: int
    n_messages_after: int
    ratio: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    note: str


@dataclass(frozen=True)
class Span:
    """Characters of an example that carry its score: from `start` up to `end`, `weight` in [-1, 1] of the strongest."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Example:
    """A message, redacted unless the analyst chose otherwise.

    Attributes:
        n_copies: It and its exact copies.
        place: File and line, to find it again without naming anybody.
        spans: Words that carry the score; None where they were not computed.
    """

    text: str
    score: float
    language: str
    source: str | None
    day: str | None
    n_copies: int
    place: str
    spans: list[Span] | None


@dataclass(frozen=True)
class CopyGroup:
    """Messages that say the same.

    Attributes:
        text: Of the first one, redacted.
        n_messages: Copies, exact and near.
        n_texts: Different texts among them: 1 where all are exact copies.
        sources: Most frequent first, small ones pooled.
        n_sources: How many there are in all.
        first_seen: ISO date and time in the time zone of the summary; None without dates.
    """

    text: str
    language: str
    n_messages: int
    n_texts: int
    sources: dict[str, int]
    n_sources: int
    first_seen: str | None
    last_seen: str | None


@dataclass(frozen=True)
class ToldTo:
    """What one audience was told; words and phrases by language."""

    audience: str
    n_messages: int
    n_texts: int
    words: list[WordList]
    phrases: list[WordList]
    examples: list[Example]
    copies: list[CopyGroup]


@dataclass(frozen=True)
class Scope:
    """What part of the corpus is told of.

    Attributes:
        kind: `corpus`, `window` (the days before and after an event) or `period`.
        label: As shown: the event's label, or the period's.
        first: ISO date of its first day; None where the corpus has no dates.
    """

    kind: str
    label: str
    first: str | None
    last: str | None


@dataclass(frozen=True)
class Told:
    """What each public was told in one part of the corpus, audiences in their order."""

    scope: Scope
    n_messages: int
    audiences: list[ToldTo]


@dataclass(frozen=True)
class LabelledSample:
    """Labels of a random draw from this corpus, which the sampled shares rest on.

    Attributes:
        n_skipped: Drawn before the last labelled one, and not labelled: left out for a reason, they bias the shares.
        n_tied: Labels that exactly half of a message's annotators gave, taken as not given.
    """

    n_drawn: int
    n_labelled: int
    n_skipped: int
    n_tied: int


@dataclass(frozen=True)
class Shift:
    """Whether the scores of the corpus are like any mixture of the calibration's.

    Attributes:
        is_unlike: The warning is given.
        p: Of the test, the smallest of its parts after correction.
        found: One sentence on what is unlike; empty where nothing is.
    """

    is_unlike: bool
    p: float
    found: str


@dataclass(frozen=True)
class Unknowns:
    """What the model could not tell; a message may have several reasons.

    Attributes:
        n_near: In-scope messages near a threshold.
        n_out_of_scope: Messages too short, shattered, or in a language without enough training messages.
        n_shattered: Messages that the tokenizer cuts far finer than others of their language: codes, disguised letters.
        n_set_aside: Those of them that scored above a threshold.
        untrained: Messages by language that the model was not trained on.
        n_rejects: Rows that scoring set aside; None where no record of the run lies beside the table.
        dominant_sources: Sources with more than a quarter of the messages, with their counts.
    """

    n_uncertain: int
    n_near: int
    n_out_of_scope: int
    n_too_short: int
    n_shattered: int
    n_set_aside: int
    untrained: dict[str, int]
    n_rejects: int | None
    dominant_sources: dict[str, int]


@dataclass(frozen=True)
class Judgement:
    """One sentence of the key judgements; `cites` are ids of the figures it rests on, such as S1."""

    text: str
    cites: list[str]


@dataclass(frozen=True)
class Method:
    """How the summary was made.

    Attributes:
        model_figures: What the model's manifest says of its worth, as sentences; empty where the bundle is not known.
        yardstick: `phia`, `icd203` or `none`.
        handles_shown: Examples are not redacted.
    """

    files: list[FileDigest]
    model: str
    model_figures: list[str]
    reference_labels: str
    command: str
    version: str
    made_at: str
    time_zone: str
    yardstick: str
    handles_shown: bool
    settings: dict[str, object]


@dataclass(frozen=True)
class Findings:
    """Everything a summary says."""

    format: int
    corpus: Corpus
    verdicts: dict[str, int]
    audiences: list[AudienceFinding]
    n_several: int
    periods: Periods
    dimensions: list[Dimension]
    events: list[Event]
    windows: list[Window]
    told: list[Told]
    sample: LabelledSample | None
    shift: Shift | None
    unknowns: Unknowns
    judgements: list[Judgement]
    method: Method
