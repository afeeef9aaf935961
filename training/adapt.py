"""`python -m training.adapt --params P`: a base encoder learns unlabelled text, and becomes a base encoder of its own.

More pieces for its tokenizer, embeddings for them, masked-language training; the result is a folder that `base.model`
of any recipe can name. Its adaptation.json says what was done; every bundle made from it carries that on.
"""

import json
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tokenizers import Tokenizer
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoConfig,
    AutoModelForMaskedLM,
    AutoTokenizer,
    PreTrainedModel,
)
from transformers.utils import logging as transformers_logging

from segmenter import __version__
from segmenter.bundle import sha256_of
from segmenter.cli import run
from segmenter.errors import ParamsError
from segmenter.model import ADAPTATION, BaseEncoder, find_base
from segmenter.params import Params, load_params
from segmenter.sections import Adapt
from segmenter.tables import table_files
from segmenter.text import RULES
from segmenter.writers import write_text
from training.checkpoint import PLAN, Checkpoints
from training.embeddings import focus, mean_of_old
from training.masked import Corpus, MaskedTraining
from training.pieces import extend, fertility
from training.steps import Padder
from training.unlabelled import Unlabelled, drawn, read_unlabelled

logger = logging.getLogger("training.adapt")  # also where it is run as a command
app = typer.Typer(add_completion=False)
FERTILITY_TEXTS = 20_000  # are enough to know how finely a language is cut
FOCUS_TEXTS = 100_000  # whose tokens' company is counted
SHOWN_AT_LEAST = 20  # messages of a language, or the record does not name it
LOGGED_STEPS = 50
CHECKPOINT = "checkpoint"


class Adaptation:
    """One adaptation from params to an encoder folder."""

    def __init__(self, adapt: Adapt, seed: int) -> None:
        """Find the base encoder and read the unlabelled messages.

        Raises:
            ParamsError: The encoder has no masked-language head, or its tokenizer cannot hide a token.
            ModelError: The base encoder cannot be had.
            TableError: As read_unlabelled.
        """
        self.adapt, self.seed = adapt, seed
        self.base: BaseEncoder = find_base(adapt.base)
        config = AutoConfig.from_pretrained(self.base.folder)
        if type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
            found = f"{config.model_type!r} has no masked-language head in transformers"
            raise ParamsError("params: adapt.base", found, "choose a BERT, RoBERTa, XLM-R or ModernBERT encoder")
        known = self.base.tokenizer.get_added_tokens_decoder()
        self.special = {number: token.content for number, token in known.items() if token.special}
        masks = [number for number, content in self.special.items() if "mask" in content.casefold()]
        if not masks:
            raise ParamsError("params: adapt.base", "its tokenizer has no mask token", "choose an encoder that has one")
        self.mask_id = masks[0]
        self.folder = Path(adapt.folder)
        self.unlabelled: Unlabelled = read_unlabelled(adapt)
        order = np.random.default_rng(seed).permutation(len(self.unlabelled.texts))
        self.held, self.free = order[: adapt.held_out_messages], order[adapt.held_out_messages :]

    def start(self) -> Path:
        """The encoder with its new pieces, before training, in `<folder>/start`; kept as it is where a run resumes."""
        target = self.folder / "start"
        if target.is_dir() and (self.folder / CHECKPOINT / PLAN).is_file():  # whose plan must agree with these params
            return target
        shutil.rmtree(target, ignore_errors=True)
        part = self.folder / "start.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        model = _model(self.base.folder, self.seed)
        AutoTokenizer.from_pretrained(self.base.folder).save_pretrained(part)
        if self.adapt.pieces:
            extended = extend(self.base.tokenizer, self._texts(self._piece_places()), self.adapt.pieces)
            embeddings = model.get_input_embeddings().weight.detach().numpy()
            new = mean_of_old(self.base.tokenizer, extended.pieces, embeddings)
            if self.adapt.init == "focus":
                new = focus(self._ids(extended.tokenizer), new, embeddings, self.seed)
            model.resize_token_embeddings(len(embeddings) + len(new), mean_resizing=False)
            with torch.no_grad():
                model.get_input_embeddings().weight[len(embeddings) :] = torch.from_numpy(new)
            extended.tokenizer.save(str(part / "tokenizer.json"))
            (part / "vocab.txt").unlink(missing_ok=True)  # of the old pieces alone
            logger.info("%d new pieces", len(new))
        model.save_pretrained(part)
        part.rename(target)
        return target

    @property
    def learned(self) -> NDArray[np.int64]:
        """Which texts masked-language training learns, in its order."""
        return self._drawn(self.free, self.adapt.messages)

    def record(self, tokenizer: Tokenizer) -> dict[str, object]:
        """What was done, as plain data: it stands beside the encoder, and in every bundle made from it."""
        held_texts, held_languages = self._texts(self.held), self.unlabelled.languages[self.held]
        n_learned = Counter(self.unlabelled.languages[self.learned])
        source = self.base.source
        return {
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "segmenter_version": __version__,
            "text_rules": RULES,
            "base": source.model_dump(include={"model", "revision", "sha256"}),
            "params": self.adapt.model_dump(),
            "seed": self.seed,
            "data": {str(file): sha256_of(file) for table in self.adapt.tables for file in table_files(Path(table))},
            "n_rows": self.unlabelled.n_rows,
            "n_left_out": self.unlabelled.n_left_out,
            "n_learned": {lang: n for lang, n in n_learned.most_common() if n >= SHOWN_AT_LEAST},
            "n_pieces": {"before": self.base.tokenizer.get_vocab_size(), "after": tokenizer.get_vocab_size()},
            "pieces_per_word": _compared(self.base.tokenizer, tokenizer, held_texts, held_languages),
        }

    def _texts(self, places: NDArray[np.int64]) -> list[str]:
        return [self.unlabelled.texts[place] for place in places]

    def _piece_places(self) -> NDArray[np.int64]:
        """Messages in languages that the base tokenizer shatters, drawn as for training."""
        few = self.free[:FERTILITY_TEXTS]
        found = fertility(self.base.tokenizer, self._texts(few), self.unlabelled.languages[few])
        cut = {lang for lang, n in found.items() if n >= self.adapt.pieces_per_word_at_least}
        places = self.free[np.isin(self.unlabelled.languages[self.free], list(cut))]
        return self._drawn(places, self.adapt.piece_messages)

    def _drawn(self, places: NDArray[np.int64], n_messages: int) -> NDArray[np.int64]:
        languages = self.unlabelled.languages[places]
        return places[drawn(languages, n_messages, self.adapt.language_exponent, np.random.default_rng(self.seed))]

    def _ids(self, tokenizer: Tokenizer) -> list[list[int]]:
        texts = self._texts(self._drawn(self.free, FOCUS_TEXTS))
        return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def corpus(self, tokenizer: Tokenizer, places: NDArray[np.int64]) -> Corpus:
        """The messages at `places`, tokenised."""
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.adapt.max_tokens)
        ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(self._texts(places))]
        padder = Padder(ids, self.base.pad_id)
        return Corpus(padder, np.array(sorted(self.special), np.int64), self.mask_id, tokenizer.get_vocab_size())


