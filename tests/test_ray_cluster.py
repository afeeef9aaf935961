import socket
from typing import Any

import pytest

from segmenter.errors import EngineError
from segmenter.scoring.ray_cluster import Share, joined, shared_out


def node(n_cores: int, n_gpus: int = 0, *, is_alive: bool = True) -> dict[str, Any]:
    """A node as ray.nodes() gives it."""
    return {"Alive": is_alive, "Resources": {"CPU": float(n_cores), "GPU": float(n_gpus)}}


@pytest.mark.parametrize(
    ("nodes", "n_workers", "share"),
    [
        ([node(2)], None, Share(1, 2, 0)),
        ([node(2)], 2, Share(2, 1, 0)),
        ([node(6)], None, Share(2, 3, 0)),  # two of three cores rather than one of four and one of two
        ([node(16), node(16), node(64, is_alive=False)], None, Share(8, 4, 0)),
        ([node(0), node(16)], None, Share(4, 4, 0)),  # a head that works not
        ([node(16)], 2, Share(2, 4, 0)),  # fewer workers are no larger ones
        ([node(1)], 3, Share(3, 1, 0)),
        ([node(4), node(5)], None, Share(3, 2, 0)),  # two on the larger one, of two cores: three of three do not fit
    ],
)
def test_a_worker_gets_at_most_four_cores(nodes: list[dict[str, Any]], n_workers: int | None, share: Share) -> None:
    assert shared_out(nodes, n_workers, on_gpus=False) == share


def test_each_gpu_gets_a_worker_and_its_part_of_the_cores() -> None:
    # the other node's 16 cores have no GPU beside them
    assert shared_out([node(32, 4), node(16)], None, on_gpus=True) == Share(4, 8, 1)


def test_more_workers_than_gpus_are_told() -> None:
    with pytest.raises(EngineError, match="--workers 5: Ray sees 4 GPUs, one a worker; ask for fewer"):
        shared_out([node(32, 4)], 5, on_gpus=True)


def test_a_cluster_without_gpus_is_told() -> None:
    with pytest.raises(EngineError, match="--device cuda: Ray sees no GPU; use --device cpu"):
        shared_out([node(16)], None, on_gpus=True)


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:port"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(
        EngineError, match=f"--ray-address {address}: is neither auto nor HOST:PORT; run this on a node"
    ):
        joined(address).__enter__()


def test_a_cluster_that_does_not_answer_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(EngineError, match=f"--ray-address 127.0.0.1:{port}: nobody answers there"):
        joined(f"127.0.0.1:{port}").__enter__()
