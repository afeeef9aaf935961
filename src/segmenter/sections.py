"""The sections of a settings file, one frozen model a stage. Not here: whole files and how they are read (params.py).

Every number that changes a result is a key of a section; there are no defaults in code. What a setting means to a room
beyond a line, that room's docstrings say.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]
Precision = Literal["auto", "fp32", "bf16"]
GivenSplit = Literal["train", "dev", "test", "gate", "leave_out", "free"]  # free: ours to choose
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


class Section(BaseModel):
    """A part of a settings file: unknown keys are refused, types are exact (YAML's `2e-5`, a string, is refused)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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

    @model_validator(mode="after")
    def test_from_is_a_date(self) -> "Data":
        """Refuse a time cut that is no date."""
        if self.test_from is not None:
            try:
                date.fromisoformat(self.test_from)
            except ValueError as error:
                raise ValueError(f"test_from: {self.test_from!r} is not an ISO date such as '2025-01-01'") from error
        return self


class Base(Section):
    """The base encoder: a Hub id with a revision, a local folder, or `embedded`."""

    model: str
    revision: str | None
    pooling: Literal["mean", "first"]


class Adapt(Section):
    """From a base encoder and unlabelled text to a base encoder whose tokenizer and weights know that text.

    Attributes:
        base: The encoder that is adapted.
        tables: Tables of unlabelled messages.
        leave_out: Tables whose texts are never learned from: those of every held-out message.
        text_column: Column of texts in all of them; a `lang` column spares the detection of languages.
        folder: Gets the adapted encoder, in `encoder/`, and the checkpoint of an unfinished run.
        pieces: Size of a vocabulary of the new text alone; its pieces that the old one lacks are added. 0 adds none.
        piece_messages: Messages the pieces are learned from, at most.
        pieces_per_word_at_least: A language that the base tokenizer cuts into fewer pieces a word brings none.
        language_exponent: Messages of a language are drawn by (its share) ** exponent: below 1 helps the small ones.
        init: How the new pieces' embeddings start: `focus` (similarity to pieces that both tokenizers have) or `mean`
            (of the old pieces each would be cut into).
        messages: Messages of masked-language training, at most; 0 leaves the weights as they are.
        max_tokens: Longer messages are cut.
        batch_tokens: Tokens of one step, padding included.
        mask_share: Of the tokens that are to be guessed.
        learning_rate: At its highest.
        embeddings_share: First part of the training, in which the embeddings alone learn.
        warmup_share: Part of the training in which the rate rises.
        weight_decay: Of matrices.
        max_gradient_norm: Gradients beyond are scaled down.
        held_out_messages: Never trained on; their loss is reported.
        checkpoint_minutes: A killed run loses no more than this.
        precision: `auto` is bf16 on a GPU, fp32 elsewhere.
    """

    base: Base
    tables: Annotated[list[str], Field(min_length=1)]
    leave_out: list[str]
    text_column: str
    folder: str
    pieces: Annotated[int, Field(ge=0)]
    piece_messages: Count
    pieces_per_word_at_least: Positive
    language_exponent: Annotated[float, Field(ge=0.0, le=1.0)]
    init: Literal["focus", "mean"]
    messages: Annotated[int, Field(ge=0)]
    max_tokens: Annotated[int, Field(ge=8)]
    batch_tokens: Count
    mask_share: Annotated[float, Field(gt=0.0, lt=1.0)]
    learning_rate: Positive
    embeddings_share: Share
    warmup_share: Share
    weight_decay: Annotated[float, Field(ge=0.0)]
    max_gradient_norm: Positive
    held_out_messages: Count
    checkpoint_minutes: Positive
    precision: Precision


class Audit(Section):
    """What is wrong with the labels.

    Attributes:
        folds: Of the cross-validated TF-IDF model whose out-of-fold scores cleanlab reads; author-grouped.
        language_accuracy_at_most: A label that the language alone predicts better than this (balanced accuracy) is loud.
        label_errors: Most likely label errors listed.
    """

    folds: Annotated[int, Field(ge=2)]
    language_accuracy_at_most: Annotated[float, Field(gt=0.5, le=1.0)]
    label_errors: Count


class Train(Section):
    """Fine-tuning.

    Attributes:
        epochs: Passes over the training messages, at most.
        batch_tokens: Tokens of one forward pass, padding included, on each process.
        accumulate_batches: Batches whose gradients make one step.
        precision: `auto` is bf16 on a GPU, fp32 elsewhere.
        learning_rate: Of the encoder, at its highest.
        head_learning_rate: Of the head.
        weight_decay: Of the encoder's matrices.
        warmup_share: Part of the training in which the rates rise.
        dropout: Before the head.
        max_gradient_norm: Gradients beyond are scaled down.
        class_balance: Exponent on (negatives / positives) of an audience: 0 none, 1 full.
        language_balance: Exponent on weights that make every audience as frequent in each language as overall: 0 none, 1 full.
        language_weight_at_most: Such a weight is cut here, or the few messages of a small cell would outweigh all others.
        label_smoothing: Labels are moved so far towards one half.
        freeze_embeddings: Leave the token embeddings as the base encoder has them.
        weak: `leave_out`, `together` with the trusted labels, or `first`: a stage of its own before them.
        weak_messages_at_most: Weak messages drawn by seed.
        weak_epochs: Passes of the weak stage.
        patience_epochs: Epochs without a better dev macro-F1 before stopping.
        checkpoint_minutes: A killed run loses no more than this.
    """

    epochs: Count
    batch_tokens: Count
    accumulate_batches: Count
    precision: Precision
    learning_rate: Positive
    head_learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0.0)]
    warmup_share: Share
    dropout: Share
    max_gradient_norm: Positive
    class_balance: Annotated[float, Field(ge=0.0, le=1.0)]
    language_balance: Annotated[float, Field(ge=0.0, le=1.0)]
    language_weight_at_most: Annotated[float, Field(ge=1.0)]
    label_smoothing: Share
    freeze_embeddings: bool
    weak: Literal["leave_out", "together", "first"]
    weak_messages_at_most: Count
    weak_epochs: Count
    patience_epochs: Count
    checkpoint_minutes: Positive


