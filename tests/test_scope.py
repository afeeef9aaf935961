import pytest

from segmenter.scope import UNKNOWN, language, languages, out_of_scope
from segmenter.text import clean

SENTENCES = {
    "en": "The council opened a new library in the old town hall on Monday.",
    "ru": "Городской совет открыл новую библиотеку в старом здании ратуши.",
    "de": "Der Stadtrat hat am Montag eine neue Bibliothek im alten Rathaus eröffnet.",
    "fr": "Le conseil municipal a ouvert une nouvelle bibliothèque dans l'ancienne mairie.",
    "it": "Il consiglio comunale ha aperto lunedì una nuova biblioteca nel vecchio municipio.",
}
TRAINED_ON = frozenset(SENTENCES)


@pytest.mark.parametrize("code", SENTENCES)
def test_a_plain_sentence_is_recognised_in_each_language_of_the_examples(code: str) -> None:
    assert language(SENTENCES[code]) == code


def test_capitals_do_not_change_the_language() -> None:
    assert language(SENTENCES["en"].upper()) == "en"


def test_handles_links_and_hashtags_do_not_vote_on_the_language() -> None:
    noisy = "@guten_morgen_berlin #Nachrichten https://beispiel.de/eine-neue-bibliothek " + SENTENCES["en"]
    assert language(clean(noisy)) == "en"


@pytest.mark.parametrize("text", ["", "@user link", "2025 !!! 🙂", "#only #tags"])
def test_a_message_without_words_of_its_own_has_no_language(text: str) -> None:
    assert language(text) == UNKNOWN


def test_languages_come_in_the_order_of_the_messages() -> None:
    assert languages(list(SENTENCES.values())) == list(SENTENCES)


def test_a_long_message_has_a_language() -> None:
    assert language(" ".join([SENTENCES["de"]] * 500)) == "de"


def test_fewer_letters_than_asked_are_too_short() -> None:
    # "ok" has 2 letters
    assert out_of_scope("ok 12345", "en", trained_on=TRAINED_ON, min_letters=3) == "too_short"


def test_exactly_the_letters_asked_are_enough() -> None:
    assert out_of_scope("yes", "en", trained_on=TRAINED_ON, min_letters=3) == ""


def test_replaced_handles_and_links_do_not_count_as_letters() -> None:
    assert out_of_scope("@user link @user", "en", trained_on=TRAINED_ON, min_letters=1) == "too_short"


def test_a_language_without_training_messages_is_out_of_scope_and_named() -> None:
    found = out_of_scope("Kirjasto avattiin", "fi", trained_on=TRAINED_ON, min_letters=3)
    assert found == "language_not_trained:fi"


def test_a_trained_language_is_in_scope() -> None:
    assert out_of_scope(SENTENCES["ru"], "ru", trained_on=TRAINED_ON, min_letters=3) == ""
