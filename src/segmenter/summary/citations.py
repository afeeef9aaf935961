"""Ids by which figures are cited, the same in page, workbook and brief: a letter and a number, by a fixed order.

| letter | figure | number |
|---|---|---|
| F | facts counted in the file | FACTS |
| C, S, T, L, O | an audience's count, share, timeline, shares by language, by source | audiences in their order |
| T | all messages over time | one after the last audience |
| E | an audience around an event | windows in their order |
| W, G | words and phrases, copy groups of an audience in a part of the corpus | parts in their order, by audience |
| U | what is not known | UNKNOWNS |
| M | how the summary was made | METHOD |

Not here: what the figures say.
"""

from segmenter.summary.findings import Findings

FACTS = ("messages", "texts", "repeats", "languages", "sources", "dated")
UNKNOWNS = (
    "uncertain", "near", "untrained", "too_short", "shattered", "set_aside", "rejects", "dominant", "shift", "not_estimable"
)  # fmt: skip
METHOD = (
    "files",
    "model",
    "worth",
    "reference",
    "command",
    "made",
    "zone",
    "yardstick",
    "settings",
    "handles",
    "sample",
)
PER_AUDIENCE = "CSTLO"


def cited(letter: str, number: int) -> str:
    """The id of the figure of that place, from 0."""
    return f"{letter}{number + 1}"


def ids_of(letter: str, names: tuple[str, ...]) -> dict[str, str]:
    """The ids of a fixed list of figures, by name."""
    return {name: cited(letter, number) for number, name in enumerate(names)}


def all_ids(findings: Findings) -> list[str]:
    """Every id that the figures of a summary have, in order."""
    n_audiences = len(findings.audiences)
    found = list(ids_of("F", FACTS).values())
    for letter in PER_AUDIENCE:
        found += [cited(letter, number) for number in range(n_audiences + (letter == "T"))]
    found += [cited("E", number) for number in range(len(findings.windows))]
    found += [cited(letter, number) for letter in "WG" for number in range(n_audiences * len(findings.told))]
    return found + list(ids_of("U", UNKNOWNS).values()) + list(ids_of("M", METHOD).values())
