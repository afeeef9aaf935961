from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_table import PLAIN_TABLE

from segmenter.errors import TableError
from segmenter.sections import Data, LabelledTable
from training.leaks import leak_masks
from training.splits import assign, clusters, folds

TABLE = LabelledTable.model_validate(PLAIN_TABLE)
SEED = 5
DATA = Data(
    tables=[TABLE],
    reference_labels="invented",
    test_from=None,
    test_sources=[],
    leaks="refuse",
    seed=SEED,
    dev_share=0.25,
    test_share=0.25,
    gate_share=0.0,
)


def messages(*rows: tuple[str | None, str, str | None]) -> pd.DataFrame:
    """Messages as (author, text key, given split), labels and languages in turn; no author: split by message.

    Keys that are equal but for capitals are near-duplicates.
    """
    frame = pd.DataFrame(rows, columns=["author", "key", "split"]).astype(object).where(lambda f: f.notna(), None)
    frame["id"] = [f"m{number}" for number in range(len(rows))]
    frame["audiences"] = [[["gardeners"], ["cyclists"], []][number % 3] for number in range(len(rows))]
    frame["lang"] = ["en" if number % 2 else "de" for number in range(len(rows))]
    frame["split_unit"] = ["author" if author else "message" for author, _, _ in rows]
    frame["group"] = pd.factorize(frame["key"].str.lower())[0]
    frame["label_kind"] = "gold"
    frame["created_at"] = frame["source"] = None
    return frame


def splits_of(frame: pd.DataFrame, **changes: object) -> list[str]:
    """The split of every message, some settings changed."""
    return assign(frame, DATA.model_copy(update=changes)).split.tolist()


def n_leaks(frame: pd.DataFrame, split: pd.Series) -> int:
    return sum(int(mask.sum()) for mask in leak_masks(frame, split, DATA).values())


def free(n_messages: int) -> list[tuple[str | None, str, str | None]]:
    """Messages of an author and a text of their own each, their split open."""
    return [(f"free{number}", f"text{number}", None) for number in range(n_messages)]


