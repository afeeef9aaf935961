import json
from collections import Counter
from functools import reduce
from operator import add

import numpy as np

from segmenter.scoring.drift import N_BINS
from segmenter.scoring.tally import Effort, Tally


def tally(seed: int) -> Tally:
    """Counts that differ from seed to seed, of two audiences."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(1, 50, 6).tolist()
    return Tally(
        n_rows=numbers[0],
        n_rejects=numbers[1],
        verdicts=Counter({"chosen": numbers[2], "none": numbers[3]}),
        n_long=numbers[4],
        shattered=Counter({("ru", "uk", "tr")[seed % 3]: numbers[5]}),
        score_bins=rng.integers(0, 9, (2, N_BINS)),
    )


def test_a_sum_is_the_same_however_it_is_cut() -> None:
    parts = [tally(seed) for seed in range(6)]
    left = reduce(add, parts)
    halves = reduce(add, parts[3:]) + reduce(add, parts[:3])
    assert halves.as_json() == left.as_json()


def test_nothing_adds_nothing() -> None:
    assert (Tally.none(2) + tally(1)).as_json() == tally(1).as_json()


def test_rows_out_are_the_verdicts() -> None:
    part = tally(4)
    assert part.n_messages == part.verdicts["chosen"] + part.verdicts["none"]


def test_a_tally_comes_back_from_json() -> None:
    found = Tally.of_json(json.loads(json.dumps(tally(2).as_json())))
    assert (found + tally(3)).as_json() == (tally(2) + tally(3)).as_json()


def test_equal_tallies_are_the_same_text_in_whatever_order_they_were_counted() -> None:
    one, other = tally(0) + tally(1), tally(1) + tally(0)
    assert list(one.shattered) != list(other.shattered)
    assert json.dumps(one.as_json()) == json.dumps(other.as_json())


def test_a_count_of_nothing_is_left_out_of_a_sum() -> None:
    # so that a part without one and a part with none of it give the same text
    part = Tally.none(2)
    part.verdicts["uncertain"] = 0
    assert (part + Tally.none(2)).as_json()["verdicts"] == {}


def test_efforts_add_up() -> None:
    one, other = Effort(n_texts=5, n_run=3, n_tokens=128, n_padding=28), Effort(n_texts=1, n_run=1, n_tokens=64)
    assert one + other + Effort() == Effort(n_texts=6, n_run=4, n_tokens=192, n_padding=28)
