"""How many cases of the behaviour suite passed, by capability and its parts, with 95 % intervals. Not here: judging them."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eval.cases import Case

ALL = "all"
Kind = Literal["all", "group", "language"]
Z = 1.959964  # two-sided 95 % of the normal distribution


@dataclass(frozen=True)
class Rate:
    """How many cases of a part of a capability passed.

    Attributes:
        capability: minimum, invariance or direction.
        kind: What the part is.
        part: `all`, a group or perturbation, or a language.
        n: Cases.
        n_messages: Written messages they come from.
        passed: Cases that passed.
        value: passed / n.
        low: Lower 95 % bound of the rate, over other messages written in the same manner.
        high: Upper bound.
    """

    capability: str
    kind: Kind
    part: str
    n: int
    n_messages: int
    passed: int
    value: float
    low: float
    high: float


def rates_of(cases: list[Case], passed: dict[str, bool]) -> list[Rate]:
    """Per capability: all its cases, then its groups or perturbations, then its languages; `passed` is by case id."""
    rates = []
    for capability in dict.fromkeys(case.capability for case in cases):
        own = [case for case in cases if case.capability == capability]
        groups = {name: [case for case in own if case.group == name] for name in dict.fromkeys(c.group for c in own)}
        codes = {code: [case for case in own if case.language == code] for code in sorted({c.language for c in own})}
        kinds: dict[Kind, dict[str, list[Case]]] = {"all": {ALL: own}, "group": groups, "language": codes}
        for kind, parts in kinds.items():
            rates += [_rate(some, passed, capability=capability, kind=kind, part=part) for part, some in parts.items()]
    return rates


def _rate(cases: list[Case], passed: dict[str, bool], *, capability: str, kind: Kind, part: str) -> Rate:
    n_of, passed_of = Counter(case.message for case in cases), Counter(c.message for c in cases if passed[c.id])
    per_message = np.array([(n_of[message], passed_of[message]) for message in n_of], np.float64)
    n, n_passed = len(cases), sum(passed_of.values())
    low, high = clustered_wilson(per_message)
    return Rate(capability, kind, part, n, len(n_of), n_passed, n_passed / n, low, high)


def clustered_wilson(per_message: NDArray[np.float64]) -> tuple[float, float]:
    """95 % bounds of a rate whose cases come several from one message.

    Wilson's interval for as many independent cases as these are worth: their number over the design effect. Where all
    cases or none passed, the effect cannot be told, and a message counts once.

    Args:
        per_message: Cases and passed cases of each message, shape (n_messages, 2).

    Source: Wilson 1927; Rao and Scott 1992 (design effect of clustered counts).
    """
    n, passed = per_message.sum(axis=0)
    n_messages, rate = len(per_message), passed / n
    spread = ((per_message[:, 1] - rate * per_message[:, 0]) ** 2).sum()
    if 0 < rate < 1 and n_messages > 1:
        variance = n_messages / (n_messages - 1) * spread / n**2
        worth = n / max(1.0, variance / (rate * (1 - rate) / n))
    else:
        worth = float(n_messages)
    middle, share = rate + Z**2 / (2 * worth), 1 + Z**2 / worth
    half = Z * math.sqrt(rate * (1 - rate) / worth + Z**2 / (4 * worth**2))
    return max(0.0, float((middle - half) / share)), min(1.0, float((middle + half) / share))