class Learning(Section):
    """The learning curve: macro-F1 on dev by the number of training labels.

    Attributes:
        shares: Of the training labels, whole authors; weak labels stand in every part.
        draws: Parts of each share, each with a training seed of its own.
        more_messages: The question: what would so many more labels give?
    """

    shares: Annotated[list[Annotated[float, Field(gt=0.0, le=1.0)]], Field(min_length=3)]
    draws: Count
    more_messages: Count


class Calibrate(Section):
    """From out-of-fold logits to scores, thresholds and uncertain bands, and the gate of the int8 graph.

    Attributes:
        folds: Author-grouped.
        method: How logits become probabilities: Platt scaling, temperature scaling, or isotonic regression (no guarantee).
        risk: The guarantee: at most this share of the certain messages has a wrong audience set.
        confidence: Of the guarantee.
        coverage_at_least: A guarantee that leaves a smaller share of the messages certain does not ship.
        error_goal: Without a guarantee, per audience: share of wrong decisions allowed outside its uncertain band.
        uncertain_share_at_most: Without a guarantee, per audience: the band never covers more of the messages.
        int8_messages: Training messages that set the ranges of the int8 graph.
        int8_agreement_at_least: Decisions equal to fp32 on dev; below it the fp32 graph is sealed instead.
    """

    folds: Annotated[int, Field(ge=2)]
    method: Literal["platt", "temperature", "isotonic"]
    risk: Annotated[float, Field(gt=0.0, lt=0.5)]
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)]
    coverage_at_least: Annotated[float, Field(gt=0.0, le=1.0)]
    error_goal: Annotated[float, Field(gt=0.0, lt=0.5)]
    uncertain_share_at_most: Share
    int8_messages: Count
    int8_agreement_at_least: Annotated[float, Field(gt=0.5, le=1.0)]


