"""The processes of one training: several where torchrun started them, one a GPU or a part of the CPU; else this one alone.

Every process walks through the whole training and takes its part of each step's batches; the first alone writes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as others
from torch import Tensor

WAIT = timedelta(hours=6)  # the others wait while the first calibrates, exports and logs


@contextmanager
def joined() -> Iterator[None]:
    """Meet the other processes that torchrun (or accelerate launch) started, for as long as the block lasts."""
    if not others.is_torchelastic_launched():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    others.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=WAIT)
    try:
        yield
    finally:
        others.destroy_process_group()


def number() -> int:
    """Which of the processes this is, from 0."""
    return others.get_rank() if others.is_initialized() else 0


def count() -> int:
    """How many there are."""
    return others.get_world_size() if others.is_initialized() else 1


def device() -> torch.device:
    """Where this process computes."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")


def add_up(values: Tensor) -> Tensor:
    """The sum over the processes, the same bits on each; `values`, on this process's device, is overwritten."""
    if count() > 1:
        others.all_reduce(values)
    return values


def wait() -> None:
    """Go on when every process is here."""
    if count() > 1:
        others.barrier()
