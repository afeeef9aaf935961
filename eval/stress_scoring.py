"""`python -m eval.stress_scoring`: does scoring keep its memory flat, and does a run that was killed end as an unbroken one?

Two trials of `segmenter score` as a process of its own: a large corpus, its memory watched; a smaller one, killed with
SIGKILL at random instants and started again until it is done. Linux alone (/proc). Not here: speed (bench_scoring.py).
"""

import csv
import hashlib
import json
import logging
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated

import altair as alt
import numpy as np
import pandas as pd
import typer
from tokenizers import Tokenizer

from eval.plots import PANEL
from eval.scoring_bench.corpus import DUPLICATE_SHARE, invented
from segmenter.bundle import TOKENIZER, audit
from segmenter.cli import run
from segmenter.scoring.parts import RECORD
from segmenter.writers import write_text

FORMAT = 1  # of stress.json
PHRASES = 20_000  # different beginnings of the messages; a number makes each message its own
WATCH_SECONDS = 0.5
MEGABYTES_AT_MOST = 700  # that a run may take, whatever it scores
app = typer.Typer(add_completion=False)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moment:
    """The memory of a run at one moment.

    Attributes:
        seconds: Since it began.
        megabytes: Resident, file pages of its own included.
    """

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Watched:
    """A run whose memory was watched.

    Attributes:
        n_messages: Rows in, duplicates included.
        seconds: Whole process.
        megabytes_at_most: The kernel's own high-water mark.
        moments: Twice a second.
    """

    n_messages: int
    seconds: float
    megabytes_at_most: float
    moments: list[Moment]

    @property
    def growth(self) -> float:
        """Megabytes that the second half of the run took more than its first half after the warm-up, on average."""
        levels = [moment.megabytes for moment in self.moments]
        warm, half = levels[len(levels) // 10 :], len(levels) // 2
        return float(np.mean(levels[half:]) - np.mean(warm[: half - len(levels) // 10]))


@dataclass(frozen=True)
class Killed:
    """A run that was killed and started again.

    Attributes:
        after_seconds: When SIGKILL came, since the start of each attempt that it met.
        n_parts_left: Parts that stood there each time.
        equal: Whether the folder it ended with is that of the unbroken run, byte for byte.
    """

    after_seconds: list[float]
    n_parts_left: list[int]
    equal: bool


def write_corpus(path: Path, tokenizer: Tokenizer, *, n_messages: int, seed: int) -> None:
    """A CSV table of invented messages; as many exact duplicates as in real corpora (scoring_bench/corpus.py)."""
    phrases = list(dict.fromkeys(invented(tokenizer, n_messages=PHRASES, seed=seed)))
    rng = np.random.default_rng(seed)
    earlier = rng.integers(np.maximum(np.arange(n_messages), 1))  # a message before each
    first = np.arange(n_messages)  # whose text each has
    for number in np.flatnonzero(rng.random(n_messages) < DUPLICATE_SHARE):
        first[number] = first[earlier[number]]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text"])
        writer.writerows([number, f"{phrases[of % len(phrases)]} {of}"] for number, of in enumerate(first.tolist()))


def watch(words: list[str], n_messages: int) -> Watched:
    """Run a command to its end and watch its memory.

    Raises:
        RuntimeError: It failed.
    """
    started, moments, most = monotonic(), [], 0.0
    with tempfile.TemporaryFile() as said, subprocess.Popen(words, stdout=said, stderr=said) as process:
        while process.poll() is None:
            sleep(WATCH_SECONDS)
            found = _memory(process.pid)
            if found:
                moments.append(Moment(monotonic() - started, found["VmRSS"]))
                most = max(most, found["VmHWM"])
        said.seek(0)
        if process.returncode:
            raise RuntimeError(said.read().decode("utf-8", "replace")[-2000:])
    return Watched(n_messages, monotonic() - started, most, moments)


def _memory(pid: int) -> dict[str, float]:
    """Megabytes by name as the kernel counts them; nothing where the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.split() for line in lines if line.startswith(("VmRSS:", "VmHWM:")))
    return {name.rstrip(":"): int(kib) * 1024 / 1e6 for name, kib, _ in pairs}


@dataclass(frozen=True)
class Unbroken:
    """A run that nothing broke off: its command but for `--out`, how long it took, and the digest of its folder."""

    words: list[str]
    seconds: float
    digest: str


def kills(run: Unbroken, folder: Path, *, n_kills: int, seed: int) -> Iterator[Killed]:
    """The same run killed at random instants, `n_kills` times in all, each time then started again until it is done.

    Args:
        run: What is repeated; instants are drawn from its seconds.
        folder: Gets the outputs.
        n_kills: At least; a run that ends before its instant is not counted.
        seed: Of the instants.

    Raises:
        RuntimeError: An attempt failed by itself.
    """
    rng, n_left, number = np.random.default_rng(seed), n_kills, 0
    while n_left > 0:
        out = folder / f"killed-{number}"
        after: list[float] = []
        left: list[int] = []
        number += 1
        while True:
            wait = float(rng.uniform(0, run.seconds)) if n_left > 0 else None
            with subprocess.Popen([*run.words, "--out", str(out)], stderr=subprocess.DEVNULL) as process:
                try:
                    process.wait(wait)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
            if process.returncode == 0:
                break
            if process.returncode != -signal.SIGKILL:
                raise RuntimeError(f"attempt {len(after) + 1} on {out.name} ended with exit code {process.returncode}")
            n_left -= 1
            after.append(wait or 0.0)
            left.append(len(list(out.glob("part-*.parquet"))))
        equal = digest(out) == run.digest
        logger.info("killed %d times, %s", len(after), "equal" if equal else "NOT equal")
        yield Killed(after, left, equal)


def digest(folder: Path) -> str:
    """One sha256 over every file's name and bytes, but the run record and hidden files."""
    whole = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.name != RECORD and not file.name.startswith("."):
            whole.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def chart(watched: Watched) -> alt.Chart:
    """Memory over the run."""
    frame = pd.DataFrame([asdict(moment) for moment in watched.moments])
    title = alt.TitleParams(
        "Memory of one run", subtitle=f"{watched.n_messages:,} messages, at most {watched.megabytes_at_most:,.0f} MB"
    )
    line = alt.Chart(frame, title=title).mark_line()
    return line.encode(
        x=alt.X("seconds:Q", title="seconds"), y=alt.Y("megabytes:Q", title="resident memory, MB")
    ).properties(**PANEL)


@app.command()
def main(
    model: Annotated[Path, typer.Option(metavar="BUNDLE", help="A small one shows what the pipeline itself takes.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets stress.json and memory.png.")] = Path("runs/bench"),
    messages: Annotated[int, typer.Option(metavar="N", min=0, help="Of the memory trial; 0: none.")] = 1_000_000,
    n_kills: Annotated[int, typer.Option("--kills", metavar="N", min=0, help="Of the other trial; 0: none.")] = 30,
    kill_messages: Annotated[int, typer.Option(metavar="N", min=1, help="Its messages.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of messages and instants.")] = 17,
) -> None:
    """Try scoring out: memory of a large run, and runs that are killed. Exit code 1 where either misses."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    bundle = audit(model)
    tokenizer = Tokenizer.from_file(str(bundle.path / TOKENIZER))
    whole: dict[str, object] = {"format": FORMAT, "bundle": bundle.digest, "seed": seed}
    missed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        score = [sys.executable, "-m", "segmenter.cli", "score", "--model", str(model)]
        if messages:
            corpus = folder / "large.csv"
            write_corpus(corpus, tokenizer, n_messages=messages, seed=seed)
            watched = watch([*score, str(corpus), "--out", str(folder / "large")], messages)
            missed = watched.megabytes_at_most > MEGABYTES_AT_MOST
            whole["memory"] = asdict(watched) | {"growth_megabytes": watched.growth}
            out.mkdir(parents=True, exist_ok=True)
            chart(watched).save(out / "memory.png", scale_factor=2)
            typer.echo(
                f"{messages:,} messages in {watched.seconds:,.0f} s: at most {watched.megabytes_at_most:,.0f} MB, "
                f"{watched.growth:+.0f} MB from the first half to the second"
            )
        if n_kills:
            corpus = folder / "small.csv"
            write_corpus(corpus, tokenizer, n_messages=kill_messages, seed=seed)
            small = [*score, str(corpus)]
            watched = watch([*small, "--out", str(folder / "unbroken")], kill_messages)
            unbroken = Unbroken(small, watched.seconds, digest(folder / "unbroken"))
            tried = list(kills(unbroken, folder, n_kills=n_kills, seed=seed))
            whole["killed"] = [asdict(one) for one in tried]
            n_equal = sum(one.equal for one in tried)
            missed |= n_equal < len(tried)
            n_killed = sum(len(one.after_seconds) for one in tried)
            typer.echo(f"{n_killed} kills in {len(tried)} runs of {kill_messages:,} messages: {n_equal} ended equal")
    write_text(out / "stress.json", json.dumps(whole, indent=1) + "\n")
    typer.echo(f"figures: {out / 'stress.json'}")
    if missed:
        raise typer.Exit(1)


if __name__ == "__main__":
    run(app)
