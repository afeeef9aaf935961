from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from segmenter.errors import ParamsError
from training.pieces import extend, fertility

UNKNOWN_WORDS = ["ostrobramsk kalinovka ostrobramsk", "kalinovka ostrobramsk", "ostrobramsk kalinovka"] * 5


@pytest.fixture
def tokenizer(tiny_bert: Path) -> Tokenizer:
    """The tiny BERT's: its words whole, all else letter by letter."""
    return AutoTokenizer.from_pretrained(tiny_bert).backend_tokenizer


def test_a_frequent_word_becomes_one_piece(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode("ostrobramsk", add_special_tokens=False).ids) == len("ostrobramsk")
    extended = extend(tokenizer, UNKNOWN_WORDS, 200)
    assert extended.tokenizer.encode("ostrobramsk", add_special_tokens=False).tokens == ["ostrobramsk"]


def test_old_pieces_keep_their_ids_and_the_new_ones_follow(tokenizer: Tokenizer) -> None:
    extended = extend(tokenizer, UNKNOWN_WORDS, 200)
    old, new = tokenizer.get_vocab(), extended.tokenizer.get_vocab()
    assert {piece: new[piece] for piece in old} == old
    assert [new[piece] for piece in extended.pieces] == list(range(len(old), len(new)))


def test_words_that_were_whole_are_cut_as_before(tokenizer: Tokenizer) -> None:
    extended = extend(tokenizer, UNKNOWN_WORDS, 200)
    text = "gardeners, water the red beds before noon"
    assert extended.tokenizer.encode(text).ids == tokenizer.encode(text).ids


@pytest.mark.parametrize("arch", ["xlm-roberta", "modernbert"])
def test_a_tokenizer_that_is_not_wordpiece_is_refused_in_a_sentence(tiny_encoder, tmp_path: Path, arch: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    other = AutoTokenizer.from_pretrained(tiny_encoder(arch, tmp_path / arch)).backend_tokenizer
    with pytest.raises(ParamsError, match=r"adapt\.pieces: 200, but the base encoder's tokenizer is \w+; .* write 0"):
        extend(other, UNKNOWN_WORDS, 200)


def test_pieces_a_word_are_averaged_by_language(tokenizer: Tokenizer) -> None:
    # `red beds` is 2 pieces in 2 words; `xyz red` is 3 letters and a word: 4 pieces in 2 words; `xyz` 3 in 1
    texts = ["red beds", "xyz red", "xyz"]
    assert fertility(tokenizer, texts, np.array(["en", "en", "xx"], object)) == {"en": 1.5, "xx": 3.0}
