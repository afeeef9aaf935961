import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter.errors import TableError
from segmenter.params import Data, LabelledTable
from training.splits import assign, clusters, folds, overlaps

TABLE = LabelledTable(path="none.csv", columns={}, splits={}, label_kind="gold", weight=1.0)
DATA = Data(tables=[TABLE], reference_labels="invented", dev_share=0.25, test_share=0.25)
SEED = 5


def messages(*rows: tuple[str | None, str, str | None]) -> pd.DataFrame:
    """Messages as (author, text key, given split), labels and languages in turn; no author: split by message."""
    frame = pd.DataFrame(rows, columns=["author", "key", "split"]).astype(object).where(lambda f: f.notna(), None)
    frame["id"] = [f"m{number}" for number in range(len(rows))]
    frame["audiences"] = [[["gardeners"], ["cyclists"], []][number % 3] for number in range(len(rows))]
    frame["lang"] = ["en" if number % 2 else "de" for number in range(len(rows))]
    frame["split_unit"] = ["author" if author else "message" for author, _, _ in rows]
    return frame


def free(n_messages: int) -> list[tuple[str | None, str, str | None]]:
    """Messages of an author and a text of their own each, their split open."""
    return [(f"free{number}", f"text{number}", None) for number in range(n_messages)]


# Few authors and texts, so that many are shared.
ROWS = st.lists(
    st.tuples(st.one_of(st.none(), st.sampled_from("abcdefghijkl")), st.sampled_from("0123456789qrstuvwxyz")),
    min_size=5,
    max_size=40,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=ROWS)
def test_no_author_and_no_text_stands_on_both_sides(rows: list[tuple[str | None, str]]) -> None:
    frame = messages(*[(author, key, None) for author, key in rows], *free(12))
    frame["split"] = assign(frame, DATA, SEED)
    assert overlaps(frame) == (set(), set())


GIVEN = st.sampled_from(["train", "dev"]).flatmap(
    lambda split: st.lists(st.sampled_from([split, None]), min_size=40, max_size=40)
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=ROWS, given_splits=GIVEN)
def test_a_cut_test_split_keeps_clear_of_given_training_messages(
    rows: list[tuple[str | None, str]], given_splits: list[str | None]
) -> None:
    parts = [(author, key, split) for (author, key), split in zip(rows, given_splits, strict=False)]
    frame = messages(*parts, *free(12))
    frame["split"] = assign(frame, DATA, SEED)
    assert overlaps(frame) == (set(), set())


def test_an_author_of_train_and_dev_is_refused() -> None:
    frame = messages(("ann", "x", "train"), ("ann", "y", "dev"), *free(12))
    with pytest.raises(TableError, match="1 training messages are by authors who also stand in dev"):
        assign(frame, DATA, SEED)


def test_a_free_message_of_a_dev_author_joins_dev() -> None:
    frame = messages(("ann", "x", "dev"), ("ann", "y", None), *free(12))
    assert assign(frame, DATA, SEED).tolist()[:2] == ["dev", "dev"]


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


def test_an_author_on_both_sides_of_given_splits_is_refused_with_ids() -> None:
    frame = messages(("ann", "x", "train"), ("ben", "y", "train"), ("ann", "z", "test"), *free(8))
    sentence = r"given splits: 1 training messages are by authors who also stand in test or gate \(m0\); mark them"
    with pytest.raises(TableError, match=sentence):
        assign(frame, DATA, SEED)


def test_of_many_leaking_messages_five_are_named() -> None:
    rows = [("ann", f"x{number}", "train") for number in range(6)]
    with pytest.raises(TableError, match=r"6 training messages .* \(m0, m1, m2, m3, m4 …\)"):
        assign(messages(*rows, ("ann", "z", "gate"), *free(8)), DATA, SEED)


@pytest.mark.parametrize("given_split", ["train", None])
def test_a_training_text_that_stands_in_test_is_left_out(given_split: str | None) -> None:
    frame = messages(("ann", "same", given_split), ("ben", "same", "test"), *free(8))
    assert assign(frame, DATA, SEED).iloc[0] == "leave_out"


def test_an_open_message_of_a_test_author_is_left_out() -> None:
    frame = messages(("ann", "x", None), ("ann", "y", "test"), *free(8))
    assert assign(frame, DATA, SEED).iloc[0] == "leave_out"


def test_given_splits_are_kept() -> None:
    given_splits = ["train", "dev", "test", "gate", "leave_out"]
    frame = messages(*[(f"a{n}", f"k{n}", split) for n, split in enumerate(given_splits)], *free(8))
    assert assign(frame, DATA, SEED).iloc[:5].tolist() == given_splits


def test_no_test_is_cut_where_one_is_given() -> None:
    frame = messages(("ann", "x", "test"), *free(12))
    assert (assign(frame, DATA, SEED) == "test").sum() == 1


def test_dev_is_cut_from_given_training_messages_where_none_is_given() -> None:
    frame = messages(("ann", "x", "test"), *[(f"a{n}", f"k{n}", "train") for n in range(12)])
    # a quarter of 12 authors with a message each
    assert (assign(frame, DATA, SEED) == "dev").sum() == 3


def test_about_the_share_asked_for_is_held_out() -> None:
    split = assign(messages(*free(96)), DATA, SEED)
    # a quarter of 96 tests: 24; a quarter of the remaining 72 tunes: 18; balancing labels may shift a few
    assert (split == "test").sum() == pytest.approx(24, abs=3)
    assert (split == "dev").sum() == pytest.approx(18, abs=3)


def test_one_seed_gives_one_split() -> None:
    frame = messages(*free(40))
    assert assign(frame, DATA, SEED).tolist() == assign(frame, DATA, SEED).tolist()


def test_another_seed_gives_another_split() -> None:
    frame = messages(*free(40))
    assert assign(frame, DATA, SEED).tolist() != assign(frame, DATA, SEED + 1).tolist()


def test_too_few_messages_are_one_sentence() -> None:
    with pytest.raises(TableError, match="labelled tables: 3 messages are too few to split; bring more"):
        assign(messages(*free(3)), DATA, SEED)


@settings(max_examples=40, deadline=None, derandomize=True)
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
    split = assign(messages(*free(8)), DATA, SEED)
    assert set(split) == {"train", "dev", "test"}
