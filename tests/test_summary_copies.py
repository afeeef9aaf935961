from pathlib import Path

import numpy as np
from scored_rows import BERLIN, UTC, Row, Settings, corpus_of, message, unmarked

from segmenter.params import load_settings
from segmenter.summary.copies import copy_numbers, largest_copies
from segmenter.summary.corpus import Corpus
from segmenter.summary.findings import CopyGroup
from segmenter.summary.shown import Shown

BEDS = "gardeners, water the long beds by the wall before noon and mulch the roses"
DUPLICATES = load_settings(None).duplicates


def copies_of(corpus: Corpus) -> np.ndarray:
    return copy_numbers(corpus, DUPLICATES, None)


def of(folder: Path, rows: list[Row], names: dict[str, str] | None = None, **changes: int) -> list[CopyGroup]:
    """The groups of all rows; `names` are of sources that are shown by another."""
    corpus = corpus_of(folder, rows)
    shown = Shown(str.upper, [(names or {}).get(name, name) for name in corpus.sources], BERLIN, unmarked)
    every = np.arange(corpus.n_messages)
    return largest_copies(corpus, copies_of(corpus), every, shown, Settings(**changes))


def test_exact_and_near_copies_are_one_group(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [message(text) for text in (BEDS, BEDS.upper(), "else", f"{BEDS[:-1]}!")])
    assert corpus.text.tolist() == [0, 0, 1, 2]
    assert copies_of(corpus).tolist() == [0, 1, 0]


def test_a_group_says_how_often_by_whom_and_since_when(tmp_path: Path) -> None:
    rows = [
        message(f"{BEDS[:-1]}!", source="b", created_at="2031-06-16T10:00:00Z"),
        message(BEDS, source="a", created_at="2031-06-15T10:00:00Z"),
        message(BEDS, source="a", created_at=None),
        message(BEDS, source=None, created_at="2031-06-18"),
    ]
    # 10:00 UTC is 12:00 in Berlin in June; the first one by time is shown
    assert of(tmp_path, rows) == [
        CopyGroup(
            text=BEDS.upper(),
            language="en",
            n_messages=4,
            n_texts=2,
            sources={"a": 2, "b": 1},
            n_sources=2,
            first_seen="2031-06-15T12:00:00+02:00",
            last_seen="2031-06-18",
        )
    ]


def test_without_dates_the_first_row_is_shown(tmp_path: Path) -> None:
    [found] = of(tmp_path, [message(text, created_at=None) for text in (f"{BEDS[:-1]}!", BEDS)])
    assert (found.text, found.first_seen, found.last_seen) == (f"{BEDS[:-1]}!".upper(), None, None)


def test_small_sources_and_those_after_the_largest_are_pooled_last(tmp_path: Path) -> None:
    # a 3, b 2, c 1, and two small ones of 1 each; two sources are named: a, b; pooled c, small, tiny
    rows = [message(BEDS, source=name) for name in ["tiny", "small", "c", "b", "b", "a", "a", "a"]]
    [found] = of(tmp_path, rows, {"tiny": "other sources", "small": "other sources"})
    assert list(found.sources.items()) == [("a", 3), ("b", 2), ("other sources", 3)]
    assert found.n_sources == 5


def test_the_largest_groups_come_first_and_single_messages_are_none(tmp_path: Path) -> None:
    # 2 of hoe, 3 of rake, 2 of spade, 1 of axe: two groups are shown, of equal ones the earlier
    rows = [message(text) for text in ["hoe", "rake", "axe", "spade", "rake", "hoe", "rake", "spade"]]
    assert [(one.text, one.n_messages) for one in of(tmp_path, rows)] == [("RAKE", 3), ("HOE", 2)]
    assert [one.text for one in of(tmp_path, rows, copy_groups=9)] == ["RAKE", "HOE", "SPADE"]
    assert [one.text for one in of(tmp_path, rows, copy_groups=9, copies_at_least=3)] == ["RAKE"]


def test_only_the_rows_asked_for_are_counted(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [message(BEDS), message(BEDS), message(f"{BEDS[:-1]}!"), message("hoe")])
    shown = Shown(str, corpus.sources, UTC, unmarked)
    [found] = largest_copies(corpus, copies_of(corpus), np.array([0, 1, 3]), shown, Settings())
    assert (found.n_messages, found.n_texts) == (2, 1)
    assert largest_copies(corpus, copies_of(corpus), np.array([0, 3]), shown, Settings()) == []
    assert largest_copies(corpus, copies_of(corpus), np.array([], np.int64), shown, Settings()) == []


def test_progress_runs_to_the_end(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [message(f"{BEDS} {number}") for number in range(50)])
    heard: list[float] = []
    copy_numbers(corpus, DUPLICATES, heard.append)
    assert heard == sorted(heard) and heard[-1] == 1.0 and len(heard) > 10
