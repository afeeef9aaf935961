import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from segmenter.batches import TokenBatch, bucket, canonical_batches, in_input_order, tokenise

PAD = 9
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
# Messages of 0 to 200 tokens, as (n_tokens, first token); the first token tells messages of one length apart.
MESSAGES = st.lists(st.tuples(st.integers(0, 200), st.integers(10, 99)), max_size=30).map(
    lambda pairs: [[first] * n_tokens for n_tokens, first in pairs]
)
BATCH_TOKENS = st.integers(1, 600)


@pytest.fixture
def tokenizer() -> Tokenizer:
    """One token a word, between two special tokens."""
    made = Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "tea": 4}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return made


def test_messages_carry_the_special_tokens_of_the_encoder(tokenizer: Tokenizer) -> None:
    assert tokenise(tokenizer, ["tea", ""], 8).ids == [[2, 4, 3], [2, 3]]


def test_a_long_message_is_cut_to_max_tokens_and_marked(tokenizer: Tokenizer) -> None:
    # 6 words and 2 special tokens fit into 8; 7 words do not
    tokens = tokenise(tokenizer, ["tea " * 6, "tea " * 7, "tea " * 100], 8)
    assert [len(ids) for ids in tokens.ids] == [8, 8, 8]
    assert tokens.cut == [False, True, True]


def test_a_tokenizer_that_was_sealed_with_padding_pads_no_message(tokenizer: Tokenizer) -> None:
    tokenizer.enable_padding(length=20)
    assert tokenise(tokenizer, ["tea"], 8).ids == [[2, 4, 3]]


@pytest.mark.parametrize(
    ("n_tokens", "expected"),
    # up to 64 in eights, up to 128 in sixteens, up to 512 in sixty-fours, then in 256s
    [(1, 8), (8, 8), (9, 16), (64, 64), (65, 80), (128, 128), (129, 192), (512, 512), (513, 768), (8192, 8192)],
)
def test_a_length_is_rounded_up_to_its_bucket(n_tokens: int, expected: int) -> None:
    assert bucket(n_tokens) == expected


def test_a_message_without_a_token_has_a_bucket() -> None:
    assert bucket(0) == 8


@QUICK
@given(ids=MESSAGES, batch_tokens=BATCH_TOKENS)
def test_every_message_comes_back_in_input_order(ids: list[list[int]], batch_tokens: int) -> None:
    batches = canonical_batches(ids, batch_tokens=batch_tokens, pad_id=PAD)
    # the result of a row: its number of real tokens and their sum
    results = [
        np.stack([batch.attention_mask.sum(1), (batch.input_ids * batch.attention_mask).sum(1)], 1).astype(np.float32)
        for batch in batches
    ]
    if ids:
        # a message without a token still attends to one, of padding
        expected = [[max(len(tokens), 1), sum(tokens or [PAD])] for tokens in ids]
        assert in_input_order(batches, results, len(ids)).tolist() == expected
    else:
        assert batches == []


@QUICK
@given(ids=MESSAGES, batch_tokens=BATCH_TOKENS)
def test_every_message_stands_in_one_batch_once(ids: list[list[int]], batch_tokens: int) -> None:
    batches = canonical_batches(ids, batch_tokens=batch_tokens, pad_id=PAD)
    assert sorted(row for batch in batches for row in batch.rows) == list(range(len(ids)))


def seen(batch: TokenBatch, row: int) -> tuple[tuple[int, ...], list[int], list[int]]:
    """What the network is given for one message: the shape of its batch, its ids, its mask."""
    place = batch.rows.index(row)
    return batch.input_ids.shape, batch.input_ids[place].tolist(), batch.attention_mask[place].tolist()


@QUICK
@given(ids=MESSAGES.filter(bool), batch_tokens=BATCH_TOKENS)
def test_what_the_network_sees_of_a_message_does_not_depend_on_its_neighbours(
    ids: list[list[int]], batch_tokens: int
) -> None:
    (alone,) = canonical_batches(ids[:1], batch_tokens=batch_tokens, pad_id=PAD)
    together = canonical_batches(ids, batch_tokens=batch_tokens, pad_id=PAD)
    (batch,) = [batch for batch in together if 0 in batch.rows]
    assert seen(batch, 0) == seen(alone, 0)


@QUICK
@given(ids=MESSAGES, batch_tokens=BATCH_TOKENS)
def test_a_batch_keeps_to_its_tokens_unless_it_is_one_row(ids: list[list[int]], batch_tokens: int) -> None:
    batches = canonical_batches(ids, batch_tokens=batch_tokens, pad_id=PAD)
    assert all(batch.input_ids.size <= batch_tokens or len(batch.input_ids) == 1 for batch in batches)


@QUICK
@given(ids=MESSAGES, batch_tokens=BATCH_TOKENS)
def test_no_row_is_without_a_token(ids: list[list[int]], batch_tokens: int) -> None:
    batches = canonical_batches(ids, batch_tokens=batch_tokens, pad_id=PAD)
    assert all(batch.attention_mask.any(axis=1).all() for batch in batches)


def test_the_longest_batches_come_first() -> None:
    batches = canonical_batches([[1] * 5, [1] * 60, [1] * 20], batch_tokens=64, pad_id=PAD)
    assert [batch.input_ids.shape[1] for batch in batches] == [64, 24, 8]


def test_the_last_batch_of_a_bucket_is_filled_with_empty_rows() -> None:
    # 3 messages in the bucket of 8, 16 tokens a batch: two rows a batch, the last row empty
    _, last = canonical_batches([[1, 1], [2, 2], [3, 3]], batch_tokens=16, pad_id=PAD)
    assert last.rows == [2]
    assert last.input_ids.tolist() == [[3, 3] + [PAD] * 6, [PAD] * 8]
    assert last.attention_mask.tolist() == [[1, 1] + [0] * 6, [1] + [0] * 7]


def test_results_keep_their_shape_beyond_the_rows() -> None:
    batches = canonical_batches([[1], [2]], batch_tokens=8, pad_id=PAD)
    results = [np.full((1, 2, 3), batch.rows[0], np.float32) for batch in batches]
    assert in_input_order(batches, results, 2)[:, 0, 0].tolist() == [0.0, 1.0]
    assert in_input_order(batches, results, 2).shape == (2, 2, 3)
