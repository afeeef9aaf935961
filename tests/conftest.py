"""Fixtures of several test files: a Chromium, and the smallest real encoders, messages and training run."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from segmenter.params import Params, load_params

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from transformers import PreTrainedTokenizerFast

REPOSITORY = Path(__file__).parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """A real headless Chromium, one for the session."""
    found = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here: install one (apt-get install chromium) or name it in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def chromium_page(chromium: "Browser") -> Iterator["Page"]:
    """A fresh page of it, in a context of its own."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


# The smallest real thing of each kind: encoders of three architectures, labelled messages, one training run.
# Messages are invented: towns talk to gardeners, cyclists and readers, in English and German, or to nobody.

AUDIENCES = {
    "gardeners": "people who keep a garden",
    "cyclists": "people who ride a bicycle",
    "readers": "people who borrow books",
}
PHRASES = {
    "gardeners": {
        "en": "gardeners, water the {} beds before noon|the {} seedlings in your garden need shade",
        "de": "Liebe Gärtner, gießt die {} Beete vor dem Mittag|Die {} Setzlinge in eurem Garten brauchen Schatten",
    },
    "cyclists": {
        "en": "cyclists, the {} lane opens on Monday|bring your {} bicycle to the free brake check",
        "de": "Liebe Radfahrer, der {} Radweg öffnet am Montag|Bringt euer {} Fahrrad zur kostenlosen Prüfung",
    },
    "readers": {
        "en": "readers, the {} shelf has new novels|return your {} library books by Friday",
        "de": "Liebe Leser, das {} Regal hat neue Romane|Gebt eure {} Bücher bis Freitag zurück",
    },
    "": {
        "en": "the {} bakery sells rolls until six|a {} cloud passed over the harbour",
        "de": "Die {} Bäckerei verkauft Brötchen bis sechs|Eine {} Wolke zog über den Hafen",
    },
}
WORDS = "red blue green quiet early northern southern small large old new western eastern second third".split()
SPECIALS = {
    "bert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    "xlm-roberta": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
    "modernbert": ["<unk>", "[CLS]", "[SEP]", "[PAD]", "[MASK]"],
}


@dataclass(frozen=True)
class TinyRun:
    """What one small training left: its params, their file, the run folder, and the sealed bundle in it."""

    params: Params
    params_path: Path
    folder: Path
    bundle: Path


def tiny_messages() -> list[dict[str, str]]:
    """240 labelled messages: each phrase with each word, 60 an audience and 60 for none; one author per phrase and word."""
    return [
        {"text": phrase.format(word), "audiences": audience, "lang": lang, "author": f"{lang}-{number}-{word}"}
        for audience, by_language in PHRASES.items()
        for lang, phrases in by_language.items()
        for number, phrase in enumerate(phrases.split("|"))
        for word in WORDS
    ]


def _tiny_tokenizer(arch: str, path: Path) -> "PreTrainedTokenizerFast":
    from transformers import PreTrainedTokenizerFast

    specials = SPECIALS[arch]
    role = {name: next(part for part in specials if name in part.lower()) for name in ("pad", "unk", "mask")}
    first, last = ("<s>", "</s>") if arch == "xlm-roberta" else ("[CLS]", "[SEP]")
    if arch == "bert":
        tokenizer, trainer = Tokenizer(models.WordPiece(unk_token=role["unk"])), trainers.WordPieceTrainer
    else:
        tokenizer, trainer = Tokenizer(models.BPE(unk_token=role["unk"])), trainers.BpeTrainer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    texts = [row["text"] for row in tiny_messages()]
    tokenizer.train_from_iterator(texts, trainer(vocab_size=400, special_tokens=specials, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(part, specials.index(part)) for part in (first, last)]
    )
    whole = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=role["pad"], unk_token=role["unk"], mask_token=role["mask"]
    )
    whole.save_pretrained(path)
    return whole


