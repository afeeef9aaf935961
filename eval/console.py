"""Figures as tables for a console of 80 columns. Every figure is in metrics.json and card.md; not here: those files."""

from collections.abc import Iterable

from rich.table import Table

from eval.card import CONTENDERS, shown
from eval.figures import MACRO, Figure, value_of
from segmenter.sections import Audience

SHORT = {name: title.removesuffix(" + logistic regression") for name, title in CONTENDERS.items()}


def evaluation_table(found: list[Figure], audiences: list[Audience], split: str) -> Table:
    """F1 of each contender, slice by slice: the macro figure with its interval, then one column an audience."""
    title = f"F1 on {split}; macro with its 95 % interval over authors"
    table = sliced_table(title, ["macro", *[audience.name.replace(" ", "\n") for audience in audiences]])
    for part in dict.fromkeys(figure.part for figure in found):
        add_slice(table, part, value_of(found, "model", part, MACRO, "f1").n)
        names = CONTENDERS if part == "all" else ("model", "tfidf", "language")
        for name in names:
            macro, *rest = (
                value_of(found, name, part, to, "f1") for to in (MACRO, *[audience.id for audience in audiences])
            )
            values = ["–" if figure.value is None else f"{figure.value:.3f}" for figure in rest]
            table.add_row(SHORT[name], shown(macro), *values)
    return table


def sliced_table(title: str, heads: Iterable[str]) -> Table:
    """An empty table whose first column names what is judged, under a line for each slice (add_slice)."""
    table = Table(title=title, title_justify="left")
    for head in ("", *heads):
        table.add_column(head, no_wrap=True)
    return table


def add_slice(table: Table, part: str, n: int) -> None:
    """The line above a slice's rows: its name and how many messages it has."""
    table.add_section()
    table.add_row(f"[bold]{part}[/bold]\nn = {n:,}")
