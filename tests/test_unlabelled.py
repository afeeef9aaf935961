import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmenter.errors import TableError
from segmenter.sections import Adapt
from training.unlabelled import drawn, read_unlabelled

Adapting = Callable[..., Adapt]


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., str]:
    """A function that writes rows as a JSONL table and returns its path."""

    def write(name: str, *rows: dict[str, Any]) -> str:
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        return str(path)

    return write


def test_each_text_comes_once_cleaned(tiny_adapt: Adapt, table: Callable[..., str]) -> None:
    letters = table("letters", *({"text": text} for text in ("the  red gate", "The red gate", "a blue gate")))
    found = read_unlabelled(tiny_adapt.model_copy(update={"tables": [letters], "held_out_messages": 1}))
    assert found.texts == ["the red gate", "a blue gate"]
    assert found.n_rows == 3


def test_texts_of_the_tables_to_leave_out_are_left_out_and_counted(
    tiny_adapt: Adapt, table: Callable[..., str]
) -> None:
    letters = table("letters", *({"text": f"gate number {n} is painted"} for n in range(5)))
    held = table("held", {"text": "GATE number 3 is painted"})
    settings = tiny_adapt.model_copy(update={"tables": [letters], "leave_out": [held], "held_out_messages": 1})
    found = read_unlabelled(settings)
    assert len(found.texts) == 4
    assert found.n_left_out == 1


def test_a_language_that_the_table_gives_is_kept_and_a_missing_one_detected(
    tiny_adapt: Adapt, table: Callable[..., str]
) -> None:
    rows = [{"text": "Die Bäckerei verkauft Brötchen bis sechs Uhr", "lang": None}, {"text": "the gate", "lang": "xx"}]
    settings = tiny_adapt.model_copy(update={"tables": [table("letters", *rows)], "held_out_messages": 1})
    assert read_unlabelled(settings).languages.tolist() == ["de", "xx"]


def test_too_few_messages_are_a_sentence(tiny_adapt: Adapt, table: Callable[..., str]) -> None:
    settings = tiny_adapt.model_copy(update={"tables": [table("one", {"text": "a gate"})], "held_out_messages": 4})
    with pytest.raises(
        TableError, match=r"hold 1 different messages .*; bring more than adapt\.held_out_messages \(4\)"
    ):
        read_unlabelled(settings)


def counts(languages: list[str], n_messages: int, exponent: float) -> Counter[str]:
    array = np.array(languages, object)
    return Counter(array[drawn(array, n_messages, exponent, np.random.default_rng(3))])


def test_languages_are_drawn_by_their_share_raised_to_the_exponent() -> None:
    languages = ["en"] * 800 + ["uk"] * 200
    assert counts(languages, 100, 1.0) == {"en": 80, "uk": 20}
    # shares .8 and .2 under 1/2: .894 and .447, two to one
    assert counts(languages, 99, 0.5) == {"en": 66, "uk": 33}
    assert counts(languages, 100, 0.0) == {"en": 50, "uk": 50}


def test_a_small_language_gives_all_it_has_and_the_others_fill_up() -> None:
    assert counts(["en"] * 90 + ["uk"] * 10, 60, 0.0) == {"en": 50, "uk": 10}


def test_no_message_is_drawn_twice_and_never_more_than_there_are() -> None:
    languages = np.array(["en"] * 30 + ["uk"] * 7, object)
    places = drawn(languages, 1_000, 0.3, np.random.default_rng(1))
    assert sorted(places) == list(range(37))
