"""Estimative words for the probability of a proposition, by a yardstick of the field. Never for a share or a count.

Bands are half-open, [low, high). Where a yardstick has no word, between its bands and beyond them, the number stands alone.
"""

from typing import Literal

import numpy as np

Yardstick = Literal["phia", "icd203", "none"]
# Source: Professional Head of Intelligence Assessment, probability yardstick (UK), whose gaps are deliberate; its first
# band ends with 5 % included
PHIA = (
    (0.0, np.nextafter(0.05, 1), "there is a remote chance"),
    (0.10, 0.20, "it is highly unlikely"),
    (0.25, 0.35, "it is unlikely"),
    (0.40, 0.50, "there is a realistic possibility"),
    (0.55, 0.75, "it is likely"),
    (0.80, 0.90, "it is highly likely"),
    (0.95, 1.01, "it is almost certain"),
)
# Source: Intelligence Community Directive 203, Analytic Standards (US); it has no word below 1 % and from 99 % on
ICD203 = (
    (0.01, 0.05, "there is almost no chance"),
    (0.05, 0.20, "it is very unlikely"),
    (0.20, 0.45, "it is unlikely"),
    (0.45, 0.55, "the chances are roughly even"),
    (0.55, 0.80, "it is likely"),
    (0.80, 0.95, "it is very likely"),
    (0.95, 0.99, "it is almost certain"),
)
BANDS: dict[Yardstick, tuple[tuple[float, float, str], ...]] = {"phia": PHIA, "icd203": ICD203, "none": ()}


def stated(probability: float, proposition: str, yardstick: Yardstick) -> str:
    """A sentence: how probable a proposition is, in the words of a yardstick where it has some, and always as a number.

    Args:
        probability: In [0, 1].
        proposition: A clause in small letters, such as `more was built for A than for B`.
        yardstick: Whose words.

    Raises:
        ValueError: No probability.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"{probability} is no probability")
    number = shown_probability(probability)
    word = next((word for low, high, word in BANDS[yardstick] if low <= probability < high), "")
    if not word:
        return f"The probability that {proposition} is {number}."
    return f"{word[:1].upper()}{word[1:]} that {proposition} ({number})."


def shown_probability(probability: float) -> str:
    """In whole percents, and never as certain: an estimate is not."""
    if probability < 0.01:
        return "under 1 %"
    return "over 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"
