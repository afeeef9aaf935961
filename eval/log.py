"""`python -m eval.log FOLDER`: what evaluations left in their folders, sent to the tracking store; a version registered.

eval.evaluate sends in the same way; a store that failed it gets all of it later. Sending twice changes nothing.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from eval.figures import MACRO, Figure, value_of
from eval.records import MODEL, Evaluation, flat_metrics
from eval.slices import ALL
from segmenter import registry, tracking
from segmenter.bundle import Bundle
from segmenter.cli import run
from segmenter.errors import BundleError, TableError, TrackingError
from segmenter.named import opened
from segmenter.params import Params
from segmenter.prepared import table_digests
from segmenter.sections import Section
from segmenter.sections import Tracking as TrackingSettings
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
FILE = "upload.json"
FORMAT = 1


class Upload(Section):
    """What the store shall get of an evaluation, beside the files of its folder.

    Attributes:
        format: Of this file.
        model: The judged bundle: a folder, relative to this file's, or a version, `models:/NAME@ALIAS`.
        digest: Of the judged bundle.
        alias: Of the version to register, None where none is.
        tags: Of that version.
        split: The judged messages.
        tables: Path and sha256 of every labelled table.
        evaluated_at_ms: Since 1970, UTC: the time of every metric.
        metrics: By flat name.
        tracking: Store, experiment and model name; MLFLOW_TRACKING_URI goes before the store's address.
    """

    format: int
    model: str
    digest: str
    alias: str | None
    tags: dict[str, str]
    split: str
    tables: dict[str, str]
    evaluated_at_ms: int
    metrics: dict[str, float]
    tracking: TrackingSettings


@dataclass(frozen=True)
class Sent:
    """Where an evaluation is now: the run's id, and the number of the version that was registered, if any."""

    run_id: str
    version: int | None


def write_upload(params: Params, bundle: Bundle, evaluation: Evaluation, *, model: str, alias: str | None) -> Upload:
    """Write upload.json to the evaluation's folder.

    Args:
        params: Those of the evaluation.
        bundle: The judged bundle.
        evaluation: What was found.
        model: The bundle as the user named it.
        alias: Of the version to register, None where none shall be.
    """
    is_version = model.startswith(registry.SCHEME)
    found = Upload(
        format=FORMAT,
        model=model if is_version else os.path.relpath(bundle.path.resolve(), evaluation.folder.resolve()),
        digest=bundle.digest,
        alias=alias,
        tags={**_headlines(evaluation), "reference_labels": bundle.manifest.reference_labels},
        split=evaluation.split,
        tables=table_digests(params),
        evaluated_at_ms=int(time.time() * 1000),
        metrics=flat_metrics(evaluation),
        tracking=params.tracking,
    )
    write_text(evaluation.folder / FILE, found.model_dump_json(indent=1) + "\n")
    return found


def _headlines(evaluation: Evaluation) -> dict[str, str]:
    macro, worst = value_of(evaluation.found, MODEL, ALL, MACRO, "f1"), evaluation.worst
    where = "" if worst is None else f" ({worst.part}, {worst.audience})"
    return {"macro_f1": _tag(macro), "worst_slice_f1": f"{_tag(worst)}{where}"}


def _tag(figure: Figure | None) -> str:
    return "not evaluable" if figure is None or figure.value is None else f"{figure.value:.4f}"


def read_upload(folder: Path) -> Upload:
    """What write_upload wrote.

    Raises:
        TableError: The folder holds none, or one of another version.
    """
    try:
        return Upload.model_validate_json((folder / FILE).read_text("utf-8"))
    except (OSError, ValidationError) as error:
        remedy = "name a folder that python -m eval.evaluate wrote, or its run folder"
        raise TableError(folder, f"holds no readable {FILE}", remedy) from error


def send(upload: Upload, folder: Path, bundle: Bundle) -> Sent:
    """Log an evaluation to the run that made the bundle, or to one for it under another store, and register the version.

    Raises:
        TrackingError: The store does not answer; the sentence says how to send later.
    """
    try:
        run_id = _log(upload, folder, bundle)
        version = None if upload.alias is None else _register(upload, run_id, upload.alias)
        return Sent(run_id, version)
    except TrackingError as error:
        remedy = f"everything is in {folder}; once the store answers, python -m eval.log {folder} sends it"
        raise TrackingError(error.where, error.found, remedy) from error


def _log(upload: Upload, folder: Path, bundle: Bundle) -> str:
    settings, manifest = upload.tracking, bundle.manifest
    former = tracking.run_of_bundle(settings, made_in=manifest.mlflow_run_id, digest=bundle.digest)
    tags = {tracking.DIGEST_TAG: bundle.digest}
    with tracking.tracked_run(settings, name=folder.resolve().parent.name, run_id=former, tags=tags) as run_id:
        if run_id != manifest.mlflow_run_id:
            tracking.log_params(manifest.params)
            tracking.log_data(manifest.data, "training")
        if not tracking.logged_bundles(run_id):
            tracking.log_bundle(bundle)
        tracking.log_data(upload.tables, upload.split)
        known = tracking.logged_metrics(run_id)
        news = {name: value for name, value in upload.metrics.items() if known.get(name) != value}
        tracking.log_metrics(news, timestamp_ms=upload.evaluated_at_ms)
        tracking.log_files(folder, folder.name)
    return run_id


def _register(upload: Upload, run_id: str, alias: str) -> int:
    model_uri = registry.logged_model_uri(upload.tracking, run_id)
    return registry.register(upload.tracking, model_uri=model_uri, digest=upload.digest, tags=upload.tags, alias=alias)


def sentences(upload: Upload, sent: Sent) -> list[str]:
    """Where the evaluation is now."""
    found = [f"run {sent.run_id} in {tracking.tracking_uri(upload.tracking)}"]
    name = upload.tracking.model_name
    if sent.version is not None:
        found.append(f"registered as models:/{name}/{sent.version}, also models:/{name}@{upload.alias}")
    return found


def evaluations(folder: Path) -> list[Path]:
    """The folder itself where it is an evaluation's, else the evaluations in a run folder."""
    return sorted(file.parent for file in folder.glob(f"evaluation-*/{FILE}")) or [folder]


def _refuse_absent(uri: str) -> None:
    """MLflow would make a store that nobody looks for; params name theirs relative to the folder they are used in."""
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).is_file():
        raise TrackingError(uri, "there is no such store here", "go to its folder, or set MLFLOW_TRACKING_URI")


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A run folder, or one evaluation's folder in it.")],
) -> None:
    """Send evaluations that stand in their folders to the tracking store, as eval.evaluate would have."""
    for found in evaluations(folder):
        upload = read_upload(found)
        _refuse_absent(tracking.tracking_uri(upload.tracking))
        model = upload.model if upload.model.startswith(registry.SCHEME) else str(found / upload.model)
        with opened(model, upload.tracking.uri) as bundle:
            if bundle.digest != upload.digest:
                other = f"holds bundle {bundle.name}, and {found} judged {upload.digest[:16]}"
                raise BundleError(model, other, "evaluate it again")
            for sentence in sentences(upload, send(upload, found, bundle)):
                typer.echo(sentence)


if __name__ == "__main__":
    run(app)
