"""Names of figures in MLflow: parts joined by `/`, whatever free text stands in one of them."""

import re

CHARACTERS = 100  # of a part: MLflow takes names of at most 250
_OTHER = re.compile(r"[^\w. :-]")  # what MLflow refuses, and `/`, which parts


def metric_name(*parts: str) -> str:
    """The parts as one name of letters that MLflow takes: `within/pt _BR_/f1` for `within`, `pt (BR)` and `f1`."""
    return "/".join(map(_plain, parts))


def _plain(part: str) -> str:
    plain = _OTHER.sub("_", part.replace(",", ""))[:CHARACTERS]
    return plain if plain.strip(".") else "_"  # a path has no part that is empty, `.` or `..`
