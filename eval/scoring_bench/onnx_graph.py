"""`python -m eval.scoring_bench.onnx_graph --model BUNDLE --out FILE`: a bundle's network for ONNX Runtime, int8 at run time.

Traced in evaluation mode with eager attention, its attention fused by ONNX Runtime's own optimiser, then its weights made
int8; inputs are quantised batch by batch while it runs (dynamic quantisation). Not here: running it (onnx_engines.py).
"""

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Annotated

import torch
import typer
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.optimizer import optimize_model

from segmenter.bundle import Bundle, audit
from segmenter.cli import run
from segmenter.model import load

OPSET = 17
app = typer.Typer(add_completion=False)


def write_graph(bundle: Bundle, out: Path) -> None:
    """Trace, fuse and quantise the network of a bundle; inputs `input_ids` and `attention_mask`, output `logits`."""
    n_audiences, config = len(bundle.audience_ids), bundle.manifest.encoder
    model = load(bundle.path, n_audiences=n_audiences, pooling=config.pooling, attention="eager")
    ids, mask = torch.ones((2, 9), dtype=torch.long), torch.ones((2, 9), dtype=torch.long)
    mask[1, 5:] = 0  # a mask that is not all ones, or tracing drops the masking
    axes = {name: {0: "rows", 1: "tokens"} for name in ("input_ids", "attention_mask")}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):  # of every shape it fixes
        traced, fused = Path(folder, "traced.onnx"), Path(folder, "fused.onnx")
        torch.onnx.export(
            model,
            (ids, mask),
            str(traced),
            input_names=list(axes),
            output_names=["logits", "pooled"],
            dynamic_axes=axes | {"logits": {0: "rows"}, "pooled": {0: "rows"}},
            opset_version=OPSET,
            dynamo=False,
        )
        own = model.encoder.config
        whole = optimize_model(
            str(traced), model_type="bert", num_heads=own.num_attention_heads, hidden_size=own.hidden_size
        )
        whole.save_model_to_file(str(fused))
        options = {"DefaultTensorType": TensorProto.FLOAT}  # of what fused nodes give, which it cannot infer
        quantize_dynamic(fused, out, weight_type=QuantType.QInt8, extra_options=options)


@app.command()
def main(
    model: Annotated[Path, typer.Option(metavar="BUNDLE", help="The bundle.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .onnx file.")],
) -> None:
    """Write a bundle's network as a dynamically quantised ONNX graph."""
    logging.disable(logging.WARNING)  # it asks for a step that the optimiser has done
    write_graph(audit(model), out)


if __name__ == "__main__":
    run(app)
