"""`python -m eval.simulate --params P --out FOLDER`: do the intervals hold what they say, and what does the gate let pass?

Both on invented messages (worlds.py), by the intervals and the criterion that evaluations and the gate use. Not here:
what is simulated (interval_coverage.py, power.py), its picture (simulation_chart.py).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.progress import Progress

from eval.interval_coverage import ALL, AUDIENCES, MACRO, Held, Plan, estimated_sets, held, truths
from eval.power import MORE_EVIDENCE, POWER, WORLDS, Passed, contests, detectable, true_gains
from eval.simulation_chart import chart
from eval.worlds import Sizes
from segmenter.cli import run
from segmenter.params import Params, load_params
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
FORMAT = 1


def simulate_intervals(plan: Plan, params: Params, progress: Progress) -> list[Held]:
    """How often the interval of each figure holds the truth, by kind of author sizes."""
    found = []
    for sizes in get_args(Sizes):
        truth = truths(sizes, params.eval, params.seed)
        sets = estimated_sets(plan, sizes, params.eval, params.seed)
        seen = list(progress.track(sets, total=plan.n_sets, description=f"intervals, {sizes} authors"))
        found += held(seen, truth, sizes)
    return found


def simulate_gate(n_messages: list[int], n_runs: int, params: Params, progress: Progress) -> list[Passed]:
    """How often challengers that are ever better pass, by world and number of messages."""
    found = []
    for world in WORLDS:
        gains = true_gains(world, params.seed)
        for n in n_messages:
            task = progress.add_task(f"gate of {n:,} messages, {world}", total=n_runs * len(gains))
            for more, gain in zip(MORE_EVIDENCE, gains, strict=True):
                n_passed = 0
                for passed in contests(world, n, more, n_runs, params):
                    n_passed += passed
                    progress.advance(task)
                found.append(Passed(world, n, more, gain, n_passed, n_runs))
    return found


def interval_table(found: list[Held]) -> Iterator[str]:
    """Lines of a Markdown table: share of intervals that hold the truth, median width in brackets."""
    columns = [*AUDIENCES, MACRO, ALL]
    yield f"| metric | authors | {' | '.join(columns)} |"
    yield "|---" * (2 + len(columns)) + "|"
    cells = {(one.metric, one.sizes, one.audience): f"{100 * one.held:.1f} % ({one.width:.2f})" for one in found}
    for metric, sizes in dict.fromkeys((one.metric, one.sizes) for one in found):
        row = [cells.get((metric, sizes, column), "") for column in columns]
        yield f"| {metric} | {sizes} | {' | '.join(row)} |"


def gate_table(found: list[Passed]) -> Iterator[str]:
    """Lines of a Markdown table: equal models that pass, the gain that is found with POWER, shares passed by gain."""
    least = f"gain found {100 * POWER:.0f} % of the time"
    yield f"| audiences | messages | equal models passed | {least} | passed at a true gain of |"
    yield "|---|---|---|---|---|"
    for world, n in dict.fromkeys((one.world, one.n_messages) for one in found):
        equal, *better = own = [one for one in found if (one.world, one.n_messages) == (world, n)]
        gain = detectable(own)
        shown = f"{gain:.3f}" if gain is not None else f"over {own[-1].gain:.3f}"
        curve = ", ".join(f"{one.gain:.3f}: {100 * one.share:.0f} %" for one in better)
        yield f"| {world} | {n:,} | {equal.n_passed} of {equal.n_runs} | {shown} | {curve} |"


@app.command()
def main(
    params: Annotated[Path, typer.Option(help="The params file, for seed, rounds, bins and support.", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="Where simulation.json, .md and .png go.", metavar="FOLDER")],
    sets: Annotated[int, typer.Option(metavar="N", min=1, help="Test sets of each kind for the intervals.")] = 2000,
    authors: Annotated[int, typer.Option(metavar="N", min=2, help="Authors of a test set.")] = 30,
    messages: Annotated[int, typer.Option(metavar="N", min=2, help="Messages of a test set.")] = 600,
    runs: Annotated[int, typer.Option(metavar="N", min=1, help="Contests at the gate for each gain.")] = 400,
    gate_messages: Annotated[
        list[int] | None, typer.Option(metavar="N", min=100, help="Messages of the gate; may be given several times.")
    ] = None,
) -> None:
    """Simulate test sets and contests at the gate; prints how often intervals hold and what the gate lets pass."""
    settings, plan = load_params(params), Plan(sets, authors, messages)
    with Progress(console=Console(stderr=True)) as progress:
        intervals = simulate_intervals(plan, settings, progress)
        gate = simulate_gate(gate_messages or [500, 1000, 2000], runs, settings, progress)
    out.mkdir(parents=True, exist_ok=True)
    whole = {
        "format": FORMAT,
        "seed": settings.seed,
        "bootstrap_rounds": settings.eval.bootstrap_rounds,
        "n_sets": sets,
        "n_authors": authors,
        "n_messages": messages,
        "intervals": [one.as_dict() for one in intervals],
        "gate": [one.as_dict() for one in gate],
    }
    write_text(out / "simulation.json", json.dumps(whole, indent=1) + "\n")
    tables = "\n".join([*interval_table(intervals), "", *gate_table(gate)]) + "\n"
    write_text(out / "simulation.md", tables)
    chart(intervals, gate).save(out / "simulation.png", scale_factor=2)
    typer.echo(tables)
    typer.echo(f"figures, picture: {out / 'simulation.json'}, {out / 'simulation.png'}")


if __name__ == "__main__":
    run(app)
