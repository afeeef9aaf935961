import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from conftest import ServedRun, TinyRun, TinyVersion, tiny_messages
from mlflow.entities import LoggedModelOutput, Run

from eval.log import send, write_upload
from eval.records import flat_metrics
from segmenter.bundle import audit, sha256_of
from segmenter.errors import TrackingError
from segmenter.params import Params
from segmenter.prepared import read_split
from segmenter.sections import Tracking
from segmenter.tracking import (
    log_metrics,
    log_params,
    log_parts,
    logged_bundles,
    logged_metrics,
    run_exists,
    store,
    tag_values,
    tracked_run,
    tracking_uri,
)
from training.prepare import prepare

WEIGHTS = {"model.safetensors", "tokenizer.json", "graph.bin"}


@pytest.fixture
def tracked(tiny_run: TinyRun, tiny_version: TinyVersion, tiny_store: str) -> Run:
    """The tiny run as its store has it, trained and evaluated."""
    with store(tiny_store):
        return mlflow.get_run(tiny_version.run_id)


def artifacts(uri: str, run_id: str) -> set[str]:
    with store(uri):
        client = mlflow.MlflowClient()
        folders = [part.path for part in client.list_artifacts(run_id)]
        return {part.path for folder in folders for part in client.list_artifacts(run_id, folder)}


def test_an_evaluation_is_logged_to_the_run_that_made_the_bundle(tiny_run: TinyRun, tracked: Run) -> None:
    assert tracked.info.run_id == audit(tiny_run.bundle).manifest.mlflow_run_id


def test_a_run_that_ended_well_is_finished(tracked: Run) -> None:
    assert tracked.info.status == "FINISHED"


def test_every_param_is_logged_flat(tiny_run: TinyRun, tracked: Run) -> None:
    params = tiny_run.params
    assert tracked.data.params["train.epochs"] == str(params.train.epochs)
    assert tracked.data.params["audiences.1.id"] == "cyclists"
    assert tracked.data.params["data.tables.0.path"] == params.data.tables[0].path
    assert tracked.data.params["seed"] == str(params.seed)


def test_an_empty_section_is_logged_too(tiny_run: TinyRun, tracked: Run) -> None:
    assert tracked.data.params["data.tables.0.columns"] == "{}"


def tables(run: Run) -> set[tuple[str, str, str]]:
    """Name, digest and use of each table of a run."""
    inputs = run.inputs.dataset_inputs
    return {(part.dataset.name, part.dataset.digest, tag.value) for part in inputs for tag in part.tags}


def test_tables_are_logged_by_name_and_digest(tiny_run: TinyRun, tracked: Run) -> None:
    digest = sha256_of(Path(tiny_run.params.data.tables[0].path))
    # test was cut from the same table, and MLflow keeps a table once a run, for its first use
    assert tables(tracked) == {("labelled.jsonl", digest[:16], "training")}


def test_a_table_that_only_judges_is_logged_for_its_split(
    tiny_run: TinyRun, tiny_version: TinyVersion, tiny_params: dict[str, Any], tiny_store: str, tmp_path: Path
) -> None:
    # the same messages and splits from another file
    frames = [read_split(tiny_run.params, name).assign(split=name) for name in ("train", "dev", "test")]
    whole = pd.concat(frames).assign(audiences=lambda frame: frame["audiences"].map(";".join))
    whole[["text", "audiences", "author", "split"]].to_csv(tmp_path / "again.csv", index=False)
    sections = json.loads(json.dumps(tiny_params))
    sections["data"]["tables"][0]["path"] = str(tmp_path / "again.csv")
    sections["tracking"]["run_folder"] = str(tmp_path / "run")
    params, bundle = Params.model_validate(sections), audit(tiny_run.bundle)
    prepare(params)
    evaluation = replace(tiny_version.evaluation, folder=tmp_path / "evaluation-test")
    upload = write_upload(params, bundle, evaluation, model=str(bundle.path), alias=None)
    run_id = send(upload, evaluation.folder, bundle).run_id
    with store(tiny_store):
        found = tables(mlflow.get_run(run_id))
    assert ("again.csv", sha256_of(tmp_path / "again.csv")[:16], "test") in found


