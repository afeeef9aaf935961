import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
import torch
from conftest import TinyRun, tiny_messages

from segmenter import runtimes
from segmenter.batches import TokenBatch, canonical_batches
from segmenter.bundle import Bundle, audit
from segmenter.errors import ModelError
from segmenter.model import find_base, new_model, save
from segmenter.params import load_settings
from segmenter.runtimes.cpu import CpuRuntime
from segmenter.runtimes.torch import TorchRuntime
from segmenter.score import Scorer
from segmenter.sections import Base, Score
from training.export import trace

Reseal = Callable[[Path, Path, dict[str, Any]], Bundle]
TEXTS = [row["text"] for row in tiny_messages()]
without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees a CUDA device here")


@pytest.fixture(scope="module")
def bundle(tiny_run: TinyRun) -> Bundle:
    return audit(tiny_run.bundle)


@pytest.fixture(scope="module")
def bare(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory, reseal: Reseal) -> Bundle:
    """The same bundle without a graph for the cpu runtime."""
    return reseal(tiny_run.bundle, tmp_path_factory.mktemp("bare") / "bundle", {"cpu": None})


def settings(runtime: str) -> Score:
    return load_settings(None).score.model_copy(update={"runtime": runtime, "device": "cpu"})


def batches(lengths: list[int], pad_id: int) -> list[TokenBatch]:
    """Batches of messages of so many tokens, at most 64 tokens a batch, token ids from 5 to 44 by place."""
    ids = [[5 + place % 40 for place in range(length)] for length in lengths]
    return canonical_batches(ids, batch_tokens=64, pad_id=pad_id)


def test_cpu_and_torch_agree_on_every_score(bundle: Bundle) -> None:
    on_cpu, on_torch = (Scorer(bundle, settings(name)).score(TEXTS).scores for name in ("cpu", "torch"))
    graph = bundle.manifest.cpu
    assert graph is not None
    near = np.isclose(on_cpu, on_torch, atol={"fp32": 0.01, "int8": 0.1}[graph.precision])
    assert near.mean() >= {"fp32": 1.0, "int8": 0.99}[graph.precision]  # so small a model has a few messages on a cliff


@pytest.mark.parametrize("arch", ["bert", "xlm-roberta", "modernbert"])
def test_the_traced_graph_of_each_architecture_says_what_torch_says(
    tiny_encoder: Callable[[str, Path], Path], tmp_path: Path, arch: str
) -> None:
    # lengths unlike those that tracing saw, several a batch, the last batch with empty rows
    folder = tiny_encoder(arch, tmp_path / "encoder")
    base = find_base(Base(model=str(folder), revision=None, pooling="mean"))
    (tmp_path / "parts").mkdir()
    model = new_model(base, n_audiences=3, dropout=0.0).eval()
    save(model, base.tokenizer, tmp_path / "parts")
    ov.save_model(trace(tmp_path / "parts", n_audiences=3, pooling="mean"), tmp_path / "graph.xml", False)
    some = batches([3, 5, 8, 12, 30, 31, 40], base.pad_id)
    for batch, output in zip(some, CpuRuntime(tmp_path / "graph.xml").run(some), strict=True):
        with torch.inference_mode():
            logits, pooled = model(torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask))
        used = len(batch.rows)
        np.testing.assert_allclose(output.logits[:used], logits[:used], atol=1e-4)
        np.testing.assert_allclose(output.pooled[:used], pooled[:used], atol=1e-4)


@pytest.mark.parametrize("name", ["cpu", "torch"])
def test_outputs_come_in_the_order_of_the_batches(bundle: Bundle, name: str) -> None:
    runtime = runtimes.load(bundle, runtime=name, device="cpu")
    some = batches([3, 40, 12, 24, 5, 31] * 5, 0)
    together, alone = runtime.run(some), [next(runtime.run([batch])) for batch in some]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.logits, other.logits)


@pytest.mark.parametrize("name", ["cpu", "torch"])
def test_outputs_have_a_row_for_each_row_of_the_batch(bundle: Bundle, name: str) -> None:
    # 64 tokens a batch: a message of 14 tokens is padded to 16, so 4 rows; 3 audiences; width 32
    output = next(runtimes.load(bundle, runtime=name, device="cpu").run(batches([14], 0)))
    assert (output.logits.shape, output.pooled.shape) == ((4, 3), (4, 32))


@pytest.mark.parametrize("name", ["cpu", "torch"])
def test_no_batches_give_no_outputs(bundle: Bundle, name: str) -> None:
    assert list(runtimes.load(bundle, runtime=name, device="cpu").run([])) == []


def test_auto_takes_the_cpu_graph_where_there_is_one(bundle: Bundle) -> None:
    assert isinstance(runtimes.load(bundle, runtime="auto", device="auto"), CpuRuntime)


def test_auto_takes_torch_where_there_is_no_cpu_graph(bare: Bundle) -> None:
    assert isinstance(runtimes.load(bare, runtime="auto", device="cpu"), TorchRuntime)


def test_torch_runs_where_it_was_asked_for_beside_a_cpu_graph(bundle: Bundle) -> None:
    assert isinstance(runtimes.load(bundle, runtime="torch", device="cpu"), TorchRuntime)


def test_asking_for_cpu_without_a_graph_names_the_way_out(bare: Bundle) -> None:
    with pytest.raises(ModelError, match=f"^{re.escape(str(bare.path))}: has no cpu graph; use --runtime torch$"):
        runtimes.load(bare, runtime="cpu", device="auto")


def test_asking_for_the_cpu_runtime_on_cuda_names_the_way_out(bundle: Bundle) -> None:
    wanted = "bundle: the cpu runtime does not run on cuda; use --runtime torch$"
    with pytest.raises(ModelError, match=wanted):
        runtimes.load(bundle, runtime="cpu", device="cuda")


@without_cuda
@pytest.mark.parametrize("name", ["auto", "torch"])
def test_asking_for_cuda_without_a_device_names_the_way_out(bundle: Bundle, name: str) -> None:
    with pytest.raises(ModelError, match="^--device cuda: torch sees no CUDA device here; use --device cpu$"):
        runtimes.load(bundle, runtime=name, device="cuda")


@pytest.mark.parametrize(("arch", "pad_id"), [("bert", 0), ("xlm-roberta", 1), ("modernbert", 3)])
def test_a_bundle_pads_with_its_encoders_padding_token(
    bundle: Bundle, tiny_encoder: Callable[[str, Path], Path], tmp_path: Path, arch: str, pad_id: int
) -> None:
    base = find_base(Base(model=str(tiny_encoder(arch, tmp_path / "encoder")), revision=None, pooling="mean"))
    save(new_model(base, n_audiences=3, dropout=0.0), base.tokenizer, tmp_path)
    assert runtimes.pad_id(Bundle(tmp_path, bundle.manifest, bundle.digest)) == pad_id


FIRST_TOGETHER = """
import sys, threading
import openvino as ov
import segmenter.runtimes.cpu
graph = ov.Core().compile_model(sys.argv[1], "CPU")
long, barrier = 3**400_000, threading.Barrier(4)
def first():
    data = graph.create_infer_request().get_tensor("input_ids")
    barrier.wait()
    long * long  # for 20 ms nobody else runs, so that all wait when it is done
    data.data
for _ in range(4):
    threading.Thread(target=first).start()
"""


def test_the_first_runs_of_a_process_may_come_together(tiny_run: TinyRun) -> None:
    graph = tiny_run.bundle / "cpu" / "graph.xml"
    subprocess.run([sys.executable, "-c", FIRST_TOGETHER, graph], timeout=60, check=True)
