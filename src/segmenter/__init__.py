"""segmenter: which public is this message built for? The wheel. Here: the version, and silence.

An instrument for analysts tells nobody that it is used: two libraries below it report home at import unless stopped.
"""

import os
import sys
from importlib.metadata import PackageNotFoundError, version

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # absent: openvino and nncf use their stubs

try:
    __version__ = version("audience-segmenter")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
