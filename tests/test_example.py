"""The shipped example data keep what the demo, the card and the README say of them."""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from segmenter.params import load_params
from segmenter.text import text_key

REPOSITORY = Path(__file__).parents[1]
EXAMPLE = REPOSITORY / "training" / "example"
LANGUAGES = {"en", "ru", "de", "fr", "it"}


@pytest.fixture(scope="module")
def labelled() -> list[dict[str, Any]]:
    """Every labelled message of the tables that the demo's params name."""
    tables = load_params(EXAMPLE / "params.yaml").data.tables
    return [json.loads(line) for t in tables for line in (REPOSITORY / t.path).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def corpus() -> list[dict[str, str]]:
    """Every row of the example corpus."""
    with (EXAMPLE / "corpus.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words(text: str) -> tuple[str, ...]:
    """The words of a text, whatever their case and punctuation."""
    return tuple(re.findall(r"\w+", text.casefold()))


def test_there_are_480_labelled_messages(labelled: list[dict[str, Any]]) -> None:
    assert len(labelled) >= 480


def test_every_audience_has_120_messages(labelled: list[dict[str, Any]]) -> None:
    n_messages = Counter(audience for row in labelled for audience in row["audiences"])
    few = [name for name in load_params(EXAMPLE / "params.yaml").audience_ids if n_messages[name] < 120]
    assert few == []


def test_120_messages_are_for_none_of_the_audiences(labelled: list[dict[str, Any]]) -> None:
    assert sum(not row["audiences"] for row in labelled) >= 120


def test_some_messages_are_for_two_audiences(labelled: list[dict[str, Any]]) -> None:
    assert any(len(row["audiences"]) == 2 for row in labelled)


def test_the_messages_are_in_five_languages(labelled: list[dict[str, Any]]) -> None:
    assert {row["lang"] for row in labelled} == LANGUAGES


def test_every_language_has_messages_for_nobody(labelled: list[dict[str, Any]]) -> None:
    # a model that only recognises the language has to fail (codebook, rule 2)
    assert {row["lang"] for row in labelled if not row["audiences"]} == LANGUAGES


def test_english_has_every_audience(labelled: list[dict[str, Any]]) -> None:
    found = {audience for row in labelled if row["lang"] == "en" for audience in row["audiences"]}
    assert found == set(load_params(EXAMPLE / "params.yaml").audience_ids)


def test_labelled_ids_are_unique(labelled: list[dict[str, Any]]) -> None:
    assert len({row["id"] for row in labelled}) == len(labelled)


def test_the_corpus_has_1500_messages(corpus: list[dict[str, str]]) -> None:
    assert len(corpus) >= 1500


def test_the_corpus_has_the_columns_that_a_summary_reads(corpus: list[dict[str, str]]) -> None:
    assert list(corpus[0]) == ["id", "text", "source", "created_at"]


def test_the_corpus_covers_30_days(corpus: list[dict[str, str]]) -> None:
    days = {datetime.fromisoformat(row["created_at"]).date() for row in corpus}
    assert len(days) == 30
    assert max(days) - min(days) == timedelta(days=29)


def test_the_corpus_holds_exact_duplicates(corpus: list[dict[str, str]]) -> None:
    assert len({row["text"] for row in corpus}) <= len(corpus) - 50


def test_the_corpus_holds_near_copies(corpus: list[dict[str, str]]) -> None:
    # near: other marks or case, or one word swapped, so that dropping one word in the same place makes them equal
    different = {row["text"] for row in corpus}
    keys = Counter(key for text in different for key in {(words(text), -1), *_without_a_word(words(text))})
    near = [text for text in different if keys[words(text), -1] > 1 or _swapped(words(text), keys)]
    assert len(near) >= 50


def _without_a_word(found: tuple[str, ...]) -> list[tuple[tuple[str, ...], int]]:
    return [(found[:place] + found[place + 1 :], place) for place in range(len(found))]


def _swapped(found: tuple[str, ...], keys: Counter[tuple[tuple[str, ...], int]]) -> bool:
    return any(keys[key] > 1 for key in _without_a_word(found))


def test_events_lie_in_the_corpus(corpus: list[dict[str, str]]) -> None:
    days = {row["created_at"][:10] for row in corpus}
    with (EXAMPLE / "events.csv").open(encoding="utf-8", newline="") as file:
        events = [row["date"] for row in csv.DictReader(file)]
    assert 2 <= len(events) <= 3
    assert set(events) <= days


def test_the_script_writes_the_shipped_corpus_byte_for_byte(tmp_path: Path) -> None:
    for name in ("build_corpus.py", "corpus_parts.yaml"):
        shutil.copy(EXAMPLE / name, tmp_path)
    subprocess.run([sys.executable, str(tmp_path / "build_corpus.py")], check=True)
    for name in ("corpus.csv", "events.csv"):
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_no_labelled_message_stands_in_the_corpus(labelled: list[dict[str, Any]], corpus: list[dict[str, str]]) -> None:
    assert {text_key(row["text"]) for row in labelled} & {text_key(row["text"]) for row in corpus} == set()
