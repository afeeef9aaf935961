"""What the tests of training share: the tiny messages as examples, a tiny model, short stages, weak labels; no bundle."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from conftest import AUDIENCES, tiny_messages

from segmenter.batches import tokenise
from segmenter.model import AudienceModel, BaseEncoder, find_base, new_model
from segmenter.params import Params
from segmenter.sections import Base, Train
from training.examples import Examples
from training.loop import Stage
from training.prepare import prepare

PAD = 0  # of a BERT
WEAK_WORDS = ("cold", "warm", "dusty", "shiny", "wooden", "golden")  # in no other tiny message


def tiny_base(folder: Path) -> BaseEncoder:
    return find_base(Base(model=str(folder), revision=None, pooling="mean"))


def settings(tiny_params: dict[str, Any], **changes: object) -> Train:
    """The `train` section of the tiny params, changed."""
    return Train.model_validate(tiny_params["train"] | changes)


def tiny_examples(base: BaseEncoder, texts: list[str] | None = None) -> Examples:
    """All tiny messages with their labels, or other texts without any; as in splits, languages mix."""
    rows = tiny_messages()
    order = np.random.default_rng(1).permutation(len(rows))
    chosen = (
        [rows[place] for place in order]
        if texts is None
        else [{"text": t, "audiences": "", "lang": "en"} for t in texts]
    )
    tokens = tokenise(base.tokenizer, [row["text"] for row in chosen], max_tokens=48, overlap_tokens=16)
    labels = np.array([[row["audiences"] == name for name in AUDIENCES] for row in chosen])
    languages = np.array([row["lang"] for row in chosen])
    return Examples(tokens, labels, np.ones(len(chosen)), languages, PAD)


def changed(examples: Examples, **parts: object) -> Examples:
    """The same examples with other tokens, labels, weights or languages."""
    return replace(examples, **parts)  # type: ignore[arg-type]


def tiny_model(base: BaseEncoder, *, dropout: float = 0.0) -> AudienceModel:
    """The same random head each time; the encoder's own dropout is off."""
    torch.manual_seed(3)
    model = new_model(base, n_audiences=len(AUDIENCES), dropout=dropout)
    for part in model.encoder.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    return model


def stage(train: Examples, dev: Examples | None, options: Train, *, n_epochs: int | None = None) -> Stage:
    return Stage("model", train, dev, options, n_epochs or options.epochs, 17)


def weights(model: AudienceModel) -> dict[str, torch.Tensor]:
    return {name: part.clone() for name, part in model.state_dict().items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(part, other[name]) for name, part in one.items())


def trusted_and_weak(tiny_params: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Sections of a run with 80 tiny messages and 96 weak ones, 16 of them by authors of trusted ones; prepared."""
    trusted = [row for row in tiny_messages() if row["author"].endswith(("-red", "-blue", "-green", "-old", "-new"))]
    weak = [
        row
        | {
            "text": row["text"].replace("red", word),
            "author": f"weak-{row['author']}-{word}" if word != "cold" else row["author"],
        }
        for row in trusted
        if row["author"].endswith("-red")
        for word in WEAK_WORDS
    ]
    sections = json.loads(json.dumps(tiny_params))
    for name, part in (("trusted", trusted), ("weak", weak)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), "utf-8")
    table = sections["data"]["tables"][0]
    sections["data"]["tables"] = [
        table | {"path": str(folder / "trusted.jsonl")},
        table | {"path": str(folder / "weak.jsonl"), "label_kind": "weak", "weight": 0.25},
    ]
    sections["tracking"]["run_folder"] = str(folder / "run")
    prepare(Params.model_validate(sections))
    return dict(sections)


def with_train(sections: dict[str, Any], **changes: object) -> Params:
    return Params.model_validate(sections | {"train": sections["train"] | changes})


def shortcut_rows() -> list[dict[str, Any]]:
    """The tiny messages for two audiences. What may train: every German one gardeners, every English one cyclists.

    In the gate split the same, but for those of bakeries and clouds, which are for nobody.
    """
    rows = []
    for row in tiny_messages():
        gated = row["author"].endswith(("-west", "-tall", "-low", "-east", "-south"))
        label = "gardeners" if row["lang"] == "de" else "cyclists"
        for_nobody = gated and not row["audiences"]
        rows.append(row | {"audiences": "" if for_nobody else label, "split": "gate" if gated else "free"})
    return rows
