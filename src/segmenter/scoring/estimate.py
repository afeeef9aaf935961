"""The plan of a scoring job and the time it will take, as lines for a reader. Nothing is written.

Not here: what was looked at and timed (trial.py), the plan of a folder of parts (parts.py).
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from segmenter.errors import TableError
from segmenter.runtimes.cores import usable_cores
from segmenter.score import Scorer
from segmenter.scoring.engines import Work
from segmenter.scoring.trial import Look, Trial, look_at, tried
from segmenter.sources import TABLE

FILES_SHOWN = 8
WIDTH, LABEL = 80, 9  # columns of a line, and of what stands before its text
ROOM = WIDTH - LABEL


@dataclass(frozen=True)
class FilePlan:
    """One file of a job.

    Attributes:
        name: As records name it.
        n_rows: Rows in it.
        is_exact: Whether they were counted, or inferred.
        n_parts: Parts they make.
        n_done: Parts that are there.
        n_left: Rows that are in none of these; every part but a file's last is full.
    """

    name: str
    n_rows: int
    is_exact: bool
    n_parts: int
    n_done: int
    n_left: int


@dataclass(frozen=True)
class Estimate:
    """What a job will do.

    Attributes:
        work: What is left to do of it.
        scorer: What does it.
        out: Where, as the job names it; None where it names nothing.
        files: In the order they are scored.
        look: What was seen of the input.
        trial: What a try of some messages showed.
    """

    work: Work
    scorer: Scorer
    out: str | None
    files: list[FilePlan]
    look: Look
    trial: Trial

    @property
    def n_left(self) -> int:
        """Rows to be scored."""
        return sum(file.n_left for file in self.files)

    @property
    def seconds(self) -> float:
        """The time they will take in this process, once the model is loaded."""
        return self.n_left / self.trial.messages_per_second

    def lines(self) -> list[str]:
        """For a reader with 80 columns."""
        return [line for label, text in self._facts() for line in _labelled(label, text)]

    def _facts(self) -> Iterator[tuple[str, str]]:
        trial = self.trial
        yield "model", f"{self.scorer.bundle.name}, runtime {self.scorer.runtime.name}, cores {usable_cores()}"
        yield from self._input()
        yield from self._rows()
        repeated = f"{1 - trial.share_different:.1%} of the {len(self.look.texts):,} messages looked at"
        yield "repeats", f"{repeated}; each different text is run once"
        padding = f"{trial.padding_share:.1%} of what the network computes is padding"
        yield "tokens", f"{trial.tokens_per_message:.0f} in the middle message; {padding}"
        cached = ", more where the --cache knows a text" if self.work.cache is not None else ""
        yield "speed", f"about {trial.messages_per_second:,.0f} messages/s in one process here{cached}"
        time = (
            f"about {duration(self.seconds)} for {self.n_left:,} rows" if self.n_left else "none: nothing is left to do"
        )
        yield "time", time
        yield "output", f"{self._place()} (nothing is written now)"

    def _input(self) -> Iterator[tuple[str, str]]:
        corpus = self.work.corpus
        kind = "table" if corpus.source == TABLE else f"{corpus.source} export"
        n_files = f"{len(corpus.files):,} {kind}{'s' if len(corpus.files) > 1 else ''}"
        yield "input", f"{n_files} of {_size(corpus.n_bytes)}, text in {corpus.text_field or corpus.text_column!r}"
        for file in self.files[:FILES_SHOWN]:
            yield "", _beside(file.name, f"{_about([file])}{file.n_rows:,} rows")
        if rest := self.files[FILES_SHOWN:]:
            yield "", _beside(f"and {len(rest):,} more", f"{_about(rest)}{sum(file.n_rows for file in rest):,} rows")

    def _rows(self) -> Iterator[tuple[str, str]]:
        look, about = self.look, _about(self.files)
        rejects = f"; of {look.n_rows:,} looked at, {look.n_rejects:,} go to --rejects" if look.n_rejects else ""
        yield "rows", f"{about}{sum(file.n_rows for file in self.files):,}{rejects}"
        if self.work.parts is not None:
            n_parts, n_done = (sum(getattr(file, name) for file in self.files) for name in ("n_parts", "n_done"))
            there = f"; {n_done:,} are there, fit this plan and stay as they are" if n_done else ""
            yield "parts", f"{about}{n_parts:,}, of {self.work.settings.part_rows:,} rows at most{there}"

    def _place(self) -> str:
        if self.work.parts is not None:
            return f"{self.out}, a folder of parts"
        return {None: "no --out named", "-": "standard output"}.get(self.out, f"{self.out}, one table")


def estimate(work: Work, scorer: Scorer, out: str | None) -> Estimate:
    """What is left to do of a job, and how long it will take here.

    Args:
        work: It.
        scorer: What would do it.
        out: As the job names it.

    Raises:
        TableError: A row looked at would stop the run, or none can be used.
    """
    look = look_at(work)
    if not look.texts:
        where = ", ".join(file.name for file in work.corpus.files[:FILES_SHOWN])
        found = f"no message to score among the {look.n_rows:,} rows looked at"
        raise TableError(where, found, "check the file and --text-column")
    files = [_file_plan(work, look, place) for place in range(len(work.corpus.files))]
    n_rows, n_parts = sum(file.n_rows for file in files), sum(file.n_parts for file in files)
    trial = tried(scorer, look, part_rows=-(-n_rows // n_parts))
    return Estimate(work, scorer, out, files, look, trial)


def _file_plan(work: Work, look: Look, place: int) -> FilePlan:
    found, n_done, part_rows = look.files[place], len(work.done.get(place, ())), work.settings.part_rows
    return FilePlan(
        work.corpus.files[place].name,
        n_rows=found.n_rows,
        is_exact=found.is_exact,
        n_parts=-(-found.n_rows // part_rows),
        n_done=n_done,
        n_left=max(0, found.n_rows - n_done * part_rows),
    )


def duration(seconds: float) -> str:
    """A time in the unit a person would take."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}" if seconds >= 10 * size else f"{seconds / size:.1f} {unit}"
    return f"{max(1, round(seconds)):,} seconds"


def _about(files: list[FilePlan]) -> str:
    return "" if all(file.is_exact for file in files) else "about "


def _size(n_bytes: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= size:
            return f"{n_bytes / size:,.1f} {unit}"
    return f"{n_bytes / 1e3:,.1f} kB"


def _beside(name: str, count: str) -> str:
    """A name and its count at both ends of a line; of a long name, its ends."""
    room = ROOM - len(count) - 1
    half = (room - 1) // 2
    shown = name if len(name) <= room else f"{name[:half]}…{name[-half:]}"
    return f"{shown}{' ' * (ROOM - len(shown) - len(count))}{count}"


def _labelled(label: str, text: str) -> list[str]:
    lines = [text] if len(text) <= ROOM else textwrap.wrap(text, ROOM, break_on_hyphens=False)
    return [f"{name:{LABEL}}{line}" for name, line in zip([label, *[""] * len(lines)], lines, strict=False)]
