"""`python -m eval.hf_trainer --params P --like F --order ORDER --out FILE`: what training.speed fits, by Hugging Face's Trainer.

The same windows, weights, loss, optimiser and learning rates; the Trainer draws, pads and steps. eval.bench_training runs it.
"""

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoTokenizer, DataCollatorWithPadding, PrinterCallback, Trainer, TrainingArguments
from transformers.utils import logging as transformers_logging

from segmenter.batches import Tokens, canonical_batches, in_input_order, tokenise
from segmenter.cli import run
from segmenter.meter import Meter
from segmenter.metrics import macro_f1
from segmenter.model import AudienceModel, BaseEncoder, find_base, new_model
from segmenter.params import Params, load_params
from segmenter.prepared import label_array, read_split
from segmenter.text import clean
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
Order = Literal["random", "group_by_length"]


@dataclass(frozen=True)
class Like:
    """What the other fit found out: its usual batch, and what a true label of each audience weighs."""

    windows_a_batch: int
    class_weights: list[float]


class WithLoss(nn.Module):
    """The model as the Trainer wants it: the loss comes out of forward."""

    def __init__(self, model: AudienceModel, class_weights: list[float]) -> None:
        super().__init__()
        self.model = model
        self.loss_of = nn.BCEWithLogitsLoss(reduction="none", pos_weight=torch.tensor(class_weights))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """The mean loss of a batch, under `loss`."""
        logits, _ = self.model(input_ids, attention_mask)
        return {"loss": (self.loss_of(logits.float(), labels).mean(dim=1) * weights).mean()}


def timed(params: Params, like: Like, order: Order) -> dict[str, object]:
    """The effort of one fit over all epochs, and macro-F1 on dev at 0.5.

    Raises:
        SegmenterError: Splits not prepared, no base encoder, or too few messages to time.
    """
    base = find_base(params.base)
    tokens, labels = _messages(params, base, "train")
    torch.manual_seed(params.seed)
    model = new_model(base, n_audiences=len(params.audiences), dropout=params.train.dropout)
    weights = 1 / tokens.n_windows[tokens.message]  # each window of a long message has its part
    rows = [
        {"input_ids": ids, "labels": labels[message].astype(float).tolist(), "weights": weight}
        for ids, message, weight in zip(tokens.ids, tokens.message, (weights / weights.mean()).tolist(), strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            WithLoss(model, like.class_weights),
            _arguments(params, like, order, folder),
            data_collator=DataCollatorWithPadding(AutoTokenizer.from_pretrained(base.folder)),
            train_dataset=rows,
            optimizers=(_optimiser(model, params), None),
        )
        trainer.remove_callback(PrinterCallback)
        with Meter(model) as meter:
            trainer.train()
    return asdict(meter.effort()) | {"dev_macro_f1": _dev_macro_f1(model, params, base)}


def _messages(params: Params, base: BaseEncoder, name: str) -> tuple[Tokens, NDArray[np.bool_]]:
    frame, limits = read_split(params, name), params.text
    texts = [clean(text) for text in frame["text"]]
    tokens = tokenise(base.tokenizer, texts, max_tokens=limits.max_tokens, overlap_tokens=limits.window_overlap_tokens)
    return tokens, label_array(frame, params.audience_ids)


def _arguments(params: Params, like: Like, order: Order, folder: str) -> TrainingArguments:
    settings = params.train
    return TrainingArguments(
        output_dir=folder,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=like.windows_a_batch,
        gradient_accumulation_steps=settings.accumulate_batches,
        train_sampling_strategy=order,
        lr_scheduler_type="cosine",
        warmup_steps=settings.warmup_share,  # below 1: a share
        max_grad_norm=settings.max_gradient_norm,
        bf16=_in_bf16(params),
        use_cpu=not torch.cuda.is_available(),  # it refuses bf16 on a CPU that it was not told to use
        seed=params.seed,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _in_bf16(params: Params) -> bool:
    return params.train.precision == "bf16" or (params.train.precision == "auto" and torch.cuda.is_available())


def _optimiser(model: AudienceModel, params: Params) -> torch.optim.AdamW:
    settings = params.train
    model.encoder.get_input_embeddings().weight.requires_grad_(not settings.freeze_embeddings)
    encoder = [part for part in model.encoder.parameters() if part.requires_grad]
    decayed, plain = ([part for part in encoder if (part.ndim > 1) == wide] for wide in (True, False))
    groups = [
        {"params": decayed, "lr": settings.learning_rate, "weight_decay": settings.weight_decay},
        {"params": plain, "lr": settings.learning_rate, "weight_decay": 0.0},
        {"params": list(model.head.parameters()), "lr": settings.head_learning_rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, fused=True)


@torch.inference_mode()
def _dev_macro_f1(model: AudienceModel, params: Params, base: BaseEncoder) -> float:
    tokens, labels = _messages(params, base, "dev")
    model.eval()
    device = model.head.weight.device
    batches = canonical_batches(tokens.ids, batch_tokens=params.train.batch_tokens, pad_id=base.pad_id)
    with torch.autocast(device.type, torch.bfloat16, enabled=_in_bf16(params)):
        found = [
            model(torch.from_numpy(batch.input_ids).to(device), torch.from_numpy(batch.attention_mask).to(device))[0]
            for batch in batches
        ]
    return macro_f1(labels, in_input_order(batches, [logits.float().cpu().numpy() for logits in found], tokens) >= 0)


@app.command()
def main(
    params: Annotated[Path, typer.Option(help="The params file that training.speed had.", metavar="FILE")],
    like: Annotated[Path, typer.Option(help="What training.speed wrote.", metavar="FILE")],
    order: Annotated[Order, typer.Option(help="How the Trainer draws its batches.")],
    out: Annotated[Path, typer.Option(help="Where the figures go, as JSON.", metavar="FILE")],
) -> None:
    """Fit with Hugging Face's Trainer what training.speed fitted; write its speed and its macro-F1 on dev."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    done = json.loads(like.read_text("utf-8"))
    other = Like(round(done["n_windows"] / done["n_batches"]), done["class_weights"])
    write_text(out, json.dumps(timed(load_params(params), other, order), indent=1) + "\n")


if __name__ == "__main__":
    run(app)
