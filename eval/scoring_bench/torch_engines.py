"""`python -m eval.scoring_bench.torch_engines CONTENDER …`: a bundle's network in fp32, by transformers' pipeline or by us.

The pipeline takes cleaned texts in input order and pads each batch to its longest; `torch-sorted` reads the windows that
scoring reads, batches of like length. All cores in one pool of threads.
"""

import logging
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import (
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    TextClassificationPipeline,
    pipeline,
)
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import logging as transformers_logging

from eval.scoring_bench.plain_batches import Reader, by_length
from eval.scoring_bench.timing import Count, Logits, Order, command
from segmenter.batches import TokenBatch
from segmenter.bundle import TOKENIZER, Bundle
from segmenter.cli import run
from segmenter.model import AudienceModel, load
from segmenter.runtimes import pad_id

PIPELINES = {"pipeline-1": 1, "pipeline-32": 32, "pipeline-32-whole": 32}  # rows of a batch
BATCH_TOKENS = 4096  # of sorted batches in fp32, padding included
GEMM_WIDTH, GEMM_TRIES = 2048, 10


class Classifier(PreTrainedModel):  # type: ignore[misc]  # transformers publishes no types
    """A bundle's network as transformers' pipelines want it: logits in an output, the audiences in the configuration."""

    _supports_sdpa = True

    def __init__(self, config: PretrainedConfig, model: AudienceModel, count: Count | None) -> None:
        super().__init__(config)
        self.model = model
        self.count = count

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SequenceClassifierOutput:
        """The logits of one batch."""
        if self.count is not None:
            self.count.add(attention_mask.numpy())
        return SequenceClassifierOutput(logits=self.model(input_ids, attention_mask)[0])


def pipeline_of(bundle: Bundle, count: Count | None, *, device: str, dtype: torch.dtype) -> TextClassificationPipeline:
    """`pipeline("text-classification", top_k=None, function_to_apply="sigmoid")` of a bundle's network."""
    model = model_of(bundle).to(dtype)
    config = model.encoder.config
    config.id2label = dict(enumerate(bundle.audience_ids))
    config.label2id = {name: place for place, name in config.id2label.items()}
    unused = pad_id(bundle) + 1 if "roberta" in config.model_type else 0  # its positions start after its padding id
    own = Tokenizer.from_file(str(bundle.path / TOKENIZER))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=own,
        pad_token=own.id_to_token(pad_id(bundle)),
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=config.max_position_embeddings - unused,
    )
    transformers_logging.set_verbosity(
        logging.CRITICAL
    )  # else it lists the classes that it knows, and ours is not among them
    return pipeline(
        "text-classification",
        model=Classifier(config, model, count).eval(),
        tokenizer=tokenizer,
        device=device,
        top_k=None,
        function_to_apply="sigmoid",
    )


class Pipeline:
    """transformers' own way: texts as they come, so many in a batch."""

    def __init__(self, order: Order) -> None:
        self.count = Count()
        self.stages: dict[str, float] = {}
        self.threads = f"one pool of {torch.get_num_threads()} threads"
        self._pipeline = pipeline_of(order.bundle, self.count, device="cpu", dtype=torch.float32)
        self._names = order.bundle.audience_ids
        whole = order.contender.endswith("-whole")
        limit = None if whole else order.bundle.manifest.text.max_tokens
        self._options: dict[str, Any] = {
            "batch_size": PIPELINES[order.contender],
            "truncation": True,
            "max_length": limit,
        }

    def logits(self, texts: Sequence[str]) -> Logits:
        """From the scores that it gives."""
        return logits_of(self._pipeline(list(texts), **self._options), self._names)

    def gemm_per_second(self) -> float:
        """Not measured."""
        return 0.0


def logits_of(answers: Sequence[Sequence[dict[str, Any]]], names: Sequence[str]) -> Logits:
    """The logits behind a pipeline's scores, shape (n_texts, n_audiences)."""
    by_name = [{part["label"]: part["score"] for part in answer} for answer in answers]
    scores = np.array([[found[name] for name in names] for found in by_name], np.float64)
    return np.log(scores / (1 - scores)).astype(np.float32)


class Sorted:
    """The windows that scoring reads, in batches of like length; what fp32 says of them is the reference."""

    def __init__(self, order: Order) -> None:
        self._model = model_of(order.bundle)
        self._reader = Reader(order.bundle, partial(by_length, batch_tokens=BATCH_TOKENS))
        self.count = self._reader.count
        self.stages: dict[str, float] = {}
        self.threads = f"one pool of {torch.get_num_threads()} threads"

    @torch.inference_mode()
    def logits(self, texts: Sequence[str]) -> Logits:
        """Of cleaned texts."""
        return self._reader.logits(texts, self._answer)

    def _answer(self, batch: TokenBatch) -> Logits:
        logits: Logits = self._model(torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask))[
            0
        ].numpy()
        return logits

    @torch.inference_mode()
    def gemm_per_second(self) -> float:
        """Of torch in fp32."""
        one, other = torch.randn(GEMM_WIDTH, GEMM_WIDTH), torch.randn(GEMM_WIDTH, GEMM_WIDTH)
        best = 0.0
        for _ in range(GEMM_TRIES):
            started = perf_counter()
            one @ other
            best = max(best, 2 * GEMM_WIDTH**3 / (perf_counter() - started))
        return best


def model_of(bundle: Bundle) -> AudienceModel:
    """The network of a bundle in fp32, ready to run."""
    n_audiences, pooling = len(bundle.audience_ids), bundle.manifest.encoder.pooling
    return load(bundle.path, n_audiences=n_audiences, pooling=pooling, attention="sdpa")


def opened(order: Order) -> Pipeline | Sorted:
    """The contender of that name."""
    return Pipeline(order) if order.contender in PIPELINES else Sorted(order)


app = command(opened)

if __name__ == "__main__":
    run(app)
