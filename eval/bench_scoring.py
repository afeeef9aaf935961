"""`python -m eval.bench_scoring --model BUNDLE`: how fast scoring is beside other ways to run the same network.

Each contender in a process of its own, round after round (scoring_bench/rounds.py), then files in, files out
(scoring_bench/product.py). Not here: a GPU (bench_gpu.py).
"""

import json
import logging
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tokenizers import Tokenizer

from eval.bench_training import machine
from eval.scoring_bench import corpus
from eval.scoring_bench.contenders import CONTENDERS, LINEAR, OURS, REFERENCE, Contender
from eval.scoring_bench.encoder_work import work_of
from eval.scoring_bench.picture import chart
from eval.scoring_bench.product import Job, first_scores, jobs
from eval.scoring_bench.report import as_markdown
from eval.scoring_bench.rounds import CLEANED, WARM_UP_PART, lay_out, logits_of, runs
from eval.scoring_bench.standings import Agreement, agreement, as_json, standings
from eval.scoring_bench.timing import TIMED
from eval.scoring_bench.torch_engines import model_of
from segmenter.batches import tokenise
from segmenter.bundle import TOKENIZER, Bundle, audit
from segmenter.cli import run
from segmenter.runtimes.cores import usable_cores
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
FORMAT = 1
POOL = 20_000  # invented messages, or messages of a table drawn at random, that the timed ones are drawn from
PACKAGES = ("openvino", "onnxruntime", "torch", "transformers", "tokenizers", "scikit-learn")


@dataclass(frozen=True)
class Sizes:
    """How much is run.

    Attributes:
        contenders: Names of the engines that take part; the one in fp32 always does.
        messages: Timed, of every engine.
        rounds: Of all contenders.
        product_messages: In the file of the product's rounds; 0: without them.
        script_messages: Of these, how many the script with the pipeline is run on.
        first_rounds: Of ten messages.
    """

    contenders: tuple[str, ...]
    messages: int
    rounds: int
    product_messages: int
    script_messages: int
    first_rounds: int


def bench(bundle: Bundle, texts: list[str], sizes: Sizes, folder: Path, *, seed: int) -> dict[str, object]:
    """Run everything; figures as plain data, and their tables and picture in `folder`.

    Args:
        bundle: Whose network runs.
        texts: Original messages; the engines' are drawn from the first POOL of them.
        sizes: How much.
        folder: Gets the files of all processes.
        seed: Of what is drawn.

    Raises:
        TableError: There are too few different messages.
        Exit: A contender failed, and has said why.
    """
    tokenizer = Tokenizer.from_file(str(bundle.path / TOKENIZER))
    n_all = sizes.messages + sizes.messages // WARM_UP_PART
    drawn = corpus.stratified(texts[:POOL], lambda part: corpus.n_pieces(tokenizer, part), n=n_all, seed=seed)
    needed = {OURS.name, REFERENCE.name, *sizes.contenders}
    engaged = [contender for contender in CONTENDERS if contender.name in needed]
    lay_out(drawn, bundle.path, folder, contenders=engaged)
    found = list(runs(bundle.path, folder, n_rounds=sizes.rounds, contenders=engaged))
    work, n_pieces = _work(bundle, tokenizer, folder)
    engines = standings(found, _agreements(bundle, folder, engaged), work=work)
    files, first = _of_files(texts[: sizes.product_messages], bundle, sizes, folder)
    chart(engines, files).save(folder / "scoring.png", scale_factor=2)
    write_text(folder / "scoring.md", as_markdown(engines, files, first))
    return {
        "pieces": {"median": float(np.median(n_pieces)), "p95": float(np.percentile(n_pieces, 95))},
        "operations": work,
        "engines": as_json(engines),
        "runs": [one.as_dict() for one in found],
        "files": [asdict(job) for job in files],
        "first_scores": [asdict(job) for job in first],
    }