# Few authors and texts, so that many are shared.
ROWS = st.lists(
    st.tuples(st.one_of(st.none(), st.sampled_from("abcdefghijkl")), st.sampled_from("0123456789qrstuvwxyzQRST")),
    min_size=5,
    max_size=40,
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(rows=ROWS)
def test_no_author_and_no_text_stands_on_both_sides(rows: list[tuple[str | None, str]]) -> None:
    frame = messages(*[(author, key, None) for author, key in rows], *free(12))
    assert n_leaks(frame, assign(frame, DATA).split) == 0


GIVEN = st.sampled_from(["train", "dev"]).flatmap(
    lambda split: st.lists(st.sampled_from([split, None]), min_size=40, max_size=40)
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(rows=ROWS, given_splits=GIVEN)
def test_a_cut_test_split_keeps_clear_of_given_training_messages(
    rows: list[tuple[str | None, str]], given_splits: list[str | None]
) -> None:
    parts = [(author, key, split) for (author, key), split in zip(rows, given_splits, strict=False)]
    frame = messages(*parts, *free(12))
    assert n_leaks(frame, assign(frame, DATA).split) == 0


def test_a_free_message_of_a_dev_author_joins_dev() -> None:
    frame = messages(("ann", "x", "dev"), ("ann", "y", None), *free(12))
    assert splits_of(frame)[:2] == ["dev", "dev"]


def test_messages_are_bound_through_authors_and_texts_in_turn() -> None:
    # 0 and 1 by ann, 1 and 2 of one text, 2 and 3 by ben: one cluster; 4 apart
    frame = messages(("ann", "x", None), ("ann", "y", None), ("ben", "y", None), ("ben", "z", None), ("eve", "w", None))
    found = clusters(frame)
    assert len(set(found[:4])) == 1
    assert found[4] != found[0]


def test_an_author_binds_nothing_where_the_split_unit_is_message() -> None:
    frame = messages(("herald", "x", None), ("herald", "y", None))
    frame["split_unit"] = "message"
    assert len(set(clusters(frame))) == 2


def test_messages_without_an_author_are_apart() -> None:
    assert len(set(clusters(messages((None, "x", None), (None, "y", None))))) == 2


def planted(train: tuple[str, str], held: tuple[str, str], split: str) -> pd.DataFrame:
    """A given training message m0 beside a given held-out one, each as (author, text key), and some of no concern."""
    return messages((*train, "train"), (*held, split), ("ben", "y", "train"), *free(12))


PLANTED = [
    (("ann", "x"), ("ann", "z"), "author"),
    (("ann", "same"), ("eve", "same"), "text"),
    (("ann", "same"), ("eve", "SAME"), "nearly equal text"),
]


@pytest.mark.parametrize("split", ["test", "gate", "dev"])
@pytest.mark.parametrize(("train", "held", "way"), PLANTED)
def test_a_planted_leak_is_refused_with_its_kind_and_ids(
    train: tuple[str, str], held: tuple[str, str], way: str, split: str
) -> None:
    sentence = (
        rf"given splits: training messages are known from messages held out: 1 by {way} \(m0\); mark them leave_out"
    )
    with pytest.raises(TableError, match=sentence):
        splits_of(planted(train, held, split))


@pytest.mark.parametrize(("train", "held", "way"), PLANTED)
def test_a_planted_leak_is_left_out_where_params_say_so(
    train: tuple[str, str], held: tuple[str, str], way: str
) -> None:
    found = assign(planted(train, held, "test"), DATA.model_copy(update={"leaks": "leave_out"}))
    assert found.split.tolist()[:2] == ["leave_out", "test"]
    assert [leak.ids for leak in found.leaks] == [["m0"]]
    assert found.left_out == {"a given training message that leaks": 1}


def test_a_dev_message_of_a_test_author_is_refused() -> None:
    with pytest.raises(TableError, match=r"1 by author \(m0\)"):
        splits_of(messages(("ann", "x", "dev"), ("ann", "z", "test"), *free(12)))


def test_a_message_that_leaks_in_two_ways_is_named_under_both() -> None:
    with pytest.raises(TableError, match=r"held out: 1 by author \(m0\); 1 by text \(m0\); mark"):
        splits_of(messages(("ann", "x", "train"), ("ann", "x", "test"), *free(8)))


def test_of_many_leaking_messages_five_are_named() -> None:
    rows = [("ann", f"x{number}", "train") for number in range(6)]
    with pytest.raises(TableError, match=r"6 by author \(m0, m1, m2, m3, m4 …\)"):
        splits_of(messages(*rows, ("ann", "z", "gate"), *free(8)))


def dated(*rows: tuple[str | None, str, str | None, str | None]) -> pd.DataFrame:
    """Messages as (author, text key, given split, date)."""
    frame = messages(*[row[:3] for row in rows])
    frame["created_at"] = [row[3] for row in rows]
    return frame


OLD = [(f"old{number}", f"o{number}", None, "2024-12-31T23:59:59Z") for number in range(12)]


def test_free_messages_from_a_date_on_are_test() -> None:
    frame = dated(("ann", "x", None, "2025-01-01"), ("ben", "y", None, "2025-03-01T08:00:00+00:00"), *OLD)
    found = splits_of(frame, test_from="2025-01-01")
    assert found[:2] == ["test", "test"]
    assert "test" not in found[2:]


def test_a_given_training_message_of_the_time_held_out_is_refused() -> None:
    with pytest.raises(TableError, match=r"1 by date \(m0\)"):
        splits_of(dated(("ann", "x", "train", "2025-01-02"), *OLD), test_from="2025-01-01")


def test_an_older_message_of_an_author_or_text_of_the_time_held_out_is_left_out() -> None:
    rows = [("ann", "x", None, "2025-01-01"), ("ann", "y", None, "2024-05-01"), ("eve", "X", None, "2024-05-01"), *OLD]
    assert splits_of(dated(*rows), test_from="2025-01-01")[:3] == ["test", "leave_out", "leave_out"]


def test_a_later_message_tied_to_given_training_is_left_out() -> None:
    rows = [("ann", "x", "train", "2024-05-01"), ("ann", "y", None, "2025-01-01"), ("b", "z", None, "2025-01-01"), *OLD]
    assert splits_of(dated(*rows), test_from="2025-01-01")[1:3] == ["leave_out", "test"]


@pytest.mark.parametrize("written", [None, "last spring"])
def test_a_message_without_a_date_is_left_out_where_a_date_parts_test(written: str | None) -> None:
    frame = dated(("ann", "x", None, written), ("ben", "y", None, "2025-01-01"), *OLD)
    found = assign(frame, DATA.model_copy(update={"test_from": "2025-01-01"}))
    assert found.split.tolist()[0] == "leave_out"
    assert found.left_out == {"without a date, where a date parts test": 1}


def sourced(*rows: tuple[str | None, str, str | None]) -> pd.DataFrame:
    """Messages whose first is of the courier, the others of the herald."""
    frame = messages(*rows)
    frame["source"] = ["courier", *["herald"] * (len(rows) - 1)]
    return frame


def test_free_messages_of_a_source_held_out_are_test() -> None:
    found = splits_of(sourced(("ann", "x", None), *free(12)), test_sources=["courier"])
    assert found.count("test") == 1
    assert found[0] == "test"


def test_a_given_training_message_of_a_source_held_out_is_refused() -> None:
    with pytest.raises(TableError, match=r"1 by source \(m0\)"):
        splits_of(sourced(("ann", "x", "train"), *free(12)), test_sources=["courier"])


def weak_first(n_weak: int, *rows: tuple[str | None, str, str | None]) -> pd.DataFrame:
    """Messages of which the first so many have weak labels."""
    frame = messages(*rows)
    frame["label_kind"] = ["weak"] * n_weak + ["gold"] * (len(rows) - n_weak)
    return frame


def test_weak_labels_neither_tune_nor_test() -> None:
    weak = [(f"w{number}", f"k{number}", None) for number in range(60)]
    assert set(splits_of(weak_first(60, *weak, *free(12)))[:60]) == {"train"}


def test_weak_labels_tied_to_dev_or_test_are_left_out() -> None:
    # weak copies of every free text: those of the texts that test or tune are left out
    weak = [(f"w{number}", f"TEXT{number}", None) for number in range(40)]
    found = splits_of(weak_first(40, *weak, *free(40)))
    assert {"dev", "test"} <= set(found[40:])
    assert [split == "train" for split in found[:40]] == [split == "train" for split in found[40:]]


def test_weak_labels_do_not_bind_trusted_ones_together() -> None:
    # one weak author wrote a copy of every free text: dev and test are cut from them all the same
    weak = [("w", f"TEXT{number}", None) for number in range(40)]
    assert {"dev", "test", "train"} <= set(splits_of(weak_first(40, *weak, *free(40)))[40:])


def test_weak_labels_of_the_time_held_out_are_left_out() -> None:
    frame = dated(("w", "k", None, "2025-01-02"), ("ann", "x", None, "2025-01-02"), *OLD)
    frame.loc[0, "label_kind"] = "weak"
    assert splits_of(frame, test_from="2025-01-01")[:2] == ["leave_out", "test"]


def test_weak_labels_are_split_as_any_where_there_are_no_others() -> None:
    assert {"train", "dev", "test"} == set(splits_of(weak_first(40, *free(40))))


def test_a_free_message_tied_to_train_and_dev_is_left_out() -> None:
    frame = messages(("ann", "x", "dev"), ("ann", "y", None), ("ben", "y", "train"), ("eve", "z", "test"), *free(12))
    assert splits_of(frame)[:3] == ["dev", "leave_out", "train"]


@pytest.mark.parametrize("key", ["same", "Same"])
def test_a_free_message_of_a_text_in_test_is_left_out(key: str) -> None:
    assert splits_of(messages(("ann", key, None), ("ben", "same", "test"), *free(8)))[0] == "leave_out"


def test_an_open_message_of_a_test_author_is_left_out() -> None:
    frame = messages(("ann", "x", None), ("ann", "y", "test"), *free(8))
    assert splits_of(frame)[0] == "leave_out"


def test_given_splits_are_kept() -> None:
    given_splits = ["train", "dev", "test", "gate", "leave_out"]
    frame = messages(*[(f"a{n}", f"k{n}", split) for n, split in enumerate(given_splits)], *free(8))
    assert splits_of(frame)[:5] == given_splits


def test_no_test_is_cut_where_one_is_given() -> None:
    frame = messages(("ann", "x", "test"), *free(12))
    assert splits_of(frame).count("test") == 1


def test_dev_is_cut_from_given_training_messages_where_none_is_given() -> None:
    frame = messages(("ann", "x", "test"), *[(f"a{n}", f"k{n}", "train") for n in range(12)])
    # a quarter of 12 authors with a message each
    assert splits_of(frame).count("dev") == 3


def test_about_the_share_asked_for_is_held_out() -> None:
    split = splits_of(messages(*free(96)))
    # a quarter of 96 tests: 24; a quarter of the remaining 72 tunes: 18; balancing labels may shift a few
    assert split.count("test") == pytest.approx(24, abs=3)
    assert split.count("dev") == pytest.approx(18, abs=3)


def test_a_gate_is_cut_from_what_test_leaves() -> None:
    # 100 messages of an author each: a quarter is test, a fifth of the 75 left is gate, a quarter of the 60 left is dev
    found = Counter(splits_of(messages(*free(100)), gate_share=0.2))
    assert found == {"test": 25, "gate": 15, "dev": 15, "train": 45}


def test_cutting_a_gate_leaves_test_as_it_is() -> None:
    frame = messages(*free(100))
    parts = [[split == "test" for split in splits_of(frame, gate_share=share)] for share in (0.0, 0.2)]
    assert parts[0] == parts[1]


def test_no_gate_is_cut_where_one_is_given() -> None:
    frame = messages(("ann", "x", "gate"), *free(40))
    found = splits_of(frame, gate_share=0.2)
    assert (found[0], found.count("gate")) == ("gate", 1)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(rows=ROWS)
def test_a_cut_gate_keeps_clear_of_all_other_splits(rows: list[tuple[str | None, str]]) -> None:
    frame = messages(*[(author, key, None) for author, key in rows], *free(20))
    split = assign(frame, DATA.model_copy(update={"gate_share": 0.25})).split
    assert n_leaks(frame, split) == 0
    gate = frame[split == "gate"]
    others = frame[split.isin(("train", "dev", "test"))]
    assert len(gate) > 0
    assert not set(gate["group"]) & set(others["group"])
    assert not set(gate["author"].dropna()) & set(others["author"].dropna())


def test_one_seed_gives_one_split() -> None:
    frame = messages(*free(40))
    assert splits_of(frame) == splits_of(frame)


def test_another_seed_gives_another_split() -> None:
    frame = messages(*free(40))
    assert splits_of(frame) != splits_of(frame, seed=SEED + 1)


def test_too_few_messages_are_one_sentence() -> None:
    with pytest.raises(TableError, match="labelled tables: 3 messages are too few to split; bring more"):
        assign(messages(*free(3)), DATA)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(rows=ROWS)
def test_folds_keep_clusters_whole(rows: list[tuple[str | None, str]]) -> None:
    frame = messages(*[(author, key, "train") for author, key in rows], *free(6))
    fold, cluster = folds(frame, 3, SEED), clusters(frame)
    assert all(len(set(fold[cluster == number])) == 1 for number in np.unique(cluster))


def test_every_message_is_in_a_fold() -> None:
    assert set(folds(messages(*free(30)), 3, SEED).tolist()) == {0, 1, 2}


def test_more_folds_than_authors_are_one_sentence() -> None:
    with pytest.raises(TableError, match="train split: 2 authors or texts for 3 folds; bring more labelled messages"):
        folds(messages(*free(2)), 3, SEED)


def test_labels_too_rare_to_balance_are_cut_all_the_same() -> None:
    # 8 messages, 6 kinds of label and language: none four times, as four parts would want
    split = splits_of(messages(*free(8)))
    assert set(split) == {"train", "dev", "test"}
