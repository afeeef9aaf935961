"""`python -m eval.stress_summary`: how long `segmenter summarise` takes for a large scored table, and how much memory.

The table is invented (scoring_bench/scored.py), with declared events. POSIX alone.
"""

import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from eval.scoring_bench.scored import DAYS, FIRST_DAY, Audiences, write_scored
from segmenter.bundle import audit
from segmenter.cli import run
from segmenter.writers import write_text

FORMAT = 2  # of stress_summary.json
SECONDS_AT_MOST, MEGABYTES_AT_MOST, PAGE_MEGABYTES_AT_MOST = 600, 3000, 6  # of a million messages on two cores
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss, in bytes
app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Taken:
    """What the command took.

    Attributes:
        seconds: Wall clock, start and writing included.
        processor_seconds: Of all its threads.
        megabytes: The most memory it held, a megabyte being 1,000,000 bytes.
        n_bytes: Of each file it wrote.
    """

    seconds: float
    processor_seconds: float
    megabytes: float
    n_bytes: dict[str, int]


def write_events(path: Path) -> None:
    """Four declared events, spread over the days of the table."""
    days = [FIRST_DAY + timedelta(days=DAYS * place // 5) for place in range(1, 5)]
    rows = [f"{day.isoformat()},Event {number},invented,true" for number, day in enumerate(days, 1)]
    write_text(path, "\n".join(["date,label,kind,declared", *rows]) + "\n")


def summarised(command: Sequence[str], out: Path) -> Taken:
    """Run the command as a process of its own, and measure it.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), monotonic()
    subprocess.run(command, check=True)
    seconds, after = monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    sizes = {file.name: file.stat().st_size for file in sorted(out.iterdir())}
    return Taken(seconds, busy, after.ru_maxrss * KILOBYTE / 1e6, sizes)


@app.command()
def main(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets stress_summary.json and the summary.")] = Path(
        "runs/bench"
    ),
    model: Annotated[
        Path | None,
        typer.Option(metavar="BUNDLE", help="Its audiences, its shares, its marked words; none without it."),
    ] = None,
    messages: Annotated[int, typer.Option(metavar="N", min=1)] = 1_000_000,
    kind: Annotated[str, typer.Option(metavar="ENDING", help="Of the table: parquet, csv or jsonl.")] = "parquet",
    seed: Annotated[int, typer.Option(help="Of the messages.")] = 17,
) -> None:
    """Summarise an invented table. Exit code 1 where it takes too long or too much for a million messages."""
    bundle = audit(model) if model else None
    scored_by = Audiences(bundle.name, tuple(bundle.audience_ids)) if bundle else Audiences()
    with tempfile.TemporaryDirectory() as name:
        table, events = Path(name) / f"scored.{kind}", Path(name) / "events.csv"
        write_events(events)
        write = multiprocessing.get_context("spawn").Process(
            target=write_scored, args=(table, scored_by), kwargs={"n_messages": messages, "seed": seed}
        )
        write.start()  # a process of its own; the most memory of any child is the summary's, unless this one held more
        write.join()
        command = [sys.executable, "-m", "segmenter.cli", "summarise", str(table), "--out", str(out / "summary")]
        command += ["--events", str(events), *(["--model", str(model)] if model else [])]
        taken = summarised(command, out / "summary")
    out.mkdir(parents=True, exist_ok=True)
    report = {
        "format": FORMAT,
        "n_messages": messages,
        "kind": kind,
        "seed": seed,
        "has_model": bool(model),
        **asdict(taken),
    }
    write_text(out / "stress_summary.json", json.dumps(report, indent=1) + "\n")
    page = taken.n_bytes["summary.html"] / 1e6
    typer.echo(
        f"{messages:,} messages in {taken.seconds:,.0f} s, at most {taken.megabytes:,.0f} MB; page {page:.1f} MB"
    )
    if taken.seconds > SECONDS_AT_MOST or taken.megabytes > MEGABYTES_AT_MOST or page > PAGE_MEGABYTES_AT_MOST:
        raise typer.Exit(1)


if __name__ == "__main__":
    run(app)
