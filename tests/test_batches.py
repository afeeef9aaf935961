import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from segmenter.batches import (
    TokenBatch,
    Tokens,
    bucket,
    canonical_batches,
    in_input_order,
    layout,
    n_computed,
    padding_share,
    tokenise,
)

PAD = 9
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
# Messages of 0 to 200 tokens, as (n_tokens, first token); the first token tells messages of one length apart.
MESSAGES = st.lists(st.tuples(st.integers(0, 200), st.integers(10, 99)), max_size=30).map(
    lambda pairs: [[first] * n_tokens for n_tokens, first in pairs]
)
BATCH_TOKENS = st.integers(1, 600)


def word_tokenizer() -> Tokenizer:
    """One token a word, between two special tokens; `w0` is token 10, `w1` token 11, and so on."""
    words = {f"w{number}": number + 10 for number in range(200)}
    made = Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, **words}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return made


@pytest.fixture
def tokenizer() -> Tokenizer:
    return word_tokenizer()


def text(n_words: int) -> str:
    """The words w0, w1, … of a message."""
    return " ".join(f"w{number}" for number in range(n_words))


def windows(ids: list[list[int]]) -> Tokens:
    """Messages of one window each."""
    return Tokens(ids, np.arange(len(ids)))


def test_messages_carry_the_special_tokens_of_the_encoder(tokenizer: Tokenizer) -> None:
    assert tokenise(tokenizer, ["w0", ""], max_tokens=8, overlap_tokens=2).ids == [[2, 10, 3], [2, 3]]


def test_a_message_that_fits_is_one_window(tokenizer: Tokenizer) -> None:
    # 6 words and 2 special tokens fit into 8; 7 words do not
    tokens = tokenise(tokenizer, [text(6), text(7), "w0"], max_tokens=8, overlap_tokens=2)
    assert tokens.n_windows.tolist() == [1, 2, 1]
    assert tokens.long.tolist() == [False, True, False]
    assert tokens.message.tolist() == [0, 1, 1, 2]


@QUICK
@given(st.lists(st.integers(0, 60), max_size=5), st.integers(4, 12), st.integers(0, 1))
def test_windows_are_those_that_the_tokenizer_cuts(lengths: list[int], max_tokens: int, overlap_tokens: int) -> None:
    texts, own = [text(n_words) for n_words in lengths], word_tokenizer()
    own.enable_truncation(max_tokens, stride=overlap_tokens)
    wanted = [window.ids for one in own.encode_batch(texts) for window in (one, *one.overflowing)]
    assert tokenise(word_tokenizer(), texts, max_tokens=max_tokens, overlap_tokens=overlap_tokens).ids == wanted


def test_a_special_token_that_a_message_spells_out_is_its_own(tokenizer: Tokenizer) -> None:
    # the token [CLS] at the beginning of the text belongs to the text: it is in the first window alone
    tokenizer.add_special_tokens(["[CLS]"])
    tokens = tokenise(tokenizer, [f"[CLS] {text(4)}"], max_tokens=5, overlap_tokens=0)
    assert tokens.ids == [[2, 2, 10, 11, 3], [2, 12, 13, 3]]


def test_whole_are_the_ids_of_messages_of_one_window(tokenizer: Tokenizer) -> None:
    tokens = tokenise(tokenizer, ["w0", text(7), "w1"], max_tokens=8, overlap_tokens=2)
    assert tokens.whole == [[2, 10, 3], None, [2, 11, 3]]


def test_neighbouring_windows_share_the_overlap_and_all_carry_the_special_tokens(tokenizer: Tokenizer) -> None:
    # 6 words a window, 2 of them of the window before: w0–w5, w4–w9, w8 and w9 with what is left
    tokens = tokenise(tokenizer, [text(11)], max_tokens=8, overlap_tokens=2)
    assert tokens.ids == [
        [2, 10, 11, 12, 13, 14, 15, 3],
        [2, 14, 15, 16, 17, 18, 19, 3],
        [2, 18, 19, 20, 3],
    ]


@QUICK
@given(n_words=st.integers(0, 200), max_tokens=st.integers(8, 40), share=st.floats(0, 0.5))
def test_windows_cover_the_whole_text_in_order(n_words: int, max_tokens: int, share: float) -> None:
    overlap = int(share * max_tokens)
    tokens = tokenise(word_tokenizer(), [text(n_words)], max_tokens=max_tokens, overlap_tokens=overlap)
    inner = [ids[1:-1] for ids in tokens.ids]
    joined = inner[0] + [token for window in inner[1:] for token in window[overlap:]]
    assert joined == [number + 10 for number in range(n_words)]
    assert max(len(ids) for ids in tokens.ids) <= max_tokens


def test_no_texts_have_no_windows(tokenizer: Tokenizer) -> None:
    tokens = tokenise(tokenizer, [], max_tokens=8, overlap_tokens=2)
    assert (tokens.ids, tokens.message.tolist(), tokens.long.tolist()) == ([], [], [])


