"""The torch runtime: the fp32 reference on a CPU, bf16 on a CUDA device."""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from segmenter.batches import BATCH_TOKENS, TokenBatch, layout
from segmenter.bundle import Bundle
from segmenter.errors import ModelError
from segmenter.model import load
from segmenter.runtimes import Output

# A GPU idles on the batches of a CPU; but each length's last batch is filled up, part by part: of 4,096 real messages 22 % of
# what is computed is padding, 36 % in batches of 8192, 71 % of 32768. No GPU was at hand to weigh that against its speed.
CUDA_BATCH_TOKENS = 4096
AT_WORK = {"cpu": 1, "cuda": 4}  # batches handed to the device before the first result is fetched


class TorchRuntime:
    """The bundle's own weights, run as they were trained."""

    name = "torch"

    def __init__(self, bundle: Bundle, device: str) -> None:
        """Load the weights onto `device` (`auto`, `cpu` or `cuda`).

        Raises:
            ModelError: cuda was asked for and torch sees none.
        """
        if device == "cuda" and not torch.cuda.is_available():
            raise ModelError("--device cuda", "torch sees no CUDA device here", "use --device cpu")
        wanted = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
        self._device = torch.device(wanted)
        self.batch_tokens = CUDA_BATCH_TOKENS if wanted == "cuda" else BATCH_TOKENS
        precision = "bf16" if wanted == "cuda" else "fp32"
        self.key = f"torch {torch.__version__} {wanted} {precision} {layout(self.batch_tokens)}"
        manifest = bundle.manifest
        model = load(
            bundle.path, n_audiences=len(manifest.audiences), pooling=manifest.encoder.pooling, attention="sdpa"
        )
        self._model = model.to(self._device, torch.bfloat16 if wanted == "cuda" else torch.float32)

    def run(self, batches: Iterable[TokenBatch]) -> Iterator[Output]:
        """Outputs in the order of the batches; on a CUDA device several are under way while the first is fetched."""
        at_work: deque[_Results] = deque()
        for batch in batches:
            at_work.append(self._started(batch))
            if len(at_work) == AT_WORK[self._device.type]:
                yield at_work.popleft().fetched()
        while at_work:
            yield at_work.popleft().fetched()

    @torch.inference_mode()
    def _started(self, batch: TokenBatch) -> "_Results":
        ids, mask = (_sent(array, self._device) for array in (batch.input_ids, batch.attention_mask))
        pooled = self._model(ids, mask)[1].float()
        # the head's own matrix product would round a row by its place among the others (MKL, few columns)
        head = self._model.head
        logits = (pooled[:, None] * head.weight.float()).sum(2) + head.bias.float()
        return _Results([logits, pooled])


class _Results:
    """What the device is asked for, on its way to this machine's memory."""

    def __init__(self, parts: list[Tensor]) -> None:
        self._parts = [part.to("cpu", non_blocking=True) for part in parts]
        self._ready = torch.cuda.Event() if parts[0].is_cuda else None  # type: ignore[no-untyped-call]
        if self._ready is not None:
            self._ready.record()

    def fetched(self) -> Output:
        if self._ready is not None:
            self._ready.synchronize()
        return Output(*(part.numpy() for part in self._parts))


def _sent(array: np.ndarray, device: torch.device) -> Tensor:
    here = torch.from_numpy(array)
    return here.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else here
