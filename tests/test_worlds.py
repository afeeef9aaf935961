"""eval/worlds.py: invented messages whose authors differ."""

import numpy as np
import pytest

from eval.worlds import World, author_sizes, see, see_twice
from segmenter.metrics import Floats, calibration_error, macro_f1

WORLD = World(shares=(0.3, 0.1), sizes="log-normal", evidence=1.8, alike=0.8, sureness=(1.0, 2.0))
MANY = np.full(4000, 10)


def draw() -> np.random.Generator:
    return np.random.default_rng(3)


def test_zipf_authors_fall_off_with_their_rank() -> None:
    # 1 + 1/2 + 1/3 = 11/6; of 66 messages 36, 18 and 12
    assert author_sizes("zipf", 66, 3, draw()).tolist() == [36, 18, 12]


def test_an_author_writes_one_message_at_least() -> None:
    assert author_sizes("zipf", 10, 30, draw()).min() == 1


def test_log_normal_authors_are_as_uneven_as_in_the_gate_split() -> None:
    # 24 effective of 108 authors: 0.22; exp(-1.2^2) = 0.24 for very many
    sizes = author_sizes("log-normal", 400_000, 20_000, draw())
    assert sizes.sum() ** 2 / (sizes**2).sum() / len(sizes) == pytest.approx(0.24, abs=0.06)


def test_audiences_have_about_their_share() -> None:
    assert see(WORLD, MANY, draw()).truth.mean(axis=0) == pytest.approx([0.3, 0.1], abs=0.02)


def test_messages_carry_the_number_of_their_author() -> None:
    assert see(WORLD, np.array([2, 1]), draw()).clusters.tolist() == [0, 0, 1]


def test_scores_are_calibrated_where_the_model_is_not_too_sure() -> None:
    seen = see(WORLD, MANY, draw())
    calibrated, too_sure = calibration_error(seen.truth, seen.scores, 10)
    assert calibrated < 0.01
    assert too_sure > 0.02


def error_of_authors(values: Floats) -> float:
    """Variance of the authors' means over that of messages drawn without regard to authors: 1 if authors do not matter."""
    return float(values.reshape(-1, 10).mean(axis=1).var() / (values.var() / 10))


def test_a_model_errs_alike_on_messages_of_one_author() -> None:
    seen = see(WORLD, MANY, draw())
    assert error_of_authors((seen.truth != seen.chosen)[:, 0].astype(float)) > 1.5


def test_authors_lean_to_audiences() -> None:
    assert error_of_authors(see(WORLD, MANY, draw()).truth[:, 0].astype(float)) > 2


def test_two_models_of_one_evidence_are_equally_good_and_not_the_same() -> None:
    one, other = see_twice(WORLD, 1.8, MANY, draw())
    assert macro_f1(one.truth, one.chosen) == pytest.approx(macro_f1(other.truth, other.chosen), abs=0.01)
    assert (one.chosen != other.chosen).any(axis=1).mean() > 0.05


def test_more_evidence_makes_a_better_model() -> None:
    one, other = see_twice(WORLD, 2.2, MANY, draw())
    assert macro_f1(other.truth, other.chosen) > macro_f1(one.truth, one.chosen) + 0.03


def test_two_models_see_the_same_messages() -> None:
    one, other = see_twice(WORLD, 2.2, np.array([3, 4]), draw())
    assert (one.truth == other.truth).all()
    assert (one.clusters == other.clusters).all()


def test_one_seed_gives_the_same_messages() -> None:
    assert (see(WORLD, np.array([5, 5]), draw()).scores == see(WORLD, np.array([5, 5]), draw()).scores).all()


def test_a_message_is_certain_where_no_score_is_in_between() -> None:
    seen = see(WORLD, np.array([200]), draw())
    between = ((seen.scores > 0.2) & (seen.scores < 0.6)).any(axis=1)
    assert (seen.certain == ~between).all()
