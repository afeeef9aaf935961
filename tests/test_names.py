import numpy as np
import pytest

from eval.names import COUNTRY, PERSON, Mention, elsewhere, languages, mentions, n_words, names_of, without


def named(text: str, lang: str, kind: str) -> list[str]:
    return [text[one.start : one.end] for one in mentions(text, lang) if one.kind == kind]


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("en", "Norway and the Norwegians sent a Norwegian choir", ["Norway", "Norwegians", "Norwegian"]),
        ("ru", "Из Норвегии в Норвегию едет норвежский хор", ["Норвегии", "Норвегию", "норвежский"]),
        ("uk", "З Норвегії до Польщі їде норвезький хор", ["Норвегії", "Польщі", "норвезький"]),
        ("bg", "От Норвегия към Полша пътува норвежки хор", ["Норвегия", "Полша", "норвежки"]),
        ("de", "Norwegen schickt einen norwegischen Chor nach Polen", ["Norwegen", "norwegischen", "Polen"]),
        ("fr", "La Norvège envoie un chœur norvégien en Pologne", ["Norvège", "norvégien", "Pologne"]),
        ("it", "La Norvegia manda un coro norvegese in Polonia", ["Norvegia", "norvegese", "Polonia"]),
        ("nl", "Noorwegen stuurt een Noors koor naar Polen", ["Noorwegen", "Noors", "Polen"]),
        ("pt", "A Noruega manda um coro norueguês à Polónia", ["Noruega", "norueguês", "Polónia"]),
    ],
)
def test_countries_are_found_in_each_language_with_their_endings(lang: str, text: str, expected: list[str]) -> None:
    assert named(text, lang, COUNTRY) == expected


def test_a_name_that_is_also_a_word_is_found_where_it_is_written_as_a_name() -> None:
    assert named("turkey soup for us, said the pole", "en", COUNTRY) == []
    assert named("Turkey soup for the US, said the Pole", "en", COUNTRY) == ["Turkey", "US", "Pole"]


def test_words_that_begin_like_a_country_are_none() -> None:
    assert named("peruse the malicious roman index, romantic omaniac", "en", COUNTRY) == []
    assert named("коренья, роса, данные, сирень, перуны", "ru", COUNTRY) == []


def test_a_name_of_several_words_is_one_mention() -> None:
    assert named("the United  States and South Korea", "en", COUNTRY) == ["United  States", "South Korea"]


def test_well_known_people_are_found_by_surname() -> None:
    assert named("Merkel met putin", "en", PERSON) == ["Merkel", "putin"]
    assert named("Встреча с Обамой и Путиным", "ru", PERSON) == ["Обамой", "Путиным"]


def test_anybody_is_found_by_a_given_name_and_a_capitalised_word() -> None:
    assert named("then Anna Quellborn and Peter J. van der Zwart spoke", "en", PERSON) == [
        "Anna Quellborn",
        "Peter J. van der Zwart",
    ]
    assert named("выступил Сергей Петрович Лодкин", "ru", PERSON) == ["Сергей Петрович Лодкин"]


def test_a_title_gives_a_person_away_and_stays() -> None:
    assert named("wir fragten Frau Quellborn", "de", PERSON) == ["Quellborn"]


def test_german_nouns_are_nobody() -> None:
    assert mentions("Liebe Gärtner, gießt die Beete im Garten vor dem Mittag", "de") == []


def test_after_a_title_a_country_is_a_country() -> None:
    text = "президент Норвегии"
    assert named(text, "ru", COUNTRY) == ["Норвегии"]
    assert named(text, "ru", PERSON) == []


def test_placeholders_are_of_the_same_kind_and_language() -> None:
    text = "Merkel besucht Norwegen"
    assert without(text, mentions(text, "de"), "de") == "Person besucht Land"


def test_a_message_without_names_is_left_as_it_is() -> None:
    assert without("water the beds", mentions("water the beds", "en"), "en") == "water the beds"


def test_of_a_language_without_lists_people_alone_are_found() -> None:
    assert "eo" not in languages()
    text = "Merkel vizitas Italy"
    assert [one.kind for one in mentions(text, "eo")] == [PERSON]
    assert without(text, mentions(text, "eo"), "eo") == "person vizitas Italy"


def test_as_many_other_words_are_put_elsewhere() -> None:
    text = "after noon Anna Quellborn of Norway waters all the beds"
    found = mentions(text, "en")
    put = elsewhere(text, found, np.random.default_rng(1))
    assert n_words(text, put) == n_words(text, found) == 3
    assert sorted(one.kind for one in put) == sorted(one.kind for one in found)
    assert not any(one.start < other.end and other.start < one.end for one in put for other in found)


def test_elsewhere_there_may_be_no_word() -> None:
    assert elsewhere("Norway", [Mention(0, 6, COUNTRY)], np.random.default_rng(1)) == []


def test_every_language_has_placeholders_for_both_kinds() -> None:
    assert {lang for lang in languages() if set(names_of(lang).placeholders) != {COUNTRY, PERSON}} == set()
    assert set(languages()) == {"bg", "de", "en", "fr", "it", "nl", "pt", "ru", "uk"}
