import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import Outcome, TinyRun

from eval.bench_gpu import app, peak_of
from eval.scoring_bench.random_bundle import made_tokenizer


def test_a_tiny_network_goes_the_whole_way_on_a_cpu(
    tiny_run: TinyRun, tmp_path: Path, outcome_of: Callable[..., Outcome]
) -> None:
    out = tmp_path / "gpu.json"
    words = ["--params", tiny_run.params_path, "--device", "cpu", "--tiny", "--messages", 50, "--out", out]
    outcome = outcome_of(app, *words, "--pipeline-messages", 20)
    assert outcome.code == 0, outcome.err
    found = json.loads(out.read_text("utf-8"))
    assert (found["n_messages"], found["n_pipeline"]) == (42, 20)  # 16 % of 50 are copies
    assert found["peak"] is None
    assert all(found[name] > 0 for name in ("whole", "prepare", "network", "operations", "gemm", "pipeline"))
    assert "times transformers' pipeline" in outcome.out


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_nothing_is_measured_without_a_gpu(
    tiny_run: TinyRun, tmp_path: Path, outcome_of: Callable[..., Outcome]
) -> None:
    outcome = outcome_of(app, "--params", tiny_run.params_path, "--out", tmp_path / "gpu.json")
    assert (outcome.code, outcome.out) == (0, "not measured: no CUDA device\n")
    assert not (tmp_path / "gpu.json").exists()


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H200", 989e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA GeForce GT 1030", None),
    ],
)
def test_a_chip_is_known_by_the_words_of_its_name(name: str, peak: float | None) -> None:
    assert peak_of(name) == peak


def test_the_made_tokenizer_cuts_words_into_known_pieces() -> None:
    tokenizer = made_tokenizer()
    assert tokenizer.encode("The river kaza").tokens == ["<s>", "▁the", "▁river", "▁", "ka", "za", "</s>"]
