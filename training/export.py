"""The graph of the cpu runtime: OpenVINO, int8 by NNCF where it agrees with fp32 on dev, fp32 where it does not."""

import contextlib
import io
import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from openvino import opset15 as opset

from segmenter.batches import BATCH_TOKENS, TokenBatch, canonical_batches, in_input_order
from segmenter.bundle import CPU_GRAPH, CpuGraph, Encoder
from segmenter.calibration import Calibration, judge, to_scores
from segmenter.model import load
from segmenter.runtimes.cpu import CpuRuntime
from segmenter.sections import Calibrate
from training.examples import Examples


def export(
    parts: Path,
    *,
    encoder: Encoder,
    ranges: Examples,
    dev: Examples,
    calibrations: list[Calibration],
    settings: Calibrate,
) -> CpuGraph:
    """Trace the saved model, quantise it, and write the graph that passed its gate to `parts`.

    Args:
        parts: Folder with the saved model; the graph is added to it.
        encoder: For its pooling.
        ranges: Messages that set the int8 ranges.
        dev: Messages on which int8 and fp32 decisions are compared: weights have seen none of them, while every message
            of the out-of-fold table is one that this model was trained on.
        calibrations: Turn logits into decisions.
        settings: The `calibrate` section.
    """
    graph = trace(parts, n_audiences=len(calibrations), pooling=encoder.pooling)
    with tempfile.TemporaryDirectory() as folder:
        fp32, int8 = Path(folder, "fp32.xml"), Path(folder, "int8.xml")
        ov.save_model(graph, fp32, compress_to_fp16=False)
        ov.save_model(scaled_after_look_up(quantised(graph, ranges)), int8, compress_to_fp16=False)
        decisions = [judge(to_scores(_logits(path, dev), calibrations), calibrations).chosen for path in (fp32, int8)]
        agreement = float((decisions[0] == decisions[1]).mean())
        precision, winner = ("int8", int8) if agreement >= settings.int8_agreement_at_least else ("fp32", fp32)
        target = parts / CPU_GRAPH
        target.parent.mkdir()
        for suffix in (".xml", ".bin"):
            winner.with_suffix(suffix).rename(target.with_suffix(suffix))
    return CpuGraph(precision=precision, int8_agreement=agreement, n_decisions=decisions[0].size)


def trace(parts: Path, *, n_audiences: int, pooling: str) -> ov.Model:
    """The saved model as an OpenVINO graph of free batch size and length, inputs `input_ids` and `attention_mask`."""
    model = load(parts, n_audiences=n_audiences, pooling=pooling, attention="eager")
    ids = torch.ones((2, 9), dtype=torch.long)
    mask = torch.ones((2, 9), dtype=torch.long)
    mask[1, 5:] = 0  # a mask that is not all ones, or tracing drops the masking
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):  # tracing warns of every shape it fixes
        graph = ov.convert_model(model, example_input={"input_ids": ids, "attention_mask": mask})
    for port, name in zip(graph.inputs, ("input_ids", "attention_mask"), strict=True):
        port.get_tensor().set_names({name})
    return graph


def quantised(graph: ov.Model, ranges: Examples) -> ov.Model:
    """The graph in int8, the ranges of its activations from examples (NNCF, post-training)."""
    import nncf  # noqa: PLC0415  # 3 s of import and a banner, for this one call

    nncf.set_log_level(logging.ERROR)
    # one window a batch: no empty rows in the ranges
    batches = canonical_batches(ranges.tokens.ids, batch_tokens=1, pad_id=ranges.pad_id)
    with contextlib.redirect_stdout(io.StringIO()):  # NNCF draws its progress on stdout
        return nncf.quantize(
            graph,
            nncf.Dataset(batches, _inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(batches),
        )


def scaled_after_look_up(graph: ov.Model) -> ov.Model:
    """The same int8 graph, of which each embedding is looked up as int8 and then scaled.

    As NNCF writes it, the whole table is scaled before the look-up, and OpenVINO does that once and keeps the table in
    fp32: four times as large in memory, and the longest part of a start.
    """
    for gather in graph.get_ordered_ops():
        parts = _scaled_table(gather)
        if parts is None:
            continue
        table, scale = parts
        rows, axis = gather.input_value(1), gather.input_value(2)
        found = opset.convert(opset.gather(table, rows, axis), "f32")
        late = opset.multiply(found, opset.gather(scale, rows, axis))
        late.set_friendly_name(gather.get_friendly_name())
        for user in gather.output(0).get_target_inputs():
            user.replace_source_output(late.output(0))
    graph.validate_nodes_and_infer_types()
    return graph


def _scaled_table(gather: ov.Node) -> tuple[ov.Node, ov.Node] | None:
    """The int8 table a node looks up in and the scale of each of its rows, None where it does no such thing."""
    scaled = gather.input_value(0).get_node() if gather.get_type_name() == "Gather" else None
    if scaled is None or scaled.get_type_name() != "Multiply":
        return None
    converted, scale = (value.get_node() for value in scaled.input_values())
    table = converted.input_value(0).get_node() if converted.get_type_name() == "Convert" else None
    if table is None or {table.get_type_name(), scale.get_type_name()} != {"Constant"}:
        return None
    return (table, scale) if scale.shape == ov.Shape([table.shape[0], 1]) else None


def _inputs(batch: TokenBatch) -> dict[str, np.ndarray]:
    return {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}


def _logits(graph: Path, examples: Examples) -> np.ndarray:
    batches = canonical_batches(examples.tokens.ids, batch_tokens=BATCH_TOKENS, pad_id=examples.pad_id)
    outputs = CpuRuntime(graph).run(batches)
    return in_input_order(batches, [output.logits for output in outputs], examples.tokens)
