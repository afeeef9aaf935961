"""Corpora that a bundle judges itself: held-out messages as they are, and the same broken in ways that are stated.

As they are, they show what it costs that calibration scores come from fold models and a corpus is scored by the sealed one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from eval.shares_bench.labelled import Labelled, split_messages
from segmenter.bundle import Bundle
from segmenter.params import Params

Change = Callable[[str, np.random.Generator], str]
AS_THEY_ARE, STATED = "as they are", "letters mixed"  # the break that the warning is asked to see


@dataclass(frozen=True)
class Kind:
    """One kind of corpus.

    Attributes:
        name: For figures and tables.
        messages: Judged by the bundle itself, what is out of scope left out.
    """

    name: str
    messages: Labelled


def as_it_is(text: str, draw: np.random.Generator) -> str:
    """The text."""
    return text


def letters_mixed(text: str, draw: np.random.Generator) -> str:
    """All letters of every word in any order: garbled text."""
    return " ".join("".join(draw.permutation(list(word))) for word in text.split())


def inner_letters_mixed(text: str, draw: np.random.Generator) -> str:
    """First and last letter of every word in place, the others in any order."""
    words = [
        word[0] + "".join(draw.permutation(list(word[1:-1]))) + word[-1:] * (len(word) > 1) for word in text.split()
    ]
    return " ".join(words)


def half_the_words(text: str, draw: np.random.Generator) -> str:
    """Half of the text's words, in any order."""
    words = text.split()
    return " ".join(draw.permutation(words)[: max(1, len(words) // 2)])


CHANGES: dict[str, Change] = {
    AS_THEY_ARE: as_it_is,
    STATED: letters_mixed,
    "inner letters mixed": inner_letters_mixed,
    "half the words, in any order": half_the_words,
}


def kinds(params: Params, bundle: Bundle, split: str) -> Iterator[Kind]:
    """The split as it is, then broken."""
    for number, (name, change) in enumerate(CHANGES.items()):
        draw = np.random.default_rng([params.seed, number])
        yield Kind(name, split_messages(params, bundle, split, _drawing(change, draw)))


def _drawing(change: Change, draw: np.random.Generator) -> Callable[[str], str]:
    return lambda text: change(text, draw)
