"""The transformer: a base encoder (Hub id, folder, or the embedded MiniLM) with one sigmoid head.

Needs torch and transformers; scoring with the cpu runtime never imports this. trust_remote_code is never on.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model, save_model
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel

from segmenter.bundle import CONFIG, TOKENIZER, WEIGHTS, Encoder
from segmenter.encoders import encoder_digest, encoder_folder
from segmenter.errors import ModelError
from segmenter.sections import Base

ADAPTATION = "adaptation.json"  # beside an adapted encoder's weights: what training.adapt did


class AudienceModel(nn.Module):
    """Encoder, pooling over its last layer, one linear head."""

    def __init__(self, encoder: PreTrainedModel, *, n_audiences: int, pooling: str, dropout: float) -> None:
        super().__init__()
        self.encoder: PreTrainedModel = encoder
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, n_audiences)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n_rows, n_audiences) and pooled vectors (n_rows, hidden_size) of token ids (n_rows, n_tokens)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if self.pooling == "first":
            pooled = hidden[:, 0]
        else:
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        return self.head(self.dropout(pooled)), pooled


@dataclass(frozen=True)
class BaseEncoder:
    """A pretrained encoder on disk and where it came from."""

    folder: Path
    source: Encoder
    tokenizer: Tokenizer
    n_positions: int
    pad_id: int


def find_base(base: Base) -> BaseEncoder:
    """The base encoder's folder (downloaded when it is a Hub id that is not there yet), its tokenizer and its digest.

    Raises:
        ModelError: It cannot be had here, is not safetensors, has no fast tokenizer, or is not the one it should be.
    """
    folder, revision = encoder_folder(base)
    digest = encoder_digest(base, folder)
    try:
        config = AutoConfig.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder).backend_tokenizer
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(
            base.model,
            f"is not an encoder transformers can open ({' '.join(str(error).split())[:200]})",
            "choose another",
        ) from error
    n_known = tokenizer.get_vocab_size()
    if n_known < config.vocab_size / 2:  # transformers makes up an empty tokenizer where the files of one are missing
        found = f"its tokenizer knows {n_known:,} of the encoder's {config.vocab_size:,} tokens"
        raise ModelError(base.model, found, "add its tokenizer files, such as tokenizer.json, or choose another")
    pad_id = int(config.pad_token_id or 0)
    # RoBERTa's positions start after its padding id
    n_positions = config.max_position_embeddings - (pad_id + 1 if "roberta" in config.model_type else 0)
    source = Encoder(
        model=base.model, revision=revision, sha256=digest, pooling=base.pooling, adaptation=_adaptation(folder)
    )
    return BaseEncoder(folder, source, tokenizer, n_positions, pad_id)


def _adaptation(folder: Path) -> dict[str, Any] | None:
    """What training.adapt recorded of the encoder, None where it made none."""
    record = folder / ADAPTATION
    return dict(json.loads(record.read_text("utf-8"))) if record.is_file() else None


def new_model(base: BaseEncoder, *, n_audiences: int, dropout: float) -> AudienceModel:
    """The pretrained encoder with a fresh head (drawn from torch's generator), fp32."""
    encoder = AutoModel.from_pretrained(base.folder, dtype=torch.float32)
    return AudienceModel(encoder, n_audiences=n_audiences, pooling=base.source.pooling, dropout=dropout)


def save(model: AudienceModel, tokenizer: Tokenizer, folder: Path) -> None:
    """Write weights, encoder configuration and tokenizer: the files a bundle needs to be opened again."""
    save_model(model, str(folder / WEIGHTS))
    model.encoder.config.to_json_file(folder / CONFIG)
    (folder / WEIGHTS).chmod((folder / CONFIG).stat().st_mode)  # safetensors writes it for its owner alone
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / TOKENIZER))


def load(folder: Path, *, n_audiences: int, pooling: str, attention: str) -> AudienceModel:
    """The model as saved, fp32, in evaluation mode.

    Args:
        folder: An audited bundle.
        n_audiences: Width of the head.
        pooling: `mean` or `first`.
        attention: transformers' attention implementation: `sdpa` to run, `eager` to trace for export.
    """
    config = AutoConfig.from_pretrained(folder / CONFIG)
    encoder = AutoModel.from_config(config, attn_implementation=attention, dtype=torch.float32)
    model = AudienceModel(encoder, n_audiences=n_audiences, pooling=pooling, dropout=0.0)
    load_model(model, str(folder / WEIGHTS))
    return model.eval()
