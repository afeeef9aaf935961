"""Model versions: register one, name it by alias, promote it, fetch its bundle.

Fetching downloads and audits; it never runs code. Not here: whether a version deserves to be champion (eval/gate.py).
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from segmenter.bundle import Bundle, audit
from segmenter.errors import BundleError, TrackingError
from segmenter.sections import Tracking
from segmenter.tracking import BUNDLE_ARTIFACT, logged_bundles, settled, store, tracking_uri

SCHEME = "models:/"
VERSION_URI = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<number>[0-9]+))")
CHAMPION, PREVIOUS = "champion", "previous"  # aliases of the version in use, and of the one it replaced


@dataclass(frozen=True)
class Version:
    """A registered version: its model's name, its number, the run that holds its figures, its bundle's digest."""

    name: str
    number: int
    run_id: str
    digest: str

    @property
    def uri(self) -> str:
        """Its address, which no alias can move."""
        return f"{SCHEME}{self.name}/{self.number}"


def register(settings: Tracking, *, model_uri: str, digest: str, tags: dict[str, str], alias: str) -> int:
    """Point `alias` at the version of this digest, made from the logged model where there is none; returns its number.

    Of two clients that register one digest at once, the later takes its own version back and uses the other's.

    Raises:
        TrackingError: The registry does not answer.
    """
    with store(tracking_uri(settings)):
        client, name = MlflowClient(), settings.model_name
        found = _of_digest(client, name, digest)
        if not found:
            made = int(mlflow.register_model(model_uri, name, tags={"digest": digest}).version)
            found = _of_digest(client, name, digest)
            if made != found[0]:
                client.delete_model_version(name, str(made))
        version = str(found[0])
        for tag, value in tags.items():
            settled(partial(client.set_model_version_tag, name, version, tag, value))
        settled(partial(client.set_registered_model_alias, name, alias, version))
        return found[0]


def _of_digest(client: MlflowClient, name: str, digest: str) -> list[int]:
    """Numbers of the versions of a digest, the first registered first."""
    found = client.search_model_versions(f"name='{name}'")
    return sorted(int(version.version) for version in found if version.tags.get("digest") == digest)


def version_of(settings: Tracking, uri: str) -> Version | None:
    """The version that `models:/NAME@ALIAS` or `models:/NAME/NUMBER` names now, None where no version has the alias.

    Raises:
        TrackingError: The URI is not of that form, or the registry does not answer or knows no such number.
    """
    named = _named(uri)
    with _registry(settings.uri):
        client, name, number = MlflowClient(), named["name"], named["number"]
        if number is None:
            aliases = _aliases(client, name)
            if named["alias"] not in aliases:
                return None
            number = aliases[named["alias"]]
        return _version(client.get_model_version(name, number))


def promote(settings: Tracking, version: Version, former: Version | None) -> None:
    """Make a version the champion; the former champion, which it was compared with, becomes `previous`.

    `previous` moves first: whatever stops this half-way, a version is champion at every moment.

    Args:
        settings: Of the store.
        version: The new champion.
        former: The champion it was compared with, None where there was none.

    Raises:
        TrackingError: Another version has become champion since, or the registry does not answer.
    """
    with _registry(settings.uri):
        client = MlflowClient()
        found = _aliases(client, version.name).get(CHAMPION)
        if found != (None if former is None else str(former.number)):
            now = "nobody" if found is None else f"version {found}"
            raise TrackingError(
                f"{SCHEME}{version.name}@{CHAMPION}",
                f"is {now} by now, which {version.uri} was not compared with",
                "run the gate again",
            )
        if former is not None:
            settled(partial(client.set_registered_model_alias, version.name, PREVIOUS, str(former.number)))
        settled(partial(client.set_registered_model_alias, version.name, CHAMPION, str(version.number)))


def rollback(settings: Tracking, name: str) -> Version:
    """Make the previous version the champion again, and the champion the previous one; returns the new champion.

    The champion moves first, so that there is one at every moment. A second rollback undoes the first. Stopped between the
    two moves, it is done but for `previous`, which the champion has too; the next one refuses then, since the former
    champion is known by its number alone. A promotion at the same instant may be lost: MLflow cannot compare and set.

    Raises:
        TrackingError: No version is `previous`, or the champion itself is, or the registry does not answer.
    """
    with _registry(settings.uri):
        client = MlflowClient()
        aliases = _aliases(client, name)
        if not {CHAMPION, PREVIOUS} <= set(aliases):
            raise TrackingError(
                f"{SCHEME}{name}@{PREVIOUS}",
                "is no version",
                "there is nothing to go back to before a second promotion",
            )
        if aliases[CHAMPION] == aliases[PREVIOUS]:
            raise TrackingError(
                f"{SCHEME}{name}@{PREVIOUS}",
                f"is version {aliases[PREVIOUS]}, the champion itself, since a promotion or rollback broke off",
                f"point the alias {PREVIOUS!r} at the version to go back to",
            )
        settled(partial(client.set_registered_model_alias, name, CHAMPION, aliases[PREVIOUS]))
        settled(partial(client.set_registered_model_alias, name, PREVIOUS, aliases[CHAMPION]))
        return _version(client.get_model_version(name, aliases[PREVIOUS]))


def tag_version(settings: Tracking, version: Version, tags: dict[str, str]) -> None:
    """Tag a version.

    Raises:
        TrackingError: The registry does not answer.
    """
    with _registry(settings.uri):
        for tag, value in tags.items():
            MlflowClient().set_model_version_tag(version.name, str(version.number), tag, value)


def _aliases(client: MlflowClient, name: str) -> dict[str, str]:
    """Version numbers by alias; none where no version of the model is registered."""
    try:
        return {str(alias): str(number) for alias, number in client.get_registered_model(name).aliases.items()}
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise


def _version(found: ModelVersion) -> Version:
    return Version(found.name, int(found.version), str(found.run_id), found.tags.get("digest", ""))


def logged_model_uri(settings: Tracking, run_id: str) -> str:
    """URI of the bundle logged in a run.

    Raises:
        TrackingError: The store does not answer, or the run holds no bundle.
    """
    with store(tracking_uri(settings)):
        found = logged_bundles(run_id)
    if not found:
        raise TrackingError(f"run {run_id}", "holds no bundle", "train again with this tracking store")
    return f"{SCHEME}{found[-1]}"


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
    _named(uri)
    with tempfile.TemporaryDirectory(prefix="segmenter-") as folder:
        with _registry(store_uri):
            path = Path(mlflow.artifacts.download_artifacts(f"{uri}/{BUNDLE_ARTIFACT}", dst_path=folder))
        if not path.is_dir():
            raise BundleError(uri, "holds no bundle", "register one with python -m eval.evaluate")
        yield audit(path)


def _named(uri: str) -> re.Match[str]:
    """A version's address by its parts: name, and alias or number.

    Raises:
        TrackingError: It is none.
    """
    found = VERSION_URI.fullmatch(uri)
    if found is None:
        raise TrackingError(uri, "names no version", "write models:/NAME@ALIAS or models:/NAME/NUMBER")
    return found


@contextmanager
def _registry(store_uri: str) -> Iterator[None]:
    """The store that is to hold versions already; MLFLOW_TRACKING_URI goes before `store_uri`.

    Raises:
        TrackingError: There is no such store, it does not answer, or it refuses what was asked.
    """
    where = os.environ.get("MLFLOW_TRACKING_URI") or store_uri
    if where.startswith("sqlite:///") and not Path(where.removeprefix("sqlite:///")).is_file():
        raise TrackingError(where, "there is no such store here", "go to its folder, or set MLFLOW_TRACKING_URI")
    with store(where):
        yield
