"""`make demo`: the whole main job on the example messages, through the same commands a user has, and where each result lies."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from segmenter.cli import run
from segmenter.params import load_params
from segmenter.tracking import tracking_uri

EXAMPLE = Path("training/example")
app = typer.Typer(add_completion=False)


def steps(params: Path, run_folder: Path, model: str) -> list[tuple[str, list[str]]]:
    """What each step is and the command a user would type, in order."""
    scored, summary = run_folder / "scored.parquet", run_folder / "summary"
    return [
        ("1 of 5: prepare the labels", ["python", "-m", "training.prepare", "--params", str(params)]),
        ("2 of 5: fine-tune and seal a bundle", ["python", "-m", "training.train", "--params", str(params)]),
        (
            "3 of 5: evaluate beside baselines, track, register",
            ["python", "-m", "eval.evaluate", "--params", str(params), "--model", str(run_folder / "bundle")],
        ),
        (
            "4 of 5: score a corpus with the registered version",
            ["segmenter", "score", str(EXAMPLE / "corpus.csv"), "--model", model, "--out", str(scored)],
        ),
        (
            "5 of 5: summarise it by audience",
            [
                "segmenter",
                "summarise",
                str(scored),
                "--out",
                str(summary),
                "--events",
                str(EXAMPLE / "events.csv"),
                "--model",
                model,
            ],
        ),
    ]


@app.command()
def main(params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")]) -> None:
    """Run the main job end to end: labels to model, model to registry, corpus to summary page."""
    settings = load_params(params)
    run_folder, started = Path(settings.tracking.run_folder), monotonic()
    for title, command in steps(params, run_folder, f"models:/{settings.tracking.model_name}@challenger"):
        typer.echo(f"\n== {title}\n   {shlex.join(command)}")
        words = command[1:] if command[0] == "python" else ["-m", "segmenter.cli", *command[1:]]
        environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking_uri(settings.tracking)}
        code = subprocess.run([sys.executable, *words], check=False, env=environment).returncode
        if code:
            raise typer.Exit(code)
    typer.echo(f"\nThe main job took {monotonic() - started:.0f} s. Where each result lies:")
    places = {
        "splits and label report": run_folder / "data",
        "training curve": run_folder / "training" / "curve.png",
        "bundle (the model)": run_folder / "bundle",
        "figures, plots, card": run_folder / "evaluation-test",
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
