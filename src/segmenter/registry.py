"""Model versions: register one, name it by alias, fetch its bundle. Fetching downloads and audits; it never runs code."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow import MlflowClient

from segmenter.bundle import Bundle, audit
from segmenter.errors import BundleError, TrackingError
from segmenter.sections import Tracking
from segmenter.tracking import BUNDLE_ARTIFACT, store, tracking_uri

SCHEME = "models:/"
VERSION_URI = re.compile(r"models:/[^/@]+(?:@[^/@]+|/[0-9]+)")


def register(settings: Tracking, *, model_uri: str, digest: str, tags: dict[str, str], alias: str) -> int:
    """Point `alias` at the version of this digest, made from the logged model where there is none; returns its number.

    Raises:
        TrackingError: The registry does not answer.
    """
    with store(tracking_uri(settings)):
        client, name = MlflowClient(), settings.model_name
        same = [found for found in client.search_model_versions(f"name='{name}'") if found.tags.get("digest") == digest]
        version = same[0].version if same else mlflow.register_model(model_uri, name).version
        for tag, value in {"digest": digest, **tags}.items():
            client.set_model_version_tag(name, version, tag, value)
        client.set_registered_model_alias(name, alias, version)
        return int(version)


def logged_model_uri(settings: Tracking, run_id: str) -> str:
    """URI of the bundle logged in a run.

    Raises:
        TrackingError: The store does not answer, or the run holds no bundle.
    """
    with store(tracking_uri(settings)):
        run = mlflow.get_run(run_id)
        found = run.outputs.model_outputs if run.outputs else []
    if not found:
        raise TrackingError(f"run {run_id}", "holds no bundle", "train again with this tracking store")
    return f"{SCHEME}{found[-1].model_id}"


@contextmanager
def fetched(uri: str, store_uri: str) -> Iterator[Bundle]:
    """The bundle of `models:/NAME@ALIAS` or `models:/NAME/VERSION`, downloaded for the length of the block and audited.

    Args:
        uri: The version.
        store_uri: The tracking store that holds it; MLFLOW_TRACKING_URI goes before it.

    Raises:
        TrackingError: The URI is not of that form, or the registry does not answer or knows no such version.
        BundleError: What was downloaded is not a whole bundle.
    """
    if not VERSION_URI.fullmatch(uri):
        raise TrackingError(uri, "names no version", "write models:/NAME@ALIAS or models:/NAME/NUMBER")
    where = os.environ.get("MLFLOW_TRACKING_URI") or store_uri
    if where.startswith("sqlite:///") and not Path(where.removeprefix("sqlite:///")).is_file():
        raise TrackingError(where, "there is no such store here", "go to its folder, or set MLFLOW_TRACKING_URI")
    with tempfile.TemporaryDirectory(prefix="segmenter-") as folder:
        with store(where):
            path = Path(mlflow.artifacts.download_artifacts(f"{uri}/{BUNDLE_ARTIFACT}", dst_path=folder))
        if not path.is_dir():
            raise BundleError(uri, "holds no bundle", "register one with python -m eval.evaluate")
        yield audit(path)
