"""`python -m eval.seeds METRICS…`: several trainings of one recipe side by side, as a Markdown table of means and spread."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from eval.card import CONTENDERS
from eval.figures import MACRO, Figure
from segmenter.cli import run
from segmenter.errors import TableError

app = typer.Typer(add_completion=False)
Key = tuple[str, str, str]  # slice, contender, audience


def read_figures(path: Path) -> list[Figure]:
    """The figures of a metrics.json.

    Raises:
        TableError: It is missing or not a metrics.json.
    """
    try:
        return [Figure(**figure) for figure in json.loads(path.read_text("utf-8"))["figures"]]
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise TableError(path, f"is not a metrics.json ({error})", "name what python -m eval.evaluate wrote") from error


def seed_table(runs: list[list[Figure]]) -> Iterator[str]:
    """Lines of a Markdown table: F1 by slice and contender, the mean over runs, with least and most."""
    values: dict[Key, list[float | None]] = {}
    sizes: dict[str, int] = {}
    for figures in runs:
        for figure in figures:
            if figure.metric == "f1":
                values.setdefault((figure.part, figure.model, figure.audience), []).append(figure.value)
                sizes[figure.part] = figure.n
    audiences = list(dict.fromkeys(audience for _, _, audience in values))
    audiences = [MACRO, *[audience for audience in audiences if audience != MACRO]]
    yield f"| slice (n) | contender | {' | '.join(audiences)} |"
    yield "|---" * (2 + len(audiences)) + "|"
    for part, n in sizes.items():
        for name in ("model", "tfidf", "language"):
            cells = [_cell(values.get((part, name, audience), [])) for audience in audiences]
            yield f"| {part} ({n}) | {CONTENDERS[name]} | {' | '.join(cells)} |"


def _cell(found: list[float | None]) -> str:
    known = [value for value in found if value is not None]
    if not known or len(known) < len(found):
        return "not evaluable"
    spread = f" ({min(known):.3f}–{max(known):.3f})" if max(known) - min(known) > 0.0005 else ""
    return f"{np.mean(known):.3f}{spread}"


@app.command()
def main(metrics: Annotated[list[Path], typer.Argument(metavar="METRICS…", help="metrics.json of each run.")]) -> None:
    """Print mean and spread of several runs as a Markdown table."""
    for line in seed_table([read_figures(path) for path in metrics]):
        typer.echo(line)


if __name__ == "__main__":
    run(app)
