"""The bundle: a sealed model folder, the only contract between training, scoring, evaluation and the registry.

Audited whole (file list, hashes, format, text rules) before anything in it is parsed further. Needs no torch.
"""

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from segmenter.calibration import Calibration, Guarantee
from segmenter.errors import BundleError
from segmenter.sections import Audience, Section, Text
from segmenter.text import RULES

FORMAT = 3
READ_BYTES = 1 << 24  # at a time: after each, a thread that hashes may wait 5 ms for one that computes in Python
MANIFEST, SEAL = "manifest.json", "manifest.sha256"
WEIGHTS, CONFIG, TOKENIZER, ROW_KEYS, OUT_OF_FOLD, CPU_GRAPH = (
    "model.safetensors",
    "config.json",
    "tokenizer.json",
    "row_keys.txt",
    "out_of_fold.parquet",
    "cpu/graph.xml",
)


class Encoder(Section):
    """Where the base encoder came from: its name in params, resolved revision (Hub) and the sha256 of its weights.

    Attributes:
        adaptation: What training.adapt recorded of it, None for an encoder taken as it is.
    """

    model: str
    revision: str | None
    sha256: str
    pooling: str
    adaptation: dict[str, Any] | None


class CpuGraph(Section):
    """The graph of the cpu runtime: its precision, and the share of dev decisions on which int8 agreed with fp32."""

    precision: str
    int8_agreement: float
    n_decisions: int


class Manifest(Section):
    """What a bundle says of itself; its sha256 is the bundle's digest, and it holds the sha256 of every other file.

    Attributes:
        languages: With enough training messages.
        pieces_per_word: How finely the tokenizer cuts the middle training message of each of them.
        guarantee: What the uncertain bands promise, None where the training data could not support a promise.
        no_guarantee: Why there is none, in one sentence; empty where there is one.
    """

    format: int
    created_at: str
    segmenter_version: str
    git_commit: str
    mlflow_run_id: str
    audiences: list[Audience]
    calibration: list[Calibration]
    guarantee: Guarantee | None
    no_guarantee: str
    text: Text
    languages: list[str]
    pieces_per_word: dict[str, float]
    encoder: Encoder
    cpu: CpuGraph | None
    params: dict[str, Any]
    data: dict[str, str]
    n_messages: dict[str, int]
    reference_labels: str
    files: dict[str, str]


@dataclass(frozen=True)
class Bundle:
    """An audited bundle."""

    path: Path
    manifest: Manifest
    digest: str

    @property
    def name(self) -> str:
        """The digest's first 16 hex digits: what the `model` column of a scored table cites."""
        return self.digest[:16]

    @property
    def audience_ids(self) -> list[str]:
        """Audience ids in the order of logits and scores."""
        return [audience.id for audience in self.manifest.audiences]

    @property
    def row_keys(self) -> frozenset[str]:
        """Text keys of every message that training saw (train and dev)."""
        return frozenset((self.path / ROW_KEYS).read_text("utf-8").split())


def audit(path: Path) -> Bundle:
    """Check a bundle folder whole and open it.

    Raises:
        BundleError: Not a bundle, a file missing, changed or not listed, or a format or text rules of another version.
    """
    manifest_path = path / MANIFEST
    if not manifest_path.is_file():
        raise BundleError(
            path,
            f"holds no {MANIFEST}" if path.exists() else "is not there",
            "name a bundle folder, or a registered model such as models:/audience@champion",
        )
    raw = manifest_path.read_bytes()
    found = _of_known_format(path, raw)
    digest = hashlib.sha256(raw).hexdigest()
    if not (path / SEAL).is_file() or (path / SEAL).read_bytes() != f"{digest}\n".encode():
        raise BundleError(
            path, f"{MANIFEST!r} has changed since it was sealed ({SEAL} differs)", "fetch the bundle again"
        )
    manifest = _validated(path, found)
    on_disk = {file.relative_to(path).as_posix() for file in path.rglob("*") if not file.is_dir() or file.is_symlink()}
    for name in sorted(on_disk - {MANIFEST, SEAL} - set(manifest.files)):
        raise BundleError(path, f"holds {name!r}, which its manifest does not list", "fetch the bundle again")
    for name, expected in {OUT_OF_FOLD: "", **manifest.files}.items():
        file = path / name
        if name not in on_disk or file.is_symlink():
            raise BundleError(path, f"lacks {name!r}", "fetch the bundle again")
        if sha256_of(file) != expected:
            raise BundleError(
                path, f"{name!r} has changed since it was sealed (sha256 differs)", "fetch the bundle again"
            )
    return Bundle(path, manifest, digest)


def _of_known_format(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BundleError(path, f"{MANIFEST} is not JSON", "fetch the bundle again") from error
    number = found.get("format") if isinstance(found, dict) else None
    if not isinstance(number, int) or number > FORMAT:
        raise BundleError(path, f"bundle format {number!r}, this segmenter reads up to {FORMAT}", "upgrade segmenter")
    return dict(found)


def _validated(path: Path, found: dict[str, Any]) -> Manifest:
    text = found.get("text")
    rules = text.get("rules") if isinstance(text, dict) else None
    if isinstance(rules, int) and rules != RULES:  # before the keys, which change with the rules
        raise BundleError(
            path,
            f"text rules {rules}, this segmenter has {RULES}",
            "retrain, or use the version it was made with",
        )
    if found["format"] < FORMAT:
        raise BundleError(
            path,
            f"bundle format {found['format']}, this segmenter reads {FORMAT}",
            "retrain, or use the version it was made with",
        )
    try:
        return Manifest.model_validate(found)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BundleError(
            path, f"{MANIFEST} {where}: {error.errors()[0]['msg'].lower()}", "fetch the bundle again"
        ) from error


def seal(parts: Path, target: Path, manifest: dict[str, Any]) -> Bundle:
    """Hash every file of `parts`, write the manifest and move the folder to `target`, replacing a former bundle whole.

    Args:
        parts: A folder with the bundle's files, on the same file system as `target`; it is moved.
        target: Where the bundle shall stand.
        manifest: Every field of Manifest but `format` and `files`.

    Raises:
        BundleError: `target` holds something that is not a bundle.
    """
    if target.exists() and not (target / MANIFEST).is_file():
        raise BundleError(target, "is there and is not a bundle", "name another folder")
    names = sorted(file.relative_to(parts).as_posix() for file in parts.rglob("*") if file.is_file())
    whole = Manifest(format=FORMAT, files={name: sha256_of(parts / name) for name in names}, **manifest)
    (parts / MANIFEST).write_text(whole.model_dump_json(indent=1) + "\n", "utf-8")
    (parts / SEAL).write_text(sha256_of(parts / MANIFEST) + "\n", "utf-8")
    sealed = audit(parts)  # before the former bundle goes
    with tempfile.TemporaryDirectory(dir=target.parent) as former:
        if target.exists():
            shutil.move(target, former)
        parts.rename(target)
    return Bundle(target, sealed.manifest, sealed.digest)


def sha256_of(file: Path) -> str:
    """Hex sha256 of a file's bytes; other threads run on meanwhile."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(READ_BYTES))
    with file.open("rb", buffering=0) as stream:
        while n_bytes := stream.readinto(buffer):
            digest.update(buffer[:n_bytes])
    return digest.hexdigest()
