"""`python -m eval.simulate_windows --out DIR`: how often event windows find what is not there, and what is.

Corpora of half a year are simulated day by day: volume with weekends, a steady rate for each of three audiences, and for the
first one a change that lasts from the declared event on. Not here: the windows themselves (summary/windows.py).
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from segmenter.cli import run
from segmenter.params import load_settings
from segmenter.sections import Summary
from segmenter.summary.events import Event
from segmenter.summary.windows import Daily, windows
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
FORMAT = 1
FIRST, N_DAYS, EVENT_DAY = date(2031, 1, 6), 182, 91
RATES = {"one": 0.1, "two": 0.2, "three": 0.05}  # of the messages; the first one's changes
WEEKEND = 0.5  # of a working day's messages
EFFECTS = (1.0, 1.25, 1.5, 2.0)
VOLUMES = (50, 500)  # messages of a working day
DISPERSIONS = (0.0, 0.05, 0.1, 0.2)  # variance of a day's count is its mean and so many times its square
LEVEL = 0.05


@dataclass(frozen=True)
class Cell:
    """What was found in corpora of one kind.

    Attributes:
        effect: Rate after the event over that before, of the first audience.
        volume: Messages of a working day.
        dispersion: Of daily counts, as in a negative binomial distribution.
        n_corpora: Simulated.
        false_findings: Share of them with a finding for an audience whose rate was steady.
        power: Share of them with a finding for the first audience.
        held: Share of the 95 % intervals that hold the true ratio.
    """

    effect: float
    volume: int
    dispersion: float
    n_corpora: int
    false_findings: float
    power: float
    held: float


def simulated(effect: float, volume: int, dispersion: float, draw: np.random.Generator) -> Daily:
    """One corpus, by day."""
    days = np.arange(N_DAYS)
    totals = draw.poisson(np.where(days % 7 >= 5, WEEKEND * volume, volume))
    counts = {}
    for name, rate in RATES.items():
        mean = totals * rate * np.where((days >= EVENT_DAY) & (name == "one"), effect, 1.0)
        spread = draw.gamma(1 / dispersion, dispersion, N_DAYS) if dispersion else 1.0
        counts[name] = draw.poisson(mean * spread)
    return Daily(FIRST, totals, counts)


def cell(effect: float, volume: int, dispersion: float, *, n_corpora: int, settings: Summary, seed: int) -> Cell:
    """Corpora of one kind, each with one declared event."""
    event = Event(FIRST + timedelta(days=EVENT_DAY), "declared", "", True)
    draw = np.random.default_rng([seed, int(100 * effect), volume, int(1000 * dispersion)])
    n_false = n_true = n_held = n_ratios = 0
    for number in range(n_corpora):
        found = windows(simulated(effect, volume, dispersion, draw), [event], settings, number)
        is_found = [window.p_holm is not None and window.p_holm < LEVEL for window in found]
        n_true += is_found[0]
        n_false += any(is_found if effect == 1 else is_found[1:])
        truths = [effect, 1.0, 1.0]
        held = [
            window.low <= truth <= window.high
            for window, truth in zip(found, truths, strict=True)
            if window.low is not None and window.high is not None
        ]
        n_held, n_ratios = n_held + sum(held), n_ratios + len(held)
    return Cell(effect, volume, dispersion, n_corpora, n_false / n_corpora, n_true / n_corpora, n_held / n_ratios)


def as_markdown(cells: list[Cell]) -> Iterator[str]:
    """A row a kind of corpus."""
    yield "| rate after / before | messages a working day | dispersion | corpora | false findings | found | intervals that hold |"
    yield "|---|---|---|---|---|---|---|"
    for one in cells:
        power = "" if one.effect == 1 else f"{one.power:.0%}"
        yield (
            f"| {one.effect:g} | {one.volume} | {one.dispersion:g} | {one.n_corpora} | {one.false_findings:.1%} | {power} "
            f"| {one.held:.1%} |"
        )


@app.command()
def main(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets windows.json and windows.md.")],
    corpora: Annotated[int, typer.Option(metavar="N", min=1, help="Of each kind.")] = 200,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Of the corpora.")] = 17,
) -> None:
    """Simulate corpora with and without a change, and say what event windows find in them."""
    settings = load_settings(None).summary
    kinds = list(product(EFFECTS, VOLUMES, DISPERSIONS))
    cells = [cell(*kind, n_corpora=corpora, settings=settings, seed=seed) for kind in kinds]
    out.mkdir(parents=True, exist_ok=True)
    whole = {"format": FORMAT, "seed": seed, "cells": [asdict(one) for one in cells]}
    write_text(out / "windows.json", json.dumps(whole, indent=1) + "\n")
    text = "\n".join(as_markdown(cells)) + "\n"
    write_text(out / "windows.md", text)
    typer.echo(text)


if __name__ == "__main__":
    run(app)
