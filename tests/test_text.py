import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segmenter.text import clean, n_letters, text_key

# Characters and scraps that the rules act on, so that random texts meet them.
SCRAPS = ["https://", "www.", "t.me/", "@bob", "link", "@", ".", " ", "\u200b", "\u034f", "\u0301", "\x00", "\u202e"]
SCRAPS += ["\uff20", "e", "\u0438", "\u0306", "\u1160"]  # full-width @; Cyrillic i and its breve; Hangul filler
TEXTS = st.lists(st.characters(exclude_categories=["Cs"]) | st.sampled_from(SCRAPS), max_size=14).map("".join)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(TEXTS)
@example("e\u200b\u0301")  # a letter whose accent is kept apart by an invisible character
@example("@bob\u0301")  # a handle that ends in an accent no letter takes up
def test_cleaning_a_cleaned_message_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(TEXTS)
def test_messages_of_one_cleaned_text_have_one_key(text: str) -> None:
    assert text_key(clean(text)) == text_key(text)


@pytest.mark.parametrize(
    "link", ["https://news.example/a?b=c#d", "HTTP://NEWS.EXAMPLE", "www.news.example/x", "t.me/channel", "youtu.be/x1"]
)
def test_a_link_becomes_one_word(link: str) -> None:
    assert clean(f"read {link} today") == "read link today"


def test_a_link_without_a_scheme_needs_a_word_boundary() -> None:
    assert clean("cat.me/ow") == "cat.me/ow"


def test_a_handle_becomes_one_word() -> None:
    assert clean("thanks @harbour_news_7!") == "thanks @user!"


def test_a_cyrillic_handle_becomes_one_word() -> None:
    assert clean("спасибо @новости_порта!") == "спасибо @user!"


def test_an_address_is_no_handle() -> None:
    assert clean("write to info@harbour.example") == "write to info@harbour.example"


def test_zero_width_characters_are_gone() -> None:
    assert clean("har\u200bbo\u200dur\ufeff ne\u00adws") == "harbour news"


def test_direction_marks_are_gone() -> None:
    assert clean("\u202eharbour\u202c \u2066news\u2069\u200f") == "harbour news"


def test_an_accent_kept_apart_by_an_invisible_character_joins_its_letter() -> None:
    assert clean("cafe\u200b\u0301") == "caf\u00e9"


def test_styled_and_full_width_letters_become_plain() -> None:
    # a mathematical sans-serif Z, full-width a and t, the fi ligature
    assert clean("\U0001d5ed\uff41\uff54 \ufb01sh") == "Zat fish"


def test_control_characters_separate_words() -> None:
    assert clean("harbour\x00news\x07today") == "harbour news today"


def test_spaces_of_every_kind_become_one() -> None:
    assert clean("  harbour \t\r\n\u00a0\u2003news \u3000") == "harbour news"


def test_cyrillic_is_never_folded_into_latin() -> None:
    cyrillic = "сор"  # the Cyrillic letters es, o, er; they look like the Latin cop
    assert clean(cyrillic) == cyrillic
    assert text_key(cyrillic) != text_key("cop")


def test_cyrillic_keeps_its_own_letters() -> None:
    sentence = "Съешь ещё этих мягких французских булок, да выпей чаю."  # every Russian letter
    assert clean(sentence) == sentence


def test_joined_emoji_fall_into_their_parts() -> None:
    assert clean("ok \U0001f469\u200d\U0001f680") == "ok \U0001f469\U0001f680"  # woman, joiner, rocket


def test_letters_are_counted_in_any_script_and_nothing_else() -> None:
    # T e a + ч а й = 6; digits, underscore and punctuation are no letters
    assert n_letters("Tea 2_0! чай") == 6


def test_replaced_links_and_handles_are_no_letters() -> None:
    assert n_letters(clean("@harbour https://news.example ok")) == 2


@pytest.mark.parametrize(
    "twin", ["HARBOUR news https://b.example", "harbour  news\nhttps://a.example/2", "har\u200bbour news www.c.example"]
)
def test_messages_that_differ_in_links_case_and_spacing_have_one_key(twin: str) -> None:
    assert text_key(twin) == text_key("Harbour news https://a.example/1")


def test_messages_that_name_different_handles_have_one_key() -> None:
    assert text_key("thanks @anna") == text_key("thanks @boris")


def test_messages_of_different_words_have_different_keys() -> None:
    assert text_key("harbour news") != text_key("harbour new")


def test_a_key_is_32_hex_digits() -> None:
    assert len(text_key("harbour")) == 32
    assert int(text_key("harbour"), 16) >= 0
