"""`python -m eval.bench_shares --params P --model BUNDLE --out FOLDER`: are shares right, and are their intervals?

Labelled messages are cut by author, over and over, into calibration messages and corpora whose shares are chosen. Then the
bundle judges held-out messages itself, as they are and broken. Not here: how corpora are drawn (shares_bench/corpora.py).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from eval.shares_bench.breaks import STATED, kinds
from eval.shares_bench.labelled import Labelled, out_of_fold_messages
from eval.shares_bench.picture import chart
from eval.shares_bench.report import goal_table, kind_table, line_table, lines, sampled_held, warned
from eval.shares_bench.trials import Plan, Trial, trials, trials_of
from segmenter.bundle import audit
from segmenter.cli import run
from segmenter.params import load_params
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
FORMAT = 1
CUTS = "other authors, fold models"


def as_json(found: dict[str, Sequence[Trial]]) -> dict[str, object]:
    """Figures by kind of corpus."""
    return {
        name: {
            "n_corpora": len(some),
            "warned": warned(some),
            "shift_p": [trial.shift_p for trial in some],
            "sampled_held": sampled_held(some)[0],
            "n_sampled": sampled_held(some)[1],
            "lines": [one.as_dict() for one in lines(some)],
        }
        for name, some in found.items()
    }


def tables(found: dict[str, Sequence[Trial]]) -> Iterator[str]:
    """Every table, as Markdown."""
    yield from [*goal_table(found[CUTS], found[STATED]), "", *line_table(lines(found[CUTS])), "", *kind_table(found)]
    for name, some in list(found.items())[1:]:
        yield from ["", f"{name}:", "", *line_table(lines(some))]


@app.command()
def main(
    params: Annotated[Path, typer.Option(help="The params file of the prepared splits.", metavar="FILE")],
    model: Annotated[Path, typer.Option(help="The bundle.", metavar="FOLDER")],
    out: Annotated[Path, typer.Option(help="Where shares.json, .md and .png go.", metavar="FOLDER")],
    split: Annotated[str, typer.Option(metavar="SPLIT", help="Held-out messages that the bundle judges.")] = "gate",
    cuts: Annotated[int, typer.Option(metavar="N", min=1, help="Halves of authors.")] = 100,
    corpora: Annotated[int, typer.Option(metavar="N", min=1, help="Corpora of each.")] = 5,
    messages: Annotated[int, typer.Option(metavar="N", min=100, help="Messages of a corpus.")] = 1000,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Of cuts and corpora; without it, as params say.")
    ] = None,
    labels: Annotated[int, typer.Option(metavar="N", min=10, help="Labelled at random in each corpus.")] = 200,
) -> None:
    """Try out shares of corpora whose shares are known; writes figures, tables and a picture."""
    settings, bundle, plan = load_params(params), audit(model), Plan(cuts, corpora, messages, labels)
    known, seed = out_of_fold_messages(bundle), settings.seed if seed is None else seed
    with Progress(console=Console(stderr=True)) as progress:

        def shown(some: Iterable[Trial], n: int, name: str) -> list[Trial]:
            return list(progress.track(some, total=n, description=name))

        found: dict[str, Sequence[Trial]] = {
            CUTS: shown(trials(known, plan, settings.summary, seed), cuts * corpora, CUTS)
        }
        for kind in kinds(settings, bundle, split):
            some = trials_of(known, kind.messages, plan, settings.summary, seed)
            found[kind.name] = shown(some, cuts, kind.name)
    out.mkdir(parents=True, exist_ok=True)
    whole = {
        "format": FORMAT,
        "bundle": bundle.name,
        "seed": seed,
        "plan": asdict(plan),
        "settings": settings.summary.model_dump(),
        "n_messages": n_by_language(known),
        "found": as_json(found),
    }
    write_text(out / "shares.json", json.dumps(whole, indent=1) + "\n")
    text = "\n".join(tables(found)) + "\n"
    write_text(out / "shares.md", text)
    chart(found[CUTS]).save(out / "shares.png", scale_factor=2)
    typer.echo(text)


def n_by_language(known: Labelled) -> dict[str, int]:
    """Calibration messages by language."""
    codes = sorted(set(known.languages.tolist()))
    return {code: int((known.languages == code).sum()) for code in codes}


if __name__ == "__main__":
    run(app)
