"""`python -m eval.seeds --params P EVALUATION…`: several trainings of one recipe side by side, and their mean gain over TF-IDF.

Reads what eval.evaluate wrote for each; judges nothing itself.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from eval.card import CONTENDERS
from eval.console import BESIDE, add_slice, sliced_table
from eval.decisions import ABOUT, TRUTH, Decisions, read_decisions
from eval.figures import MACRO, Figure
from eval.gains import Gain, gains
from eval.slices import LANGUAGE
from segmenter.cli import run
from segmenter.errors import TableError
from segmenter.intervals import shown
from segmenter.params import Params, load_params
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
FORMAT = 1
BASELINE = "tfidf"
SIGNED = "+.3f"
Key = tuple[str, str, str]  # slice, contender, audience


@dataclass(frozen=True)
class Evaluated:
    """What evaluating one run left: the digest of its bundle, the figures, the decisions."""

    folder: Path
    bundle: str
    split: str
    figures: list[Figure]
    decisions: Decisions


def read_run(folder: Path) -> Evaluated:
    """One evaluation's folder.

    Raises:
        TableError: metrics.json or the decisions are missing, or not what evaluate writes.
    """
    path = folder / "metrics.json"
    try:
        found = json.loads(path.read_text("utf-8"))
        figures = [Figure(**figure) for figure in found["figures"]]
        return Evaluated(folder, found["bundle"], found["split"], figures, read_decisions(folder))
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise TableError(path, f"is not a metrics.json ({error})", "name what python -m eval.evaluate wrote") from error


def read_runs(folders: list[Path]) -> list[Evaluated]:
    """Several evaluations of the same messages.

    Raises:
        TableError: As read_run; a bundle is there twice; or one judged other messages than the first.
    """
    runs = [read_run(folder) for folder in folders]
    first = runs[0]
    for place, other in enumerate(runs[1:], start=1):
        if other.bundle in [run.bundle for run in runs[:place]]:
            raise TableError(other.folder, "judged a bundle that is named twice", "name each run once")
        if not _same_messages(first.decisions, other.decisions):
            found = f"judged other messages, or by other labels, than {first.folder}"
            raise TableError(other.folder, found, "evaluate every run on one split, prepared once")
    return runs


def _same_messages(one: Decisions, other: Decisions) -> bool:
    same = one.audience_ids == other.audience_ids and one.frame[ABOUT].equals(other.frame[ABOUT])
    return same and bool((one.of(TRUTH) == other.of(TRUTH)).all())


def seed_table(runs: list[list[Figure]]) -> Iterator[str]:
    """Lines of a Markdown table: F1 by slice and contender, the mean over runs, with least and most."""
    values: dict[Key, list[float | None]] = {}
    sizes: dict[str, int] = {}
    for figures in runs:
        for figure in figures:
            if figure.metric == "f1":
                values.setdefault((figure.part, figure.model, figure.audience), []).append(figure.value)
                sizes[figure.part] = figure.n
    audiences = list(dict.fromkeys(audience for _, _, audience in values))
    audiences = [MACRO, *[audience for audience in audiences if audience != MACRO]]
    yield f"| slice (n) | contender | {' | '.join(audiences)} |"
    yield "|---" * (2 + len(audiences)) + "|"
    for part, n in sizes.items():
        for name in BESIDE:
            cells = [_cell(values.get((part, name, audience), [])) for audience in audiences]
            yield f"| {part} ({n}) | {CONTENDERS[name]} | {' | '.join(cells)} |"


def _cell(found: list[float | None]) -> str:
    known = [value for value in found if value is not None]
    if not known or len(known) < len(found):
        return "not evaluable"
    return f"{np.mean(known):.3f}{_spread(min(known), max(known))}"


def _spread(least: float, most: float) -> str:
    return f" ({least:.3f}–{most:.3f})" if most - least > 0.0005 else ""


def gain_lines(found: list[Gain], n_runs: int) -> Iterator[str]:
    """Lines of a Markdown table: the mean over runs against the baseline, with the interval of the paired gain."""
    yield f"| slice (n) | audience | with / without | mean of {n_runs} (least–most) | TF-IDF | gain [95 %] | |"
    yield "|---" * 7 + "|"
    for gain in found:
        model = f"{gain.model:.3f}{_spread(gain.least, gain.most)}"
        yield (
            f"| {gain.part} ({gain.n}) | {gain.audience} | {_support(gain)} | {model} | {gain.baseline:.3f} "
            f"| {shown(gain, SIGNED)} | {gain.verdict} |"
        )


def gain_table(found: list[Gain], n_runs: int) -> Table:
    """The same for a console of 80 columns, without spread and verdict."""
    heads = ["with /\nwithout", f"mean\nof {n_runs}", "TF-IDF", "gain [95 %]"]
    table = sliced_table("F1 against TF-IDF, paired on resampled authors", heads)
    part = ""
    for gain in found:
        if gain.part != part:
            add_slice(table, gain.part, gain.n)
            part = gain.part
        table.add_row(gain.audience, _support(gain), f"{gain.model:.3f}", f"{gain.baseline:.3f}", shown(gain, SIGNED))
    return table


def _support(gain: Gain) -> str:
    return f"{gain.n_true} / {gain.n - gain.n_true}"


def conclusions(found: list[Gain], params: Params) -> Iterator[str]:
    """What the gains come to, in two sentences: pooled, and within each language that has support enough."""
    for gain in found:
        if (gain.part, gain.audience) == ("all", MACRO):
            yield f"Pooled macro-F1 {gain.model:.3f} against TF-IDF {gain.baseline:.3f}: {shown(gain, SIGNED)}, {gain.verdict}."
    support = params.eval.conclusion_support_at_least
    within = [gain for gain in found if gain.part.startswith(LANGUAGE) and gain.audience != MACRO and gain.conclusive]
    below = [f"{gain.part} {gain.audience} {shown(gain, SIGNED)}, {gain.verdict}" for gain in within if gain.gain < 0]
    judged = f"Within a language, {support} messages with an audience and {support} without: {len(within)} judged"
    yield f"{judged}; below TF-IDF: {'; '.join(below) or 'none'}."


def compare(params: Params, runs: list[Evaluated], folder: Path) -> list[Gain]:
    """The gains over TF-IDF, written to `folder` as seeds.json and seeds.md."""
    found = gains([run.decisions for run in runs], BASELINE, params.eval, params.seed)
    folder.mkdir(parents=True, exist_ok=True)
    whole = {
        "format": FORMAT,
        "split": runs[0].split,
        "baseline": BASELINE,
        "bundles": [run.bundle for run in runs],
        "gains": [asdict(gain) | {"verdict": gain.verdict} for gain in found],
    }
    write_text(folder / "seeds.json", json.dumps(whole, indent=1) + "\n")
    parts = [
        seed_table([run.figures for run in runs]),
        gain_lines(found, len(runs)),
        conclusions(found, params),
    ]
    write_text(folder / "seeds.md", "\n\n".join("\n".join(part) for part in parts) + "\n")
    return found


@app.command()
def main(
    evaluations: Annotated[
        list[Path], typer.Argument(metavar="EVALUATION…", help="Folders that eval.evaluate wrote, one a seed.")
    ],
    params: Annotated[Path, typer.Option(help="The recipe's params file.", metavar="FILE")],
) -> None:
    """Set several seeds of one recipe against TF-IDF, on the same resampled messages; writes seeds.json and seeds.md."""
    settings = load_params(params)
    runs = read_runs(evaluations)
    folder = Path(settings.tracking.run_folder) / f"evaluation-{runs[0].split}"
    found = compare(settings, runs, folder)
    Console().print(gain_table(found, len(runs)))
    for sentence in conclusions(found, settings):
        typer.echo(sentence)
    typer.echo(f"tables: {folder / 'seeds.md'}, {folder / 'seeds.json'}")


if __name__ == "__main__":
    run(app)
