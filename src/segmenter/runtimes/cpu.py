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
        compiled = core.compile_model(graph, "CPU", settings)
        n_requests = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._requests = [compiled.create_infer_request() for _ in range(n_requests)]

    def run(self, batches: Sequence[TokenBatch]) -> list[Output]:
        """Outputs in the order of the batches; the streams work side by side, each request in its turn.

        No AsyncInferQueue: a stream that still lets go of its Python callback waits for the interpreter's lock, and a
        compiled graph that is freed meanwhile holds that lock and waits for the stream, for ever.
        """
        outputs = []
        n_requests = len(self._requests)
        for place in range(len(batches) + n_requests):
            request = self._requests[place % n_requests]
            if place >= n_requests:
                request.wait()
                outputs.append(_output(request))
            if place < len(batches):
                batch = batches[place]
                request.start_async({"input_ids": batch.input_ids, "attention_mask": batch.attention_mask})
        return outputs


def _output(request: ov.InferRequest) -> Output:
    return Output(*(request.get_output_tensor(number).data.copy() for number in range(2)))
