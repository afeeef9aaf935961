"""Runs in MLflow: parameters, data digests, figures, pictures and the bundle; never message text. Versions: registry.py."""

import logging
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import mlflow
from mlflow.data.filesystem_dataset_source import FileSystemDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.sources import LocalArtifactDatasetSource
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from segmenter.bundle import Bundle
from segmenter.errors import TrackingError
from segmenter.sections import Tracking

VARIABLE = "MLFLOW_TRACKING_URI"  # a tracking server
ARTIFACT_FOLDER = "mlartifacts"  # where the embedded store keeps files, beside mlflow.db
BUNDLE_ARTIFACT = "artifacts/bundle"  # where the pyfunc flavour puts the bundle inside a logged model


def tracking_uri(settings: Tracking) -> str:
    """The store in use: MLFLOW_TRACKING_URI where it is set, else the one of params."""
    return os.environ.get(VARIABLE) or settings.uri


@contextmanager
def store(uri: str) -> Iterator[None]:
    """Point mlflow at the store and turn its failures into one sentence.

    Raises:
        TrackingError: The store does not answer, or refuses what was asked.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a server that is down is told within seconds
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    named = os.environ.get(VARIABLE)
    mlflow.set_tracking_uri(uri)  # sets the variable too, which would go before the next params' own uri
    mlflow.set_registry_uri(uri)
    try:
        yield
    except MlflowException as error:
        reason = str(error).split("\n")[0][:300].rstrip(".")
        raise TrackingError(
            f"tracking store {uri}", reason, "check MLFLOW_TRACKING_URI, or tracking.uri in params"
        ) from error
    finally:
        os.environ.pop(VARIABLE, None)
        if named is not None:
            os.environ[VARIABLE] = named


@contextmanager
def tracked_run(settings: Tracking, *, name: str, run_id: str | None) -> Iterator[str]:
    """A run of the experiment, new or taken up again; yields its id. A block that fails marks it FAILED.

    Raises:
        TrackingError: As `store`.
    """
    with store(tracking_uri(settings)):
        experiment_id = _experiment(settings)
        with mlflow.start_run(
            run_id=run_id, experiment_id=None if run_id else experiment_id, run_name=None if run_id else name
        ):
            active = mlflow.active_run()
            yield str(active.info.run_id)


def run_exists(settings: Tracking, run_id: str) -> bool:
    """Whether the store in use knows a run (a bundle may have been trained under another store)."""
    with store(tracking_uri(settings)):
        try:
            mlflow.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return True


def holds_bundle(run_id: str) -> bool:
    """Whether a run has a bundle logged (tracking may have failed after training)."""
    run = mlflow.get_run(run_id)
    return bool(run.outputs and run.outputs.model_outputs)


def _experiment(settings: Tracking) -> str:
    found = mlflow.get_experiment_by_name(settings.experiment)
    if found is not None:
        return str(found.experiment_id)
    uri = tracking_uri(settings)
    folder = None
    if uri.startswith("sqlite:///"):
        folder = (Path(uri.removeprefix("sqlite:///")).absolute().parent / ARTIFACT_FOLDER).as_uri()
    kind = {"mlflow.experimentKind": "custom_model_development"}  # the page opens on runs, not on chat traces
    return str(mlflow.create_experiment(settings.experiment, artifact_location=folder, tags=kind))


def log_params(nested: dict[str, object]) -> None:
    """Log a params snapshot flat, `train.epochs` and the like; lists as their length and items by number."""
    flat = dict(_flat("", nested))
    mlflow.log_params({name: str(value)[:6000] for name, value in flat.items()})  # MLflow's limit on a value


def _flat(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), part)
    elif isinstance(value, list) and value:
        for number, part in enumerate(value):
            yield from _flat(f"{prefix}.{number}", part)
    else:
        yield prefix, value


def log_data(digests: dict[str, str], context: str) -> None:
    """Log each table by name and sha256: what was used, never what it says."""
    for path, digest in digests.items():
        source: FileSystemDatasetSource = LocalArtifactDatasetSource(path)
        mlflow.log_input(MetaDataset(source, name=Path(path).name, digest=digest[:16]), context=context)


def log_metrics(figures: dict[str, float], step: int | None = None) -> None:
    """Log flat figures, such as `f1/domestic_russian`."""
    mlflow.log_metrics(figures, step=step)


def log_files(folder: Path, target: str) -> None:
    """Log every file of a folder (pictures, cards, figures) as artifacts under `target`."""
    mlflow.log_artifacts(str(folder), target)


def log_parts(run_ids: list[str]) -> None:
    """Show other runs of the store as parts of the active one."""
    client = mlflow.MlflowClient()
    for run_id in run_ids:
        client.set_tag(run_id, MLFLOW_PARENT_RUN_ID, mlflow.active_run().info.run_id)


def log_bundle(bundle: Bundle) -> str:
    """Log the bundle as a pyfunc model made from code, our own wheel with it; returns the model's URI."""
    inputs = Schema([ColSpec(DataType.string, "text")])
    with tempfile.TemporaryDirectory() as folder, as_file(files("segmenter") / "mlflow_model.py") as code:
        wheel = _wheel(Path(folder))
        warnings.filterwarnings(
            "ignore", "An input example was not provided|.*input example", UserWarning
        )  # it would be a message
        logged = mlflow.pyfunc.log_model(
            name="bundle",
            python_model=str(code),
            artifacts={"bundle": str(bundle.path)},
            code_paths=[str(wheel)],
            pip_requirements=[f"code/{wheel.name}", f"mlflow=={mlflow.__version__}"],
            signature=ModelSignature(inputs=inputs),
            metadata={"digest": bundle.digest},
        )
    return str(logged.model_uri)


def _wheel(folder: Path) -> Path:
    """This checkout's own wheel, so that a registered model never depends on a bare package name."""
    checkout = Path(str(files("segmenter"))).parents[1]
    if not (checkout / "pyproject.toml").is_file():
        raise TrackingError(
            checkout, "is no checkout of segmenter", "train from a checkout installed with pip install -e"
        )
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    try:
        subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().split("\n")[-1]
        raise TrackingError(checkout, f"the wheel cannot be built ({reason})", "mend the checkout") from error
    return next(folder.glob("*.whl"))
