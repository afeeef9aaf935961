import pytest

from segmenter.sources.records import SetAside, context, labels_in, moment, plain, rows_of, text_in


def test_labels_are_a_json_list_each_once_in_order() -> None:
    assert labels_in("label", ["b", "a", "b", "ф"]) == '["b", "a", "ф"]'


@pytest.mark.parametrize("none", [None, [], ""])
def test_no_label_is_no_choice_and_not_a_choice_of_none(none: object) -> None:
    with pytest.raises(SetAside, match="no choice was made") as aside:
        labels_in("label", none)
    assert aside.value.left_out


@pytest.mark.parametrize("wrong", [["a", None], [" "], [["a"]], {"a": 1}, 3, "  "])
def test_what_is_no_label_is_broken(wrong: object) -> None:
    with pytest.raises(SetAside, match="field 'label' holds ") as aside:
        labels_in("label", wrong)
    assert not aside.value.left_out


@pytest.mark.parametrize(("found", "text"), [("a", "a"), (7, "7"), (1.5, "1.5"), (0, "0"), (None, None), ("", None)])
def test_numbers_become_text_and_nothing_stays_nothing(found: object, text: str | None) -> None:
    assert plain("id", found) == text


@pytest.mark.parametrize("wrong", [True, [], {}])
def test_what_is_neither_text_nor_number_is_broken(wrong: object) -> None:
    with pytest.raises(SetAside, match=r"field 'id' holds \w+, not text"):
        plain("id", wrong)


def test_a_text_keeps_its_white_space() -> None:
    assert text_in({"text": " tea\n"}, "text") == " tea\n"


def test_context_comes_from_the_first_place_that_has_it() -> None:
    found = context({"source": "post", "lang": None}, {"source": "hill", "lang": "de"}, "no object")
    assert found == {"author": None, "source": "post", "created_at": None, "lang": "de"}


@pytest.mark.parametrize("wrong", ["soon", True, None, [1], 1e300, float("nan"), "9" * 400])
def test_what_is_no_time_is_broken(wrong: object) -> None:
    with pytest.raises(SetAside, match="field 'date' is not a time in seconds"):
        moment("date", wrong)


def test_a_record_too_deep_to_be_shown_is_set_aside_all_the_same() -> None:
    record: list[object] = []
    for _ in range(100_000):
        record = [record]
    [row] = rows_of(1, record, lambda _: [])
    assert (row.found, row.reason) == ("", "is list, not a JSON object")
