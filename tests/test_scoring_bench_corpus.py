from pathlib import Path

import numpy as np
import pytest
from conftest import TinyRun
from tokenizers import Tokenizer

from eval.scoring_bench.corpus import invented, n_pieces, of_table, stratified
from segmenter.bundle import TOKENIZER
from segmenter.errors import TableError
from segmenter.text import clean

SEED = 17


@pytest.fixture(scope="module")
def tokenizer(tiny_run: TinyRun) -> Tokenizer:
    return Tokenizer.from_file(str(tiny_run.bundle / TOKENIZER))


@pytest.fixture(scope="module")
def texts(tokenizer: Tokenizer) -> list[str]:
    return invented(tokenizer, n_messages=4000, seed=SEED)


def test_invented_messages_have_the_length_profile_of_real_corpora(texts: list[str], tokenizer: Tokenizer) -> None:
    found = n_pieces(tokenizer, [clean(text) for text in texts])
    assert np.median(found) == pytest.approx(35, rel=0.15)
    assert np.percentile(found, 95) == pytest.approx(175, rel=0.15)


def test_16_percent_of_invented_messages_are_copies(texts: list[str]) -> None:
    assert len(texts) - len({clean(text) for text in texts}) == 640  # 0.16 * 4,000


def test_the_same_seed_invents_the_same_messages(texts: list[str], tokenizer: Tokenizer) -> None:
    assert invented(tokenizer, n_messages=4000, seed=SEED) == texts
    assert invented(tokenizer, n_messages=4000, seed=SEED + 1) != texts


def test_messages_are_drawn_at_equal_steps_of_length() -> None:
    texts = ["a" * n for n in range(1, 101)]
    drawn = stratified(texts, lambda part: np.array([len(text) for text in part]), n=5, seed=SEED)
    assert sorted(map(len, drawn)) == [1, 21, 41, 61, 81]


def test_no_message_is_drawn_twice() -> None:
    texts = ["one ", "one", "two", "three"]  # the first two are equal once cleaned
    drawn = stratified(texts, lambda part: np.ones(len(part), np.int64), n=3, seed=SEED)
    assert sorted(clean(text) for text in drawn) == ["one", "three", "two"]


def test_too_few_different_messages_are_refused() -> None:
    with pytest.raises(TableError, match="1 different ones, 2 are to be drawn; bring more, or draw fewer"):
        stratified(["one", "one "], lambda part: np.ones(len(part), np.int64), n=2, seed=SEED)


def test_messages_of_a_table_are_those_with_text(tmp_path: Path) -> None:
    table = tmp_path / "messages.jsonl"
    table.write_text('{"text": "a red boat"}\n{"text": ""}\n{"text": "a blue boat"}\n', "utf-8")
    assert of_table(table, "text") == ["a red boat", "a blue boat"]
