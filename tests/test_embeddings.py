from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from transformers import AutoTokenizer

from training.embeddings import focus, mean_of_old, sparsemax


def test_sparsemax_gives_what_is_derived_by_hand() -> None:
    # rows (0.5, 0.5), (3, 0): half each, all to the first; (0.6, 0.2, -1): cut (0.8 - 1) / 2 = -0.1, so 0.7, 0.3, 0
    found = sparsemax(np.array([[0.6, 0.2, -1.0], [3.0, 0.0, 0.0], [0.5, 0.5, 0.5]], np.float32))
    assert found == pytest.approx(np.array([[0.7, 0.3, 0.0], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]]), abs=1e-6)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(arrays(np.float32, (3, 7), elements=st.floats(-1, 1, width=32)))
def test_sparsemax_rows_are_weights(values: np.ndarray) -> None:
    found = sparsemax(values)
    assert found.min() >= 0
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-4)


def test_a_new_piece_starts_at_the_mean_of_its_old_pieces(tiny_bert: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert).backend_tokenizer
    embeddings = np.random.default_rng(1).normal(size=(tokenizer.get_vocab_size(), 4)).astype(np.float32)
    ids = [tokenizer.token_to_id(piece) for piece in ("x", "##y")]
    found = mean_of_old(tokenizer, ["xy", "##xy"], embeddings)
    assert found[0] == pytest.approx(embeddings[ids].mean(axis=0))
    assert found[1] == pytest.approx(found[0])  # the mark of a continuing piece is no text


def test_focus_takes_after_the_pieces_in_like_company_and_leaves_rare_ones_at_their_mean() -> None:
    # pieces 0..5 are old: 0 and 1 stand among 4, 2 and 3 among 5; new 6 keeps the company of 4, new 7 is never seen
    generator = np.random.default_rng(5)
    ids = []
    for _ in range(300):
        garden, road = generator.permutation([0, 1, 6]), generator.permutation([2, 3])
        ids += [[4, *garden, 4], [5, *road, 5]]
    old = np.eye(6, dtype=np.float32)
    mean = np.full((2, 6), -1.0, np.float32)
    found = focus(ids, mean, old, seed=1)
    assert found[0].sum() == pytest.approx(1.0, abs=1e-5)
    assert found[0, [0, 1, 4]].sum() > 0.9
    assert found[1].tolist() == mean[1].tolist()
