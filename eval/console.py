"""Figures as tables for a console of 80 columns. Every figure is in metrics.json and card.md; not here: those files."""

from collections.abc import Iterable, Iterator

from rich.markup import escape
from rich.table import Table

from eval.card import titles
from eval.figures import MACRO, Figure, value_of
from eval.records import MODEL
from eval.slices import ALL
from segmenter.sections import Audience

BESIDE = (MODEL, "tfidf", "language")  # in every slice; the others beside all messages alone


def evaluation_table(found: list[Figure], audiences: list[Audience], split: str) -> Table:
    """F1 of each contender on all messages, and in each slice that can carry one: the macro figure, then the audiences."""
    title = f"F1 on {split}; macro with its 95 % interval over authors"
    table = sliced_table(title, ["macro", *[audience.name.replace(" ", "\n") for audience in audiences]])
    called = {name: title.removesuffix(" + logistic regression") for name, title in titles(found).items()}
    for part in dict.fromkeys(figure.part for figure in found):
        whole = value_of(found, MODEL, part, MACRO, "f1")
        if part != ALL and whole.value is None:
            continue
        add_slice(table, part, whole.n)
        for name in called if part == ALL else BESIDE:
            macro, *rest = (
                value_of(found, name, part, to, "f1") for to in (MACRO, *[audience.id for audience in audiences])
            )
            values = ["–" if figure.value is None else f"{figure.value:.3f}" for figure in rest]
            table.add_row(called[name], macro.shown(), *values)
    return table


def slice_sentences(found: list[Figure], worst: Figure | None, same: dict[str, str]) -> Iterator[str]:
    """The worst slice, the slices too small for a figure, and those that are the same messages as another."""
    if worst is not None:
        yield f"Worst slice: {worst.part}, {worst.audience}, F1 {worst.shown()}, {worst.n_true} of {worst.n} messages."
    macro = [figure for figure in found if (figure.model, figure.metric, figure.audience) == (MODEL, "f1", MACRO)]
    small = [f"{figure.part} ({figure.n})" for figure in macro if figure.value is None]
    if small:
        yield f"Not evaluable, too few messages with or without each audience: {', '.join(small)}."
    if same:
        yield f"The same messages: {', '.join(f'{name} and {first}' for name, first in same.items())}."


def sliced_table(title: str, heads: Iterable[str]) -> Table:
    """An empty table whose first column names what is judged, under a line for each slice (add_slice)."""
    table = Table(title=title, title_justify="left")
    table.add_column("", max_width=16, overflow="fold")  # a slice's name may be long
    for head in heads:
        table.add_column(head, no_wrap=True)
    return table


def add_slice(table: Table, part: str, n: int) -> None:
    """The line above a slice's rows: its name and how many messages it has."""
    table.add_section()
    table.add_row(f"[bold]{escape(part)}[/bold]\nn = {n:,}")
