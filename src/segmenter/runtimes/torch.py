"""The torch runtime: the fp32 reference on a CPU, bf16 on a CUDA device."""

from collections.abc import Sequence

import torch

from segmenter.batches import TokenBatch
from segmenter.bundle import Bundle
from segmenter.errors import ModelError
from segmenter.model import load
from segmenter.runtimes import Output


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
        manifest = bundle.manifest
        model = load(
            bundle.path, n_audiences=len(manifest.audiences), pooling=manifest.encoder.pooling, attention="sdpa"
        )
        self._model = model.to(self._device, torch.bfloat16 if wanted == "cuda" else torch.float32)

    @torch.inference_mode()
    def run(self, batches: Sequence[TokenBatch]) -> list[Output]:
        """Outputs in the order of the batches."""
        outputs = []
        for batch in batches:
            ids, mask = (torch.from_numpy(array).to(self._device) for array in (batch.input_ids, batch.attention_mask))
            logits, pooled = self._model(ids, mask)
            outputs.append(Output(logits.float().cpu().numpy(), pooled.float().cpu().numpy()))
        return outputs
