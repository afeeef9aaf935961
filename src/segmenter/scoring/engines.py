"""Where scoring runs: the stages from chunks of a corpus to scored rows, in this process. Not here: Ray (ray_engine.py)."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from segmenter.batches import n_computed
from segmenter.flow import ahead
from segmenter.inputs import Chunk, Corpus, chunks
from segmenter.messages import Reject
from segmenter.readings import Readings
from segmenter.score import Prepared, Scorer
from segmenter.scoring.drift import bins
from segmenter.scoring.parts import Parts
from segmenter.scoring.tally import Effort, Tally
from segmenter.sections import Score
from segmenter.store import ScoreStore

AHEAD = 2  # chunks that each stage is before the next: one made while one waits


@dataclass(frozen=True)
class Work:
    """What an engine is to do; plain data, so that it can be sent to another process.

    Attributes:
        corpus: Its files in the order of the plan, where there is one.
        bundle: The folder of an audited bundle.
        settings: How it is opened, and the rows of a part.
        prefix: Of the added columns.
        schema: Of the output.
        rejecting: Set unusable rows aside; without it the first one stops the run.
        cache: The folder of a score store that is kept; None for one of this run's own.
        parts: Where workers write parts themselves; None where rows go elsewhere.
        done: Numbers of the parts that are there, by file: read past, never scored again.
    """

    corpus: Corpus
    bundle: Path
    settings: Score
    prefix: str
    schema: pa.Schema
    rejecting: bool
    cache: Path | None
    parts: Parts | None
    done: Mapping[int, frozenset[int]]

    def chunks(self, file: int) -> Iterator[Chunk]:
        """Every chunk of one file, in order."""
        done = self.done.get(file, frozenset())
        return chunks(self.corpus, file=file, n_rows=self.settings.part_rows, rejecting=self.rejecting, done=done)


@dataclass(frozen=True)
class Done:
    """One chunk, done.

    Attributes:
        file: As in the chunk.
        number: As in the chunk.
        rows: Its scored rows; None where no row is usable, a worker wrote them, or their part was there before.
        tally: Of the chunk; nothing where its part was there before, whose footer has it.
        effort: What was done for it now.
        rejects: Rows set aside.
        done_share: Of the bytes of the whole corpus, with this chunk, in [0, 1].
    """

    file: int
    number: int
    rows: pa.RecordBatch | None
    tally: Tally
    effort: Effort
    rejects: list[Reject]
    done_share: float


def local(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
    """Every chunk of the corpus, in order, the stages overlapping in threads of this process.

    Raises:
        TableError: An unusable row (without `rejecting`), or an input that cannot be read on.
        StoreError: The score store cannot be used.
    """
    found = (chunk for file in range(len(work.corpus.files)) for chunk in work.chunks(file))
    with open_store(work) as store, closing(scored(found, work, scorer, store)) as done:
        yield from done


def open_store(work: Work) -> ScoreStore:
    """The score store of a run: the one that is kept, or one of its own.

    Raises:
        StoreError: It cannot be written, or is damaged.
    """
    if work.cache is None:
        return ScoreStore.temporary()
    return ScoreStore.at(work.cache, megabytes_at_most=work.settings.cache_megabytes)


def scored(found: Iterable[Chunk], work: Work, scorer: Scorer, store: ScoreStore) -> Generator[Done, None, None]:
    """Chunks through the stages, in order: each is read, prepared and run a little ahead of the next stage."""

    def prepared() -> Iterator[tuple[Chunk, Prepared | None]]:
        with closing(ahead(found, AHEAD)) as met:
            for chunk in met:
                texts = None if chunk.messages is None else chunk.messages.column(work.corpus.text_column)
                yield chunk, None if texts is None else scorer.prepare([text or "" for text in texts], store)

    def run() -> Iterator[tuple[Chunk, Readings | None, Effort]]:
        with closing(ahead(prepared(), AHEAD)) as met:
            for chunk, ready in met:
                if ready is None:
                    yield chunk, None, Effort()
                else:
                    yield chunk, scorer.read(ready, store), _effort(ready, scorer)

    with closing(ahead(run(), AHEAD)) as met:
        for chunk, readings, effort in met:
            yield _done(chunk, readings, effort, work, scorer)


def _effort(ready: Prepared, scorer: Scorer) -> Effort:
    n_tokens = n_computed(ready.seen.tokens.ids, scorer.runtime.batch_tokens)
    n_real = sum(len(ids) for ids in ready.seen.tokens.ids)
    return Effort(n_texts=len(set(ready.keys)), n_run=len(ready.new), n_tokens=n_tokens, n_padding=n_tokens - n_real)


def _done(chunk: Chunk, readings: Readings | None, effort: Effort, work: Work, scorer: Scorer) -> Done:
    rows, tally = None, Tally.none(len(scorer.bundle.audience_ids))
    if chunk.number not in work.done.get(chunk.file, ()):
        tally = replace(tally, n_rows=chunk.n_rows, n_rejects=len(chunk.rejects))
    if readings is not None and chunk.messages is not None:
        judged = scorer.judged(readings)
        added, given = scorer.columns(judged, work.prefix), chunk.messages.rows
        arrays = [added[name] if name in added else given.column(name) for name in work.schema.names]
        rows = pa.RecordBatch.from_arrays(arrays, schema=work.schema)
        fine = judged.pieces_per_word > scorer.bundle.manifest.text.pieces_per_word_at_most
        tally = replace(
            tally,
            verdicts=Counter(added[f"{work.prefix}verdict"].to_pylist()),
            n_long=int(judged.long.sum()),
            shattered=Counter(np.array(judged.languages)[fine].tolist()),
            score_bins=bins(judged.scores),
        )
    return Done(
        chunk.file, chunk.number, rows, tally=tally, effort=effort, rejects=chunk.rejects, done_share=chunk.done_share
    )
