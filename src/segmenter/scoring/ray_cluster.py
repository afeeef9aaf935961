"""The Ray that scoring runs on: one of this machine for the length of a run, or a cluster that is joined; how it is dealt out.

Not here: what runs on it (ray_engine.py).
"""

import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from segmenter.errors import EngineError
from segmenter.rows import one_line
from segmenter.runtimes.cores import usable_cores

CORES_AT_MOST = 4  # of a worker: beyond about six, one process's Python prepares texts slower than they are run
LOCAL_OBJECT_BYTES = 512 * 1024**2  # chunks under way on one machine; beyond, readers wait
ANSWER_SECONDS = 10
STDERR = 2
REMEDY = "run this on a node of a running cluster, with its version of Ray and --ray-address auto"


@dataclass(frozen=True)
class Share:
    """How a cluster is dealt out: workers, and what each of them has."""

    n_workers: int
    n_cores: int
    n_gpus: int


@contextmanager
def joined(address: str | None) -> Iterator[None]:
    """A Ray that this process is part of, left afterwards unless it was before. What Ray has to say goes to its log files.

    Raises:
        EngineError: The cluster does not answer.
    """
    if ray.is_initialized():
        yield
        return
    if address and address != "auto":
        _ask(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # Ray Data logs an error in every run: ray issue 53727
    own = {"num_cpus": usable_cores(), "object_store_memory": LOCAL_OBJECT_BYTES, "include_dashboard": False}
    try:
        with _silence():  # or Ray says that it heard of the level
            ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **({} if address else own))
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        found = f"Ray does not start, or not here ({one_line(error)})"
        raise EngineError(f"--ray-address {address}" if address else "--engine ray", found, REMEDY) from error
    try:
        yield
    finally:
        ray.shutdown()


def _ask(address: str) -> None:
    """See whether anybody answers there; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    option = f"--ray-address {address}"
    if "/" in host or not port.isdecimal():
        raise EngineError(option, "is neither auto nor HOST:PORT", REMEDY)
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise EngineError(option, f"nobody answers there ({one_line(error)})", REMEDY) from error


@contextmanager
def _silence() -> Iterator[None]:
    """Whatever is written to standard error meanwhile, by libraries too, is lost."""
    kept = os.dup(STDERR)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), STDERR)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)


def shared_out(nodes: Sequence[Mapping[str, Any]], n_workers: int | None, *, on_gpus: bool) -> Share:
    """Deal a cluster out: a worker for every few cores, or for each GPU.

    Args:
        nodes: As ray.nodes() gives them.
        n_workers: As many as are wanted; None for as many as fit.
        on_gpus: Whether each needs one.

    Raises:
        EngineError: There is no GPU, or fewer than workers.
    """
    there = [node["Resources"] for node in nodes if node["Alive"]]
    n_cores = [int(resources.get("CPU", 0)) for resources in there]
    n_gpus = [int(resources.get("GPU", 0)) for resources in there]
    room = n_gpus if on_gpus else n_cores  # for workers on each node
    if on_gpus and not sum(room):
        raise EngineError("--device cuda", "Ray sees no GPU", "use --device cpu")
    if on_gpus and n_workers and n_workers > sum(room):
        raise EngineError(f"--workers {n_workers}", f"Ray sees {sum(room)} GPUs, one a worker", "ask for fewer")
    n_wanted = n_workers or (sum(room) if on_gpus else sum(-(-n // CORES_AT_MOST) for n in n_cores))
    taken = [0] * len(there)
    for _ in range(n_wanted):  # each to the node that has most cores left for one more
        free = [place for place, n in enumerate(taken) if n < room[place]] or range(len(there))
        best = max(free, key=lambda place: n_cores[place] / (taken[place] + 1))
        taken[best] += 1
    n_cores_each = min(n // n_here for n, n_here in zip(n_cores, taken, strict=True) if n_here)
    return Share(n_wanted, max(1, n_cores_each if on_gpus else min(n_cores_each, CORES_AT_MOST)), int(on_gpus))
