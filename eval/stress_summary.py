"""`python -m eval.stress_summary`: how long a summary of a large scored table takes, and how much memory, stage by stage.

The table is invented: words of four languages and made-up ones that mean nothing, exact and near copies, sources of all
sizes, three audiences with their own words. Linux alone (/proc). Not here: estimates, windows, the page.
"""

import json
import logging
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic, process_time
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import typer
import yaml
from numpy.typing import NDArray

from segmenter.cli import run
from segmenter.params import load_settings
from segmenter.summary.corpus import read_corpus
from segmenter.summary.margins import daily_counts, dimensions, histograms, histograms_over_time, margin
from segmenter.summary.periods import calendar, local_days
from segmenter.summary.scopes import by_period, whole
from segmenter.summary.told import teller
from segmenter.writers import table_writer, write_text

FORMAT = 1  # of stress_summary.json
SECONDS_AT_MOST, MEGABYTES_AT_MOST = 600, 3000  # of a million messages on two cores
WORDS = Path(__file__).with_name("scoring_bench") / "words.yaml"
LANGUAGES = {"en": 0.45, "ru": 0.3, "de": 0.15, "fr": 0.1}
SYLLABLES = {"ru": "made_up_cyrillic"}
N_MADE_UP = (
    50_000  # words of a language, by Zipf's law after the usual ones: vocabularies of real corpora have such tails
)
MEDIAN_WORDS, SPREAD, WORDS_AT_MOST = 20, 0.8, 400  # of a message, lognormal
EXACT_SHARE, NEAR_SHARE = 0.16, 0.08  # of messages that repeat an earlier one, wholly or but for a word
AUDIENCES = ("north", "south_side", "harbour")
OWN_WORD_SHARE = 0.04  # of an audience's words are of its own few
N_SOURCES, DAYS = 3000, 150
BATCH = 50_000
app = typer.Typer(add_completion=False)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """What a part of the work took; `megabytes` is the most memory held until its end."""

    name: str
    seconds: float
    processor_seconds: float
    megabytes: float


@dataclass
class Stages:
    """The parts as they are done."""

    done: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done in the block."""
        started, busy = monotonic(), process_time()
        yield
        self.done.append(Stage(name, monotonic() - started, process_time() - busy, _peak_megabytes()))
        logger.info("%s: %.0f s, %.0f MB", name, self.done[-1].seconds, self.done[-1].megabytes)


def _peak_megabytes() -> float:
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


@dataclass(frozen=True)
class Numbers:
    """Settings of the trial, as a user's would be."""

    examples: int = 5
    words: int = 15
    word_messages_at_least: int = 3
    word_z_at_least: float = 2.0
    prior_strength: float = 500.0
    comparison_messages_at_least: int = 20
    source_messages_at_least: int = 20
    sources_shown: int = 50
    periods_at_most: int = 200
    told_periods_at_most: int = 12
    copy_groups: int = 5
    copies_at_least: int = 3
    copy_sources: int = 10


