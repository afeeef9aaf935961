from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st
from numpy.typing import NDArray

from segmenter import duplicates
from segmenter.duplicates import groups
from segmenter.sections import Duplicates
from segmenter.text import text_key

SETTINGS = Duplicates(similarity_at_least=0.8, shingle_characters=5, permutations=128)
BEDS = "gardeners, water the long beds by the wall before noon and mulch the roses"


def of(*texts: str, **changes: object) -> list[int]:
    return groups(texts, SETTINGS.model_copy(update=changes)).tolist()


def shingles(text: str) -> set[str]:
    return {text[place : place + 5] for place in range(len(text) - 4)}


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of five-character shingles, by definition."""
    return len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other))


def test_texts_that_differ_in_case_spaces_and_links_are_one_group() -> None:
    assert of(f"{BEDS} https://a.example/1", f"  {BEDS.upper()}  https://b.example/2") == [0, 0]


def test_a_text_with_a_changed_ending_is_a_near_duplicate() -> None:
    # 74 characters, 70 shingles: the last changed touches one shingle, 69 of 71 are shared
    assert similarity(BEDS, f"{BEDS[:-1]}!") > 0.95
    assert of(BEDS, f"{BEDS[:-1]}!") == [0, 0]


def test_texts_below_the_threshold_are_apart() -> None:
    other = f"{BEDS}, then rest in the shade"
    assert 0.6 < similarity(BEDS, other) < 0.8
    assert of(BEDS, other) == [0, 1]
    assert of(BEDS, other, similarity_at_least=0.6) == [0, 0]


def test_a_similarity_of_one_leaves_exact_duplicates_alone() -> None:
    assert of(BEDS, f"{BEDS[:-1]}!", BEDS.title(), similarity_at_least=1.0) == [0, 1, 0]


def test_texts_shorter_than_a_shingle_have_exact_duplicates_alone() -> None:
    assert of("hoe", "HOE", "hoes", "", "  ") == [0, 0, 1, 2, 2]


def test_duplicates_are_bound_through_others() -> None:
    # each step changes one letter further on; the ends are below the threshold, the steps above
    chain = [BEDS]
    for place in range(6, 66, 10):
        chain.append(f"{chain[-1][:place]}#{chain[-1][place + 1 :]}")
    assert similarity(chain[0], chain[-1]) < 0.8
    assert of(*chain) == [0] * len(chain)


def test_groups_are_numbered_by_their_first_message() -> None:
    assert of("prune the pears", "oil the chain", "PRUNE the pears", "ring the bell") == [0, 1, 0, 2]


def test_no_messages_have_no_groups() -> None:
    assert of() == []


def test_a_shingle_does_not_run_into_the_next_text() -> None:
    # "abcde" would be a shingle of "xxabc" + "de..." if texts were read as one
    assert of("xxabc", "deyyyy", "abcde") == [0, 1, 2]


def test_texts_hashed_in_several_chunks_are_grouped_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{BEDS} number {number % 7} of the {'north' if number % 2 else 'south'} plot" for number in range(40)]
    whole = of(*texts)
    monkeypatch.setattr(duplicates, "CHUNK_CHARACTERS", 100)
    assert of(*texts) == whole


def test_a_bucket_of_many_copies_is_one_group() -> None:
    # far more than BUCKET_NEIGHBOURS texts that agree on most bands
    texts = [f"{BEDS} and mind the long hose, the ladder and the gate no. {number}" for number in range(200)]
    assert set(of(*texts)) == {0}


def test_all_near_duplicates_of_a_corpus_are_found() -> None:
    # brute force over 300 made texts: every pair at or above the threshold stands in one group
    random = np.random.default_rng(3)
    words = np.array(
        ["bed", "rose", "lane", "wheel", "shelf", "novel", "gate", "hose", "ring", "chapter", "noon", "wall"]
    )
    texts = []
    for _ in range(100):
        own = random.choice(words, 14).tolist()
        texts += [" ".join(own), " ".join([*own[:-1], "ladder"]), " ".join(["saddle", *own[1:]])]
    found = groups(texts, SETTINGS)
    sets = [shingles(text) for text in texts]
    pairs = [(i, j) for i in range(300) for j in range(i) if len(sets[i] & sets[j]) >= 0.8 * len(sets[i] | sets[j])]
    assert len(pairs) > 50
    assert all(found[i] == found[j] for i, j in pairs)


def partition(found: NDArray[np.int64], order: list[int]) -> set[frozenset[int]]:
    """The groups as sets of the messages' places before they were put in `order`."""
    return {frozenset(order[place] for place in np.flatnonzero(found == number)) for number in set(found.tolist())}


# Few letters and short texts, so that many are equal or nearly equal.
TEXTS = st.lists(st.text("ab A@\u200b", max_size=14), max_size=25)


@runs(max_examples=60, deadline=None, derandomize=True)
@given(texts=TEXTS, random=st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_and_keep_equal_texts_together(texts: list[str], random: Random) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)
    settings = SETTINGS.model_copy(update={"shingle_characters": 2, "permutations": 32})
    found = groups(texts, settings)
    shuffled = groups([texts[place] for place in order], settings)
    assert partition(found, list(range(len(texts)))) == partition(shuffled, order)
    number_of: dict[str, int] = {}
    assert all(
        number_of.setdefault(text_key(text), number) == number for text, number in zip(texts, found, strict=True)
    )