def _compared(
    old: Tokenizer, new: Tokenizer, texts: Sequence[str], languages: NDArray[np.object_]
) -> dict[str, dict[str, float]]:
    """For each language its messages, and pieces a word before and after; the most frequent language first."""
    before, after = fertility(old, texts, languages), fertility(new, texts, languages)
    return {
        lang: {"n": n, "before": before[lang], "after": after[lang]}
        for lang, n in Counter(languages).most_common()
        if n >= SHOWN_AT_LEAST
    }


def _model(folder: Path, seed: int) -> PreTrainedModel:
    """The encoder under a masked-language head, fresh where the folder has none; fp32."""
    torch.manual_seed(seed)
    # torch's own attention spends 40 % of a CPU step going backward through short messages
    attention = "sdpa" if torch.cuda.is_available() else "eager"
    return AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)


def adapt(params: Params, progress: Progress) -> Path:
    """Adapt and write `<adapt.folder>/encoder`; an unfinished run goes on from its checkpoint.

    Raises:
        ParamsError: No `adapt` section, or a checkpoint of other params.
        SegmenterError: As Adaptation.
    """
    settings = params.adapt
    if settings is None:
        raise ParamsError("params: adapt", "is null", "give it a section, see training/recipes/audience.yaml")
    target = Path(settings.folder, "encoder")
    if target.exists():
        raise ParamsError(target, "is there already", "delete it, or name another adapt.folder")
    adaptation = Adaptation(settings, params.seed)
    start = adaptation.start()
    tokenizer = AutoTokenizer.from_pretrained(start).backend_tokenizer
    places = adaptation.learned
    held = adaptation.corpus(tokenizer, adaptation.held)
    training = MaskedTraining(_model(start, params.seed), adaptation.corpus(tokenizer, places), settings, params.seed)
    before = training.held_out_loss(held)
    checkpoints = Checkpoints(Path(settings.folder, CHECKPOINT), training.plan)
    checkpoints.begin(run_id="")
    training.run(checkpoints, _shown(progress, training, len(places)))
    record = adaptation.record(tokenizer) | {
        "held_out_loss": {"before": round(before, 4), "after": round(training.held_out_loss(held), 4)},
        "n_steps": len(training.steps),
    }
    _write(training.model, start, target, record)
    checkpoints.remove()
    shutil.rmtree(start)
    return target


def _shown(progress: Progress, training: MaskedTraining, n_messages: int) -> Callable[[int, float], None]:
    task = progress.add_task("masked-language training", total=n_messages, loss="")
    average = 0.0

    def advance(n_learned: int, loss: float) -> None:
        nonlocal average
        average = 0.98 * average + 0.02 * loss if average else loss
        progress.update(task, advance=n_learned, loss=f"loss {average:.3f}")
        if training.n_done % LOGGED_STEPS == 0:
            logger.info("step %d of %d, loss %.3f", training.n_done, len(training.steps), average)

    return advance


def _write(model: PreTrainedModel, start: Path, target: Path, record: dict[str, object]) -> None:
    """The encoder without its masked-language head, beside its tokenizer and the record; whole or not at all."""
    part = target.with_name("encoder.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(start, part, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    model.cpu().base_model.save_pretrained(part)
    write_text(part / ADAPTATION, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    part.rename(target)


@app.command()
def main(params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")]) -> None:
    """Adapt a base encoder to unlabelled text: new pieces, their embeddings, masked-language training."""
    settings = load_params(params)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("training").setLevel(logging.INFO)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        folder = adapt(settings, progress)
    typer.echo(f"encoder {folder}: name it as base.model of a recipe")


if __name__ == "__main__":
    run(app)