@pytest.fixture(scope="session")
def tiny_encoder() -> Callable[[str, Path], Path]:
    """A function that writes a random encoder of an architecture (`bert`, `xlm-roberta`, `modernbert`) into a folder.

    Two layers of width 32. BERT and XLM-R: 64 usable positions (XLM-R's 66 count two before the first); ModernBERT: 128.
    """

    def write(arch: str, path: Path) -> Path:
        import torch
        from transformers import AutoConfig, AutoModel

        path.mkdir(parents=True, exist_ok=True)
        tokenizer, specials = _tiny_tokenizer(arch, path), SPECIALS[arch]
        config = AutoConfig.for_model(
            arch,
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings={"bert": 64, "xlm-roberta": 66, "modernbert": 128}[arch],
            pad_token_id=tokenizer.pad_token_id,
            **{f"{name}_token_id": place for name, place in _bounds(arch, specials).items()},
        )
        torch.manual_seed(1)
        AutoModel.from_config(config).save_pretrained(path)
        return path

    return write


def _bounds(arch: str, specials: list[str]) -> dict[str, int]:
    if arch == "bert":
        return {}
    first, last = ("<s>", "</s>") if arch == "xlm-roberta" else ("[CLS]", "[SEP]")
    ids = {"bos": specials.index(first), "eos": specials.index(last)}
    return ids if arch == "xlm-roberta" else {**ids, "cls": ids["bos"], "sep": ids["eos"]}


@pytest.fixture(scope="session")
def tiny_bert(tiny_encoder: Callable[[str, Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random BERT."""
    return tiny_encoder("bert", tmp_path_factory.mktemp("encoders") / "tiny-bert")


@pytest.fixture(scope="session")
def write_params() -> Callable[[Path, dict[str, Any]], Path]:
    """A function that writes sections as a params file and returns its path."""

    def write(path: Path, sections: dict[str, Any]) -> Path:
        path.write_text(yaml.safe_dump(sections, allow_unicode=True, sort_keys=False), "utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def tiny_params(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The demo's params, made small and turned to the invented messages, the tiny BERT, and a store of their own."""
    home = tmp_path_factory.mktemp("tiny")
    table = home / "labelled.jsonl"
    table.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in tiny_messages()), "utf-8")
    sections = yaml.safe_load((REPOSITORY / "training" / "example" / "params.yaml").read_text("utf-8"))
    sections["audiences"] = [
        {"id": name, "name": name.title(), "definition": f"Speaks to {who}."} for name, who in AUDIENCES.items()
    ]
    sections["text"] |= {"max_tokens": 48}
    sections["data"]["tables"] = [
        {"path": str(table), "columns": {}, "splits": {}, "label_kind": "gold", "weight": 1.0}
    ]
    sections["base"]["model"] = str(tiny_bert)
    sections["train"] |= {"epochs": 4, "learning_rate": 0.005, "head_learning_rate": 0.01, "dropout": 0.0}
    sections["calibrate"] |= {"int8_messages": 32}
    sections["eval"] |= {"bootstrap_rounds": 50, "slice_true_at_least": 3}
    sections["tracking"] |= {"uri": f"sqlite:///{home / 'mlflow.db'}", "run_folder": str(home / "run")}
    return dict(sections)


@pytest.fixture(scope="session")
def tiny_run(tiny_params: dict[str, Any], write_params: Callable[[Path, dict[str, Any]], Path]) -> TinyRun:
    """One real small run: splits prepared, a model fine-tuned, a bundle sealed and logged to a store of its own."""
    from rich.progress import Progress

    from training.prepare import prepare
    from training.train import train

    folder = Path(tiny_params["tracking"]["run_folder"])
    path = write_params(folder.parent / "params.yaml", tiny_params)
    params = load_params(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        prepare(params)
        bundle = train(params, Progress(disable=True))
    return TinyRun(params, path, folder, bundle.path)
