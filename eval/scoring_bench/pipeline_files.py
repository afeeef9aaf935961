"""`python -m eval.scoring_bench.pipeline_files …`: what a script with transformers' pipeline does to score a file.

JSONL in, JSONL out with a score for each audience; texts as they stand, batches of 32 in input order. What is timed apart
from the whole process is its loop over the messages, for the rest does not grow with them.
"""

import json
from pathlib import Path
from time import perf_counter
from typing import Annotated

import torch
import typer

from eval.scoring_bench.torch_engines import pipeline_of
from segmenter.bundle import audit
from segmenter.cli import run
from segmenter.writers import write_text

BATCH = 32
app = typer.Typer(add_completion=False)


@app.command()
def main(
    messages: Annotated[Path, typer.Argument(metavar="INPUT", help="JSONL with `text`.")],
    model: Annotated[Path, typer.Option(metavar="BUNDLE", help="The bundle whose network runs.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The same rows with scores, as JSONL.")],
    seconds: Annotated[Path, typer.Option(metavar="FILE", help="Gets the seconds of the loop.")],
) -> None:
    """Score a file with transformers' pipeline."""
    bundle = audit(model)
    classify = pipeline_of(bundle, None, device="cpu", dtype=torch.float32)
    started = perf_counter()
    with messages.open(encoding="utf-8") as lines, out.open("w", encoding="utf-8") as target:
        rows = [json.loads(line) for line in lines]
        texts = [row["text"] for row in rows]
        answers = classify(texts, batch_size=BATCH, truncation=True, max_length=bundle.manifest.text.max_tokens)
        for row, answer in zip(rows, answers, strict=True):
            scores = {part["label"]: part["score"] for part in answer}
            target.write(json.dumps(row | scores, ensure_ascii=False) + "\n")
    write_text(seconds, f"{perf_counter() - started}\n")


if __name__ == "__main__":
    run(app)
