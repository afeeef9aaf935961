"""The cpu runtime: OpenVINO on the bundle's sealed graph (int8, or fp32 where int8 missed its gate). No torch."""

import os
from collections.abc import Sequence
from pathlib import Path

import openvino as ov

from segmenter.batches import TokenBatch
from segmenter.runtimes import Output


class CpuRuntime:
    """Streams of one thread each: two streams of one thread beat one of two (architecture.md)."""

    name = "cpu"

    def __init__(self, graph: Path) -> None:
        core = ov.Core()
        n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        settings = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": n_cores,
            "INFERENCE_NUM_THREADS": n_cores,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self._compiled = core.compile_model(graph, "CPU", settings)

    def run(self, batches: Sequence[TokenBatch]) -> list[Output]:
        """Outputs in the order of the batches; the streams work side by side."""
        outputs: list[Output | None] = [None] * len(batches)
        queue = ov.AsyncInferQueue(self._compiled)

        def keep(request: ov.InferRequest, place: int) -> None:
            outputs[place] = Output(request.get_output_tensor(0).data.copy(), request.get_output_tensor(1).data.copy())

        queue.set_callback(keep)
        for place, batch in enumerate(batches):
            queue.start_async({"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}, place)
        queue.wait_all()
        return [output for output in outputs if output is not None]
