"""segmenter: which public is this message built for? The wheel. Here: the version, the Python door `load`, and silence.

An instrument for analysts tells nobody that it is used: two libraries below it report home at import unless stopped.
"""

import os
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segmenter.api import Model, load

__all__ = ["Model", "__version__", "load"]

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # absent: openvino and nncf use their stubs

try:
    __version__ = version("audience-segmenter")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> object:
    """`load` and `Model`, whose room is opened when one is first asked for: `--help` must not pay for it."""
    if name in ("Model", "load"):
        return getattr(import_module("segmenter.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