def test_a_part_of_the_messages_has_all_their_windows_in_its_own_order(tokenizer: Tokenizer) -> None:
    tokens = tokenise(tokenizer, ["w0", text(7), "w1"], max_tokens=8, overlap_tokens=2)
    part = tokens.part(np.array([2, 1]))
    assert part.ids == [[2, 11, 3], [2, 10, 11, 12, 13, 14, 15, 3], [2, 14, 15, 16, 3]]
    assert part.message.tolist() == [0, 1, 1]


def test_a_tokenizer_that_was_sealed_with_padding_pads_no_message(tokenizer: Tokenizer) -> None:
    tokenizer.enable_padding(length=20)
    assert tokenise(tokenizer, ["w0"], max_tokens=8, overlap_tokens=0).ids == [[2, 10, 3]]


@pytest.mark.parametrize(
    ("n_tokens", "expected"),
    # up to 32 in fours, up to 64 in eights, up to 128 in sixteens, up to 512 in sixty-fours, then in 256s
    [(1, 4), (4, 4), (5, 8), (32, 32), (33, 40), (64, 64), (65, 80), (128, 128), (129, 192), (512, 512), (513, 768)],
)
def test_a_length_is_rounded_up_to_its_bucket(n_tokens: int, expected: int) -> None:
    assert bucket(n_tokens) == expected


def test_a_message_without_a_token_has_a_bucket() -> None:
    assert bucket(0) == 4


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
        assert in_input_order(batches, results, windows(ids)).tolist() == expected
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
    assert [batch.input_ids.shape[1] for batch in batches] == [64, 20, 8]


def test_the_last_batch_of_a_bucket_is_filled_with_empty_rows() -> None:
    # 3 messages in the bucket of 4, 8 tokens a batch: two rows a batch, the last row empty
    _, last = canonical_batches([[1, 1], [2, 2], [3, 3]], batch_tokens=8, pad_id=PAD)
    assert last.rows == [2]
    assert last.input_ids.tolist() == [[3, 3, PAD, PAD], [PAD] * 4]
    assert last.attention_mask.tolist() == [[1, 1, 0, 0], [1, 0, 0, 0]]


def test_padding_is_what_is_no_token_of_a_message() -> None:
    # 2 batches of 2 rows of 4, of which 3 times 2 are tokens: 10 of 16 are padding
    batches = canonical_batches([[1, 1], [2, 2], [3, 3]], batch_tokens=8, pad_id=PAD)
    assert padding_share(batches) == pytest.approx(10 / 16)


def test_no_batches_have_no_padding() -> None:
    assert padding_share([]) == 0.0


def test_other_batches_have_another_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    before = layout(512)
    assert layout(1024) != before
    monkeypatch.setattr("segmenter.batches.BUCKET_STEPS", ((512, 64),))
    assert layout(512) != before


def test_results_keep_their_shape_beyond_the_rows() -> None:
    batches = canonical_batches([[1], [2]], batch_tokens=4, pad_id=PAD)
    results = [np.full((1, 2, 3), batch.rows[0], np.float32) for batch in batches]
    assert in_input_order(batches, results, windows([[1], [2]]))[:, 0, 0].tolist() == [0.0, 1.0]
    assert in_input_order(batches, results, windows([[1], [2]])).shape == (2, 2, 3)


def test_a_long_message_has_the_mean_of_its_windows_weighted_by_their_tokens() -> None:
    # windows of 6 and 2 tokens with results 1 and 5: (6 * 1 + 2 * 5) / 8 = 2; the other message keeps its own
    tokens = Tokens([[7] * 3, [8] * 6, [9] * 2], np.array([0, 1, 1]))
    batches = canonical_batches(tokens.ids, batch_tokens=8, pad_id=PAD)
    results = [np.array([[1.0]], np.float32), np.array([[4.0], [5.0]], np.float32)]
    assert [batch.rows for batch in batches] == [[1], [0, 2]]
    assert in_input_order(batches, results, tokens).tolist() == [[4.0], [2.0]]


def test_a_message_of_one_window_keeps_its_result_to_the_bit() -> None:
    value = np.float32(0.1)
    batches = canonical_batches([[7] * 3, [8] * 7], batch_tokens=8, pad_id=PAD)
    results = [np.full((1, 1), value, np.float32) for _ in batches]
    assert in_input_order(batches, results, windows([[7] * 3, [8] * 7]))[:, 0].tolist() == [value, value]


def test_what_is_computed_is_the_size_of_the_batches() -> None:
    ids = [[1] * n for n in (5, 6, 7, 30, 31, 100, 128) for _ in range(9)]
    batches = canonical_batches(ids, batch_tokens=256, pad_id=0)
    assert n_computed(ids, 256) == sum(batch.input_ids.size for batch in batches)
