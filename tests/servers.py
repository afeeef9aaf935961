"""Real servers on loopback, started for a test and stopped after it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(words: list[str], *, port: int, health: str, folder: Path, store_uri: str) -> Iterator[str]:
    """A real `mlflow` server command on loopback for the length of the block; yields its address."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": store_uri, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    address = f"http://127.0.0.1:{port}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(address + health, timeout=5):
                    break
            except OSError:
                if process.poll() is not None:
                    break
                time.sleep(0.2)
        else:
            pytest.fail("the server did not answer: " + (folder / "server.log").read_text("utf-8", "replace")[-2000:])
        if process.poll() is not None:
            pytest.fail("the server ended: " + (folder / "server.log").read_text("utf-8", "replace")[-2000:])
        yield address
    finally:
        for kind in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, kind)  # the server and its workers: a session of its own
                process.wait(timeout=10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
