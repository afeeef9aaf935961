"""What judges one, and where that is kept: evaluation, the gate, tracking."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from segmenter.sections.section import Count, Positive, Section, Share


class Eval(Section):
    """Figures, intervals and baselines.

    Attributes:
        calibration_bins: Of equal message count.
        bootstrap_rounds: Author-clustered.
        slice_support_at_least: Messages of a slice with an audience, and as many without, or it has no figure there.
        conclusion_support_at_least: The same, before several seeds are said to be better or worse within a language, or a
            slice to be the worst.
        slices: Columns of the prepared splits, each value of which is a slice.
        source_messages_at_least: A smaller source is not named: such are one slice, `source, rest` (privacy).
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
    source_messages_at_least: Count
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
        behaviour_fall_at_most: Of the share of cases passed, in each capability of the behaviour suite; and in each of
            its parts, where a sign test shows the fall.
        behaviour_cases_at_least: A part (a perturbation, a kind of case) with fewer cases is not judged by itself.
        int8_agreement_at_least: Decisions of an int8 graph equal to fp32 on the split.
    """

    split: Literal["gate", "test"]
    slice_messages_at_least: Count
    slice_loss_at_most: Share
    slice_losses: dict[str, Share]
    calibration_error_rise_at_most: Annotated[float, Field(ge=0.0)]
    behaviour_fall_at_most: Share
    behaviour_cases_at_least: Count
    int8_agreement_at_least: Annotated[float, Field(gt=0.5, le=1.0)]


class Tracking(Section):
    """Where runs and versions are kept; the environment variable MLFLOW_TRACKING_URI goes before `uri`."""

    uri: str
    experiment: str
    model_name: str
    run_folder: str