def test_figures_are_logged_under_flat_names(tiny_version: TinyVersion, tracked: Run) -> None:
    flat = flat_metrics(tiny_version.evaluation)
    assert {name: tracked.data.metrics[name] for name in flat} == flat


def test_a_tag_is_known_of_every_run_and_experiment(tiny_run: TinyRun, tiny_store: str) -> None:
    elsewhere = tiny_run.params.tracking.model_copy(update={"experiment": "elsewhere"})
    for settings, value in ((tiny_run.params.tracking, "1"), (elsewhere, "2")):
        with tracked_run(settings, name="tagged", run_id=None, tags={"seen/a.b-c": value}):
            pass
    assert sorted(tag_values(elsewhere, "seen/a.b-c")) == ["1", "2"]
    assert tag_values(elsewhere, "seen/nobody") == []


def test_loss_and_dev_figures_are_logged_for_every_epoch(tiny_version: TinyVersion, tiny_store: str) -> None:
    with store(tiny_store):
        client = mlflow.MlflowClient()
        steps = [[part.step for part in client.get_metric_history(tiny_version.run_id, name)]
                 for name in ("train/loss", "dev/macro_f1")]  # fmt: skip
    assert steps[0] == steps[1] == list(range(1, len(steps[0]) + 1))
    assert len(steps[0]) > 1


def test_pictures_card_and_figures_are_logged(tiny_version: TinyVersion, tiny_store: str) -> None:
    logged = artifacts(tiny_store, tiny_version.run_id)
    assert {name for name in logged if not name.startswith("gate/")} == {  # the gate's own tests judge this run too
        "training/curve.png",
        "evaluation-test/metrics.json",
        "evaluation-test/upload.json",
        "evaluation-test/decisions.parquet",
        "evaluation-test/card.md",
        "evaluation-test/reliability.png",
        "evaluation-test/precision_recall.png",
        "evaluation-test/confusion.png",
        "evaluation-test/coverage_risk.png",
        "evaluation-test/card.html",
        "evaluation-test/mistakes.json",
        "evaluation-test/mistakes.html",
    }


def test_the_bundle_is_logged_with_its_digest(tiny_run: TinyRun, tracked: Run, tiny_store: str) -> None:
    (output,) = tracked.outputs.model_outputs
    with store(tiny_store):
        info = mlflow.models.get_model_info(f"models:/{output.model_id}")
    assert info.metadata == {"digest": audit(tiny_run.bundle).digest}


def test_artifacts_of_the_embedded_store_lie_beside_it(tracked: Run, tiny_store: str) -> None:
    home = Path(tiny_store.removeprefix("sqlite:///")).parent
    assert tracked.info.artifact_uri.startswith((home / "mlartifacts").as_uri())


