"""eval/log.py: evaluations sent to a store, at once or later, against real servers that come and go."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import pytest
import yaml
from conftest import REPOSITORY, Outcome, ServedRun, TinyRun, TinyVersion, free_port
from mlflow.entities import Run
from servers import serving

from eval.evaluate import app as evaluate_app
from eval.evaluate import evaluate
from eval.log import app, evaluations, read_upload, send, write_upload
from segmenter.bundle import Bundle, audit
from segmenter.params import load_params
from segmenter.tracking import store

Reseal = Callable[[Path, Path, dict[str, Any]], Bundle]


def moved(run: TinyRun, folder: Path) -> Path:
    """The params file of a run with a run folder of its own that holds the prepared splits and the bundle."""
    whole = yaml.safe_load(run.params_path.read_text("utf-8"))
    whole["tracking"] = whole["tracking"] | {
        "run_folder": str(folder / "run"),
        "model_name": "sent",
        "experiment": "sent",
    }
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(whole, sort_keys=False), "utf-8")
    shutil.copytree(run.folder / "data", folder / "run" / "data")
    shutil.copytree(run.bundle, folder / "run" / "bundle")
    return path


@pytest.fixture(scope="module")
def left(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of an evaluation that was never sent, beside its params file."""
    folder = tmp_path_factory.mktemp("left")
    params = load_params(moved(tiny_run, folder))
    bundle = audit(folder / "run" / "bundle")
    write_upload(params, bundle, evaluate(params, bundle, "test"), model=str(bundle.path), alias="challenger")
    return folder / "run"


@contextmanager
def server(folder: Path, port: int) -> Iterator[str]:
    """A real tracking server over the SQLite store of a folder; the same store however often it is started."""
    store_uri = f"sqlite:///{folder / 'mlflow.db'}"
    words = ["server", "--backend-store-uri", store_uri, "--workers", "1"]
    words += ["--artifacts-destination", str(folder / "artifacts")]
    with serving(words, port=port, health="/health", folder=folder, store_uri=store_uri) as uri:
        yield uri


def runs(uri: str) -> list[Run]:
    with store(uri):
        names = [found.experiment_id for found in mlflow.search_experiments()]
        found: list[Run] = mlflow.search_runs(names, output_format="list")
        return found


def aliased(uri: str, alias: str) -> tuple[str, dict[str, str]]:
    """Number and tags of the version under an alias of the model `sent`."""
    with store(uri):
        version = mlflow.MlflowClient().get_model_version_by_alias("sent", alias)
        return str(version.version), dict(version.tags)


def names(uri: str, run_id: str) -> set[str]:
    """Files of the evaluation as the store has them."""
    with store(uri):
        return {Path(part.path).name for part in mlflow.MlflowClient().list_artifacts(run_id, "evaluation-test")}


