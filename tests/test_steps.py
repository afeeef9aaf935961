import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.steps import Batch, Padder, token_budget_batches

PAD = 9
QUICK = settings(max_examples=80, deadline=None, derandomize=True)
LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=80)


def batches(lengths: list[int], batch_tokens: int, seed: int = 1) -> list[Batch]:
    return token_budget_batches(np.array(lengths), batch_tokens, np.random.default_rng(seed))


def n_padded(lengths: list[int], batch: Batch) -> int:
    """Tokens of a batch, padding included."""
    return len(batch.places) * max(lengths[place] for place in batch.places)


@QUICK
@given(lengths=LENGTHS, batch_tokens=st.integers(60, 400))
def test_a_batch_stays_within_the_token_budget(lengths: list[int], batch_tokens: int) -> None:
    assert max(n_padded(lengths, batch) for batch in batches(lengths, batch_tokens)) <= batch_tokens


@QUICK
@given(lengths=LENGTHS, batch_tokens=st.integers(1, 400))
def test_every_window_comes_once_an_epoch(lengths: list[int], batch_tokens: int) -> None:
    found = sorted(int(place) for batch in batches(lengths, batch_tokens) for place in batch.places)
    assert found == list(range(len(lengths)))


def test_a_window_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert sorted(sorted(batch.places.tolist()) for batch in batches([5, 50, 5], 20)) == [[0, 2], [1]]


def test_windows_of_like_length_share_a_batch() -> None:
    # 4 to 60 tokens in turn; unsorted rows of 8 would be padded to near 60, that is by almost half
    lengths = [4 + 8 * (number % 8) for number in range(400)]
    padding = 1 - sum(lengths) / sum(n_padded(lengths, batch) for batch in batches(lengths, 512))
    unsorted = 1 - sum(lengths) / (60 * len(lengths))
    assert unsorted == pytest.approx(0.467, abs=0.001)
    assert padding < 0.1


def test_the_order_of_batches_differs_between_epochs() -> None:
    first, second = (batches([4, 9, 20, 33] * 5, 40, seed) for seed in (1, 2))
    assert [batch.places.tolist() for batch in first] != [batch.places.tolist() for batch in second]


def test_no_two_batches_share_their_dropout() -> None:
    found = [batch.seed for seed in (1, 2) for batch in batches([4, 9, 20, 33] * 5, 40, seed)]
    assert len(set(found)) == len(found)


def test_one_seed_gives_the_same_batches_twice() -> None:
    first, second = (
        [(batch.places.tolist(), batch.seed) for batch in batches([4, 9, 20, 33] * 5, 40)] for _ in range(2)
    )
    assert first == second


def test_a_row_is_its_window_then_padding() -> None:
    padded = Padder([[11, 12, 13], [14], [15, 16]], PAD).padded(np.array([2, 0]))
    assert padded.input_ids.tolist() == [[15, 16, PAD], [11, 12, 13]]
    assert padded.attention_mask.tolist() == [[1, 1, 0], [1, 1, 1]]
