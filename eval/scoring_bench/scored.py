"""Invented scored tables of any size: words of four languages and made-up ones that mean nothing, exact and near copies,
sources of all sizes, audiences with their own words. The same seed writes the same rows. Not here: what is done with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray

from segmenter.writers import table_writer

WORDS = Path(__file__).with_name("words.yaml")
LANGUAGES = {"en": 0.45, "ru": 0.3, "de": 0.15, "fr": 0.1}
SYLLABLES = {"ru": "made_up_cyrillic"}
N_MADE_UP = (
    50_000  # words of a language, by Zipf's law after the usual ones: vocabularies of real corpora have such tails
)
MEDIAN_WORDS, SPREAD, WORDS_AT_MOST = 20, 0.8, 400  # of a message, lognormal
EXACT_SHARE, NEAR_SHARE = 0.16, 0.08  # of messages that repeat an earlier one, wholly or but for a word
OWN_WORD_SHARE = 0.04  # of an audience's words are of its own few
FIRST_DAY, N_SOURCES, DAYS = date(2031, 6, 15), 3000, 150
BATCH = 50_000


@dataclass(frozen=True)
class Audiences:
    """Whose scores are invented.

    Attributes:
        model: Name of the bundle.
        ids: Of its audiences.
    """

    model: str = "0123456789abcdef"
    ids: tuple[str, ...] = ("north", "south_side", "harbour")


def write_scored(path: Path, scored_by: Audiences, *, n_messages: int, seed: int) -> None:
    """A scored table of invented messages; the same seed writes the same rows."""
    rng = np.random.default_rng(seed)
    lexicons = {language: _lexicon(language, rng) for language in LANGUAGES}
    earlier: list[tuple[str, str, int]] = []
    schema = _batch(["a"], ["en"], np.zeros(1, np.int64), scored_by, rng).schema
    with table_writer(path, schema) as write:
        for start in range(0, n_messages, BATCH):
            rows = list(_messages(min(BATCH, n_messages - start), len(scored_by.ids), lexicons, earlier, rng))
            earlier.extend(rows[:: max(1, n_messages // BATCH)])
            texts, languages, audiences = zip(*rows, strict=True)
            write(_batch(list(texts), list(languages), np.array(audiences), scored_by, rng))


def _lexicon(language: str, rng: np.random.Generator) -> list[str]:
    known = yaml.safe_load(WORDS.read_text("utf-8"))
    syllables = known[SYLLABLES.get(language, "made_up")].split()
    ends = np.cumsum(rng.integers(2, 6, N_MADE_UP))
    drawn = rng.choice(syllables, ends[-1]).tolist()
    made_up = ("".join(drawn[start:end]) for start, end in zip(np.append(0, ends[:-1]), ends, strict=True))
    return [*known[language].split(), *made_up]


def _messages(
    n: int,
    n_audiences: int,
    lexicons: dict[str, list[str]],
    earlier: list[tuple[str, str, int]],
    rng: np.random.Generator,
) -> Iterator[tuple[str, str, int]]:
    """Text, language and audience (as many as there are: none) of each message."""
    languages = rng.choice(list(LANGUAGES), n, p=list(LANGUAGES.values()))
    audiences = rng.integers(0, n_audiences + 2, n).clip(max=n_audiences)
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
            if audience < n_audiences:
                numbers = np.where(own[first:last], 200 + 40 * audience + numbers % 40, numbers)
            yield _text([lexicon[number] for number in numbers.tolist()], place), language, audience
        first += int(lengths[place])


def _text(words: list[str], place: int) -> str:
    sentences = [" ".join(words[start : start + 11]).capitalize() for start in range(0, len(words), 11)]
    around = ("", " https://example.org/a", " #" + words[-1], " @someone")
    return ". ".join(sentences) + around[place % 10 if place % 10 < len(around) else 0]


def _batch(
    texts: list[str],
    languages: list[str],
    audience: NDArray[np.int64],
    scored_by: Audiences,
    rng: np.random.Generator,
) -> pa.RecordBatch:
    """The messages with everything that scoring adds, and source and date."""
    n = len(texts)
    is_ours = audience[:, None] == np.arange(len(scored_by.ids))
    scores = np.where(is_ours, rng.beta(5, 1.5, is_ours.shape), rng.beta(1, 8, is_ours.shape)).astype(np.float32)
    chosen, near = scores >= 0.55, (scores >= 0.45) & (scores < 0.55)
    names = np.array(scored_by.ids)
    sources = [f"source {rank % N_SOURCES}" if rank % 50 else None for rank in rng.zipf(1.2, n).tolist()]
    first = int(np.datetime64(FIRST_DAY, "s").astype(np.int64))
    seconds = first + (rng.random(n) * DAYS * 86_400).astype(np.int64)
    columns: dict[str, pa.Array] = {
        "text": pa.array(texts),
        "source": pa.array(sources, pa.string()),
        "created_at": pa.array([f"{moment}Z" for moment in seconds.astype("datetime64[s]").tolist()], pa.string()),
    }
    columns |= {f"score_{name}": pa.array(scores[:, place]) for place, name in enumerate(scored_by.ids)}
    verdicts = np.where(chosen.any(axis=1), "chosen", np.where(near.any(axis=1), "uncertain", "none"))
    columns |= {
        "audiences": pa.array([";".join(names[row]) for row in chosen]),
        "verdict": pa.array(verdicts.tolist()),
        "reason": pa.array([";".join(f"near_threshold:{name}" for name in names[row]) for row in near]),
        "language": pa.array(languages),
        "model": pa.array([scored_by.model] * n),
    }
    return pa.RecordBatch.from_pydict(columns)
