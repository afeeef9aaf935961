import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import SPECIALS
from huggingface_hub import constants

from segmenter.batches import canonical_batches, tokenise
from segmenter.bundle import sha256_of
from segmenter.errors import ModelError
from segmenter.model import AudienceModel, BaseEncoder, find_base, load, new_model, save
from segmenter.sections import Base

Encoders = dict[str, Path]
ARCHITECTURES = ["bert", "xlm-roberta", "modernbert"]
TEXTS = ["gardeners, water the red beds before noon", "Liebe Leser", ""]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def encoders(tiny_encoder: Callable[[str, Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Encoders:
    """A folder with a random encoder for each architecture."""
    home = tmp_path_factory.mktemp("architectures")
    return {arch: tiny_encoder(arch, home / arch) for arch in ARCHITECTURES}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty Hugging Face cache, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def named(model: object, revision: str | None = None, pooling: str = "mean") -> Base:
    return Base.model_validate({"model": str(model), "revision": revision, "pooling": pooling})


def logits_of(model: AudienceModel, base: BaseEncoder, texts: list[str], batch_tokens: int) -> torch.Tensor:
    """Logits of each text, shape (n_texts, n_audiences), run in canonical batches."""
    ids = tokenise(base.tokenizer, texts, max_tokens=base.n_positions, overlap_tokens=0).ids
    logits = torch.zeros(len(texts), 2)
    for batch in canonical_batches(ids, batch_tokens=batch_tokens, pad_id=base.pad_id):
        with torch.inference_mode():
            found, _ = model(torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask))
        logits[batch.rows] = found[: len(batch.rows)]
    return logits


# 66 positions of an XLM-R, less two: they start after the padding id, which is 1
@pytest.mark.parametrize(("arch", "n_positions"), [("bert", 64), ("xlm-roberta", 64), ("modernbert", 128)])
def test_usable_positions_are_those_of_the_architecture(encoders: Encoders, arch: str, n_positions: int) -> None:
    assert find_base(named(encoders[arch])).n_positions == n_positions


@pytest.mark.parametrize(("arch", "pad_id"), [("bert", 0), ("xlm-roberta", 1), ("modernbert", 3)])
def test_the_padding_token_is_the_encoders_own(encoders: Encoders, arch: str, pad_id: int) -> None:
    assert find_base(named(encoders[arch])).pad_id == pad_id


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_messages_begin_and_end_with_the_special_tokens_of_the_encoder(encoders: Encoders, arch: str) -> None:
    first, last = {"xlm-roberta": ("<s>", "</s>")}.get(arch, ("[CLS]", "[SEP]"))
    ids = tokenise(find_base(named(encoders[arch])).tokenizer, ["the red beds"], max_tokens=64, overlap_tokens=0).ids[0]
    assert (ids[0], ids[-1]) == (SPECIALS[arch].index(first), SPECIALS[arch].index(last))


def test_a_folder_has_no_revision_and_is_known_by_its_digest(encoders: Encoders) -> None:
    source = find_base(named(encoders["bert"])).source
    assert (source.revision, source.sha256) == (None, sha256_of(encoders["bert"] / "model.safetensors"))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_saved_model_says_the_same_when_loaded(encoders: Encoders, tmp_path: Path, arch: str) -> None:
    base = find_base(named(encoders[arch]))
    model = new_model(base, n_audiences=2, dropout=0.5).eval()
    save(model, base.tokenizer, tmp_path)
    loaded = load(tmp_path, n_audiences=2, pooling="mean", attention="sdpa")
    torch.testing.assert_close(logits_of(loaded, base, TEXTS, 512), logits_of(model, base, TEXTS, 512))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_eager_attention_says_the_same_as_sdpa(encoders: Encoders, tmp_path: Path, arch: str) -> None:
    # export traces the eager one, the torch runtime runs sdpa
    base = find_base(named(encoders[arch]))
    save(new_model(base, n_audiences=2, dropout=0.0), base.tokenizer, tmp_path)
    eager, sdpa = (load(tmp_path, n_audiences=2, pooling="mean", attention=name) for name in ("eager", "sdpa"))
    torch.testing.assert_close(logits_of(eager, base, TEXTS, 512), logits_of(sdpa, base, TEXTS, 512))


@pytest.mark.parametrize("pooling", ["mean", "first"])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_padding_changes_no_logit(encoders: Encoders, arch: str, pooling: str) -> None:
    # "red" is 3 tokens of a BERT, in a bucket of 8: alone without padding, then with 5 padding tokens
    base = find_base(named(encoders[arch], pooling=pooling))
    model = new_model(base, n_audiences=2, dropout=0.0).eval()
    ids = tokenise(base.tokenizer, ["red"], max_tokens=8, overlap_tokens=0).ids
    with torch.inference_mode():
        plain, _ = model(torch.tensor(ids), torch.ones(1, len(ids[0]), dtype=torch.long))
    torch.testing.assert_close(logits_of(model, base, ["red"], 8), plain)


def test_the_pooled_vector_is_the_first_token_where_params_say_so(encoders: Encoders) -> None:
    base = find_base(named(encoders["bert"], pooling="first"))
    model = new_model(base, n_audiences=2, dropout=0.0).eval()
    ids, mask = torch.tensor([[2, 7, 8, 3]]), torch.ones(1, 4, dtype=torch.long)
    with torch.inference_mode():
        _, pooled = model(ids, mask)
        hidden = model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(pooled, hidden[:, 0])


def test_a_saved_tokenizer_neither_pads_nor_cuts(encoders: Encoders, tmp_path: Path) -> None:
    base = find_base(named(encoders["bert"]))
    tokenise(base.tokenizer, TEXTS, max_tokens=8, overlap_tokens=0)  # leaves a limit behind
    save(new_model(base, n_audiences=2, dropout=0.0), base.tokenizer, tmp_path)
    saved = json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))
    assert (saved["padding"], saved["truncation"]) == (None, None)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_an_encoder_without_its_tokenizer_is_refused(encoders: Encoders, tmp_path: Path, arch: str) -> None:
    folder = Path(shutil.copytree(encoders[arch], tmp_path / "mute"))
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelError, match="^[^;]*mute: (its tokenizer knows|is not an encoder)[^\n]*; [^\n]+$"):
        find_base(named(folder))


def test_weights_without_a_configuration_are_refused(encoders: Encoders, tmp_path: Path) -> None:
    shutil.copy(encoders["bert"] / "model.safetensors", tmp_path)
    with pytest.raises(ModelError, match=f"^{re.escape(str(tmp_path))}: is not an encoder transformers can open"):
        find_base(named(tmp_path))


@pytest.mark.parametrize("revision", [None, "main", COMMIT])
def test_a_hub_encoder_is_recorded_with_the_commit_it_resolved_to(
    encoders: Encoders, hub: Path, revision: str | None
) -> None:
    cached = hub / "models--acme--tiny-bert"
    shutil.copytree(encoders["bert"], cached / "snapshots" / COMMIT)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(COMMIT, "utf-8")
    source = find_base(named("acme/tiny-bert", revision)).source
    assert (source.model, source.revision) == ("acme/tiny-bert", COMMIT)


def test_the_embedded_encoder_is_a_minilm_of_512_positions() -> None:
    base = find_base(named("embedded"))
    assert (base.n_positions, base.pad_id, base.tokenizer.get_vocab_size()) == (512, 0, 30522)
