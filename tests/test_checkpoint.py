import json
from pathlib import Path

import pytest
import torch

from segmenter.errors import ParamsError, TableError
from training.checkpoint import Checkpoints, State

PLAN = {"seed": 17, "train": {"epochs": 2, "dropout": 0.1}}


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    found = Checkpoints(tmp_path / "checkpoint", PLAN)
    found.begin("run-1")
    return found


def state(number: float) -> State:
    return State({"weights": torch.full((2, 3), number)}, {"n_batches": 4, "total": 0.1 + 0.2})


def test_a_stage_comes_back_as_it_was_left(checkpoints: Checkpoints) -> None:
    checkpoints.save("model", state(0.1))
    found = checkpoints.load("model")
    assert found is not None
    assert found.facts == {"n_batches": 4, "total": 0.1 + 0.2}
    assert torch.equal(found.tensors["weights"], torch.full((2, 3), 0.1))


def test_a_stage_that_was_not_saved_is_none(checkpoints: Checkpoints) -> None:
    assert checkpoints.load("fold-1") is None


def test_the_newest_state_of_a_stage_counts(checkpoints: Checkpoints) -> None:
    checkpoints.save("model", state(1.0))
    checkpoints.save("model", state(2.0))
    found = checkpoints.load("model")
    assert found is not None
    assert found.tensors["weights"][0, 0] == 2.0


def test_a_file_that_was_half_written_when_the_training_died_does_not_count(checkpoints: Checkpoints) -> None:
    checkpoints.save("model", state(1.0))
    (checkpoints.folder / "model.part").write_bytes(b"half")
    found = Checkpoints(checkpoints.folder, PLAN).load("model")
    assert found is not None
    assert found.tensors["weights"][0, 0] == 1.0


def test_only_safetensors_and_json_are_written(checkpoints: Checkpoints) -> None:
    checkpoints.save("model", state(1.0))
    assert sorted(file.name for file in checkpoints.folder.iterdir()) == ["model.safetensors", "plan.json"]
    assert json.loads((checkpoints.folder / "plan.json").read_text("utf-8"))["plan"] == PLAN


def test_the_run_of_a_killed_training_is_remembered(checkpoints: Checkpoints) -> None:
    assert Checkpoints(checkpoints.folder, PLAN).run_id == "run-1"


def test_another_plan_is_refused_and_what_differs_is_named(checkpoints: Checkpoints) -> None:
    wanted = (
        "holds an unfinished training of another train; delete it to start anew, or name another folder in the params"
    )
    with pytest.raises(ParamsError, match=wanted):
        Checkpoints(checkpoints.folder, PLAN | {"train": {"epochs": 3, "dropout": 0.1}})


def test_a_damaged_file_is_one_sentence(checkpoints: Checkpoints) -> None:
    (checkpoints.folder / "model.safetensors").write_bytes(b"not a checkpoint at all")
    with pytest.raises(ParamsError, match=r"model\.safetensors: is damaged \(.*\); delete .*checkpoint to start anew"):
        checkpoints.load("model")


def test_a_folder_that_cannot_be_written_is_one_sentence(checkpoints: Checkpoints) -> None:
    (checkpoints.folder / "model.part").mkdir()  # root may write anywhere, but not over a folder
    with pytest.raises(TableError, match=r"model\.part: cannot be written \(.*\); check the folder's permissions"):
        checkpoints.save("model", state(1.0))


def test_what_another_has_put_there_stays(checkpoints: Checkpoints) -> None:
    (checkpoints.folder / "note.txt").write_text("mine", "utf-8")
    checkpoints.remove()
    assert [file.name for file in checkpoints.folder.iterdir()] == ["note.txt"]


def test_a_dropped_stage_is_gone_and_the_others_stay(checkpoints: Checkpoints) -> None:
    for stage in ("model", "fold-1"):
        checkpoints.save(stage, state(1.0))
    checkpoints.drop("fold-1")
    assert (checkpoints.load("fold-1"), checkpoints.load("model") is None) == (None, False)


def test_nothing_is_left_once_training_has_ended(checkpoints: Checkpoints) -> None:
    checkpoints.save("model", state(1.0))
    (checkpoints.folder / "fold-1.part").write_bytes(b"half")
    checkpoints.remove()
    assert not checkpoints.folder.exists()
