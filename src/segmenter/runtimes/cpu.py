"""The cpu runtime: OpenVINO on the bundle's sealed graph (int8, or fp32 where int8 missed its gate). No torch."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openvino as ov

from segmenter.batches import BATCH_TOKENS, TokenBatch, layout
from segmenter.runtimes import Output
from segmenter.runtimes.cores import usable_cores
from segmenter.runtimes.kept_graphs import compiled

# OpenVINO looks numpy up at the first access to a tensor's data; two threads that come first together wait for ever, one
# for the interpreter's lock, the other with it
ov.Tensor(ov.Type.i64, ov.Shape([1])).data.fill(0)


class CpuRuntime:
    """As many streams of one thread as there are cores: two streams of one thread beat one of two (architecture.md)."""

    name = "cpu"
    batch_tokens = BATCH_TOKENS

    def __init__(self, graph: Path, digest: str = "") -> None:
        """Compile a graph for this machine, or read what was kept of an earlier time.

        Args:
            graph: The .xml file, its .bin beside it.
            digest: Stands for both; empty: nothing is kept.
        """
        n_cores = usable_cores()
        settings: dict[str, str | int] = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": n_cores,
            "INFERENCE_NUM_THREADS": n_cores,
            "INFERENCE_PRECISION_HINT": "f32",
            # a pinned stream waits for its core while the tokenizer has it, and several processes pin to the same one
            "ENABLE_CPU_PINNING": False,
        }
        version = ov.__version__.split("-")[0]  # 2026.4.1, without the build
        self.key = f"cpu openvino {version} {layout(self.batch_tokens)}"
        thread = ThreadPoolExecutor(1, "compile")  # meanwhile the tokenizer is loaded and the first texts are read
        self._compiled = thread.submit(compiled, graph, digest=digest, settings=settings)
        thread.shutdown(wait=False)
        self._n_requests = 2 * n_cores  # one at work and one waiting for each stream, which so never waits for Python
        self._idle: list[list[ov.InferRequest]] = []  # sets of requests: each run has one of its own

    def run(self, batches: Iterable[TokenBatch]) -> Iterator[Output]:
        """Outputs in the order of the batches; the streams work side by side, each request in its turn.

        No AsyncInferQueue: a stream that still lets go of its Python callback waits for the interpreter's lock, and a
        compiled graph that is freed meanwhile holds that lock and waits for the stream, for ever.
        """
        requests = self._taken()
        at_work: deque[ov.InferRequest] = deque()
        try:
            for place, batch in enumerate(batches):
                if len(at_work) == len(requests):
                    yield _output(at_work.popleft())
                request = requests[place % len(requests)]
                request.start_async({"input_ids": batch.input_ids, "attention_mask": batch.attention_mask})
                at_work.append(request)
            while at_work:
                yield _output(at_work.popleft())
        finally:
            for request in at_work:  # whoever reads no further leaves none at work
                request.wait()
            self._idle.append(requests)

    def _taken(self) -> list[ov.InferRequest]:
        try:
            return self._idle.pop()
        except IndexError:
            graph = self._compiled.result().graph
            return [graph.create_infer_request() for _ in range(self._n_requests)]


def _output(request: ov.InferRequest) -> Output:
    request.wait()
    return Output(*(request.get_output_tensor(number).data.copy() for number in range(2)))
