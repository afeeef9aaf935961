"""The wheel's own commands: score, sample, explain, summarise."""

from typing import Annotated, Literal

from pydantic import Field

from segmenter.sections.section import Count, Positive, Section


class Score(Section):
    """Batch scoring.

    Attributes:
        runtime: Where the network runs; `auto`: on the bundle's CPU graph, where it has one.
        device: Of the torch runtime.
        part_rows: Rows of one input file that become one part of the output, rejects included.
        cache_megabytes: What a kept score store holds at most.
        drift_at_most: Population stability index of an audience's scores against the bundle's own; a warning above.
    """

    runtime: Literal["auto", "cpu", "torch"]
    device: Literal["auto", "cpu", "cuda"]
    part_rows: Count
    cache_megabytes: Count
    drift_at_most: Positive


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


class Summary(Section):
    """The audience-split summary.

    Attributes:
        calibration_messages_at_least: With an audience, and as many without, in a language, for a corrected share there.
        share_bins: Bins of scores that a share is estimated from, each with about as many calibration messages.
        share_draws: Draws of other authors that an interval is made of.
        sampled_exact_below: A labelled sample with a smaller share of an audience is read by itself, exactly.
        shift_p_below: The p-value under which a corpus is called unlike the calibration messages.
        window_days: Before an event, and as many from its own day on.
        window_messages_at_least: Chosen for an audience in both sides of a window together, for a ratio.
        window_draws: Permutations of weeks that a p-value is made of.
        periods_at_most: Of the timeline, whose unit goes by them.
        told_periods_at_most: Periods that are told of one by one.
        sources_shown: Named in tables and choices, the largest; the rest is pooled.
        copy_groups: Shown of an audience and part of the corpus.
        copies_at_least: Messages of a group that is shown.
        copy_sources: Sources named of a group.
        yardstick: Whose words of probability are used.
        seed: Of every draw.
    """

    time_zone: str
    examples: Count
    words: Count
    word_messages_at_least: Count
    source_messages_at_least: Count
    prior_strength: Positive
    word_z_at_least: Annotated[float, Field(ge=0.0)]
    comparison_messages_at_least: Count
    calibration_messages_at_least: Count
    share_bins: Annotated[int, Field(ge=2)]
    share_draws: Annotated[int, Field(ge=40)]
    sampled_exact_below: Annotated[float, Field(ge=0.0, le=1.0)]
    shift_p_below: Annotated[float, Field(gt=0.0, lt=1.0)]
    window_days: Count
    window_messages_at_least: Count
    window_draws: Annotated[int, Field(ge=99)]
    periods_at_most: Annotated[int, Field(ge=2)]
    told_periods_at_most: Annotated[int, Field(ge=2)]
    sources_shown: Count
    copy_groups: Count
    copies_at_least: Annotated[int, Field(ge=2)]
    copy_sources: Count
    yardstick: Literal["phia", "icd203", "none"]
    seed: Annotated[int, Field(ge=0)]
