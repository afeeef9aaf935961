"""A look at the input of a scoring job and a short try of its model: how many rows there are, and how fast they go.

Reads and times; writes nothing. Not here: what is said of it (estimate.py).
"""

from dataclasses import dataclass
from itertools import cycle, islice
from time import perf_counter

import numpy as np
import pyarrow.parquet as pq

from segmenter.batches import TokenBatch, canonical_batches, padding_share
from segmenter.inputs import chunks
from segmenter.rows import table_format
from segmenter.runtimes import pad_id
from segmenter.runtimes.cores import usable_cores
from segmenter.score import Prepared, Scorer
from segmenter.scoring.engines import Work
from segmenter.sources import TABLE
from segmenter.store import ScoreStore
from segmenter.text import clean

FILES_LOOKED_AT, ROWS_LOOKED_AT = 40, 20_000  # a second or two; so many rows over all files
DRAWN = 256  # messages that tokens and the stages before the network are measured on
TIMED_BATCHES = 32  # of 512 tokens each on a CPU: about a second


@dataclass(frozen=True)
class FileRows:
    """Rows of one file: counted, or inferred from its size and the first rows looked at."""

    n_rows: int
    is_exact: bool


@dataclass(frozen=True)
class Look:
    """What was seen of a corpus.

    Attributes:
        files: Rows of each file, in the order of the corpus.
        n_rows: Rows met.
        n_rejects: Those of them that cannot be used.
        texts: Of the others.
        seconds: What reading them took.
    """

    files: list[FileRows]
    n_rows: int
    n_rejects: int
    texts: list[str]
    seconds: float


@dataclass(frozen=True)
class Trial:
    """What scoring a few messages showed.

    Attributes:
        tokens_per_message: Of the middle message, specials included.
        padding_share: Of all tokens that the network computes for one part.
        share_different: Of the messages looked at, those left when each text is counted once; fewer in a larger corpus.
        messages_per_second: Of the whole flow, repeats included.
    """

    tokens_per_message: float
    padding_share: float
    share_different: float
    messages_per_second: float


def look_at(work: Work) -> Look:
    """The first rows of some files, spread over the corpus.

    Raises:
        TableError: One of them would stop the run.
    """
    corpus, started = work.corpus, perf_counter()
    places = np.unique(np.linspace(0, len(corpus.files) - 1, FILES_LOOKED_AT).astype(int)).tolist()
    n_wanted = ROWS_LOOKED_AT // len(places)
    counted: dict[int, FileRows] = {}
    n_rows = n_rejects = n_bytes = 0
    texts: list[str] = []
    for place in places:
        chunk = next(chunks(corpus, file=place, n_rows=n_wanted, rejecting=work.rejecting, done=()), None)
        if chunk is None:
            counted[place] = FileRows(0, True)
            continue
        before = sum(file.n_bytes for file in corpus.files[:place])
        n_read = max(1, round(chunk.done_share * corpus.n_bytes) - before)
        n_inferred = round(chunk.n_rows * corpus.files[place].n_bytes / n_read)
        is_whole = chunk.n_rows < n_wanted
        counted[place] = FileRows(chunk.n_rows if is_whole else max(chunk.n_rows, n_inferred), is_whole)
        n_rows, n_rejects, n_bytes = n_rows + chunk.n_rows, n_rejects + len(chunk.rejects), n_bytes + n_read
        if chunk.messages is not None:
            texts += [text or "" for text in chunk.messages.column(corpus.text_column)]
    seconds = perf_counter() - started
    files = [_file_rows(work, place, counted, n_rows / max(1, n_bytes)) for place in range(len(corpus.files))]
    return Look(files, n_rows, n_rejects, texts, seconds)


def _file_rows(work: Work, place: int, counted: dict[int, FileRows], rows_per_byte: float) -> FileRows:
    file = work.corpus.files[place]
    if work.corpus.source == TABLE and table_format(file.path)[0] == "parquet":
        return FileRows(pq.read_metadata(file.path).num_rows, True)
    return counted.get(place) or FileRows(round(file.n_bytes * rows_per_byte), False)


def tried(scorer: Scorer, look: Look, *, part_rows: int) -> Trial:
    """Score some of the messages looked at, of which there is one at least.

    Args:
        scorer: What does it.
        look: Where they are from.
        part_rows: Rows of one part, which are run together.
    """
    places = np.linspace(0, len(look.texts) - 1, min(DRAWN, len(look.texts))).astype(int)
    texts = [look.texts[place] for place in places]
    _prepared(scorer, texts)  # the first time loads what detects languages
    started = perf_counter()
    prepared = _prepared(scorer, texts)
    prepare_seconds = perf_counter() - started
    share_different = len({clean(text) for text in look.texts}) / len(look.texts)
    n_texts = max(1, round(part_rows * share_different))
    batches = _part_batches(scorer, prepared, n_texts)
    network_seconds = _network_seconds(scorer, batches) / n_texts * share_different
    before_seconds = prepare_seconds / len(texts) + look.seconds / look.n_rows
    tokens = prepared.seen.tokens
    n_tokens = np.bincount(tokens.message, weights=[len(ids) for ids in tokens.ids])
    return Trial(
        tokens_per_message=float(np.median(n_tokens)),
        padding_share=padding_share(batches),
        share_different=share_different,
        messages_per_second=1 / max(before_seconds, network_seconds + before_seconds / usable_cores()),
    )


def _prepared(scorer: Scorer, texts: list[str]) -> Prepared:
    with ScoreStore.temporary() as store:
        return scorer.prepare(texts, store)


def _part_batches(scorer: Scorer, prepared: Prepared, n_texts: int) -> list[TokenBatch]:
    """The batches of a part of `n_texts` texts like those prepared, whose own batches would be half empty."""
    ids = prepared.seen.tokens.ids
    n_windows = max(1, round(n_texts * len(ids) / len(prepared.new)))
    whole = list(islice(cycle(ids), n_windows))
    return canonical_batches(whole, batch_tokens=scorer.runtime.batch_tokens, pad_id=pad_id(scorer.bundle))


def _network_seconds(scorer: Scorer, batches: list[TokenBatch]) -> float:
    """What all of them take, by some of every length; the first time they are made ready for their shapes."""
    some = batches[:: -(-len(batches) // TIMED_BATCHES)]
    for _ in scorer.runtime.run(some):
        pass
    started = perf_counter()
    for _ in scorer.runtime.run(some):
        pass
    return (perf_counter() - started) * len(batches) / len(some)
