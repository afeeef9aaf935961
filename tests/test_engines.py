import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

import pytest
from conftest import TinyRun
from jobs import ROWS, job, write_table

from segmenter.errors import TableError
from segmenter.params import load_settings
from segmenter.score import Scorer, open_scorer
from segmenter.scoring.engines import Done, Work, local
from segmenter.scoring.job import work_left
from segmenter.scoring.tally import Effort
from segmenter.store import ScoreStore

TEXTS = [row["text"] for row in ROWS]


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, load_settings(None).score)


@contextmanager
def work(scorer: Scorer, folder: Path, texts: list[str], part_rows: int) -> Iterator[tuple[Work, Scorer]]:
    """Work over one table of texts, an empty one to be set aside."""
    small = Scorer(scorer.bundle, scorer.settings.model_copy(update={"part_rows": part_rows}))
    rows = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    table = write_table(folder / "in.csv", rows)
    with work_left(job(table, "-", rejects=folder / "aside.csv"), small) as left:
        yield left, small


def done(scorer: Scorer, folder: Path, texts: list[str], part_rows: int = 4) -> list[Done]:
    with work(scorer, folder, texts, part_rows) as (left, small):
        return list(local(left, small))


def test_rows_are_what_the_scorer_says_of_their_texts(scorer: Scorer, tmp_path: Path) -> None:
    found = [row for chunk in done(scorer, tmp_path, TEXTS) for row in chunk.rows.to_pylist()]
    wanted = scorer.columns(scorer.score(TEXTS), "")
    for name, column in wanted.items():
        assert [row[name] for row in found] == column.to_pylist()


@pytest.mark.parametrize("part_rows", [1, 3, 20, 100])
def test_however_it_is_cut_rows_and_tally_are_the_same(scorer: Scorer, tmp_path: Path, part_rows: int) -> None:
    whole, cut = (done(scorer, tmp_path, [*TEXTS, "", *TEXTS[:5]], n) for n in (4, part_rows))
    rows, tallies = [], []
    for chunks in (whole, cut):
        rows.append([row for chunk in chunks for row in (chunk.rows.to_pylist() if chunk.rows else [])])
        tallies.append(reduce(add, (chunk.tally for chunk in chunks)).as_json())
    assert rows[0] == rows[1]
    assert tallies[0] == tallies[1]


def test_a_tally_counts_its_chunk(scorer: Scorer, tmp_path: Path) -> None:
    # the tiny bundle reads 48 tokens, two of them special; 20 texts, a long one, an empty one
    (chunk,) = done(scorer, tmp_path, [*TEXTS, "red " * 47, ""], 30)
    tally = chunk.tally
    assert (tally.n_rows, tally.n_rejects, tally.n_messages, tally.n_long) == (22, 1, 21, 1)
    assert tally.score_bins.sum(axis=1).tolist() == [21, 21, 21]  # each message once an audience


def test_a_chunk_of_bad_rows_alone_has_no_rows_but_counts(scorer: Scorer, tmp_path: Path) -> None:
    _, last = done(scorer, tmp_path, [*TEXTS[:2], "", ""], 2)
    assert (last.rows, last.tally.n_rows, last.tally.n_rejects, last.tally.n_messages) == (None, 2, 2, 0)
    assert [reject.line for reject in last.rejects] == [4, 5]


def test_a_chunk_that_was_done_before_costs_nothing_but_gives_its_rejects(scorer: Scorer, tmp_path: Path) -> None:
    with work(scorer, tmp_path, [*TEXTS[:3], "", *TEXTS[4:6]], 4) as (left, small):
        before, after = local(replace(left, done={0: frozenset({0})}), small)
    assert (before.rows, before.tally.n_rows, before.effort, len(before.rejects)) == (None, 0, Effort(), 1)
    assert (len(after.rows), after.tally.n_rows) == (2, 2)


def test_a_text_is_run_once_in_the_whole_run(scorer: Scorer, tmp_path: Path) -> None:
    # chunks of 4: the second and third have one new text each, whatever is still under way
    texts = [*TEXTS[:3], TEXTS[0], *TEXTS[:3], TEXTS[3], *TEXTS[:3], TEXTS[4]]
    assert [chunk.effort.n_run for chunk in done(scorer, tmp_path, texts)] == [3, 1, 1]


def test_padding_is_what_the_batches_have_beside_their_tokens(scorer: Scorer, tmp_path: Path) -> None:
    # one window of 5 tokens ([CLS] the red bakery [SEP]) in a bucket of 8, with the empty rows that fill its batch
    (chunk,) = done(scorer, tmp_path, ["the red bakery"])
    batch_tokens = scorer.runtime.batch_tokens // 8 * 8
    assert chunk.effort == Effort(n_texts=1, n_run=1, n_tokens=batch_tokens, n_padding=batch_tokens - 5)


def test_progress_ends_at_the_whole(scorer: Scorer, tmp_path: Path) -> None:
    shares = [chunk.done_share for chunk in done(scorer, tmp_path, TEXTS)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_an_error_of_the_input_arrives_in_its_turn(scorer: Scorer, tmp_path: Path) -> None:
    with work(scorer, tmp_path, [*TEXTS[:6], ""], 2) as (left, small):
        chunks = local(replace(left, rejecting=False), small)
        assert [next(chunks).number for _ in range(3)] == [0, 1, 2]
        with pytest.raises(TableError, match=r"in\.csv line 8: column 'text' is empty"):
            next(chunks)


def test_an_engine_that_is_closed_leaves_no_thread(scorer: Scorer, tmp_path: Path) -> None:
    before = threading.active_count()
    with work(scorer, tmp_path, TEXTS, 2) as (left, small):
        chunks = local(left, small)
        next(chunks)
        chunks.close()
    assert threading.active_count() == before


def test_a_store_that_is_kept_is_used(scorer: Scorer, tmp_path: Path) -> None:
    with work(scorer, tmp_path, TEXTS, 20) as (left, small):
        kept = replace(left, cache=tmp_path / "cache")
        efforts = [chunk.effort for _ in range(2) for chunk in local(kept, small)]
        assert [effort.n_run for effort in efforts] == [20, 0]
    with ScoreStore.at(tmp_path / "cache", megabytes_at_most=1) as store:
        assert len(small.prepare(TEXTS, store).known.keys) == 20
