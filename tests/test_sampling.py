import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import TinyRun, tiny_messages
from draws import FRENCH, TEXTS, corpus, drawn, rows_of, settings, texts_of

from segmenter.bundle import Bundle
from segmenter.calibration import Calibration
from segmenter.errors import ParamsError, TableError
from segmenter.params import load_settings
from segmenter.sampling.frame import Candidate, Pool
from segmenter.sampling.strategies import Strategy, Wish, distance, draw, spread
from segmenter.score import Scorer, open_scorer
from segmenter.tables import TableReader
from segmenter.text import text_key


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, load_settings(None).score)


# What stays in hand


def candidate(rank: float, row: int, key: str) -> Candidate:
    return Candidate(rank, row, key, "", "", {})


def test_a_pool_keeps_the_smallest_ranks_smallest_first() -> None:
    pool = Pool(2, by_text=False)
    for row, rank in enumerate([0.5, 0.1, 0.9, 0.3, 0.7], 1):
        pool.add(candidate(rank, row, "same"))
    assert [held.row for held in pool.best()] == [2, 4]


def test_by_text_a_text_stands_once_in_its_smallest_rank() -> None:
    # a: 0.5 and 0.1, b: 0.3; by a pool of two nothing of them is lost
    pool = Pool(2, by_text=True)
    for row, (rank, key) in enumerate([(0.5, "a"), (0.3, "b"), (0.1, "a"), (0.4, "c")], 1):
        pool.add(candidate(rank, row, key))
    assert [(held.key, held.row) for held in pool.best()] == [("a", 3), ("b", 2)]


def test_a_full_pool_wants_nothing_larger_than_what_it_holds() -> None:
    pool = Pool(2, by_text=False)
    for row, rank in enumerate([0.5, 0.1, 0.9, 0.3], 1):  # twice its size: it lets go of 0.5 and 0.9
        pool.add(candidate(rank, row, ""))
    assert (pool.wants(0.2), pool.wants(0.3), pool.wants(0.4)) == (True, False, False)


# Measures


def band(threshold: float) -> Calibration:
    return Calibration(slope=1.0, intercept=0.0, threshold=threshold, low=threshold, high=threshold)


def test_distance_is_the_smallest_difference_of_log_odds() -> None:
    # |ln(.8/.2) - ln(.5/.5)| = ln 4 = 1.386; |ln(.1/.9) - ln(.2/.8)| = ln(9/4) = 0.811
    found = distance(np.array([[0.8, 0.1]], np.float32), [band(0.5), band(0.2)])
    assert found == pytest.approx([np.log(9 / 4)], rel=1e-5)


def test_a_score_of_nought_or_one_is_far_but_not_infinitely_so() -> None:
    found = distance(np.array([[0.0], [1.0]], np.float32), [band(0.5)])
    assert np.isfinite(found).all()
    assert (found > 10).all()


