"""The bundle that a user names: a folder, or a version in a registry. The lazy loader of the registry, whose MLflow is slow."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from segmenter.errors import TrackingError

if TYPE_CHECKING:
    from segmenter.bundle import Bundle

EMBEDDED_STORE = "sqlite:///mlflow.db"  # where `models:/…` is looked up, unless MLFLOW_TRACKING_URI says otherwise


@contextmanager
def opened(model: str, store_uri: str = EMBEDDED_STORE, *, meanwhile: str | None = None) -> Iterator["Bundle"]:
    """The audited bundle of a folder, or of `models:/…`, downloaded for the length of the block; nothing in it is run.

    Args:
        model: As the user names it.
        store_uri: Of the registry.
        meanwhile: A module that the block needs; imported while the files of a folder are hashed.

    Raises:
        BundleError: It is not a whole bundle.
        TrackingError: The registry does not answer, knows no such version, or MLflow is not installed.
    """
    if not model.startswith("models:/"):
        from segmenter.bundle import audit

        with ThreadPoolExecutor(1, "audit") as thread:
            audited = thread.submit(audit, Path(model))
            if meanwhile is not None:
                import_module(meanwhile)
        yield audited.result()
        return
    try:
        from segmenter.registry import fetched
    except ModuleNotFoundError as error:
        remedy = "pip install 'audience-segmenter[tracking]'"
        raise TrackingError(model, f"{error.name} is not installed", remedy) from error
    with fetched(model, store_uri) as bundle:
        yield bundle
