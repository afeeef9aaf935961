import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Outcome, TinyRun

from segmenter.params import Params
from segmenter.prepared import label_array, read_split
from training.speed import app, timed


@pytest.fixture(scope="module")
def params(tiny_run: TinyRun) -> Params:
    """The tiny run's, for two epochs."""
    train = tiny_run.params.train.model_copy(update={"epochs": 2})
    return tiny_run.params.model_copy(update={"train": train})


def test_every_message_is_learned_in_every_epoch(params: Params) -> None:
    # no tiny message has more than one window
    assert timed(params)["n_windows"] == 2 * len(read_split(params, "train"))


def test_one_seed_is_worth_the_same_twice(params: Params) -> None:
    assert timed(params)["dev_macro_f1"] == timed(params)["dev_macro_f1"]


def test_class_weights_are_those_of_the_train_split(params: Params) -> None:
    labels = label_array(read_split(params, "train"), params.audience_ids)
    n_true = labels.sum(axis=0)
    expected = np.sqrt((len(labels) - n_true) / n_true)  # class_balance 0.5
    assert timed(params)["class_weights"] == pytest.approx(expected.tolist())


def test_the_command_writes_the_figures(
    params: Params,
    write_params: Callable[[Path, dict[str, Any]], Path],
    tmp_path: Path,
    outcome_of: Callable[..., Outcome],
) -> None:
    path = write_params(tmp_path / "params.yaml", params.model_dump())
    assert outcome_of(app, "--params", path, "--out", tmp_path / "speed.json").code == 0
    assert json.loads((tmp_path / "speed.json").read_text("utf-8"))["seconds"] > 0


def test_it_leaves_nothing_in_the_run_folder(params: Params, tiny_run: TinyRun) -> None:
    before = sorted(tiny_run.folder.iterdir())
    timed(params)
    assert sorted(tiny_run.folder.iterdir()) == before
