"""`python -m eval.bench_gpu --params P`: how much of a GPU scoring uses, with a network of XLM-R-base's shape in bf16.

Random weights, invented messages, our torch runtime through the stages of scoring, beside transformers' pipeline in the
same process. Without a CUDA device it says that nothing was measured. Not here: CPUs (bench_scoring.py).
"""

import json
import platform
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated, Literal

import torch
import typer
from transformers import AutoConfig, PretrainedConfig

from eval.bench_training import machine
from eval.scoring_bench.corpus import invented
from eval.scoring_bench.encoder_work import work_of
from eval.scoring_bench.random_bundle import made_tokenizer, random_bundle
from eval.scoring_bench.torch_engines import model_of, pipeline_of
from segmenter.batches import TokenBatch, canonical_batches, padding_share
from segmenter.bundle import Bundle
from segmenter.cli import run
from segmenter.flow import ahead
from segmenter.params import Params, load_params, load_settings
from segmenter.runtimes import pad_id
from segmenter.score import Prepared, Scorer
from segmenter.scoring.engines import AHEAD
from segmenter.store import ScoreStore
from segmenter.text import clean
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
FORMAT = 1
# Dense bf16, in million million operations a second, by the words of a device's name. Source: NVIDIA's data sheets
PEAKS = {"H100 PCIe": 756, "H200": 989, "H100": 989, "A100": 312, "L40S": 362, "A10": 125, "L4": 121}
GEMM_WIDTHS = {"cuda": (4096, 8192, 16384), "cpu": (256,)}
GEMM_TRIES = 10
ROUNDS = 3
PIPELINE_ROWS = 64
XLM_R_BASE = {
    "vocab_size": 250_002,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}