def _of_files(texts: list[str], bundle: Bundle, sizes: Sizes, folder: Path) -> tuple[list[Job], list[Job]]:
    """Whole processes on all texts, and on ten of them."""
    if not texts:
        return [], []
    whole = list(jobs(texts, bundle.path, folder, n_rounds=sizes.rounds, n_script=sizes.script_messages))
    return whole, list(first_scores(texts, bundle.path, folder, n_rounds=sizes.first_rounds))


def _work(bundle: Bundle, tokenizer: Tokenizer, folder: Path) -> tuple[float, corpus.Ints]:
    """What the timed messages' windows need of the encoder, and the pieces of each message."""
    texts = json.loads((folder / CLEANED).read_text("utf-8"))[TIMED]
    limits = bundle.manifest.text
    tokens = tokenise(tokenizer, texts, max_tokens=limits.max_tokens, overlap_tokens=limits.window_overlap_tokens)
    return work_of(model_of(bundle).encoder).of(map(len, tokens.ids)), corpus.n_pieces(tokenizer, texts)


def _agreements(bundle: Bundle, folder: Path, engaged: list[Contender]) -> dict[str, Agreement]:
    reference = logits_of(folder, REFERENCE.name)
    calibrations = bundle.manifest.calibration
    names = [contender.name for contender in engaged if contender.name != LINEAR.name]
    return {name: agreement(logits_of(folder, name), reference, calibrations) for name in names}


def texts_of(bundle: Bundle, table: Path | None, column: str, *, n: int, seed: int) -> list[str]:
    """Messages in random order: at least `n` invented ones, or all of a table."""
    if table is None:
        tokenizer = Tokenizer.from_file(str(bundle.path / TOKENIZER))
        return corpus.invented(tokenizer, n_messages=n, seed=seed)
    texts = corpus.of_table(table, column)
    return [texts[place] for place in np.random.default_rng(seed).permutation(len(texts))]


@app.command()
def main(
    model: Annotated[Path, typer.Option(metavar="BUNDLE", help="A bundle folder.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets scoring.json, scoring.md, scoring.png.")] = Path(
        "runs/bench"
    ),
    texts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A table of messages instead of invented ones.")
    ] = None,
    text_column: Annotated[str, typer.Option(metavar="NAME", help="Its column of the text.")] = "text",
    contender: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="This one beside segmenter and torch-sorted; without it, all."),
    ] = None,
    messages: Annotated[int, typer.Option(metavar="N", min=8, help="Timed, of every engine.")] = 2000,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Of every contender, side by side.")] = 3,
    product_messages: Annotated[
        int, typer.Option(metavar="N", min=0, help="In the file of `segmenter score`; 0: engines alone.")
    ] = 20_000,
    script_messages: Annotated[
        int, typer.Option(metavar="N", min=1, help="Of these, through the script with the pipeline.")
    ] = 2000,
    first_rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Of a file of ten messages.")] = 5,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Of the messages.")] = 17,
) -> None:
    """Time scoring beside transformers' pipeline, torch, ONNX Runtime and TF-IDF; writes figures, tables and a picture."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("eval").setLevel(logging.INFO)
    bundle = audit(model)
    names = [one.name for one in CONTENDERS]
    unknown = [name for name in contender or [] if name not in names]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(names)}", param_hint="--contender")
    sizes = Sizes(tuple(contender or names), messages, rounds, product_messages, script_messages, first_rounds)
    given = texts_of(bundle, texts, text_column, n=max(POOL, product_messages), seed=seed)
    facts = {
        "format": FORMAT,
        "machine": machine(*PACKAGES) | {"python": platform.python_version(), "threads": f"{usable_cores()}"},
        "bundle": bundle.digest,
        "texts": "invented" if texts is None else texts.name,
        "sizes": asdict(sizes),
        "seed": seed,
    }
    figures = bench(bundle, given, sizes, out, seed=seed)
    write_text(out / "scoring.json", json.dumps(facts | figures, indent=1) + "\n")
    typer.echo((out / "scoring.md").read_text("utf-8"))
    typer.echo(f"figures: {out / 'scoring.json'}")


if __name__ == "__main__":
    run(app)
