"""`python -m eval.scoring_bench.onnx_engines CONTENDER …`: the dynamically quantised graph in ONNX Runtime. No torch.

`onnx-sorted` reads batches of like length, `onnx-input-order` batches of 32 as messages come. One pool of threads; the
graph (onnx_graph.py) stands beside the texts.
"""

from collections.abc import Sequence
from functools import partial

import onnxruntime

from eval.scoring_bench.plain_batches import Reader, as_they_come, by_length
from eval.scoring_bench.timing import Logits, Order, command
from segmenter.batches import TokenBatch
from segmenter.cli import run
from segmenter.runtimes.cores import usable_cores

GRAPH = "dynamic_int8.onnx"
BATCH_TOKENS = 2048  # of sorted batches, padding included
ROWS = 32  # of a batch in input order
ROWS_OF = {
    "onnx-sorted": partial(by_length, batch_tokens=BATCH_TOKENS),
    "onnx-input-order": partial(as_they_come, n_rows=ROWS),
}


class Onnx:
    """One session of ONNX Runtime."""

    def __init__(self, order: Order) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads = usable_cores()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        graph = order.file.with_name(GRAPH)
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._reader = Reader(order.bundle, ROWS_OF[order.contender])
        self.count = self._reader.count
        self.stages: dict[str, float] = {}
        self.threads = f"one pool of {n_threads} threads"

    def logits(self, texts: Sequence[str]) -> Logits:
        """Of cleaned texts."""
        return self._reader.logits(texts, self._answer)

    def _answer(self, batch: TokenBatch) -> Logits:
        inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        logits: Logits = self._session.run(["logits"], inputs)[0]
        return logits

    def gemm_per_second(self) -> float:
        """Not measured."""
        return 0.0


app = command(Onnx)

if __name__ == "__main__":
    run(app)
