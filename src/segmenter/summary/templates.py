"""The templates of every page and their filters: how numbers, languages and texts are shown. Every text is escaped.

Not here: what a page says (html/), numbers as words (wording.py).
"""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from segmenter.summary.redact import plain, shortened
from segmenter.summary.wording import language_name, percentage, written_day, written_score

N_COLOURS = 8  # --a0 to --a7 of page.css
LANGUAGE = re.compile(r"[a-z]{2,3}")
_DECLARED = {True: "declared before looking", False: "chosen after looking: exploratory", None: "not said when chosen"}


def environment() -> Environment:
    """The templates of this room and the filters of every page."""
    loader = PackageLoader("segmenter.summary", "")
    found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found.filters |= {
        "n": lambda count: f"{count:,}",
        "pct": percentage,
        "width": lambda count, of: f"{100 * count / of if of else 0:.1f}",
        "shown": shown,
        "day": written_day,
        "language": language_name,
        "lang": lambda code: code if LANGUAGE.fullmatch(code) else "und",
        "colour": colour,
        "score": written_score,
        "declared": _DECLARED.__getitem__,
        "svg": Markup,
    }
    return found


def colour(number: int) -> str:
    """The colour of the audience of that place; they repeat after N_COLOURS, and every mark is labelled too."""
    return f"var(--a{number % N_COLOURS})"


def shown(text: str, n_characters: int) -> str:
    """A text from outside as a page shows it: on one line, without what breaks one, cut."""
    return shortened(plain(text[: 20 * n_characters]), n_characters)
