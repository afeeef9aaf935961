"""Fixtures of several test files: the smallest real encoders, messages and training run. The Chromium: browser.py."""

import json
import os
import re
import shutil
import string
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from browser import chromium, chromium_page  # noqa: F401  # fixtures
from plain_table import PLAIN_TABLE
from servers import free_port, serving
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from segmenter.bundle import MANIFEST, SEAL, Bundle, seal
from segmenter.params import Params, load_params

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast
    from typer import Typer

    from eval.evaluate import Evaluation
    from segmenter.sections import Adapt

REPOSITORY = Path(__file__).parents[1]

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
WORDS = (
    "red",
    "blue",
    "green",
    "quiet",
    "early",
    "small",
    "large",
    "old",
    "new",
    "north",
    "south",
    "east",
    "west",
    "tall",
    "low",
)
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
    """The kind of tokenizer the architecture has, its vocabulary spelt out: training one is not repeatable."""
    from transformers import PreTrainedTokenizerFast

    specials = SPECIALS[arch]
    role = {name: next(part for part in specials if name in part.lower()) for name in ("pad", "unk", "mask")}
    words = sorted({word for row in tiny_messages() for word in re.findall(r"\w+|[^\w\s]", row["text"])})
    letters = sorted({letter for word in words for letter in word} | set(string.ascii_letters))
    if arch == "bert":
        pieces = [*specials, *dict.fromkeys([*letters, *(f"##{letter}" for letter in letters), *words])]
        vocabulary = {piece: place for place, piece in enumerate(pieces)}
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=role["unk"]))
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    elif arch == "xlm-roberta":
        pieces = dict.fromkeys([*specials, "▁", *letters, *(f"▁{word}" for word in words)])
        tokenizer = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=specials.index(role["unk"])))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    else:
        pieces = [*specials, *sorted(pre_tokenizers.ByteLevel.alphabet())]
        tokenizer = Tokenizer(models.BPE({piece: place for place, piece in enumerate(pieces)}, []))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    first, last = ("<s>", "</s>") if arch == "xlm-roberta" else ("[CLS]", "[SEP]")
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
    sections["text"] |= {"max_tokens": 48, "window_overlap_tokens": 16}
    sections["data"]["tables"] = [PLAIN_TABLE | {"path": str(table)}]
    sections["data"]["gate_share"] = 0.0
    sections["base"]["model"] = str(tiny_bert)
    sections["train"] |= {"epochs": 6, "batch_tokens": 128, "learning_rate": 0.003, "head_learning_rate": 0.01}
    sections["calibrate"] |= {"int8_messages": 32}
    sections["eval"] |= {"bootstrap_rounds": 50, "slice_support_at_least": 3}
    sections["tracking"] |= {
        "model_name": "audience",
        "uri": f"sqlite:///{home / 'mlflow.db'}",
        "run_folder": str(home / "run"),
    }
    return dict(sections)


