import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conftest import Outcome
from transformers import AutoModel

from segmenter.bundle import sha256_of
from segmenter.model import find_base
from segmenter.sections import Base
from training.adapt import app

WriteParams = Callable[[Path, dict[str, Any]], Path]


@pytest.fixture
def params(
    tiny_adapt_sections: dict[str, Any], tiny_params: dict[str, Any], write_params: WriteParams, tmp_path: Path
) -> Path:
    """A params file whose `adapt` section extends and trains the tiny BERT into a folder of its own."""
    adapt = tiny_adapt_sections | {"folder": str(tmp_path / "adapted")}
    return write_params(tmp_path / "params.yaml", tiny_params | {"adapt": adapt})


def test_the_adapted_encoder_is_a_base_encoder_with_its_record(
    params: Path, outcome_of: Callable[..., Outcome], tiny_bert: Path, tmp_path: Path
) -> None:
    outcome = outcome_of(app, "--params", params)
    assert outcome.code == 0, outcome.err
    folder = tmp_path / "adapted" / "encoder"
    assert str(folder) in outcome.out
    base = find_base(Base(model=str(folder), revision=None, pooling="mean"))
    record = base.source.adaptation
    assert record is not None
    assert record["base"]["sha256"] == sha256_of(tiny_bert / "model.safetensors")
    assert record["n_pieces"]["after"] == base.tokenizer.get_vocab_size() > record["n_pieces"]["before"]
    assert record["held_out_loss"]["after"] < record["held_out_loss"]["before"]
    assert record["pieces_per_word"]["de"]["after"] < record["pieces_per_word"]["de"]["before"]
    assert not (tmp_path / "adapted" / "checkpoint").exists()


def test_the_weights_are_an_encoder_as_wide_as_its_tokenizer(
    params: Path, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    outcome_of(app, "--params", params)
    model = AutoModel.from_pretrained(tmp_path / "adapted" / "encoder", dtype=torch.float32)
    base = find_base(Base(model=str(tmp_path / "adapted" / "encoder"), revision=None, pooling="mean"))
    assert len(model.get_input_embeddings().weight) == base.tokenizer.get_vocab_size()


def test_an_encoder_that_guesses_no_hidden_tokens_is_refused_by_name(
    params: Path, tiny_bert: Path, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    shutil.copytree(tiny_bert, tmp_path / "other")
    config = json.loads((tmp_path / "other" / "config.json").read_text("utf-8"))
    (tmp_path / "other" / "config.json").write_text(json.dumps(config | {"model_type": "gpt2"}), "utf-8")
    sections = yaml.safe_load(params.read_text("utf-8"))
    sections["adapt"]["base"]["model"] = str(tmp_path / "other")
    params.write_text(yaml.safe_dump(sections), "utf-8")
    outcome = outcome_of(app, "--params", params)
    assert outcome.code == 2
    assert "params: adapt.base: 'gpt2' has no masked-language head in transformers; choose" in outcome.err


def test_a_finished_encoder_is_never_overwritten(
    params: Path, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / "adapted" / "encoder").mkdir(parents=True)
    outcome = outcome_of(app, "--params", params)
    assert outcome.code == 2
    assert "is there already; delete it, or name another adapt.folder" in outcome.err


def test_params_without_the_section_are_a_sentence(
    tiny_params: dict[str, Any], write_params: WriteParams, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    outcome = outcome_of(app, "--params", write_params(tmp_path / "params.yaml", tiny_params | {"adapt": None}))
    assert outcome.code == 2
    assert "params: adapt: is null" in outcome.err


def test_an_encoder_without_a_mask_token_is_a_sentence(
    params: Path, tiny_bert: Path, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    maskless = tmp_path / "maskless"
    maskless.mkdir()
    for file in tiny_bert.iterdir():
        (maskless / file.name).write_bytes(file.read_bytes())
    tokenizer = json.loads((maskless / "tokenizer.json").read_text("utf-8"))
    tokenizer["added_tokens"] = [token for token in tokenizer["added_tokens"] if "MASK" not in token["content"]]
    (maskless / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    (maskless / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}', "utf-8")
    text = params.read_text("utf-8").replace(f"model: {tiny_bert}", f"model: {maskless}")
    params.write_text(text, "utf-8")
    outcome = outcome_of(app, "--params", params)
    assert outcome.code == 2
    assert "its tokenizer has no mask token" in outcome.err
