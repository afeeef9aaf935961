"""Compiled graphs kept on this machine: a bundle is compiled at its first start here, later starts read the outcome.

Nothing depends on it: where it cannot be written or read, a graph is compiled each time. Not here: scores (store.py).
"""

import hashlib
import logging
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov

FOLDER = "SEGMENTER_CACHE"  # names another folder than the platform's; empty: nothing is kept
GRAPHS_AT_MOST = 4  # the least recently used one goes; about as large as the bundle's graph each
DIGEST_BYTES = hashlib.sha256().digest_size

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compiled:
    """A graph ready to run, and the memory it may lie in, which is to live as long."""

    graph: ov.CompiledModel
    memory: ov.Tensor | None


def compiled(graph: Path, *, digest: str, settings: dict[str, str | int]) -> Compiled:
    """The graph compiled for this machine's CPU: as kept from an earlier start, else compiled now and kept.

    Args:
        graph: The .xml file.
        digest: Stands for the graph's files; empty: nothing is kept.
        settings: Of the compilation.
    """
    core, folder = ov.Core(), graphs_folder() if digest else None
    if folder is None:
        return Compiled(core.compile_model(graph, "CPU", settings), None)
    file = folder / f"{_key(core, digest, settings)}.graph"
    kept = _read(file)
    if kept is not None:
        try:
            return Compiled(core.import_model(kept, "CPU", settings), kept)
        except RuntimeError as error:
            log.info("%s: %s", file, error)
    made = core.compile_model(graph, "CPU", settings)
    _keep(made, file)
    return Compiled(made, None)


def graphs_folder() -> Path | None:
    """`graphs` in the folder that FOLDER names, else in the user's own cache; None where there is to be none."""
    named = os.environ.get(FOLDER)
    if named is not None:
        return Path(named) / "graphs" if named else None
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home
        return None
    if sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        cache = home / "Library" / "Caches"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return cache / "segmenter" / "graphs"


def _key(core: ov.Core, digest: str, settings: dict[str, str | int]) -> str:
    """All that a compiled graph depends on: another bundle, OpenVINO, processor or setting has another name.

    Of two processors of one name, OpenVINO itself refuses what was compiled for the other.
    """
    processor = (core.get_property("CPU", name) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES"))
    parts = [digest, ov.get_version(), *map(str, processor), str(sorted(settings.items()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _read(file: Path) -> ov.Tensor | None:
    """What was kept, None where there is nothing, or not what was written (a power cut)."""
    try:
        whole = np.memmap(file, np.uint8, "c")  # a graph of 100 MB is not read twice; nothing is written back
        os.utime(file)  # used now
    except (OSError, ValueError):  # not there; empty
        return None
    digest, kept = whole[:DIGEST_BYTES].tobytes(), whole[DIGEST_BYTES:]
    return ov.Tensor(kept, shared_memory=True) if hashlib.sha256(kept.data).digest() == digest else None


def _keep(made: ov.CompiledModel, file: Path) -> None:
    """Write a compiled graph under its name, whole or not at all, and take the least recently used ones away."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = made.export_model().getbuffer()
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".graph", delete=False) as stream:
            try:
                stream.write(hashlib.sha256(kept).digest())
                stream.write(kept)
                stream.close()
                Path(stream.name).replace(file)
            finally:
                Path(stream.name).unlink(missing_ok=True)
        oldest_last = sorted(file.parent.glob("*.graph"), key=lambda each: each.stat().st_mtime, reverse=True)
        for each in oldest_last[GRAPHS_AT_MOST:]:
            each.unlink(missing_ok=True)
    except OSError as error:
        log.info("%s: %s", file, error)
