from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st
from scored_rows import Settings, corpus_of, message, uncertain

from segmenter.summary.apart import Side, set_apart, side
from segmenter.summary.lemmas import one_word
from segmenter.summary.terms import LanguageTerms, Terms, terms_by_language
from segmenter.summary.tokens import BREAK, stream
from segmenter.summary.words import MIN_LETTERS, words_of
from segmenter.text import clean


def tokens(*texts: str) -> list[list[str]]:
    """The words of each text, `|` for a break."""
    originals = pa.chunked_array([list(texts)], pa.string())
    found = stream(originals, pa.chunked_array([[clean(text) for text in texts]], pa.string()))
    ends = np.cumsum(found.lengths)
    return [
        ["|" if number == BREAK else found.words[number] for number in found.numbers[end - length : end]]
        for end, length in zip(ends, found.lengths, strict=True)
    ]


def terms_of(folder: Path, *texts: str, language: str = "xx", at_least: int = 1) -> LanguageTerms:
    corpus = corpus_of(folder, [message(text, language=language) for text in texts])
    [found] = terms_by_language(corpus, texts_at_least=1, term_texts_at_least=at_least)
    return found


def totals(terms: Terms) -> dict[str, int]:
    return {terms.shown(term): int(n) for term, n in enumerate(terms.totals)}


def test_words_come_in_their_order_with_breaks_between_sentences() -> None:
    assert tokens("Open the gate, now. 7 ships!") == [["open", "the", "gate", "|", "now", "|", "|", "ships", "|"]]


def test_a_hashtag_is_one_word_at_the_end() -> None:
    assert tokens("now #OpenTheHarbour and #old_town https://a.example/#Part") == [
        ["now", "|", "and", "|", "|", "|", "#opentheharbour", "|", "#old_town"]
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Schöne Grüße @ann_b 2031 https://a.example/x mail bob@post.example ring +49 30 1234567 #Hafenfest don’t हिन्दी",
        "u/someone wrote [id123|Ann B] on t.me/ann and example.org, www.a.example/b",
        "@ann@post.example and @bob. a@b.example",
        "rock-n-roll l'été 'quoted' -- a_b c#d # ##x x2y",
        "ＦＵＬＬ width ＃Tag ｌink link",
    ],
)
def test_words_are_those_of_one_message(text: str) -> None:
    [found] = tokens(text)
    assert {word for word in found if len(word) >= MIN_LETTERS} == words_of(text)


@runs(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(
        st.sampled_from(["a", "B", "é", "ж", "@", "#", ".", "/", ":", "'", "-", "_", " ", "com", "1", "|", "\u200b"])
    )
)
def test_no_word_is_shown_that_one_message_would_not_show(parts: list[str]) -> None:
    # contacts are taken a little more widely here, never less
    text = "".join(parts) + " end"
    [found] = tokens(text)
    assert {word for word in found if len(word) >= MIN_LETTERS} - {"|"} <= words_of(text)


def test_forms_of_one_word_are_shown_as_the_most_frequent_one() -> None:
    # "ships" 3 times, "ship" 2: both are "ship"; simplemma has no "zzyzx", and would make "do" of "don't"
    words = ["ship", "ships", "zzyzx", "#ships", "don't", "do"]
    assert one_word(words, np.array([2, 3, 5, 9, 9, 9]), "en").tolist() == [1, 1, 2, 3, 4, 5]


def test_forms_are_left_as_they_are_in_a_language_without_a_dictionary() -> None:
    assert one_word(["ship", "ships"], np.array([2, 3]), "und").tolist() == [0, 1]


def test_a_term_counts_once_a_text(tmp_path: Path) -> None:
    found = terms_of(tmp_path, "red boat red boat", "red boat", "boat red")
    assert totals(found.words) == {"red": 3, "boat": 3}
    assert totals(found.phrases) == {"red boat": 2, "boat red": 2, "red boat red": 1, "boat red boat": 1}
    # terms of each text: 2 words; 2 pairs and 2 triples, 1 pair, 1 pair
    assert (found.words.sizes.tolist(), found.phrases.sizes.tolist()) == ([2, 2, 2], [4, 1, 1])
    assert (found.words.mass, found.phrases.mass) == (6, 6)


def test_forms_in_one_text_count_once(tmp_path: Path) -> None:
    found = terms_of(tmp_path, "one ship two ships", "ships", language="en")
    assert totals(found.words)["ships"] == 2 and "ship" not in totals(found.words)


def test_phrases_end_at_full_stops_links_handles_and_texts(tmp_path: Path) -> None:
    found = terms_of(tmp_path, "open gates. late ships https://a.example/x come @ann home 7 times", "again")
    assert set(totals(found.phrases)) == {"open gates", "late ships"}


def test_a_short_word_stands_in_phrases_alone(tmp_path: Path) -> None:
    found = terms_of(tmp_path, "not a war")
    assert set(totals(found.words)) == {"not", "war"}
    assert set(totals(found.phrases)) == {"not a", "a war", "not a war"}


