"""On one machine and runtime a message has the same bits whatever stands beside it: the promise of canonical batches."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch
from conftest import TinyRun
from numpy.typing import NDArray

from segmenter.batches import Tokens, canonical_batches, in_input_order
from segmenter.bundle import Bundle, audit
from segmenter.model import find_base, new_model, save
from segmenter.runtimes import Output, Runtime
from segmenter.runtimes.cpu import CpuRuntime
from segmenter.runtimes.torch import TorchRuntime
from segmenter.sections import Base
from training.examples import Examples
from training.export import quantised, trace

N_AUDIENCES = 3
# As long as real ones: mostly short, some of the longest a window can be, one of three windows and one of two.
LENGTHS = [*range(2, 34), 3, 3, 7, 12, 12, 19, 26, 31, 40, 41, 47, 48]
WINDOWS = [[48, 48, 20], [48, 9]]


@dataclass(frozen=True)
class Network:
    """A random encoder of one architecture in every runtime, and messages for it."""

    runtimes: dict[str, Runtime]
    tokens: Tokens
    pad_id: int

    def read(self, runtime: str, places: list[int]) -> Output:
        """Logits and pooled vectors of the messages at `places`, read together."""
        tokens = self.tokens.part(np.array(places))
        batches = canonical_batches(tokens.ids, batch_tokens=128, pad_id=self.pad_id)
        outputs = list(self.runtimes[runtime].run(batches))
        return Output(
            in_input_order(batches, [output.logits for output in outputs], tokens),
            in_input_order(batches, [output.pooled for output in outputs], tokens),
        )


def messages(n_ids: int) -> Tokens:
    """Messages of random tokens below `n_ids`."""
    generator = np.random.default_rng(5)
    lengths = [*([length] for length in LENGTHS), *WINDOWS]
    ids = [generator.integers(5, n_ids, length).tolist() for windows in lengths for length in windows]
    return Tokens(ids, np.repeat(np.arange(len(lengths)), [len(windows) for windows in lengths]))


@pytest.fixture(scope="module", params=["bert", "xlm-roberta", "modernbert"])
def network(
    request: pytest.FixtureRequest,
    tiny_encoder: Callable[[str, Path], Path],
    tiny_run: TinyRun,
    tmp_path_factory: pytest.TempPathFactory,
) -> Network:
    folder = tmp_path_factory.mktemp(request.param)
    base = find_base(Base(model=str(tiny_encoder(request.param, folder / "e")), revision=None, pooling="mean"))
    torch.manual_seed(4)
    save(new_model(base, n_audiences=N_AUDIENCES, dropout=0.0), base.tokenizer, folder)
    tokens = messages(base.tokenizer.get_vocab_size())
    n = len(tokens.n_windows)
    examples = Examples(tokens, np.zeros((n, 1), np.bool_), np.ones(n), np.full(n, "en"), base.pad_id)
    graph = trace(folder, n_audiences=N_AUDIENCES, pooling="mean")
    ov.save_model(graph, folder / "fp32.xml", compress_to_fp16=False)
    ov.save_model(quantised(graph, examples), folder / "int8.xml", compress_to_fp16=False)
    sealed = audit(tiny_run.bundle)
    runtimes = {
        "cpu int8": CpuRuntime(folder / "int8.xml"),
        "cpu fp32": CpuRuntime(folder / "fp32.xml"),
        "torch": TorchRuntime(Bundle(folder, sealed.manifest, sealed.digest), "cpu"),
    }
    return Network(runtimes, tokens, base.pad_id)


def bits(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(values).view(np.uint32)


def neighbours(n: int) -> dict[str, list[list[int]]]:
    """Ways to read `n` messages: the places of those that are read together."""
    generator = np.random.default_rng(6)
    return {
        "alone": [[place] for place in range(n)],
        "the other way round": [[*reversed(range(n))]],
        "each three times": [[place for place in range(n) for _ in range(3)]],
        "in chunks of 7": [[*range(start, min(start + 7, n))] for start in range(0, n, 7)],
        "with others at random": [generator.integers(0, n, 3 * n).tolist() for _ in range(4)],
    }


@pytest.mark.parametrize("way", list(neighbours(0)))
@pytest.mark.parametrize("runtime", ["cpu int8", "cpu fp32", "torch"])
def test_no_neighbour_changes_a_bit(network: Network, runtime: str, way: str) -> None:
    n = len(network.tokens.n_windows)
    expected = network.read(runtime, list(range(n)))
    assert len(np.unique(expected.logits, axis=0)) == n  # else the same bits would say little
    for places in neighbours(n)[way]:
        found = network.read(runtime, places)
        np.testing.assert_array_equal(bits(found.pooled), bits(expected.pooled[places]))
        np.testing.assert_array_equal(bits(found.logits), bits(expected.logits[places]))
