import pytest

from training.annotators import merge

IDS = ["gardeners", "cyclists", "readers"]


def row(annotator: str | None, *audiences: str, key: str = "k1", number: str = "m1") -> dict[str, object]:
    return {"id": number, "key": key, "annotator": annotator, "audiences": list(audiences), "annotations": {}}


@pytest.mark.parametrize(
    ("votes", "marked", "n_tied"),
    [
        ([["gardeners"], ["gardeners"], []], ["gardeners"], 0),  # two of three
        ([["gardeners"], [], []], [], 0),  # one of three
        ([["gardeners"], []], [], 1),  # one of two: a tie
        ([["readers", "gardeners"], ["gardeners", "readers"]], ["gardeners", "readers"], 0),
        ([["gardeners", "readers"], ["gardeners"]], ["gardeners"], 1),
        ([["cyclists"]], ["cyclists"], 0),
    ],
)
def test_more_than_half_of_the_annotators_decide(votes: list[list[str]], marked: list[str], n_tied: int) -> None:
    found = merge([row(f"a{number}", *vote) for number, vote in enumerate(votes)], IDS)
    assert [part["audiences"] for part in found.rows] == [marked]
    assert found.n_tied == n_tied


def test_rows_of_one_id_and_two_texts_are_two_messages() -> None:
    assert len(merge([row("ann"), row("ben", key="k2")], IDS).rows) == 2


def test_messages_come_in_the_order_in_which_they_were_first_met() -> None:
    found = merge([row("ann", number="m2"), row(None, number="m9"), row("ben"), row("ben", number="m2")], IDS)
    assert [part["id"] for part in found.rows] == ["m2", "m9", "m1"]


def test_no_row_keeps_the_name_of_an_annotator_beside_the_annotations() -> None:
    assert all("annotator" not in part for part in merge([row("ann"), row(None)], IDS).rows)
