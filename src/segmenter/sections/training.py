"""What makes a model: base encoder, adaptation, the audit of labels, fine-tuning, calibration."""

from typing import Annotated, Literal

from pydantic import Field

from segmenter.sections.section import Count, Positive, Precision, Section, Share


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