@pytest.mark.usefixtures("tiny_version")  # its store has the tables that a server would take seconds to make
def test_a_server_killed_mid_evaluation_gets_everything_later_and_once(
    tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params, port = moved(tiny_run, tmp_path), free_port()
    folder = tmp_path / "run" / "evaluation-test"
    shutil.copy(tiny_run.params.tracking.uri.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    figures = folder / "metrics.json"
    running = server(tmp_path, port)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", running.__enter__())
    killer = threading.Thread(target=lambda: (_wait_for(figures), running.__exit__(None, None, None)))
    killer.start()
    outcome = outcome_of(evaluate_app, "--params", params, "--model", tmp_path / "run" / "bundle")
    killer.join()
    assert (outcome.code, outcome.err.strip().count("\n")) == (2, 0)
    remedy = f"; everything is in {folder}; once the store answers, python -m eval.log {folder} sends it"
    assert outcome.err.startswith(f"segmenter: tracking store http://127.0.0.1:{port}: ")
    assert outcome.err.strip().endswith(remedy)
    upload = read_upload(folder)
    with server(tmp_path, port) as uri:
        first = outcome_of(app, folder)
        assert first.code == 0, first.err
        run_id = audit(tiny_run.bundle).manifest.mlflow_run_id
        with store(uri):
            sent = mlflow.get_run(run_id)
            history = mlflow.MlflowClient().get_metric_history(run_id, "f1/macro")
        assert {name: sent.data.metrics[name] for name in upload.metrics} == upload.metrics
        assert names(uri, run_id) == {path.name for path in folder.iterdir()}
        number, tags = aliased(uri, "challenger")
        assert (tags["digest"], tags["macro_f1"]) == (upload.digest, f"{upload.metrics['f1/macro']:.4f}")
        n_runs = len(runs(uri))
        again = outcome_of(app, tmp_path / "run")  # the whole run folder
        assert (again.code, again.out) == (0, first.out)
        with store(uri):
            assert len(mlflow.MlflowClient().get_metric_history(run_id, "f1/macro")) == len(history)
        assert (len(runs(uri)), aliased(uri, "challenger")[0]) == (n_runs, number)


def _wait_for(path: Path) -> None:
    for _ in range(3000):
        if path.is_file():
            return
        time.sleep(0.02)


def client(left: Path, folder: Path, reseal: Reseal, *, made_in: str) -> Bundle:
    """The evaluation as if of a bundle that another store's run had made, in a run folder of its own."""
    shutil.copytree(left / "evaluation-test", folder / "evaluation-test")
    bundle = reseal(left / "bundle", folder / "bundle", {"mlflow_run_id": made_in})
    upload = read_upload(folder / "evaluation-test").model_copy(update={"digest": bundle.digest})
    (folder / "evaluation-test" / "upload.json").write_text(upload.model_dump_json(), "utf-8")
    return bundle


def test_two_clients_at_once_get_a_run_and_a_version_each(
    served_run: ServedRun, left: Path, reseal: Reseal, tmp_path: Path
) -> None:
    # neither bundle's run is known to the server, which has no experiment and no model of theirs either
    folders = [tmp_path / "one", tmp_path / "two"]
    digests = {
        client(left, folder, reseal, made_in=name * 32).digest for folder, name in zip(folders, "ab", strict=True)
    }
    clients = [
        subprocess.Popen(
            [sys.executable, "-m", "eval.log", str(folder)],
            cwd=REPOSITORY,
            env=os.environ | {"MLFLOW_TRACKING_URI": served_run.uri},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    said = [(*process.communicate(timeout=300), process.returncode) for process in clients]
    assert [code for _, _, code in said] == [0, 0], said
    with store(served_run.uri):
        versions = mlflow.MlflowClient().search_model_versions("name='sent'")
    by_digest = {version.tags["digest"]: str(version.version) for version in versions}
    assert set(by_digest) == digests
    assert len(set(by_digest.values())) == 2
    assert len({version.run_id for version in versions}) == 2
    assert aliased(served_run.uri, "challenger")[0] in by_digest.values()


@pytest.fixture
def embedded(tiny_version: TinyVersion, tiny_store: str) -> str:
    """The tiny run's embedded store, which has its run and its bundle."""
    return tiny_store


def test_sending_later_gives_the_store_what_evaluating_would_have(left: Path, embedded: str) -> None:
    folder = left / "evaluation-test"
    upload, bundle = read_upload(folder), audit(left / "bundle")
    sent = send(upload, folder, bundle)
    assert sent.run_id == bundle.manifest.mlflow_run_id
    number, tags = aliased(embedded, "challenger")
    assert str(sent.version) == number
    assert tags["reference_labels"] == bundle.manifest.reference_labels
    assert names(embedded, sent.run_id) >= {"metrics.json", "decisions.parquet", "card.md", "upload.json"}


def test_an_evaluation_without_an_alias_registers_nothing(left: Path, embedded: str) -> None:
    upload = read_upload(left / "evaluation-test").model_copy(update={"alias": None})
    assert send(upload, left / "evaluation-test", audit(left / "bundle")).version is None


def test_a_bundle_of_an_unknown_run_gets_one_run_however_often_it_is_sent(
    left: Path, reseal: Reseal, embedded: str, tmp_path: Path
) -> None:
    bundle = client(left, tmp_path / "run", reseal, made_in="c" * 32)
    folder = tmp_path / "run" / "evaluation-test"
    first, second = (send(read_upload(folder), folder, bundle) for _ in range(2))
    assert first == second
    with store(embedded):
        run = mlflow.get_run(first.run_id)
    assert run.data.tags["bundle_digest"] == bundle.digest
    assert run.data.params["train.epochs"] == str(bundle.manifest.params["train"]["epochs"])


def test_a_bundle_that_was_replaced_is_one_sentence(
    left: Path, reseal: Reseal, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    run = Path(shutil.copytree(left, tmp_path / "run"))
    shutil.rmtree(run / "bundle")
    reseal(left / "bundle", run / "bundle", {"created_at": "2020-01-01T00:00:00+00:00"})
    outcome = outcome_of(app, run)
    assert (outcome.code, outcome.err.strip().count("\n")) == (2, 0)
    assert outcome.err.strip().endswith(f"judged {audit(left / 'bundle').name}; evaluate it again")


@pytest.mark.parametrize("content", [None, "{}", "half a fi"])
def test_a_folder_without_an_upload_is_one_sentence(
    content: str | None, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "upload.json").write_text(content, "utf-8")
    outcome = outcome_of(app, tmp_path)
    assert outcome.code == 2
    remedy = "name a folder that python -m eval.evaluate wrote, or its run folder"
    assert outcome.err == f"segmenter: {tmp_path}: holds no readable upload.json; {remedy}\n"


def test_a_store_that_is_not_there_is_not_made(
    left: Path, outcome_of: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # params name it relative to the folder they are used in
    run = Path(shutil.copytree(left, tmp_path / "run"))
    upload = read_upload(run / "evaluation-test")
    tracking = upload.tracking.model_copy(update={"uri": "sqlite:///mlflow.db"})
    text = upload.model_copy(update={"tracking": tracking}).model_dump_json()
    (run / "evaluation-test" / "upload.json").write_text(text, "utf-8")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    outcome = outcome_of(app, run)
    assert outcome.code == 2
    assert "sqlite:///mlflow.db: there is no such store here; go to its folder, or set MLFLOW_TRACKING" in outcome.err
    assert not (tmp_path / "mlflow.db").exists()


def test_a_run_folder_stands_for_every_evaluation_in_it(tmp_path: Path) -> None:
    for name in ("evaluation-test", "evaluation-gate", "evaluation-half"):
        (tmp_path / name).mkdir()
    for name in ("evaluation-test", "evaluation-gate"):
        (tmp_path / name / "upload.json").touch()
    assert evaluations(tmp_path) == [tmp_path / "evaluation-gate", tmp_path / "evaluation-test"]
    assert evaluations(tmp_path / "evaluation-test") == [tmp_path / "evaluation-test"]


def test_what_is_sent_names_the_bundle_from_its_own_folder(left: Path) -> None:
    # so that a run folder can be moved as a whole
    assert read_upload(left / "evaluation-test").model == "../bundle"


def test_a_model_can_be_registered_though_no_audience_was_evaluable(left: Path, tiny_run: TinyRun) -> None:
    few = tiny_run.params.eval.model_copy(update={"slice_support_at_least": 1000})
    tracking = tiny_run.params.tracking.model_copy(update={"run_folder": str(left)})
    params = tiny_run.params.model_copy(update={"eval": few, "tracking": tracking})
    bundle = audit(left / "bundle")
    evaluation = evaluate(params, bundle, "test")
    upload = write_upload(params, bundle, evaluation, model=str(bundle.path), alias="challenger")
    assert (upload.tags["macro_f1"], upload.tags["worst_slice_f1"]) == ("not evaluable", "not evaluable")
