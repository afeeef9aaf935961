"""eval/console.py: figures as tables for a console of 80 columns."""

from io import StringIO

import pytest
from rich.console import Console

from eval.card import CONTENDERS
from eval.console import evaluation_table, slice_sentences
from eval.figures import Figure
from segmenter.sections import Audience

IDS = ("maga_isolationist", "european_publics", "domestic_russian")
NAMES = ("MAGA and isolationist", "European publics", "domestic Russian")
AUDIENCES = [
    Audience(id=id_, name=name, definition="As the codebook says.") for id_, name in zip(IDS, NAMES, strict=True)
]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """The evaluation table of two slices, one of which cannot judge the last audience, as printed without a limit."""
    found = [
        Figure(name, part, audience, "f1", *values, n, 37)
        for part, n in (("all", 1425), ("source=gazette_of_the_town", 96))
        for name in CONTENDERS
        for audience in ("macro", *IDS)
        for values in [
            (None, None, None) if (part, audience) == ("source=gazette_of_the_town", IDS[2]) else (0.756, 0.7, 0.81)
        ]
    ]
    shown = StringIO()
    Console(width=200, file=shown).print(evaluation_table(found, AUDIENCES, "gate"))
    return shown.getvalue().splitlines()


def test_it_fits_eighty_columns(lines: list[str]) -> None:
    assert max(map(len, lines)) <= 80


def test_it_names_the_split(lines: list[str]) -> None:
    assert lines[0].startswith("F1 on gate")


def test_each_slice_has_a_line_of_its_own_with_its_size(lines: list[str]) -> None:
    assert [line.strip("│ ") for line in lines if "n = " in line] == ["n = 1,425", "n = 96"]


def test_the_macro_figure_has_its_interval(lines: list[str]) -> None:
    assert "0.756 [0.700, 0.810]" in next(line for line in lines if "this model" in line)


def test_what_cannot_be_judged_is_a_dash(lines: list[str]) -> None:
    assert "–" in [line for line in lines if "this model" in line][1]


def test_majority_stands_beside_all_messages_alone(lines: list[str]) -> None:
    assert sum("majority" in line for line in lines) == 1


def test_a_slice_without_a_figure_stands_in_a_sentence_and_not_in_the_table() -> None:
    found = [
        Figure(name, part, audience, "f1", *((None, None, None) if part == "lang=it" else (0.7, 0.6, 0.8)), n, 8)
        for part, n in (("all", 90), ("lang=it", 9))
        for name in CONTENDERS
        for audience in ("macro", *IDS)
    ]
    shown = StringIO()
    Console(width=200, file=shown).print(evaluation_table(found, AUDIENCES, "gate"))
    assert "lang=it" not in shown.getvalue()
    assert list(slice_sentences(found, None, {"source=radio": "lang=it"})) == [
        "Not evaluable, too few messages with or without each audience: lang=it (9).",
        "The same messages: source=radio and lang=it.",
    ]


def test_a_slice_named_like_markup_is_shown_as_it_is() -> None:
    found = [
        Figure(name, "note=[/b] [red]", audience, "f1", 0.7, 0.6, 0.8, 90, 8)
        for name in CONTENDERS
        for audience in ("macro", *IDS)
    ]
    shown = StringIO()
    Console(width=200, file=shown).print(evaluation_table(found, AUDIENCES, "gate"))
    assert "note=[/b] [red]" in shown.getvalue()


def test_the_worst_slice_is_said_with_its_interval_and_support() -> None:
    worst = Figure("model", "lang=de", IDS[0], "f1", 0.512, 0.4, 0.61, 130, 52)
    sentence = next(iter(slice_sentences([], worst, {})))
    assert sentence == f"Worst slice: lang=de, {IDS[0]}, F1 0.512 [0.400, 0.610], 52 of 130 messages."
