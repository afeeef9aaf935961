"""`make demo`: the whole main job on the example messages, through the same commands a user has, and where each result lies."""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from segmenter.cli import run
from segmenter.params import load_params
from segmenter.tracking import tracking_uri

EXAMPLE = Path("training/example")
MESSAGE = "Citizens of Valmarin, who pays for the ferry that Brussels promised us?"
app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Step:
    """A command a user would type, what it is for, and the exit codes after which the demo goes on."""

    title: str
    command: list[str]
    codes: tuple[int, ...] = (0,)


def steps(params: Path, run_folder: Path, model: str) -> list[Step]:
    """The commands in order."""
    scored, summary, bundle = run_folder / "scored.parquet", run_folder / "summary", run_folder / "bundle"
    own = ["--params", str(params)]
    events = ["--events", str(EXAMPLE / "events.csv")]
    return [
        Step("prepare the labels", ["python", "-m", "training.prepare", *own]),
        Step("fine-tune and seal a bundle", ["python", "-m", "training.train", *own]),
        Step(
            "evaluate beside baselines, track, register",
            ["python", "-m", "eval.evaluate", *own, "--model", str(bundle), "--with-text"],
        ),
        Step("may it be champion? (a miss is exit code 1)", ["python", "-m", "eval.gate", *own], codes=(0, 1)),
        Step(
            "score a corpus with the registered version",
            ["segmenter", "score", str(EXAMPLE / "corpus.csv"), "--model", model, "--out", str(scored)],
        ),
        Step("which words carry a score?", ["segmenter", "explain", "--model", model, "--text", MESSAGE]),
        Step(
            "summarise the corpus by audience",
            ["segmenter", "summarise", str(scored), "--out", str(summary), *events, "--model", model],
        ),
    ]


@app.command()
def main(params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")]) -> None:
    """Run the main job end to end: labels to model, model to registry, corpus to summary page."""
    settings = load_params(params)
    run_folder, started = Path(settings.tracking.run_folder), monotonic()
    whole = steps(params, run_folder, f"models:/{settings.tracking.model_name}@challenger")
    for number, step in enumerate(whole, start=1):
        command = step.command
        typer.echo(f"\n== {number} of {len(whole)}: {step.title}\n   {shlex.join(command)}")
        words = command[1:] if command[0] == "python" else ["-m", "segmenter.cli", *command[1:]]
        environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking_uri(settings.tracking)}
        code = subprocess.run([sys.executable, *words], check=False, env=environment).returncode
        if code not in step.codes:
            raise typer.Exit(code)
    typer.echo(f"\nThe main job took {monotonic() - started:.0f} s. Where each result lies:")
    places = {
        "splits and label report": run_folder / "data",
        "training curve": run_folder / "training" / "curve.png",
        "bundle (the model)": run_folder / "bundle",
        "card, with every figure": run_folder / "evaluation-test" / "card.html",
        "mistakes to read": run_folder / "mistakes-test" / "mistakes.html",
        "what the gate found": run_folder / "gate" / "gate.md",
        "scored corpus": run_folder / "scored.parquet",
        "summary page": run_folder / "summary" / "summary.html",
    }
    for what, place in places.items():
        typer.echo(f"  {what:<24} {place}")
    look = f"MLFLOW_DISABLE_TELEMETRY=true mlflow ui --backend-store-uri {tracking_uri(settings.tracking)}"
    typer.echo(f"  {'runs and versions':<24} {look}")
    typer.echo("The messages and labels are invented, and small: the figures show that it works, not how well.")


if __name__ == "__main__":
    run(app)
