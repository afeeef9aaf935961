import pytest

from eval.perturbations import PERTURBATIONS
from segmenter.text import text_key


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("url", "Rain at noon.", "Rain at noon. https://example.org/a/2031-0093"),
        ("handle", "Rain at noon.", "@example_reader Rain at noon."),
        ("lower_case", "Rain in Rodenau", "rain in rodenau"),
        ("upper_case", "Regen in Straß", "REGEN IN STRASS"),  # Unicode's capitals of ß
        ("emoji", "Rain at noon.", "Rain at noon. \U0001f642"),
        ("quote", "Rain at noon.", "“Rain at noon.”"),
        ("repost", "Rain at noon.", "RT @example_reader: Rain at noon."),
        # the dash goes with one of its two spaces; apostrophe, hyphen and the point inside 3.5 stay
        ("no_punctuation", "Don't! 3.5 well-fed cats – «so, far»?", "Don't 3.5 well-fed cats so far"),
        ("more_punctuation", "Rain? Now! At 3.5 degrees.", "Rain??? Now!!! At 3.5 degrees..."),
        # Annabel is another name, and names are swapped both ways
        ("name", "Anna, Laura and Annabel met Tom; Мария тоже.", "Laura, Anna and Annabel met Jack; Елена тоже."),
        # words of five letters: council, closes, station, early; the first and the fourth slip
        ("typos", "The council closes a station early.", "The cuoncil closes a station eraly."),
        ("typos", "Moose news", "Mosoe news"),  # the second and third letters are equal, so the third and fourth
        ("zero_width", "The town sleeps", "The to\u200bwn sl\u200beeps"),
        # The is too short; the first twin of "town" is o, of "sleeps" e; Cyrillic о and е stand for them
        ("look_alikes", "The town sleeps", "The t\u043ewn sl\u0435eps"),
        ("look_alikes", "Город спит", "Г\u006fрод \u0063пит"),  # Latin o and c
    ],
)
def test_a_change_does_what_its_name_says(name: str, before: str, after: str) -> None:
    assert PERTURBATIONS[name](before) == after


@pytest.mark.parametrize("name", ["zero_width", "look_alikes"])
@pytest.mark.parametrize("text", ["The town council sleeps until noon.", "Городской совет спит до полудня."])
def test_what_nobody_sees_the_text_rules_take_away_again(name: str, text: str) -> None:
    changed = PERTURBATIONS[name](text)
    assert changed != text
    assert text_key(changed) == text_key(text)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_a_change_is_the_same_every_time(name: str) -> None:
    text = "Anna Kolb warns: the town of Rodenau sleeps!"
    assert PERTURBATIONS[name](text) == PERTURBATIONS[name](text)


@pytest.mark.parametrize("name", ["name", "typos", "look_alikes", "zero_width", "more_punctuation"])
def test_a_change_finds_nothing_to_do_in_a_text_without_its_object(name: str) -> None:
    assert PERTURBATIONS[name]("1 + 1") == "1 + 1"
