import openvino as ov
import pytest

from eval.scoring_bench.gemm import layers

SETTINGS = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}


@pytest.mark.parametrize(("int8", "kept_as"), [(True, "i8"), (False, "f32")])
def test_matrices_are_multiplied_in_the_precision_that_was_asked_for(int8: bool, kept_as: str) -> None:
    compiled = ov.Core().compile_model(layers(64, 64, 2, int8=int8), "CPU", SETTINGS)
    found = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
    used = [info["primitiveType"].astype(str) for info in found if info["layerType"].astype(str) == "FullyConnected"]
    assert len(used) == 2
    assert all(kind.endswith(kept_as) for kind in used)
