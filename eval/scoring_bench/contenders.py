"""Who takes part: a name, what tables call it, the module whose process runs it, and whether it is given cleaned texts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """One way from texts to logits.

    Attributes:
        name: Its argument on its module's command line.
        title: In tables and pictures.
        module: Run as `python -m`.
        cleans: It is given original texts and cleans them in its time; the others are given cleaned texts.
    """

    name: str
    title: str
    module: str
    cleans: bool = False


TORCH, ONNX = "eval.scoring_bench.torch_engines", "eval.scoring_bench.onnx_engines"
OURS = Contender("segmenter", "segmenter", "eval.scoring_bench.ours", cleans=True)
REFERENCE = Contender("torch-sorted", "torch fp32, sorted", TORCH)
LINEAR = Contender("tfidf", "TF-IDF + logistic regression", "eval.scoring_bench.linear")
CONTENDERS = (
    OURS,
    Contender("pipeline-1", "pipeline, batch 1", TORCH),
    Contender("pipeline-32", "pipeline, batch 32", TORCH),
    Contender("pipeline-32-whole", "pipeline, batch 32, uncut", TORCH),
    REFERENCE,
    Contender("onnx-sorted", "ONNX Runtime int8, sorted", ONNX),
    Contender("onnx-input-order", "ONNX Runtime int8, input order", ONNX),
    LINEAR,
)