def write_scored(path: Path, *, n_messages: int, seed: int) -> None:
    """A scored table of invented messages; the same seed writes the same rows."""
    rng = np.random.default_rng(seed)
    lexicons = {language: _lexicon(language, rng) for language in LANGUAGES}
    earlier: list[tuple[str, str, int]] = []
    schema = _batch(["a"], ["en"], np.zeros(1, np.int64), rng).schema
    with table_writer(path, schema) as write:
        for start in range(0, n_messages, BATCH):
            rows = list(_messages(min(BATCH, n_messages - start), lexicons, earlier, rng))
            earlier.extend(rows[:: max(1, n_messages // BATCH)])
            texts, languages, audiences = zip(*rows, strict=True)
            write(_batch(list(texts), list(languages), np.array(audiences), rng))


def _lexicon(language: str, rng: np.random.Generator) -> list[str]:
    known = yaml.safe_load(WORDS.read_text("utf-8"))
    syllables = known[SYLLABLES.get(language, "made_up")].split()
    ends = np.cumsum(rng.integers(2, 6, N_MADE_UP))
    drawn = rng.choice(syllables, ends[-1]).tolist()
    made_up = ("".join(drawn[start:end]) for start, end in zip(np.append(0, ends[:-1]), ends, strict=True))
    return [*known[language].split(), *made_up]


def _messages(
    n: int, lexicons: dict[str, list[str]], earlier: list[tuple[str, str, int]], rng: np.random.Generator
) -> Iterator[tuple[str, str, int]]:
    """Text, language and audience (as many as there are: none) of each message."""
    languages = rng.choice(list(LANGUAGES), n, p=list(LANGUAGES.values()))
    audiences = rng.integers(0, len(AUDIENCES) + 2, n).clip(max=len(AUDIENCES))
    lengths = rng.lognormal(np.log(MEDIAN_WORDS), SPREAD, n).clip(2, WORDS_AT_MOST).astype(np.int64)
    ranks = rng.zipf(1.15, lengths.sum())
    own = rng.random(lengths.sum()) < OWN_WORD_SHARE
    copied = rng.random(n)
    first = 0
    for place in range(n):
        if earlier and copied[place] < EXACT_SHARE + NEAR_SHARE:
            # the smaller a number the likelier: a few texts are copied by many
            text, language, audience = earlier[int(len(earlier) * rng.random() ** 3)]
            changed = "" if copied[place] < EXACT_SHARE else f" {lexicons[language][int(rng.integers(500))]}"
            yield text + changed, language, audience
        else:
            language, audience = str(languages[place]), int(audiences[place])
            lexicon, last = lexicons[language], first + int(lengths[place])
            numbers = (ranks[first:last] - 1) % len(lexicon)
            if audience < len(AUDIENCES):
                numbers = np.where(own[first:last], 200 + 40 * audience + numbers % 40, numbers)
            yield _text([lexicon[number] for number in numbers.tolist()], place), language, audience
        first += int(lengths[place])


def _text(words: list[str], place: int) -> str:
    sentences = [" ".join(words[start : start + 11]).capitalize() for start in range(0, len(words), 11)]
    around = ("", " https://example.org/a", " #" + words[-1], " @someone")
    return ". ".join(sentences) + around[place % 10 if place % 10 < len(around) else 0]


def _batch(
    texts: list[str], languages: list[str], audience: NDArray[np.int64], rng: np.random.Generator
) -> pa.RecordBatch:
    """The messages with everything that scoring adds, and source and date."""
    n = len(texts)
    is_ours = audience[:, None] == np.arange(len(AUDIENCES))
    scores = np.where(is_ours, rng.beta(5, 1.5, is_ours.shape), rng.beta(1, 8, is_ours.shape)).astype(np.float32)
    chosen, near = scores >= 0.55, (scores >= 0.45) & (scores < 0.55)
    names = np.array(AUDIENCES)
    sources = [f"source {rank % N_SOURCES}" if rank % 50 else None for rank in rng.zipf(1.2, n).tolist()]
    seconds = 1_939_248_000 + (rng.random(n) * DAYS * 86_400).astype(np.int64)  # from 2031-06-15
    columns: dict[str, pa.Array] = {
        "text": pa.array(texts),
        "source": pa.array(sources, pa.string()),
        "created_at": pa.array([f"{moment}Z" for moment in seconds.astype("datetime64[s]").tolist()], pa.string()),
    }
    columns |= {f"score_{name}": pa.array(scores[:, place]) for place, name in enumerate(AUDIENCES)}
    verdicts = np.where(chosen.any(axis=1), "chosen", np.where(near.any(axis=1), "uncertain", "none"))
    columns |= {
        "audiences": pa.array([";".join(names[row]) for row in chosen]),
        "verdict": pa.array(verdicts.tolist()),
        "reason": pa.array([";".join(f"near_threshold:{name}" for name in names[row]) for row in near]),
        "language": pa.array(languages),
        "model": pa.array(["0123456789abcdef"] * n),
    }
    return pa.RecordBatch.from_pydict(columns)


def summarised(path: Path, zone: ZoneInfo, said: Callable[[float], None] | None) -> list[Stage]:
    """All that is read, counted and told of a table, as a summary does it."""
    summary, stages = Numbers(), Stages()
    with stages.stage("read and check"):
        corpus = read_corpus(path, prefix="", text_column="text", zone=zone, on_progress=said)
    with stages.stage("count"):
        days = local_days(corpus.seconds, zone)
        daily_counts(corpus, days)
        periods = calendar(corpus.seconds, corpus.has_time, zone, periods_at_most=summary.periods_at_most)
        for dimension in dimensions(corpus, summary):
            margin(corpus, dimension, periods)
            for name in corpus.audience_ids:
                histograms(corpus, dimension, name, corpus.languages)
                histograms_over_time(corpus, dimension, periods, name, corpus.languages)
    with stages.stage("find copies, words and phrases"):
        prepared = teller(
            corpus, summary, load_settings(None).duplicates, zone=zone, show_handles=False, on_progress=said
        )
    with stages.stage("tell of the whole"):
        part = whole(days)
        told = prepared.told(part.scope, part.rows)
    with stages.stage("tell of each period"):
        for part in by_period(corpus, days, zone=zone, periods_at_most=summary.told_periods_at_most):
            prepared.told(part.scope, part.rows)
    for one in told.audiences:
        logger.info(
            "%s: %s", one.audience, [(word.word, word.z) for found in one.words[:1] for word in found.words[:4]]
        )
    return stages.done


@app.command()
def main(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets stress_summary.json.")] = Path("runs/bench"),
    messages: Annotated[int, typer.Option(metavar="N", min=1)] = 1_000_000,
    kind: Annotated[str, typer.Option(metavar="ENDING", help="Of the table: parquet, csv or jsonl.")] = "parquet",
    seed: Annotated[int, typer.Option(help="Of the messages.")] = 17,
) -> None:
    """Summarise an invented table. Exit code 1 where it takes too long or too much for a million messages."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    with tempfile.TemporaryDirectory() as name:
        table = Path(name) / f"scored.{kind}"
        writing = multiprocessing.get_context("spawn").Process(
            target=write_scored, args=(table,), kwargs={"n_messages": messages, "seed": seed}
        )
        writing.start()  # a process of its own: its memory is none of the summary's
        writing.join()
        stages = summarised(table, ZoneInfo("Europe/Berlin"), None)
    seconds, megabytes = sum(stage.seconds for stage in stages), stages[-1].megabytes
    whole_run = {"format": FORMAT, "n_messages": messages, "kind": kind, "seconds": seconds, "megabytes": megabytes}
    out.mkdir(parents=True, exist_ok=True)
    report = whole_run | {"seed": seed, "stages": [asdict(stage) for stage in stages]}
    write_text(out / "stress_summary.json", json.dumps(report, indent=1) + "\n")
    typer.echo(f"{messages:,} messages in {seconds:,.0f} s, at most {megabytes:,.0f} MB")
    if seconds > SECONDS_AT_MOST or megabytes > MEGABYTES_AT_MOST:
        raise typer.Exit(1)


if __name__ == "__main__":
    run(app)