def stored_bytes(home: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file of a store but model weights and tokenizers."""
    for path in [*home.glob("mlflow.db*"), *(home / "mlartifacts").rglob("*")]:
        if path.is_file() and path.name not in WEIGHTS:
            yield path, path.read_bytes()


def test_no_message_text_is_in_the_store(tracked: Run, tiny_store: str) -> None:
    texts = [row["text"] for row in tiny_messages()]
    spelt = [text.encode() for text in texts] + [json.dumps(text)[1:-1].encode() for text in texts]
    files = list(stored_bytes(Path(tiny_store.removeprefix("sqlite:///")).parent))
    assert {"mlflow.db", "manifest.json", "metrics.json", "card.md", "MLmodel"} <= {path.name for path, _ in files}
    assert [path.name for path, found in files if any(text in found for text in spelt)] == []


def test_the_search_for_message_text_would_find_one(tiny_run: TinyRun) -> None:
    # the same search where texts do stand
    text = tiny_messages()[0]["text"].encode()
    assert any(text in path.read_bytes() for path in (tiny_run.folder / "data").glob("*.parquet"))


def test_a_run_whose_work_fails_is_marked_failed(tiny_run: TinyRun, tiny_store: str) -> None:
    with (
        pytest.raises(RuntimeError, match="the beds dried out"),
        tracked_run(tiny_run.params.tracking, name="dry", run_id=None) as run_id,
    ):
        raise RuntimeError("the beds dried out")
    with store(tiny_store):
        assert mlflow.get_run(run_id).info.status == "FAILED"


def test_a_refusal_of_the_store_is_one_sentence(tiny_run: TinyRun, tiny_store: str) -> None:
    sentence = r"^tracking store sqlite:.*; check MLFLOW_TRACKING_URI, or tracking\.uri"
    with (
        pytest.raises(TrackingError, match=sentence),
        tracked_run(tiny_run.params.tracking, name="twice", run_id=None),
    ):
        log_params({"seed": 1})
        log_params({"seed": 2})


def test_a_figure_that_is_logged_again_is_replaced(tiny_run: TinyRun, tiny_store: str) -> None:
    with tracked_run(tiny_run.params.tracking, name="again", run_id=None) as run_id:
        log_metrics({"f1/macro": 0.1})
        log_metrics({"f1/macro": 0.2})
    with store(tiny_store):
        assert mlflow.get_run(run_id).data.metrics == {"f1/macro": 0.2}


def test_parts_of_a_run_name_it_as_their_parent(tiny_run: TinyRun, tiny_store: str) -> None:
    with tracked_run(tiny_run.params.tracking, name="seed-1", run_id=None) as part:
        pass
    with tracked_run(tiny_run.params.tracking, name="seeds", run_id=None) as whole:
        log_parts([part])
    with store(tiny_store):
        assert mlflow.get_run(part).data.tags["mlflow.parentRunId"] == whole


def test_a_run_of_another_store_is_unknown(tiny_run: TinyRun, tiny_version: TinyVersion, tiny_store: str) -> None:
    found = [run_exists(tiny_run.params.tracking, run_id) for run_id in (tiny_version.run_id, "0" * 32)]
    assert found == [True, False]


def settings(uri: str) -> Tracking:
    return Tracking(uri=uri, experiment="garden", model_name="garden", run_folder="runs/garden")


def test_the_variable_goes_before_params(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert tracking_uri(settings("sqlite:///here.db")) == "http://127.0.0.1:5000"


@pytest.mark.parametrize("variable", [None, ""])
def test_params_name_the_store_where_the_variable_does_not(
    variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable is None:
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", variable)
    assert tracking_uri(settings("sqlite:///here.db")) == "sqlite:///here.db"


@pytest.mark.parametrize("variable", [None, "http://127.0.0.1:5000"])
def test_using_a_store_leaves_the_variable_as_it_was(variable: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    # else the store of the first params would serve every later one of the process
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if variable is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", variable)
    with store("sqlite:///garden.db"):
        pass
    assert os.environ.get("MLFLOW_TRACKING_URI") == variable


def test_a_server_has_the_run_with_params_figures_and_pictures(served_run: ServedRun) -> None:
    run_id = audit(served_run.run.bundle).manifest.mlflow_run_id
    with store(served_run.uri):
        found = mlflow.get_run(run_id)
    assert found.data.params["train.epochs"] == str(served_run.run.params.train.epochs)
    assert found.data.metrics["f1/macro"] > 0
    assert {"training/curve.png", "evaluation-test/card.md"} <= artifacts(served_run.uri, run_id)


def test_a_server_gets_files_through_its_own_address(served_run: ServedRun) -> None:
    # mlflow-artifacts: sent to the server, not written to a folder that only the trainer sees
    with store(served_run.uri):
        found = mlflow.get_run(audit(served_run.run.bundle).manifest.mlflow_run_id)
    assert found.info.artifact_uri.startswith("mlflow-artifacts:/")


def test_a_bundle_whose_files_did_not_all_arrive_is_not_held(tiny_run: TinyRun, tiny_store: str) -> None:
    with tracked_run(tiny_run.params.tracking, name="cut off", run_id=None) as run_id:
        model_id = mlflow.initialize_logged_model(
            name="bundle", source_run_id=run_id
        ).model_id  # as before its files are sent
        mlflow.MlflowClient().log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
        assert logged_bundles(run_id) == []
        mlflow.finalize_logged_model(model_id, "READY")
        assert logged_bundles(run_id) == [model_id]


def test_more_than_a_thousand_figures_are_logged_at_once(tiny_run: TinyRun, tiny_store: str) -> None:
    # a request of MLflow's takes a thousand
    figures = {f"period/{number}/f1/macro": number / 2000 for number in range(1500)}
    with tracked_run(tiny_run.params.tracking, name="many", run_id=None) as run_id:
        log_metrics(figures)
        assert logged_metrics(run_id) == figures