TINY = {
    "vocab_size": 1000,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


@dataclass(frozen=True)
class Figures:
    """What was measured, each the median of ROUNDS; speeds in messages a second, operations (multiplications and
    additions) a second.

    Attributes:
        device: Its name.
        n_messages: Different ones, through our stages.
        whole: Our speed from texts to scores, the stages overlapping.
        prepare: Of the stages before the network alone: clean, language, scope, tokenise.
        network: Of the network alone.
        overlap: Seconds of preparing and of the network, each alone, by the seconds of the whole: 1.0 one after the other.
        padding_share: Of the tokens in our batches, part by part as in scoring.
        operations: Of the encoder on real tokens, while the network alone is at work.
        gemm: The most that large matrices reached in the same process and precision.
        peak: Of the chip, by its data sheet; None of one that is not in PEAKS, and of a part of one (MIG).
        pipeline: Speed of transformers' pipeline with batches of PIPELINE_ROWS in the same precision.
        n_pipeline: Messages that it was timed on.
    """

    device: str
    n_messages: int
    whole: float
    prepare: float
    network: float
    overlap: float
    padding_share: float
    operations: float
    gemm: float
    peak: float | None
    pipeline: float
    n_pipeline: int

    def lines(self) -> Iterator[str]:
        """In words."""
        yield f"{self.device}: {self.whole:,.0f} messages/s, {self.whole / self.pipeline:.1f} times transformers' pipeline"
        yield f"stages before the network alone {self.prepare:,.0f}, network alone {self.network:,.0f} messages/s"
        yield f"overlap {self.overlap:.2f}, padding {self.padding_share:.1%}"
        share = f"{self.operations / self.gemm:.0%} of a large matrix product"
        yield f"encoder {self.operations / 1e12:,.2f} T/s on real tokens, {share}"
        if self.peak is not None:
            yield f"{self.operations / self.peak:.0%} of the chip's dense bf16 peak ({self.peak / 1e12:,.0f} T/s)"


def measured(bundle: Bundle, texts: Sequence[str], *, device: str, n_pipeline: int) -> Figures:
    """Everything in this process, each part after a warm-up.

    Args:
        bundle: Its network runs in bf16 on a GPU, in fp32 on a CPU.
        texts: Original messages; equal ones are left out.
        device: `cuda` or `cpu`.
        n_pipeline: Of the messages, how many the pipeline is timed on.
    """
    different = list({clean(text): text for text in texts}.values())
    settings = load_settings(None).score.model_copy(update={"runtime": "torch", "device": device})
    scorer = Scorer(bundle, settings)
    _whole(scorer, different[: settings.part_rows])
    _, prepared = _whole(scorer, different)
    parts = [part.seen.tokens.ids for part in prepared]
    size, pad = scorer.runtime.batch_tokens, pad_id(bundle)
    batches = [batch for ids in parts for batch in canonical_batches(ids, batch_tokens=size, pad_id=pad)]
    whole = _median(lambda: _whole(scorer, different)[0])
    network = _median(lambda: _network(scorer, batches))
    prepare = _median(lambda: _prepare(scorer, different))
    cleaned = [clean(text) for text in different[:n_pipeline]]
    pipeline = _median(lambda: _pipeline(bundle, cleaned, device=device))
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return Figures(
        device=name,
        n_messages=len(different),
        whole=len(different) / whole,
        prepare=len(different) / prepare,
        network=len(different) / network,
        overlap=(prepare + network) / whole,
        padding_share=padding_share(batches),
        operations=work_of(model_of(bundle).encoder).of(len(one) for ids in parts for one in ids) / network,
        gemm=gemm_per_second(device),
        peak=peak_of(name),
        pipeline=min(n_pipeline, len(different)) / pipeline,
        n_pipeline=min(n_pipeline, len(different)),
    )


def _median(timed: Callable[[], float]) -> float:
    return median(timed() for _ in range(ROUNDS))


def _network(scorer: Scorer, batches: list[TokenBatch]) -> float:
    started = perf_counter()
    for _ in scorer.runtime.run(batches):
        pass
    return perf_counter() - started


def _whole(scorer: Scorer, texts: Sequence[str]) -> tuple[float, list[Prepared]]:
    """Seconds from texts to verdicts as `segmenter score` has them, and what was prepared."""
    kept = []
    started = perf_counter()
    with ScoreStore.temporary() as store, closing(ahead(_prepared(scorer, texts, store), AHEAD)) as met:
        for prepared in met:
            scorer.columns(scorer.judged(scorer.read(prepared, store)), "")
            kept.append(prepared)
    return perf_counter() - started, kept


def _prepare(scorer: Scorer, texts: Sequence[str]) -> float:
    started = perf_counter()
    with ScoreStore.temporary() as store:
        for _ in _prepared(scorer, texts, store):
            pass
    return perf_counter() - started


def _prepared(scorer: Scorer, texts: Sequence[str], store: ScoreStore) -> Iterator[Prepared]:
    n_rows = scorer.settings.part_rows
    return (scorer.prepare(texts[start : start + n_rows], store) for start in range(0, len(texts), n_rows))


def _pipeline(bundle: Bundle, texts: list[str], *, device: str) -> float:
    """Seconds of transformers' pipeline, after a warm-up on the first batches."""
    classify = pipeline_of(bundle, None, device=device, dtype=torch.bfloat16 if device == "cuda" else torch.float32)
    options = {"batch_size": PIPELINE_ROWS, "truncation": True, "max_length": bundle.manifest.text.max_tokens}
    classify(texts[: 2 * PIPELINE_ROWS], **options)
    started = perf_counter()
    classify(texts, **options)
    return perf_counter() - started


@torch.inference_mode()
def gemm_per_second(device: str) -> float:
    """Of the fastest of some square matrices, bf16 on a GPU, fp32 on a CPU."""
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    best = 0.0
    for width in GEMM_WIDTHS[device]:
        one, other = (torch.randn(width, width, device=device, dtype=dtype) for _ in range(2))
        for _ in range(GEMM_TRIES):
            _wait(device)
            started = perf_counter()
            one @ other
            _wait(device)
            best = max(best, 2 * width**3 / (perf_counter() - started))
    return best


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def peak_of(name: str) -> float | None:
    """Dense bf16 operations a second of the chip of that name, None where it is not known."""
    words = set(re.findall(r"\w+", name))
    known = (peak for chip, peak in PEAKS.items() if words.issuperset(chip.split()) and "MIG" not in words)
    found = next(known, None)
    return None if found is None else found * 1e12


def shape(sizes: dict[str, int], *, max_tokens: int) -> PretrainedConfig:
    """An encoder of XLM-R's architecture."""
    special = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
    positions = max(514, max_tokens + 2)  # the first two are never used
    return AutoConfig.for_model("xlm-roberta", max_position_embeddings=positions, type_vocab_size=1, **sizes, **special)


@app.command()
def main(
    params: Annotated[Path, typer.Option(metavar="FILE", help="Its audiences and text settings are taken.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Gets the figures as JSON.")] = Path("runs/bench/gpu.json"),
    messages: Annotated[int, typer.Option(metavar="N", min=1, help="Invented ones.")] = 60_000,
    pipeline_messages: Annotated[int, typer.Option(metavar="N", min=1, help="Of these, through the pipeline.")] = 6000,
    device: Annotated[Literal["cuda", "cpu"], typer.Option(help="cpu: to try the program, with --tiny.")] = "cuda",
    tiny: Annotated[bool, typer.Option("--tiny", help="A very small network.")] = False,
) -> None:
    """Measure scoring on a GPU: its share of the chip's peak, the overlap of the stages, the ratio to the pipeline."""
    if device == "cuda" and not torch.cuda.is_available():
        typer.echo("not measured: no CUDA device")
        return
    figures = _figures(load_params(params), messages, pipeline_messages, device=device, tiny=tiny)
    facts = machine("torch", "transformers", "tokenizers") | {"device": figures.device}
    write_text(out, json.dumps({"format": FORMAT, "machine": facts, "tiny": tiny} | asdict(figures), indent=1) + "\n")
    typer.echo("\n".join(figures.lines()))
    typer.echo(f"figures: {out}")


def _figures(params: Params, n_messages: int, n_pipeline: int, *, device: str, tiny: bool) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        config = shape(TINY if tiny else XLM_R_BASE, max_tokens=params.text.max_tokens)
        bundle = random_bundle(config, params, Path(folder))
        texts = invented(made_tokenizer(), n_messages=n_messages, seed=params.seed)
        return measured(bundle, texts, device=device, n_pipeline=n_pipeline)


if __name__ == "__main__":
    run(app)
