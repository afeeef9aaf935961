from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter.batches import canonical_batches, in_input_order, tokenise
from segmenter.bundle import CPU_GRAPH, CpuGraph
from segmenter.calibration import Calibration
from segmenter.model import BaseEncoder, find_base, load, new_model, save
from segmenter.runtimes.cpu import CpuRuntime
from segmenter.sections import Base, Calibrate
from training.examples import Examples
from training.export import export
from training.loop import logits_of

WRITTEN = [
    "gardeners, water the red beds before noon",
    "cyclists, the new lane opens on Monday",
    "the old bakery sells rolls until six",
    "Die kleine Wolke zog über den Hafen",
    "return your blue library books by Friday",
    "rolls",
    "Die kleine Wolke zog über den Hafen " * 9,  # two windows
] * 4
PLAIN = Calibration(slope=1.0, intercept=0.0, threshold=0.5, low=0.5, high=0.5)


def settings(agreement: float) -> Calibrate:
    whole = Calibrate(
        method="platt",
        folds=2,
        risk=0.05,
        confidence=0.95,
        coverage_at_least=0.5,
        error_goal=0.05,
        uncertain_share_at_most=0.2,
        int8_messages=16,
        int8_agreement_at_least=1.0,
    )
    return whole.model_copy(update={"int8_agreement_at_least": agreement})  # 1.1 could not stand in params


class Saved:
    """A random encoder with a head, saved as a bundle's parts, and some messages."""

    def __init__(self, folder: Path, encoder: Path) -> None:
        self.base: BaseEncoder = find_base(Base(model=str(encoder), revision=None, pooling="mean"))
        torch.manual_seed(2)
        folder.mkdir()
        save(new_model(self.base, n_audiences=2, dropout=0.0), self.base.tokenizer, folder)
        self.folder = folder
        tokens = tokenise(self.base.tokenizer, WRITTEN, max_tokens=48, overlap_tokens=16)
        n = len(WRITTEN)
        self.examples = Examples(tokens, np.zeros((n, 2), np.bool_), np.ones(n), np.full(n, "en"), self.base.pad_id)

    def export(self, agreement: float) -> CpuGraph:
        return export(
            self.folder,
            encoder=self.base.source,
            ranges=self.examples,
            dev=self.examples,
            calibrations=[PLAIN, PLAIN],
            settings=settings(agreement),
        )

    def torch_logits(self) -> np.ndarray:
        model = load(self.folder, n_audiences=2, pooling="mean", attention="sdpa")
        return logits_of(model, self.examples, 512, "fp32")

    def graph_logits(self) -> np.ndarray:
        tokens = self.examples.tokens
        batches = canonical_batches(tokens.ids, batch_tokens=512, pad_id=self.examples.pad_id)
        outputs = CpuRuntime(self.folder / CPU_GRAPH).run(batches)
        return in_input_order(batches, [output.logits for output in outputs], tokens)


@pytest.fixture(params=["bert", "xlm-roberta", "modernbert"])
def saved(request: pytest.FixtureRequest, tiny_encoder: Callable[[str, Path], Path], tmp_path: Path) -> Saved:
    """Each architecture in turn."""
    return Saved(tmp_path / "parts", tiny_encoder(request.param, tmp_path / request.param))


@pytest.fixture
def saved_bert(tiny_bert: Path, tmp_path: Path) -> Saved:
    return Saved(tmp_path / "parts", tiny_bert)


def test_an_fp32_graph_gives_the_torch_logits(saved: Saved) -> None:
    assert saved.export(1.1).precision == "fp32"
    assert saved.graph_logits() == pytest.approx(saved.torch_logits(), abs=1e-4)


def test_an_int8_graph_gives_nearly_the_torch_logits(saved: Saved) -> None:
    assert saved.export(0.0).precision == "int8"
    expected = saved.torch_logits()
    # near: the rounding is small against how far the messages lie apart
    assert np.abs(saved.graph_logits() - expected).mean() < 0.5 * expected.std(axis=0).max()


def test_int8_that_misses_the_gate_is_replaced_by_fp32(saved_bert: Saved) -> None:
    graph = saved_bert.export(1.1)
    assert graph.precision == "fp32"
    assert "i8" not in (saved_bert.folder / CPU_GRAPH).read_text("utf-8")


def test_int8_that_passes_the_gate_is_kept(saved_bert: Saved) -> None:
    assert saved_bert.export(0.0).precision == "int8"
    assert 'element_type="i8"' in (saved_bert.folder / CPU_GRAPH).read_text("utf-8")


def test_the_agreement_is_counted_over_every_decision(saved_bert: Saved) -> None:
    graph = saved_bert.export(0.0)
    # 28 messages, 2 audiences
    assert graph.n_decisions == 56
    assert (graph.int8_agreement * 56) == pytest.approx(round(graph.int8_agreement * 56))


def test_the_graph_takes_any_batch_shape(saved_bert: Saved) -> None:
    saved_bert.export(1.1)
    runtime = CpuRuntime(saved_bert.folder / CPU_GRAPH)
    for batch_tokens in (1, 100, 4096):
        batches = canonical_batches(saved_bert.examples.tokens.ids, batch_tokens=batch_tokens, pad_id=0)
        assert [output.logits.shape for output in runtime.run(batches)] == [
            (len(batch.input_ids), 2) for batch in batches
        ]
