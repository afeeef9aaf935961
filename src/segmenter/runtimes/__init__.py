"""Where a bundle's network runs: token batches in, logits and pooled vectors out. The one place that loads lazily."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmenter.batches import TokenBatch
from segmenter.bundle import CONFIG, CPU_GRAPH, Bundle
from segmenter.errors import ModelError


@dataclass(frozen=True)
class Output:
    """What the network says of one batch: logits (n_rows, n_audiences) and pooled vectors (n_rows, hidden_size)."""

    logits: NDArray[np.float32]
    pooled: NDArray[np.float32]


class Runtime(Protocol):
    """One way to run a bundle's network; several threads may call it.

    Attributes:
        name: `cpu` or `torch`.
        key: All that a score depends on beside bundle, text and the kind of processor: another key, other bits.
        batch_tokens: Tokens of one batch, padding included; the batches it is given keep to it.
    """

    name: str
    key: str
    batch_tokens: int

    def run(self, batches: Iterable[TokenBatch]) -> Iterator[Output]:
        """Outputs in the order of the batches, as they come; no more batches are taken than are in work."""
        ...


def load(bundle: Bundle, *, runtime: str, device: str) -> Runtime:
    """The runtime that was asked for; `auto` takes a CUDA device's torch if asked for, else the cpu graph, else torch.

    Raises:
        ModelError: The bundle has no cpu graph, or torch or the device is not there.
    """
    has_graph = bundle.manifest.cpu is not None and (bundle.path / CPU_GRAPH).is_file()
    if runtime == "cpu" and (not has_graph or device == "cuda"):
        found = "has no cpu graph" if not has_graph else "the cpu runtime does not run on cuda"
        raise ModelError(bundle.path, found, "use --runtime torch")
    if runtime == "cpu" or (runtime == "auto" and has_graph and device != "cuda"):
        from segmenter.runtimes.cpu import CpuRuntime

        return CpuRuntime(bundle.path / CPU_GRAPH, graph_digest(bundle))
    try:
        from segmenter.runtimes.torch import TorchRuntime
    except ModuleNotFoundError as error:
        raise ModelError(
            "--runtime torch",
            f"{error.name} is not installed",
            "pip install 'audience-segmenter[train]', or use --runtime cpu",
        ) from error
    return TorchRuntime(bundle, device)


def graph_digest(bundle: Bundle) -> str:
    """What stands for the files of the cpu graph, wherever the bundle lies."""
    graph = Path(CPU_GRAPH)
    return " ".join(bundle.manifest.files[file.as_posix()] for file in (graph, graph.with_suffix(".bin")))


def pad_id(bundle: Bundle) -> int:
    """The padding token the encoder was trained with, 0 where its configuration names none."""
    return int(json.loads((bundle.path / CONFIG).read_text("utf-8")).get("pad_token_id") or 0)
