"""Where dots and intervals stand in a table's cell, as percentages of its width. Not here: how they look (summary.css)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from segmenter.summary.findings import Findings, ShareFinding, Window

STEPS = (0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)
LEAST_REACH = 1.5  # of the ratio axis, either side of 1
MOST_REACH = 32.0
RATIOS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0, 16.0)


@dataclass(frozen=True)
class Axis:
    """A scale from `low` to `high`, of shares or of logarithms; `ticks` are labels by their place in percent."""

    low: float
    high: float
    ticks: list[tuple[float, str]]

    def at(self, value: float) -> float:
        """The place of a value in percent of the width, kept inside."""
        return round(100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))), 2)


def share_axis(findings: Findings) -> Axis:
    """From 0 to a round share that holds every interval and every plain count; bounds may run out of it."""
    n_messages = max(1, findings.corpus.n_messages)
    reached = [one.n_chosen / n_messages for one in findings.audiences]
    reached += [part.high for one in findings.audiences for part in (one.share, one.sampled) if part]
    top = next(step for step in STEPS if step >= min(1.0, max(reached, default=0.0)))
    return Axis(0.0, top, [(100 * part, f"{100 * top * part:.3g} %") for part in (0.0, 0.5, 1.0)])


def ratio_axis(windows: Iterable[Window]) -> Axis:
    """Logarithms of rate ratios, 1 in the middle."""
    found = [end for one in windows for end in (one.ratio, one.low, one.high) if end]
    reach = max([LEAST_REACH, *(max(end, 1 / end) for end in found)])
    reach = math.log(min(reach, MOST_REACH)) * 1.05
    shown = [ratio for ratio in RATIOS if abs(math.log(ratio)) <= reach]
    shown = shown if len(shown) <= 5 else [ratio for ratio in shown if round(math.log2(ratio)) % 2 == 0]
    axis = Axis(-reach, reach, [])
    return Axis(-reach, reach, [(axis.at(math.log(ratio)), _ratio(ratio)) for ratio in shown])


def log(ratio: float) -> float:
    """The logarithm of a ratio; of 0, the far end of any axis."""
    return math.log(ratio) if ratio > 0 else -math.inf


def interval_text(share: ShareFinding) -> str:
    """Ends of a 95 % interval in percent."""
    return f"{share_number(share.low)} to {share_number(share.high)}\u00a0%"


def bounds_text(share: ShareFinding) -> str:
    """Bounds over all messages in percent."""
    return f"{share_number(share.bound_low)} to {share_number(share.bound_high)}\u00a0%"


def share_number(share: float) -> str:
    """A share in percent with one decimal, without the sign; two below 0.1 %, and what would round to nothing says so."""
    if share >= 0.001 or share == 0:
        return f"{100 * share:.1f}"
    return f"{100 * share:.2f}" if share >= 0.0001 else "under 0.01"


def _ratio(ratio: float) -> str:
    return f"{ratio:g}" if ratio >= 1 else f"1/{1 / ratio:g}"
