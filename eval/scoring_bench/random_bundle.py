"""A bundle whose network has a shape and random weights: enough to time it, good for nothing else. Never sealed.

Its tokenizer is of XLM-R's kind (Unigram), its pieces the words and syllables that the invented messages are made of.
"""

from datetime import UTC, datetime
from pathlib import Path

import torch
import yaml
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoModel, PretrainedConfig

from eval.scoring_bench.corpus import LANGUAGES, MADE_UP, WORDS
from segmenter import __version__
from segmenter.bundle import FORMAT, Bundle, Encoder, Manifest
from segmenter.calibration import Calibration
from segmenter.model import AudienceModel, save
from segmenter.params import Params

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")  # their places are their ids, as in XLM-R
POOLING = "mean"


def random_bundle(config: PretrainedConfig, params: Params, folder: Path) -> Bundle:
    """Write the model into `folder`; audiences and text settings are those of params.

    Args:
        config: The encoder's shape, its padding token 1.
        params: For audiences, text and seed.
        folder: Holds the bundle's model files afterwards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(params.seed)
    encoder = AutoModel.from_config(config, dtype=torch.float32)
    model = AudienceModel(encoder, n_audiences=len(params.audiences), pooling=POOLING, dropout=0.0)
    save(model, made_tokenizer(), folder)
    as_it_is = Calibration(slope=1.0, intercept=0.0, threshold=0.5, low=0.5, high=0.5)
    manifest = Manifest(
        format=FORMAT,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        segmenter_version=__version__,
        git_commit="",
        mlflow_run_id="",
        audiences=params.audiences,
        calibration=[as_it_is] * len(params.audiences),
        guarantee=None,
        no_guarantee="random weights",
        text=params.text,
        languages=[],
        pieces_per_word={},
        encoder=Encoder(model="random weights", revision=None, sha256="", pooling=POOLING, adaptation=None),
        cpu=None,
        params={},
        data={},
        n_messages={},
        reference_labels="",
        files={},
    )
    return Bundle(folder, manifest, "random-weights")


def made_tokenizer() -> Tokenizer:
    """Unigram, with every word and syllable of the invented messages, and their letters, as pieces."""
    known = yaml.safe_load(WORDS.read_text("utf-8"))
    words = dict.fromkeys(word for language in LANGUAGES for word in known[language].split())
    syllables = [part for name in ("made_up", *MADE_UP.values()) for part in known[name].split()]
    letters = sorted(set("".join([*words, *syllables])) | set(map(chr, range(33, 127))))
    pieces = dict.fromkeys([*SPECIALS, "▁", *(f"▁{word}" for word in words), *syllables, *letters])
    scores = [(piece, 0.0 if piece in SPECIALS else -float(place)) for place, piece in enumerate(pieces)]
    tokenizer = Tokenizer(models.Unigram([(piece, score / len(pieces) * 10 - 1) for piece, score in scores], unk_id=3))
    tokenizer.normalizer = normalizers.Lowercase()  # the pieces of "The" are those of "the"
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer
