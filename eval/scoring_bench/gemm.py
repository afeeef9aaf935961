"""The most that this machine multiplies and adds in a second: large matrices in OpenVINO, int8 or fp32. Needs no torch."""

from time import perf_counter

import numpy as np
import openvino as ov
from openvino import opset15 as op

# Rows, width and number of the square layers: sizes of encoders, and larger; the fastest counts
SHAPES = ((512, 384, 24), (512, 1024, 16), (1024, 1024, 16), (2048, 1024, 8), (2048, 2048, 4))
SECONDS = 0.2  # of one measurement of one shape
N_TRIES = 3
LOW, HIGH = np.float32(-1.28), np.float32(1.27)  # what 256 levels of an input stand for


def openvino_gemm_per_second(*, int8: bool, n_streams: int) -> float:
    """Multiplications and additions a second of the fastest shape, `n_streams` streams of one thread at work.

    Args:
        int8: Both matrices int8, as in a quantised network; else fp32.
        n_streams: As the cpu runtime has them.
    """
    return max(_speed(shape, int8=int8, n_streams=n_streams) for shape in SHAPES)


def layers(n_rows: int, width: int, n_layers: int, *, int8: bool) -> ov.Model:
    """Square layers one after the other, each the product of its input with a constant matrix."""
    rng = np.random.default_rng(0)
    given = out = op.parameter([n_rows, width], np.float32)
    for _ in range(n_layers):
        weights = rng.integers(-127, 128, (width, width)).astype(np.int8)
        if int8:
            out = op.fake_quantize(out, LOW, HIGH, LOW, HIGH, 256)
            scaled = op.multiply(
                op.convert(op.constant(weights), np.float32), op.constant(np.full((width, 1), 1e-3, np.float32))
            )
        else:
            scaled = op.constant(weights.astype(np.float32) / 1000)
        out = op.matmul(out, scaled, False, True)
    return ov.Model([out], [given])


def _speed(shape: tuple[int, int, int], *, int8: bool, n_streams: int) -> float:
    settings = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "NUM_STREAMS": n_streams,
        "INFERENCE_NUM_THREADS": n_streams,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    n_rows, width, n_layers = shape
    compiled = ov.Core().compile_model(layers(n_rows, width, n_layers, int8=int8), "CPU", settings)
    requests = [compiled.create_infer_request() for _ in range(n_streams)]
    inputs = {0: np.random.default_rng(1).normal(size=(n_rows, width)).astype(np.float32)}
    for request in requests:
        request.infer(inputs)
    return 2 * n_rows * width**2 * n_layers * max(_runs_per_second(requests, inputs) for _ in range(N_TRIES))


def _runs_per_second(requests: list[ov.InferRequest], inputs: dict[int, np.ndarray]) -> float:
    """Runs of a graph by all requests at once, for some tenths of a second."""
    n, started = 0, perf_counter()
    while perf_counter() - started < SECONDS:
        for request in requests:
            request.wait()
            request.start_async(inputs)
        n += len(requests)
    for request in requests:
        request.wait()
    return n / (perf_counter() - started)