class Eval(Section):
    """Figures, intervals and baselines.

    Attributes:
        calibration_bins: Of equal message count.
        bootstrap_rounds: Author-clustered.
        slice_support_at_least: Messages of a slice with an audience, and as many without, or it has no figure there.
        conclusion_support_at_least: The same, before several seeds are said to be better or worse within a language, or a
            slice to be the worst.
        slices: Columns of the prepared splits, each value of which is a slice.
        period: Of `created_at`, in UTC; each is a slice.
        length_words: Where the second and every later band of message length begins; each band is a slice.
        behaviour: Folder of the behaviour suite.
        design_time_share: Of the dated messages, the latest, which `--design time` holds out.
        design_sources: What `--design source` holds out, one after the other; empty takes the largest that can be judged.
        design_sources_at_most: Of the largest.
        faithfulness_messages: Messages drawn to ask whether explanations are true to the model.
        faithfulness_draws: Of three random words from each, to set beside the three that carry the score most.
        mistakes: Shown per audience, language and kind (chosen wrongly, missed), the most confident.
        tfidf_words: Word features of the TF-IDF baseline, at most.
        tfidf_characters: Character features, at most.
        tfidf_inverse_regularisation: Of its logistic regression.
    """

    calibration_bins: Count
    bootstrap_rounds: Count
    slice_support_at_least: Count
    conclusion_support_at_least: Count
    slices: list[str]
    period: Literal["year", "quarter", "month"]
    length_words: list[Count]
    behaviour: Annotated[str, Field(min_length=1)]
    design_time_share: Annotated[float, Field(gt=0.0, lt=1.0)]
    design_sources: list[str]
    design_sources_at_most: Count
    faithfulness_messages: Count
    faithfulness_draws: Count
    mistakes: Count
    tfidf_words: Count
    tfidf_characters: Count
    tfidf_inverse_regularisation: Positive

    @model_validator(mode="after")
    def bands_rise(self) -> "Eval":
        """Refuse bands of length that are not in order."""
        if self.length_words != sorted(set(self.length_words)):
            raise ValueError(f"length_words: {self.length_words} does not rise")
        return self


class Gate(Section):
    """What a challenger has to keep to become champion, beside a gain in macro-F1 that excludes zero.

    Attributes:
        split: The messages that decide.
        slice_messages_at_least: A smaller slice is not judged.
        slice_loss_at_most: F1 that an audience may lose within a slice.
        slice_losses: Likewise for single slices, by name (`lang=uk`).
        calibration_error_rise_at_most: Mean over audiences.
        behaviour_fall_at_most: Of the share of cases passed, in each capability of the behaviour suite.
        int8_agreement_at_least: Decisions of an int8 graph equal to fp32 on dev, as its bundle says.
    """

    split: Literal["gate", "test"]
    slice_messages_at_least: Count
    slice_loss_at_most: Share
    slice_losses: dict[str, Share]
    calibration_error_rise_at_most: Annotated[float, Field(ge=0.0)]
    behaviour_fall_at_most: Share
    int8_agreement_at_least: Annotated[float, Field(gt=0.5, le=1.0)]


class Score(Section):
    """Batch scoring."""

    runtime: Literal["auto", "cpu", "torch"]
    device: Literal["auto", "cpu", "cuda"]
    batch_tokens: Count
    chunk_messages: Count


class Tracking(Section):
    """Where runs and versions are kept; the environment variable MLFLOW_TRACKING_URI goes before `uri`."""

    uri: str
    experiment: str
    model_name: str
    run_folder: str


class Summary(Section):
    """The audience-split summary."""

    time_zone: str
    examples: Count
    words: Count
    word_messages_at_least: Count
    source_messages_at_least: Count
    prior_strength: Positive
    word_z_at_least: Annotated[float, Field(ge=0.0)]
    comparison_messages_at_least: Count


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


class Sample(Section):
    """Which messages to label next.

    Attributes:
        seed: Of every draw.
        candidates: Messages that `uncertain` and `diverse` choose among: the most uncertain, or drawn at random.
    """

    seed: Annotated[int, Field(ge=0)]
    candidates: Count


class Explain(Section):
    """Which words carry a score.

    Attributes:
        words_at_most: Words of a message left out one by one; a longer one's go in runs of neighbours, so many of them.
    """

    words_at_most: Annotated[int, Field(ge=2)]
