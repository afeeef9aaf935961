"""`python -m eval.simulate_windows --out DIR`: how often event windows find what is not there, what is, and hold the true ratio.

Not here: the invented corpora (window_worlds.py), the windows themselves (summary/windows.py).
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Annotated

import altair as alt
import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.progress import Progress

from eval.window_worlds import CORRELATION, DRIFT, MOVED, RATES, World, invented
from segmenter.cli import run
from segmenter.params import load_settings
from segmenter.sections import Summary
from segmenter.summary.windows import windows
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
FORMAT = 2
LEVEL = 0.05
RATIOS = (1.0, 1.25, 1.5, 2.0)
VOLUMES = (50, 500)  # messages of a weekday
DISPERSIONS = (0.0, 0.05, 0.1, 0.2)
WEEKS = (16, 26)  # of a corpus: as many as a test needs, and half a year
LASTING = ("half a week", "three weeks", DRIFT)


@dataclass(frozen=True)
class Cell:
    """What was found in corpora of one kind, each with one declared event.

    Attributes:
        world: What they are like.
        n_corpora: Simulated.
        false_findings: Share of them with a finding for an audience whose rate was steady.
        power: Share of them with a finding for the moved audience.
        held: Share of the 95 % intervals that hold the true ratio.
        n_intervals: These.
    """

    world: World
    n_corpora: int
    false_findings: float
    power: float
    held: float
    n_intervals: int


def worlds() -> list[World]:
    """Every kind: independent days by ratio, volume and dispersion; then noise that lasts, without effect and with one."""
    steady = next(iter(CORRELATION))
    found = [World(steady, 26, *kind[::-1]) for kind in product(DISPERSIONS, VOLUMES)]
    found = [replace(world, ratio=ratio) for ratio in RATIOS for world in found]
    found += [replace(world, n_weeks=16) for world in found[: len(found) // len(RATIOS)]]
    lasting = product((1.0, 1.5), LASTING, WEEKS, (0.05, 0.2))
    return found + [World(noise, n_weeks, 200, dispersion, ratio) for ratio, noise, n_weeks, dispersion in lasting]


def cell(world: World, *, n_corpora: int, settings: Summary, seed: int) -> Cell:
    """Corpora of one kind."""
    draw = np.random.default_rng([seed, zlib.crc32(repr(world).encode())])
    n_false = n_true = n_held = n_intervals = 0
    for number in range(n_corpora):
        found = windows(invented(world, settings.window_days, draw), world.events, settings, number)
        names = {one.audience for one in found if one.p_holm is not None and one.p_holm < LEVEL}
        n_true += MOVED in names and world.ratio != 1
        n_false += bool(names - ({MOVED} if world.ratio != 1 else set()))
        for one in found:
            truth = world.ratio if one.audience == MOVED else 1.0
            if one.low is not None and one.high is not None:
                n_intervals, n_held = n_intervals + 1, n_held + (one.low <= truth <= one.high)
    held = n_held / n_intervals if n_intervals else 0.0
    return Cell(world, n_corpora, n_false / n_corpora, n_true / n_corpora, held, n_intervals)


def as_markdown(cells: list[Cell]) -> Iterator[str]:
    """A row a kind of corpus."""
    yield "| noise | weeks | messages a weekday | dispersion | true ratio | false findings | found | intervals that hold |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in cells:
        world = one.world
        power = "" if world.ratio == 1 else f"{one.power:.0%}"
        yield (
            f"| {world.noise} | {world.n_weeks} | {world.n_daily} | {world.dispersion:g} | {world.ratio:g} "
            f"| {one.false_findings:.1%} | {power} | {one.held:.1%} of {one.n_intervals:,} |"
        )


def chart(cells: list[Cell]) -> alt.HConcatChart:
    """Power over the true ratio, a line a dispersion, a panel a volume: half a year, independent days."""
    rows = [
        {
            "ratio": f"{one.world.ratio:g}",
            "power": one.power,
            "dispersion": f"{one.world.dispersion:g}",
            "n": one.world.n_daily,
        }
        for one in cells
        if one.world.noise not in LASTING and one.world.n_weeks == max(WEEKS) and one.world.ratio != 1
    ]
    scale = alt.Scale(range=["#0072b2", "#56b4e9", "#e69f00", "#d55e00"])  # Okabe and Ito 2008
    panels = [
        alt.Chart(
            pd.DataFrame([row for row in rows if row["n"] == n]), title=f"{n} messages a weekday", width=260, height=200
        )
        .mark_line(point=True)
        .encode(
            alt.X("ratio:O", title="true rate after over before", axis=alt.Axis(labelAngle=0)),
            alt.Y("power:Q", title="found, of all corpora", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
            alt.Color("dispersion:N", title="dispersion", scale=scale),
            alt.Shape("dispersion:N", legend=None),
        )
        for n in VOLUMES
    ]
    return alt.hconcat(*panels).configure_axis(labelFontSize=12, titleFontSize=12).configure_title(fontSize=13)


@app.command()
def main(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets windows.json, windows.md and windows.png.")],
    corpora: Annotated[int, typer.Option(metavar="N", min=1, help="Of each kind.")] = 400,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Of the corpora.")] = 17,
) -> None:
    """Simulate corpora with and without a change, and say what event windows find in them."""
    settings = load_settings(None).summary
    with Progress(console=Console(stderr=True)) as progress:
        kinds = progress.track(worlds(), description="kinds of corpora")
        cells = [cell(world, n_corpora=corpora, settings=settings, seed=seed) for world in kinds]
    out.mkdir(parents=True, exist_ok=True)
    whole = {"format": FORMAT, "seed": seed, "rates": RATES, "cells": [asdict(one) for one in cells]}
    write_text(out / "windows.json", json.dumps(whole, indent=1) + "\n")
    text = "\n".join(as_markdown(cells)) + "\n"
    write_text(out / "windows.md", text)
    chart(cells).save(out / "windows.png", scale_factor=2)
    typer.echo(text)


if __name__ == "__main__":
    run(app)