def test_rare_terms_have_no_number_but_their_weight(tmp_path: Path) -> None:
    found = terms_of(tmp_path, "old boats sink", "old boats float", at_least=2)
    assert totals(found.words) == {"old": 2, "boats": 2}
    assert totals(found.phrases) == {"old boats": 2}
    assert (found.words.mass, found.words.sizes.tolist()) == (6, [3, 3])
    assert (found.phrases.mass, found.phrases.sizes.tolist()) == (
        6,
        [3, 3],
    )  # "old boats", a rare pair and a rare triple


def test_counts_are_of_the_texts_asked_for(tmp_path: Path) -> None:
    found = terms_of(tmp_path, "red boat", "red gate", "blue gate").words
    assert {found.shown(term): int(n) for term, n in enumerate(found.counts(np.array([1, 2])))} == {
        "red": 1, "boat": 0, "gate": 2, "blue": 1
    }  # fmt: skip
    assert found.counts(np.array([], np.int64)).sum() == 0


def test_texts_are_cut_and_counted_the_same_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{word} boats {other} gates #tag{word}" for word in ("old", "new", "red") for other in ("late", "far")]
    whole = terms_of(tmp_path, *texts)
    monkeypatch.setattr("segmenter.summary.tokens.CHUNK_TEXTS", 2)
    monkeypatch.setattr("segmenter.summary.terms.TEXTS_AT_ONCE", 4)
    pieces = terms_of(tmp_path, *texts)
    for one, other in ((whole.words, pieces.words), (whole.phrases, pieces.phrases)):
        assert totals(one) == totals(other)
        assert one.counts(np.arange(5)).tolist() == other.counts(np.arange(5)).tolist()


def test_languages_are_apart_and_out_of_scope_texts_are_left_out(tmp_path: Path) -> None:
    rows = [
        message("red boat", language="en"),
        message("rotes Boot", language="de"),
        message("blue boat", language="en"),
    ]
    corpus = corpus_of(tmp_path, [uncertain("grey boat", "too_short"), *rows])
    found = list(terms_by_language(corpus, texts_at_least=1, term_texts_at_least=1))
    assert [(one.language, one.texts.tolist()) for one in found] == [("en", [1, 3]), ("de", [2])]
    assert "grey" not in totals(found[0].words)
    assert [one.language for one in terms_by_language(corpus, texts_at_least=2, term_texts_at_least=1)] == ["en"]


def two(n_x: int, n_y: int) -> Terms:
    """Terms x and y with so many texts each."""
    none = np.zeros(0, np.int64)
    parts = np.array([[0, -1, -1], [1, -1, -1]], np.int32)
    return Terms(["x", "y"], parts, np.array([n_x, n_y]), n_x + n_y, none, none.astype(np.int32), none.astype(np.int32))


def test_words_are_ranked_by_log_odds_with_the_languages_own_prior() -> None:
    # Prior 8 words over x 4, y 4: 4 each. Ours x 3 of 3, theirs x 1 of 5.
    # log(7/4) - log(5/8) = log 2.8 = 1.0296; variance 1/7 + 1/5 = 0.342857; z = 1.0296 / 0.58554 = 1.758. y is theirs.
    ours, theirs = Side(np.array([3, 0]), 3), Side(np.array([1, 4]), 5)
    found = set_apart(two(4, 4), ours, theirs, Settings(word_messages_at_least=3, word_z_at_least=1.0))
    assert [(word.word, word.z, word.n_messages, word.n_others) for word in found] == [("x", 1.758, 3, 1)]
    assert set_apart(two(4, 4), ours, theirs, Settings(word_messages_at_least=4, word_z_at_least=0.0)) == []


def test_the_prior_is_the_whole_corpus_whatever_the_part() -> None:
    # Prior 8 words over x 12, y 4 of the whole: 6 and 2. In the part, ours x 3 of 3, theirs x 1 of 5.
    # log(9/2) - log(7/6) = log 3.857 = 1.3499; variance 1/9 + 1/7 = 0.253968; z = 1.3499 / 0.50395 = 2.679
    ours, theirs = Side(np.array([3, 0]), 3), Side(np.array([1, 4]), 5)
    [found] = set_apart(two(12, 4), ours, theirs, Settings(word_z_at_least=1.0))
    assert found.z == 2.679


def test_nothing_is_set_apart_where_one_side_has_no_words() -> None:
    some, none = Side(np.array([4, 4]), 8), Side(np.array([0, 0]), 0)
    assert set_apart(two(4, 4), some, none, Settings()) == []
    assert set_apart(two(4, 4), none, some, Settings()) == []


def test_of_phrases_that_share_two_words_the_longer_is_shown(tmp_path: Path) -> None:
    ours = [f"keep the old harbour open {letter}{letter}" for letter in "abcd"]
    terms = terms_of(tmp_path, *ours, *[f"{letter}{letter} come by boat" for letter in "efgh"], at_least=2).phrases
    found = set_apart(terms, side(terms, np.arange(4)), side(terms, np.arange(4, 8)), Settings(word_z_at_least=0.0))
    # all have the same z: the longer come first, then by name; each shares no two neighbouring words with those before
    assert [word.word for word in found] == ["keep the old", "old harbour open"]
