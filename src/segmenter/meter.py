"""What a fit costs, seen from the encoder's door: batches, windows, padding, and windows a second after a warm-up.

Whoever fits, our loop or another's, is measured in the same way. Needs torch; not here: the fit itself.
"""

from dataclasses import dataclass
from time import perf_counter, process_time
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from segmenter.errors import TableError
from segmenter.model import AudienceModel

WARM_UP_BATCHES = 5  # memory is taken and libraries are loaded by then


@dataclass(frozen=True)
class Effort:
    """What a fit took.

    Attributes:
        n_batches: Forward passes.
        n_windows: Rows of all of them.
        padding_share: Of all tokens that went through the encoder.
        seconds: From the end of the warm-up to the end of the fit.
        processor_seconds: Of this process in that time: on a busy machine the better measure of what runs on a CPU.
        n_timed_windows: Learned in that time.
        device: `cpu`, or the name of the GPU.
        threads: That torch computes with on a CPU.
    """

    n_batches: int
    n_windows: int
    padding_share: float
    seconds: float
    processor_seconds: float
    n_timed_windows: int
    device: str
    threads: int


@dataclass(frozen=True)
class _Clock:
    """A moment, in seconds of the world and of this process."""

    wall: float
    processor: float


class Meter:
    """Counts what passes through a model's encoder as long as its `with` block lasts."""

    def __init__(self, model: AudienceModel) -> None:
        self._encoder = model.encoder
        self._sizes: list[int] = []
        self._n_tokens = 0
        self._n_read: Tensor | int = 0  # without padding; on the device, where it does not hold up what runs there
        self._started = self._ended = _Clock(0.0, 0.0)

    def __enter__(self) -> "Meter":
        self._hook = self._encoder.register_forward_pre_hook(self._count, with_kwargs=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = _now()
        self._hook.remove()

    def _count(self, _: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        if len(self._sizes) == WARM_UP_BATCHES:
            self._started = _now()
        mask = named["attention_mask"]
        self._sizes.append(len(mask))
        self._n_tokens += mask.numel()
        self._n_read = self._n_read + mask.sum()

    def effort(self) -> Effort:
        """What the block took.

        Raises:
            TableError: It was over before the warm-up.
        """
        if len(self._sizes) <= WARM_UP_BATCHES:
            found = f"makes {len(self._sizes)} batches, the first {WARM_UP_BATCHES} are not timed"
            raise TableError("train split", found, "bring more messages, or train for more epochs")
        return Effort(
            n_batches=len(self._sizes),
            n_windows=sum(self._sizes),
            padding_share=1 - float(self._n_read) / self._n_tokens,
            seconds=self._ended.wall - self._started.wall,
            processor_seconds=self._ended.processor - self._started.processor,
            n_timed_windows=sum(self._sizes[WARM_UP_BATCHES:]),
            device=torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            threads=torch.get_num_threads(),
        )


def _now() -> _Clock:
    if torch.cuda.is_available():
        torch.cuda.synchronize()  # what was asked of the GPU is done
    return _Clock(perf_counter(), process_time())
