"""What is read: audiences, how text is read, the labelled tables and their splits, duplicates."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from segmenter.sections.section import Count, Positive, Section

COLUMNS = (
    "text",
    "audiences",
    "id",
    "lang",
    "author",
    "source",
    "created_at",
    "label_kind",
    "weight",
    "split",
    "split_unit",
    "annotator",
)
# Names that mean something else in the prepared splits, or among the slices.
TAKEN = (*COLUMNS, "annotations", "table", "line", "key", "group", "period", "words")
GivenSplit = Literal["train", "dev", "test", "gate", "leave_out", "free"]  # free: ours to choose


class Audience(Section):
    """One public a message may be built for; the set is configuration, never code."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: Annotated[str, Field(min_length=1)]
    definition: Annotated[str, Field(min_length=1)]


class Text(Section):
    """How a text becomes tokens; sealed into the bundle.

    Attributes:
        rules: Version of the text rules in text.py.
        max_tokens: Tokens of one window, special ones included; a longer message is read in several.
        window_overlap_tokens: Tokens that neighbouring windows share.
        pieces_per_word_at_most: `score` warns of a corpus that the tokenizer mostly cuts into more.
        usual_pieces_factor: A message with more than so many times the pieces a word of its language is out of scope.
        min_letters: Fewer letters after cleaning are too short to tell.
        min_language_messages: A language with fewer training messages counts as not trained on.
    """

    rules: Count
    max_tokens: Annotated[int, Field(ge=8)]
    window_overlap_tokens: Annotated[int, Field(ge=0)]
    pieces_per_word_at_most: Positive
    usual_pieces_factor: Annotated[float, Field(gt=1.0)]
    min_letters: Count
    min_language_messages: Count

    @model_validator(mode="after")
    def windows_advance(self) -> "Text":
        """Refuse windows that are mostly what the one before has read."""
        if self.window_overlap_tokens > self.max_tokens // 2:
            found = f"{self.window_overlap_tokens}, more than half of max_tokens ({self.max_tokens})"
            raise ValueError(f"window_overlap_tokens: {found}")
        return self


class LabelledTable(Section):
    """One labelled table of a recipe.

    Attributes:
        path: A file or a folder.
        format: `table` (CSV, JSONL, Parquet), or a format of `segmenter.sources` that carries labels.
        columns: Our column names to the table's; of a foreign format only `text` and `audiences`, to its fields.
        labels: The table's labels to audience ids; an empty list is none of the audiences. A row without a label says
            nothing and is left out, unless "" is mapped. Empty: labels are ids already, and no label is none of them.
        splits: The table's split values to ours; `free` leaves a message to prepare.
        filter: Column of the table to the values of the rows that are kept, as text; empty keeps all.
        author_messages_at_most: Messages of one author that are kept, drawn by seed; null keeps all.
        keep: Further columns that the splits have too, as text, for `eval.slices`; never one that says who wrote a message.
        annotators: Columns that each hold one annotator's labels, for agreement alone; `audiences` is what trains.
        label_kind: Where the row does not say its own.
        weight: Of a message's loss.
    """

    path: str
    format: Literal["table", "label-studio", "doccano", "prodigy"]
    columns: dict[str, str]
    labels: dict[str, list[str]]
    splits: dict[str, GivenSplit]
    filter: dict[str, list[str]]
    author_messages_at_most: Count | None
    keep: list[str]
    annotators: list[str]
    label_kind: Literal["gold", "silver", "weak"]
    weight: Positive

    @model_validator(mode="after")
    def columns_are_known(self) -> "LabelledTable":
        """Refuse a mapping for a column the data contract does not have."""
        for name in self.columns:
            if name not in COLUMNS:
                raise ValueError(f"columns: {name!r} is not a column of the data contract ({', '.join(COLUMNS)})")
            if self.format != "table" and name not in ("text", "audiences"):
                raise ValueError(f"columns: of {self.format}, the fields of text and audiences alone can be named")
        return self

    @model_validator(mode="after")
    def kept_are_others(self) -> "LabelledTable":
        """Refuse to keep what is a column of ours already, by its own name or by the table's."""
        read = {theirs: ours for ours, theirs in self.columns.items()}
        for name in self.keep:
            if name in TAKEN:
                raise ValueError(f"keep: {name!r} is a name of our own, which no further column can have")
            if name in read:
                raise ValueError(f"keep: {name!r} is read as {read[name]!r} already")
        return self


class Data(Section):
    """Where labels come from and how they are split.

    Attributes:
        tables: The recipe.
        reference_labels: Who labelled, in one sentence that every card and summary repeats.
        test_from: ISO date (UTC): free messages written on or after it are test; null cuts no time.
        test_sources: Free messages of these sources are test.
        leaks: Given training messages that leak into given held-out ones: `refuse` to go on, or `leave_out`.
        seed: Of the splits; apart from the seed of training, so that several trainings share them.
        dev_share: Of the messages that may train.
        test_share: Of the free messages, only where nothing else makes a test split.
        gate_share: Of those then free, only where no table brings a gate split; 0.0 makes none.
    """

    tables: Annotated[list[LabelledTable], Field(min_length=1)]
    reference_labels: Annotated[str, Field(min_length=1)]
    test_from: str | None
    test_sources: list[str]
    leaks: Literal["refuse", "leave_out"]
    seed: Annotated[int, Field(ge=0)]
    dev_share: Annotated[float, Field(gt=0.0, le=0.5)]
    test_share: Annotated[float, Field(gt=0.0, le=0.5)]
    gate_share: Annotated[float, Field(ge=0.0, le=0.5)]

    @property
    def keep(self) -> list[str]:
        """What the tables keep beyond the data contract, each column once."""
        return list(dict.fromkeys(name for table in self.tables for name in table.keep))

    @model_validator(mode="after")
    def test_from_is_a_date(self) -> "Data":
        """Refuse a time cut that is no date."""
        if self.test_from is not None:
            try:
                date.fromisoformat(self.test_from)
            except ValueError as error:
                raise ValueError(f"test_from: {self.test_from!r} is not an ISO date such as '2025-01-01'") from error
        return self


class Duplicates(Section):
    """When two texts count as one: by the Jaccard similarity of their sets of character shingles.

    Attributes:
        similarity_at_least: Texts at or above it are near-duplicates; 1.0 leaves exact ones alone.
        shingle_characters: Length of a shingle.
        permutations: Of MinHash, which proposes the pairs; more misses fewer and is slower.
    """

    similarity_at_least: Annotated[float, Field(gt=0.0, le=1.0)]
    shingle_characters: Count
    permutations: Annotated[int, Field(ge=16)]
