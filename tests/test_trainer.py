import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import mlflow
import numpy as np
import pytest
import yaml
from conftest import Outcome, TinyRun
from rich.progress import Progress
from safetensors import safe_open
from tiny_training import trusted_and_weak, with_train

from segmenter.bundle import audit
from segmenter.params import Params, load_params
from training.loop import Epoch
from training.train import app, train
from training.trainer import Trainer, git_commit

REPOSITORY = Path(__file__).parents[1]
PATIENCE_SECONDS = 300  # of a shared machine
FIT = """
import json, sys
from pathlib import Path
from rich.progress import Progress
from segmenter.params import load_params
from training import processes
from training.trainer import Trainer

path, progress = Path(sys.argv[1]), Progress(disable=True)
with processes.joined():
    trainer = Trainer(load_params(path))
    if not processes.number():
        trainer.checkpoints.begin("")
    epochs = trainer.fit(progress)[1]
    found = {"losses": [epoch.loss for epoch in epochs], "logits": trainer.out_of_fold(progress, 2).logits.tolist()}
    path.with_name(f"process-{processes.number()}.json").write_text(json.dumps(found))
"""


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def prepared(tiny_params: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return trusted_and_weak(tiny_params, tmp_path_factory.mktemp("mixed"))


@pytest.fixture
def mixed(prepared: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each test begins anew."""
    yield prepared
    shutil.rmtree(Path(prepared["tracking"]["run_folder"]) / "checkpoint")


def copied(run: TinyRun, folder: Path, **changes: object) -> Path:
    """The params file of a run with a changed `train` section, its prepared splits, and a run folder of its own."""
    sections = yaml.safe_load(run.params_path.read_text("utf-8"))
    sections["tracking"]["run_folder"] = str(folder / "run")
    sections["train"] |= changes
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(sections, sort_keys=False), "utf-8")
    shutil.copytree(run.folder / "data", folder / "run" / "data")
    return path


def losses(params: Params, run_id: str) -> dict[int, float]:
    """The logged loss of each epoch."""
    history = mlflow.MlflowClient(params.tracking.uri).get_metric_history(run_id, "train/loss")
    return {metric.step: metric.value for metric in history}


def place(file: Path) -> tuple[int, int]:
    """Epochs and batches of a checkpoint, none where there is no file."""
    if not file.is_file():
        return 0, 0
    with safe_open(file, framework="np") as stored:
        facts = json.loads(stored.metadata()["facts"])
    return len(facts["epochs"]), facts["n_batches"]


def fitted(params: Params) -> tuple[Trainer, list[Epoch], Progress]:
    """A trainer whose main model has learned."""
    trainer, progress = Trainer(params), Progress(disable=True)
    trainer.checkpoints.begin("")
    return trainer, trainer.fit(progress)[1], progress


def stages(progress: Progress) -> dict[str, float | None]:
    """What was learned in which order: windows of all epochs by stage."""
    return {task.description: task.total for task in progress.tasks}


def test_weak_messages_come_first_in_main_and_fold_models(mixed: dict[str, Any]) -> None:
    params = with_train(mixed, weak="first", weak_epochs=2, epochs=1)
    trainer, _, progress = fitted(params)
    trainer.out_of_fold(progress, 1)
    n_weak, n_trusted = len(trainer.frames.weak), len(trainer.frames.train)
    found = stages(progress)
    assert list(found) == ["model-weak", "model", "fold-1-weak", "fold-1", "fold-2-weak", "fold-2"]
    assert (found["model-weak"], found["model"]) == (2 * n_weak, n_trusted)
    assert found["fold-1"] + found["fold-2"] == n_trusted  # type: ignore[operator]  # each is left out of one of two


def test_a_fold_model_learns_no_weak_message_by_an_author_that_is_held_out(mixed: dict[str, Any]) -> None:
    trainer = Trainer(with_train(mixed, weak="first"))
    trainer.checkpoints.begin("")
    train, weak = trainer.frames.train, trainer.frames.weak
    author = next(name for name in train["author"] if name in set(weak["author"]))
    held = np.flatnonzero(train["author"] == author)
    learned = trainer.frames.learned.iloc[trainer.apart_from(held)]
    assert author not in set(learned["author"])
    assert (learned["label_kind"] == "gold").sum() == len(train) - len(held)
    assert (learned["label_kind"] == "weak").any()


def test_weak_messages_are_learned_together_with_the_others(mixed: dict[str, Any]) -> None:
    trainer, _, progress = fitted(with_train(mixed, weak="together", epochs=1))
    assert stages(progress) == {"model": len(trainer.frames.weak) + len(trainer.frames.train)}


def test_calibration_sees_no_weak_label(mixed: dict[str, Any]) -> None:
    trainer, _, progress = fitted(with_train(mixed, weak="together", epochs=1))
    logits = trainer.out_of_fold(progress, 1).logits
    assert logits.shape == trainer.train.labels.shape == (len(trainer.frames.train), 3)
    assert np.isfinite(logits).all() and (logits != 0).any(axis=1).all()


def test_a_training_of_other_params_is_not_gone_on_with(
    tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    trainer = Trainer(load_params(copied(tiny_run, tmp_path)))
    trainer.checkpoints.begin("")
    path = tmp_path / "params.yaml"
    sections = yaml.safe_load(path.read_text("utf-8"))
    sections["train"]["epochs"] = 2
    path.write_text(yaml.safe_dump(sections), "utf-8")
    outcome = outcome_of(app, "--params", path)
    wanted = "checkpoint: holds an unfinished training of another train; delete it to start anew, or name another"
    assert outcome.code == 2
    assert wanted in outcome.err


def test_training_messages_longer_than_max_tokens_are_counted(tiny_run: TinyRun, tmp_path: Path) -> None:
    # every tiny message has more than six words
    params = load_params(copied(tiny_run, tmp_path))
    short = params.text.model_copy(update={"max_tokens": 8, "window_overlap_tokens": 2})
    trainer = Trainer(params.model_copy(update={"text": short}))
    n = len(trainer.frames.train)
    wanted = f"{n} of {n} training messages (100.0%) are longer than 8 tokens, read in windows"
    assert trainer.long_sentence() == wanted
    assert trainer.learned.tokens.n_windows.min() > 1


def test_a_training_killed_in_mid_epoch_ends_as_an_unbroken_one(tiny_run: TinyRun, tmp_path: Path) -> None:
    path = copied(tiny_run, tmp_path, checkpoint_minutes=1e-9)
    folder = tmp_path / "run" / "checkpoint"
    command = [sys.executable, "-m", "training.train", "--params", str(path)]
    running = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started, found = monotonic(), (0, 0)
    while not (found[0] >= 1 and found[1] >= 1) and running.poll() is None:
        assert monotonic() - started < PATIENCE_SECONDS
        found = place(folder / "model.safetensors")
        sleep(0.001)
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    run_id = json.loads((folder / "plan.json").read_text("utf-8"))["run_id"]
    params = load_params(path)
    with Progress(disable=True) as progress:
        resumed, unbroken = train(params, progress).manifest, audit(tiny_run.bundle).manifest
    assert resumed.files["model.safetensors"] == unbroken.files["model.safetensors"]
    assert resumed.calibration == unbroken.calibration
    assert losses(params, resumed.mlflow_run_id) == losses(params, unbroken.mlflow_run_id)
    assert resumed.mlflow_run_id == run_id  # one training is one run
    assert not folder.exists()


def test_two_processes_learn_what_one_does_of_the_same_batches(tiny_run: TinyRun, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    trainer, epochs, progress = fitted(load_params(copied(tiny_run, tmp_path / "one", epochs=2, accumulate_batches=2)))
    logits = trainer.out_of_fold(progress, 2).logits
    (tmp_path / "two").mkdir()
    path = copied(tiny_run, tmp_path / "two", epochs=2)
    script = tmp_path / "fit.py"
    script.write_text(FIT, "utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
    done = subprocess.run(
        [*command, str(path)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads((tmp_path / "two" / f"process-{number}.json").read_text("utf-8")) for number in range(2)]
    assert found[0] == found[1]
    assert found[0]["losses"] == pytest.approx([epoch.loss for epoch in epochs], rel=1e-3)
    np.testing.assert_allclose(found[0]["logits"], logits, atol=0.02)


def test_outside_a_checkout_no_commit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert git_commit() == ""


def test_a_change_marks_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    (tmp_path / "letter.txt").write_text("red beds", "utf-8")
    for words in (["init", "-q"], ["add", "."], [*name, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], check=True)
    clean = git_commit()
    (tmp_path / "letter.txt").write_text("blue beds", "utf-8")
    assert git_commit() == clean + "+"
    assert len(clean) == 40
