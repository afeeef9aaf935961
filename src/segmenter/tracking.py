"""Runs in MLflow: parameters, data digests, figures, pictures and the bundle; never message text. Versions: registry.py."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

import mlflow
import pyarrow as pa
from mlflow.data.filesystem_dataset_source import FileSystemDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.sources import LocalArtifactDatasetSource
from mlflow.entities import LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from requests import RequestException

from segmenter.bundle import Bundle
from segmenter.errors import TrackingError
from segmenter.messages import scored_fields
from segmenter.sections import Tracking

VARIABLE = "MLFLOW_TRACKING_URI"  # a tracking server
ARTIFACT_FOLDER = "mlartifacts"  # where the embedded store keeps files, beside mlflow.db
BUNDLE_ARTIFACT = "artifacts/bundle"  # where the pyfunc flavour puts the bundle inside a logged model
DIGEST_TAG = "bundle_digest"  # of a run that was made for a bundle trained under another store


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
    except (MlflowException, RequestException) as error:  # the latter while files are sent
        said = str(error)
        reason = "does not answer" if "Max retries exceeded" in said else said.split("\n")[0][:300].rstrip(".")
        raise TrackingError(
            f"tracking store {uri}", reason, "check MLFLOW_TRACKING_URI, or tracking.uri in params"
        ) from error
    finally:
        os.environ.pop(VARIABLE, None)
        if named is not None:
            os.environ[VARIABLE] = named


@contextmanager
def tracked_run(
    settings: Tracking, *, name: str, run_id: str | None, tags: dict[str, str] | None = None
) -> Iterator[str]:
    """A run of the experiment, new (with `tags`) or taken up again; yields its id. A block that fails marks it FAILED.

    Raises:
        TrackingError: As `store`.
    """
    with store(tracking_uri(settings)):
        experiment_id = _experiment(settings)
        with mlflow.start_run(
            run_id=run_id,
            experiment_id=None if run_id else experiment_id,
            run_name=None if run_id else name,
            tags=None if run_id else tags,
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


def run_of_bundle(settings: Tracking, *, made_in: str, digest: str) -> str | None:
    """The run of the store in use that holds what is known of a bundle: it was trained there, or judged there before."""
    if run_exists(settings, made_in):
        return made_in
    with store(tracking_uri(settings)):
        asked = f"tags.{DIGEST_TAG} = '{digest}'"
        found = mlflow.search_runs([_experiment(settings)], asked, max_results=1, output_format="list")
        return str(found[0].info.run_id) if found else None


def logged_bundles(run_id: str) -> list[str]:
    """Ids of the models that hold a bundle in a run; none of those whose files a store that failed has not got whole."""
    run, client = mlflow.get_run(run_id), mlflow.MlflowClient()
    models = [client.get_logged_model(found.model_id) for found in (run.outputs.model_outputs if run.outputs else [])]
    return [str(model.model_id) for model in models if model.status == LoggedModelStatus.READY]


def _experiment(settings: Tracking) -> str:
    found = mlflow.get_experiment_by_name(settings.experiment)
    if found is not None:
        return str(found.experiment_id)
    uri = tracking_uri(settings)
    folder = None
    if uri.startswith("sqlite:///"):
        folder = (Path(uri.removeprefix("sqlite:///")).absolute().parent / ARTIFACT_FOLDER).as_uri()
    kind = {"mlflow.experimentKind": "custom_model_development"}  # the page opens on runs, not on chat traces
    try:
        return str(mlflow.create_experiment(settings.experiment, artifact_location=folder, tags=kind))
    except MlflowException as error:
        if error.error_code == "RESOURCE_ALREADY_EXISTS":  # another client was quicker
            return str(mlflow.get_experiment_by_name(settings.experiment).experiment_id)
        raise


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
        table = MetaDataset(source, name=Path(path).name, digest=digest[:16])
        settled(partial(mlflow.log_input, table, context=context))


def settled(write: Callable[[], object]) -> None:
    """Write to the store, and once more where another client was quicker to make the same row: now it is there."""
    try:
        write()
    except MlflowException as error:
        if "UNIQUE constraint" not in str(error) and "duplicate key" not in str(error):
            raise
        write()


def log_metrics(figures: dict[str, float], step: int | None = None, timestamp_ms: int | None = None) -> None:
    """Log flat figures, such as `f1/domestic_russian`; in thousands, where there are more."""
    mlflow.log_metrics(figures, step=step, timestamp=timestamp_ms)


def log_tags(tags: dict[str, str]) -> None:
    """Tag the active run."""
    mlflow.set_tags(tags)


def logged_metrics(run_id: str) -> dict[str, float]:
    """The figures that a run has, the last of each name."""
    return dict(mlflow.get_run(run_id).data.metrics)


def tag_values(settings: Tracking, tag: str) -> list[str]:
    """The values of a tag in every run of the store that has it.

    Raises:
        TrackingError: As `store`.
    """
    with store(tracking_uri(settings)):
        asked = f"tags.`{tag}` LIKE '%'"
        found = mlflow.search_runs(search_all_experiments=True, filter_string=asked, output_format="list")
        return [str(run.data.tags[tag]) for run in found]


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
    added = scored_fields(bundle.audience_ids, "")
    outputs = Schema(
        [ColSpec(DataType.string if part.type == pa.string() else DataType.float, part.name) for part in added]
    )
    with tempfile.TemporaryDirectory() as folder, as_file(files("segmenter") / "mlflow_model.py") as code:
        wheel = _wheel(Path(folder))
        source = bundle.path
        if source.resolve().name != Path(BUNDLE_ARTIFACT).name:  # MLflow keeps an artifact by its own folder's name
            source = Path(shutil.copytree(source, Path(folder, Path(BUNDLE_ARTIFACT).name)))
        warnings.filterwarnings(
            "ignore", "An input example was not provided|.*input example", UserWarning
        )  # it would be a message
        logged = mlflow.pyfunc.log_model(
            name="bundle",
            python_model=str(code),
            artifacts={"bundle": str(source.resolve())},
            code_paths=[str(wheel)],
            pip_requirements=[f"code/{wheel.name}", f"mlflow=={mlflow.__version__}"],
            signature=ModelSignature(inputs=inputs, outputs=outputs),  # spark_udf makes its columns of it
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
