from pathlib import Path

import pytest
import torch
from tiny_training import tiny_base, tiny_model

from segmenter.errors import TableError
from segmenter.meter import WARM_UP_BATCHES, Meter
from segmenter.model import AudienceModel


@pytest.fixture
def model(tiny_bert: Path) -> AudienceModel:
    return tiny_model(tiny_base(tiny_bert))


def read(model: AudienceModel, lengths: list[int], n_batches: int) -> None:
    """Some batches of windows of these lengths, padded to the longest."""
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    for _ in range(n_batches):
        model(torch.full(mask.shape, 5), mask)


def test_batches_and_windows_are_those_that_passed(model: AudienceModel) -> None:
    with Meter(model) as meter:
        read(model, [4, 2], WARM_UP_BATCHES + 1)
        read(model, [3], 1)
    effort = meter.effort()
    # (5 + 1) batches of two windows, one of one
    assert (effort.n_batches, effort.n_windows) == (7, 13)


def test_padding_is_what_is_no_token(model: AudienceModel) -> None:
    with Meter(model) as meter:
        read(model, [4, 1], WARM_UP_BATCHES + 1)
    assert meter.effort().padding_share == pytest.approx(3 / 8)  # of 2 rows of 4, three places are empty


def test_what_came_after_the_warm_up_is_timed(model: AudienceModel) -> None:
    with Meter(model) as meter:
        read(model, [2] * 50, WARM_UP_BATCHES)
        read(model, [2], 3)
    effort = meter.effort()
    assert effort.n_timed_windows == 3
    assert 0 < effort.seconds < 60


def test_what_passes_after_the_block_is_not_counted(model: AudienceModel) -> None:
    with Meter(model) as meter:
        read(model, [2], WARM_UP_BATCHES + 1)
    read(model, [2], 4)
    assert meter.effort().n_batches == 6


def test_a_fit_that_ends_within_the_warm_up_is_refused(model: AudienceModel) -> None:
    with Meter(model) as meter:
        read(model, [2], WARM_UP_BATCHES)
    with pytest.raises(TableError, match="train split: makes 5 batches, the first 5 are not timed; bring more"):
        meter.effort()
