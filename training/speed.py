"""`python -m training.speed --params P --out FILE`: fit the main model alone, and say what it took and what it is worth.

Nothing is judged on dev, kept or sealed on the way; dev is judged at the end. eval.bench_training sets this beside others.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from transformers.utils import logging as transformers_logging

from segmenter.cli import run
from segmenter.meter import Meter
from segmenter.metrics import macro_f1
from segmenter.model import find_base, new_model
from segmenter.params import Params, load_params
from segmenter.writers import write_text
from training.examples import read_frames, to_examples
from training.loop import Stage, fit, logits_of
from training.weights import class_weights

app = typer.Typer(add_completion=False)


def timed(params: Params) -> dict[str, object]:
    """The effort of one fit over all epochs, the weight of each audience's true labels, and macro-F1 on dev at 0.5.

    Raises:
        SegmenterError: As training: splits not prepared, no base encoder; or too few messages to time.
    """
    settings, frames, base = params.train, read_frames(params), find_base(params.base)
    train, dev = (to_examples(frame, base, params) for frame in (frames.learned, frames.dev))
    torch.manual_seed(params.seed)
    model = new_model(base, n_audiences=len(params.audiences), dropout=settings.dropout)
    stage = Stage("speed", train, None, settings, settings.epochs, params.seed)
    with Meter(model) as meter:
        fit(model, stage, None, lambda n_windows, loss: None)
    chosen = logits_of(model, dev, settings.batch_tokens, settings.precision) >= 0
    weights = class_weights(train.labels, settings.class_balance).tolist()
    return asdict(meter.effort()) | {"class_weights": weights, "dev_macro_f1": macro_f1(dev.labels, chosen)}


@app.command()
def main(
    params: Annotated[Path, typer.Option(help="The params file; its splits are prepared.", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="Where the figures go, as JSON.", metavar="FILE")],
) -> None:
    """Fit the main model alone, without checkpoints, folds or bundle; write its speed and its macro-F1 on dev."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    write_text(out, json.dumps(timed(load_params(params)), indent=1) + "\n")


if __name__ == "__main__":
    run(app)