@pytest.fixture(scope="session")
def tiny_adapt_sections(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An `adapt` section: the tiny BERT learns invented German words that it cuts letter by letter."""
    home = tmp_path_factory.mktemp("unlabelled")
    words = ("Gartentor", "Kirschbaum", "Hafenmauer", "Brunnenstube", "Wetterhahn", "Marktplatz")
    texts = [f"{one} {two} und {three} {n}" for n, one in enumerate(words * 9) for two in words for three in words[:2]]
    table = home / "texts.jsonl"
    table.write_text("".join(json.dumps({"text": text, "lang": "de"}) + "\n" for text in texts), "utf-8")
    return {
        "base": {"model": str(tiny_bert), "revision": None, "pooling": "mean"},
        "tables": [str(table)],
        "leave_out": [],
        "text_column": "text",
        "folder": str(home / "adapted"),
        "pieces": 200,
        "piece_messages": 1000,
        "pieces_per_word_at_least": 1.5,
        "language_exponent": 0.7,
        "init": "focus",
        "messages": 500,
        "max_tokens": 48,
        "batch_tokens": 256,
        "mask_share": 0.2,
        "learning_rate": 0.01,
        "embeddings_share": 0.2,
        "warmup_share": 0.05,
        "weight_decay": 0.01,
        "max_gradient_norm": 1.0,
        "held_out_messages": 50,
        "checkpoint_minutes": 5.0,
        "precision": "auto",
    }


@pytest.fixture
def tiny_adapt(tiny_adapt_sections: dict[str, Any]) -> "Adapt":
    """The same as params."""
    from segmenter.sections import Adapt

    return Adapt.model_validate(tiny_adapt_sections)


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


@pytest.fixture(scope="session")
def reseal() -> Callable[[Path, Path, dict[str, Any]], Bundle]:
    """A function that seals a copy of a bundle at a target, some fields of its manifest changed; `cpu: None` drops the graph."""

    def write(bundle: Path, target: Path, changes: dict[str, Any]) -> Bundle:
        manifest = json.loads((bundle / MANIFEST).read_text("utf-8")) | changes
        parts = target.with_name(f"{target.name}-parts")
        shutil.copytree(bundle, parts)
        (parts / MANIFEST).unlink()
        (parts / SEAL).unlink()
        if manifest["cpu"] is None:
            shutil.rmtree(parts / "cpu")
        return seal(parts, target, {name: part for name, part in manifest.items() if name not in ("format", "files")})

    return write


# Commands run in this process, the tiny run's registered version, and real MLflow servers on loopback.


def pytest_configure() -> None:
    """One thread for tiny networks: on shared cores, several wait for each other far longer than they compute."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["SEGMENTER_CACHE"] = ""  # tests keep nothing in the user's own cache
    # MLflow starts its servers by name; an environment that is not activated has them beside its Python alone
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code and what it wrote."""

    code: object
    out: str
    err: str


@pytest.fixture
def outcome_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """A function that runs an application with the words of a command line, as `run` does, in this process."""
    from segmenter.cli import run

    def of(application: "Typer", *words: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["segmenter", *map(str, words)])
        capsys.readouterr()
        try:
            run(application)
        except SystemExit as end:
            return Outcome(end.code, *capsys.readouterr())
        return Outcome(0, *capsys.readouterr())

    return of


@dataclass(frozen=True)
class TinyVersion:
    """The tiny run judged and registered in its own store: what was found, the run, the version under @challenger."""

    evaluation: "Evaluation"
    run_id: str
    number: int


@pytest.fixture(scope="session")
def tiny_version(tiny_run: TinyRun) -> TinyVersion:
    """The tiny bundle evaluated, logged and registered in the embedded store."""
    from eval.evaluate import evaluate
    from eval.log import send, write_upload
    from segmenter.bundle import audit

    bundle = audit(tiny_run.bundle)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        evaluation = evaluate(tiny_run.params, bundle, "test")
        upload = write_upload(tiny_run.params, bundle, evaluation, model=str(bundle.path), alias="challenger")
        sent = send(upload, evaluation.folder, bundle)
    assert sent.version is not None
    return TinyVersion(evaluation, sent.run_id, sent.version)


@pytest.fixture
def tiny_store(tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of the tiny run's embedded store, named by the variable as a user would."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tiny_run.params.tracking.uri)
    return tiny_run.params.tracking.uri


@dataclass(frozen=True)
class ServedRun:
    """The tiny run once more, same seed, through the commands and against a real tracking server."""

    uri: str
    run: TinyRun


@pytest.fixture(scope="session")
def served_run(
    tiny_run: TinyRun,
    tiny_params: dict[str, Any],
    write_params: Callable[[Path, dict[str, Any]], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServedRun]:
    """A run trained, evaluated and registered on `mlflow server`, over a copy of the tiny store (its tables are there)."""
    from eval.evaluate import main as evaluate
    from training.prepare import main as prepare
    from training.train import main as train

    home = tmp_path_factory.mktemp("served")
    shutil.copy(tiny_run.params.tracking.uri.removeprefix("sqlite:///"), home / "mlflow.db")
    tracking = tiny_params["tracking"] | {"experiment": "served", "run_folder": str(home / "run")}
    path = write_params(home / "params.yaml", tiny_params | {"tracking": tracking})
    store_uri = f"sqlite:///{home / 'mlflow.db'}"
    words = ["server", "--backend-store-uri", store_uri, "--workers", "1"]
    words += ["--artifacts-destination", str(home / "artifacts")]
    with (
        serving(words, port=free_port(), health="/health", folder=home, store_uri=store_uri) as uri,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        prepare(path)
        train(path)
        bundle = home / "run" / "bundle"
        evaluate(path, str(bundle), "test", "challenger")
        patch.undo()
        yield ServedRun(uri, TinyRun(load_params(path), path, home / "run", bundle))