def test_spread_takes_one_of_each_direction_first() -> None:
    # three directions, ten rows each, of different lengths: after one is drawn its direction has no chance left
    vectors = np.repeat(np.eye(3, dtype=np.float32), 10, axis=0) * np.arange(1, 31, dtype=np.float32)[:, None]
    found = spread(vectors, 3, np.random.default_rng(5))
    assert {row // 10 for row in found} == {0, 1, 2}


def test_spread_draws_no_row_twice_where_all_lie_together() -> None:
    assert sorted(spread(np.ones((4, 2), np.float32), 4, np.random.default_rng(5))) == [0, 1, 2, 3]


# The frame


def test_the_frame_digest_is_over_the_text_keys_in_order(scorer: Scorer, tmp_path: Path) -> None:
    wanted = hashlib.sha256("".join(f"{text_key(text)}\n" for text in TEXTS).encode()).hexdigest()
    assert drawn(corpus(tmp_path, TEXTS), "random", 3, scorer).frame.digest == wanted


def test_the_frame_digest_is_that_of_the_same_messages_in_another_format(scorer: Scorer, tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": TEXTS, "more": range(len(TEXTS))}), tmp_path / "corpus.parquet")
    found = [drawn(path, "random", 3, scorer) for path in (corpus(tmp_path, TEXTS), tmp_path / "corpus.parquet")]
    assert found[0].frame.digest == found[1].frame.digest
    assert rows_of(found[0]) == rows_of(found[1])


def test_the_frame_digest_knows_the_order(scorer: Scorer, tmp_path: Path) -> None:
    one, other = (corpus(tmp_path / name, texts) for name, texts in (("a", TEXTS), ("b", TEXTS[::-1])))
    assert drawn(one, "random", 3, scorer).frame.digest != drawn(other, "random", 3, scorer).frame.digest


# Random


def test_random_draws_messages_and_not_texts(scorer: Scorer, tmp_path: Path) -> None:
    # four copies and one other: all five messages are drawn, each for itself
    found = drawn(corpus(tmp_path, [TEXTS[0]] * 4 + [TEXTS[1]]), "random", 5, scorer)
    assert sorted(rows_of(found)) == [1, 2, 3, 4, 5]
    assert found.copies == [1] * 5


def test_random_draws_messages_out_of_scope_too(scorer: Scorer, tmp_path: Path) -> None:
    found = drawn(corpus(tmp_path, [FRENCH, "ok", TEXTS[0]]), "random", 3, scorer)
    assert set(texts_of(found)) == {FRENCH, "ok", TEXTS[0]}


def test_every_message_has_the_same_chance_at_every_place(scorer: Scorer, tmp_path: Path) -> None:
    # 300 draws of 2 of 6: each message 100 times, standard deviation sqrt(300 * 1/3 * 2/3) = 8.2; first in the
    # draw 50 times, sqrt(300 * 1/6 * 5/6) = 6.5; four of them are allowed
    path = corpus(tmp_path, TEXTS[:6])
    rows = [rows_of(drawn(path, "random", 2, scorer, settings(seed=seed))) for seed in range(300)]
    counts = np.bincount(np.ravel(rows), minlength=7)[1:]
    firsts = np.bincount([row[0] for row in rows], minlength=7)[1:]
    assert (abs(counts - 100) < 33).all()
    assert (abs(firsts - 50) < 26).all()


def test_the_same_seed_draws_the_same_whatever_the_chunks(scorer: Scorer, tmp_path: Path) -> None:
    path = corpus(tmp_path, TEXTS)
    small = Scorer(scorer.bundle, scorer.settings.model_copy(update={"part_rows": 7}))
    assert rows_of(drawn(path, "random", 9, scorer)) == rows_of(drawn(path, "random", 9, small))


def test_another_seed_draws_others(scorer: Scorer, tmp_path: Path) -> None:
    path = corpus(tmp_path, TEXTS)
    assert rows_of(drawn(path, "random", 9, scorer)) != rows_of(drawn(path, "random", 9, scorer, settings(seed=18)))


def test_a_random_draw_does_not_depend_on_the_model(
    scorer: Scorer, tmp_path: Path, tiny_run: TinyRun, reseal: Callable[..., Bundle]
) -> None:
    calibration = [part.model_dump() | {"slope": -part.slope} for part in scorer.bundle.manifest.calibration]
    reseal(tiny_run.bundle, tmp_path / "other", {"calibration": calibration})
    other = open_scorer(tmp_path / "other", scorer.settings)
    path = corpus(tmp_path, TEXTS)
    assert rows_of(drawn(path, "random", 9, scorer)) == rows_of(drawn(path, "random", 9, other))


def test_a_larger_random_draw_begins_with_the_smaller(scorer: Scorer, tmp_path: Path) -> None:
    path = corpus(tmp_path, TEXTS)
    assert rows_of(drawn(path, "random", 20, scorer))[:5] == rows_of(drawn(path, "random", 5, scorer))


# Uncertain


def test_uncertain_draws_what_lies_nearest_to_a_threshold_nearest_first(scorer: Scorer, tmp_path: Path) -> None:
    found = distance(scorer.score(TEXTS).scores, scorer.bundle.manifest.calibration)
    nearest = [TEXTS[place] for place in np.argsort(found, kind="stable")[:5]]
    assert texts_of(drawn(corpus(tmp_path, TEXTS), "uncertain", 5, scorer)) == nearest


def test_uncertain_does_not_depend_on_the_chunks(scorer: Scorer, tmp_path: Path) -> None:
    path = corpus(tmp_path, TEXTS)
    small = Scorer(scorer.bundle, scorer.settings.model_copy(update={"part_rows": 7}))
    chosen = settings(candidates=6)
    assert rows_of(drawn(path, "uncertain", 5, scorer, chosen)) == rows_of(drawn(path, "uncertain", 5, small, chosen))


@pytest.mark.parametrize("strategy", ["uncertain", "diverse"])
def test_messages_out_of_scope_are_left_out_and_counted(scorer: Scorer, tmp_path: Path, strategy: Strategy) -> None:
    found = drawn(corpus(tmp_path, [FRENCH, *TEXTS[:3], "ok"]), strategy, 3, scorer)
    assert sorted(texts_of(found)) == sorted(TEXTS[:3])
    assert found.n_out_of_scope == 2


@pytest.mark.parametrize("strategy", ["uncertain", "diverse"])
def test_copies_are_collapsed_and_counted(scorer: Scorer, tmp_path: Path, strategy: Strategy) -> None:
    # the first text stands three times, once in capitals; the second once
    texts = [TEXTS[0], TEXTS[1], TEXTS[0].upper(), TEXTS[0]]
    found = drawn(corpus(tmp_path, texts), strategy, 2, scorer)
    copies = {text.lower(): n for text, n in zip(texts_of(found), found.copies, strict=True)}
    assert copies == {TEXTS[0].lower(): 3, TEXTS[1].lower(): 1}


@pytest.mark.parametrize("strategy", ["uncertain", "diverse"])
def test_near_duplicates_are_collapsed_and_counted(scorer: Scorer, tmp_path: Path, strategy: Strategy) -> None:
    # 5-letter shingles of a text of 100 letters and of one with a letter more at the end: 96 of 97 shared
    long = "the quiet bakery by the old harbour sells its rolls until six and then it shuts the green door again"
    found = drawn(corpus(tmp_path, [long, f"{long}s", TEXTS[0], long]), strategy, 2, scorer, settings(similarity=0.8))
    assert sorted(found.copies) == [1, 3]
    assert (found.n_candidates, found.n_different) == (3, 2)


def test_copies_are_counted_in_the_whole_corpus_where_candidates_are_fewer(scorer: Scorer, tmp_path: Path) -> None:
    # ten texts, 25 copies each, five candidates
    found = drawn(corpus(tmp_path, TEXTS[:10] * 25), "diverse", 5, scorer, settings(candidates=5))
    assert found.copies == [25] * 5


# Diverse


def test_diverse_draws_texts_that_lie_further_apart_than_a_random_draw(scorer: Scorer, tmp_path: Path) -> None:
    # 200 messages in eight kinds: the mean squared distance from a message to the nearest one drawn
    texts = [row["text"] for row in tiny_messages()]
    vectors = scorer.score(texts).pooled
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    path = corpus(tmp_path, texts)

    def far(strategy: Strategy, seed: int) -> float:
        rows = np.array(rows_of(drawn(path, strategy, 8, scorer, settings(seed=seed)))) - 1
        return float((2 - 2 * (units @ units[rows].T).max(axis=1)).mean())

    assert np.mean([far("diverse", seed) for seed in range(5)]) < np.mean([far("random", seed) for seed in range(5)])


def test_diverse_draws_the_same_with_the_same_seed(scorer: Scorer, tmp_path: Path) -> None:
    path = corpus(tmp_path, TEXTS)
    found = [rows_of(drawn(path, "diverse", 9, scorer, settings(seed=seed))) for seed in (3, 3, 4)]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("strategy", ["uncertain", "diverse", "random"])
def test_progress_ends_with_all_of_the_work(scorer: Scorer, tmp_path: Path, strategy: Strategy) -> None:
    shown: list[float] = []
    path = corpus(tmp_path, TEXTS)
    reader = TableReader(path, text_column="text")
    draw(reader, Wish(path, strategy, 3), scorer, settings(), lambda share, n: shown.append(share))
    assert shown == sorted(shown)
    assert shown[-1] == 1.0


# What stops it


@pytest.mark.parametrize("n", [0, -3])
def test_fewer_than_one_message_is_refused(scorer: Scorer, tmp_path: Path, n: int) -> None:
    with pytest.raises(TableError, match=f"^-n {n}: is no number of messages; ask for 1 at least$"):
        drawn(corpus(tmp_path, TEXTS), "random", n, scorer)


def test_more_messages_than_the_corpus_has_are_refused_with_its_number(scorer: Scorer, tmp_path: Path) -> None:
    wanted = r"corpus\.jsonl: holds 40 messages, 200 asked for; ask for 40 at most \(-n 40\)$"
    with pytest.raises(TableError, match=wanted):
        drawn(corpus(tmp_path, TEXTS), "random", 200, scorer)


@pytest.mark.parametrize("strategy", ["uncertain", "diverse"])
def test_more_texts_than_differ_are_refused_with_their_number(
    scorer: Scorer, tmp_path: Path, strategy: Strategy
) -> None:
    wanted = r"holds 2 different messages in scope of this model, 3 asked for; ask for 2 at most \(-n 2\)$"
    with pytest.raises(TableError, match=wanted):
        drawn(corpus(tmp_path, [TEXTS[0], TEXTS[0], TEXTS[1], FRENCH]), strategy, 3, scorer)


@pytest.mark.parametrize("strategy", ["uncertain", "diverse"])
def test_a_corpus_out_of_scope_is_refused(scorer: Scorer, tmp_path: Path, strategy: Strategy) -> None:
    with pytest.raises(TableError, match="none of 2 messages is in scope of this model; draw with --strategy random"):
        drawn(corpus(tmp_path, [FRENCH, FRENCH]), strategy, 1, scorer)


@pytest.mark.parametrize("strategy", ["uncertain", "diverse", "random"])
def test_a_corpus_without_a_message_is_refused(scorer: Scorer, tmp_path: Path, strategy: Strategy) -> None:
    (tmp_path / "corpus.csv").write_text("id,text\n", "utf-8")
    with pytest.raises(TableError, match="no message to draw among 0 rows; check the file and --text-column"):
        drawn(tmp_path / "corpus.csv", strategy, 1, scorer)


def test_more_messages_than_candidates_are_refused(scorer: Scorer, tmp_path: Path) -> None:
    wanted = r"^sample\.candidates: 5 messages to choose among, 6 asked for; raise it in --params FILE"
    with pytest.raises(ParamsError, match=wanted):
        drawn(corpus(tmp_path, TEXTS), "uncertain", 6, scorer, settings(candidates=5))
