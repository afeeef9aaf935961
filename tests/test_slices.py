"""eval/slices.py: every value of every column is a slice."""

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from numpy.typing import NDArray

from eval.slices import same_slices, slices, supported
from segmenter.errors import ParamsError
from segmenter.params import load_params
from segmenter.sections import Eval

SETTINGS = load_params(REPOSITORY / "params.yaml").eval.model_copy(
    update={
        "calibration_bins": 1,
        "bootstrap_rounds": 1,
        "slice_support_at_least": 1,
        "conclusion_support_at_least": 1,
        "slices": ["lang", "source"],
        "source_messages_at_least": 1,
        "period": "year",
        "length_words": [3, 5],
    }
)
# Six messages. For gardeners: one of the two in English, both in German, the Italian one, not the French one.
MESSAGES = pd.DataFrame(
    {
        "text": ["one two", "one two three", "one two three four", "one two three four five", "a", "b"],
        "lang": ["en", "en", "de", "de", "it", "fr"],
        "source": ["gazette", "gazette", "gazette", None, None, "herald"],
        "split_unit": ["author"] * 5 + ["message"],
        "created_at": ["2016-12-31T23:30:00-05:00", "2016-02-01", "2017-05-05", "2017-08-01T00:00:00Z", None, "soon"],
        "author": ["ann", "ben", "ann", None, "cy", "dee"],
        "bed": ["7", "8", "a|b\n c", None, "10", " "],  # a column beyond the contract
    }
)
CARRIED = np.array([[1, 1], [0, 0], [1, 0], [1, 0], [1, 0], [0, 0]], np.bool_)


def places(settings: Eval = SETTINGS, carried: NDArray[np.bool_] = CARRIED) -> dict[str, list[int]]:
    """The places of each slice's messages."""
    return {name: np.flatnonzero(mask).tolist() for name, mask in slices(MESSAGES, carried, settings).items()}


def having(**changes: object) -> Eval:
    return SETTINGS.model_copy(update=changes)


def test_every_value_of_a_column_is_a_slice_however_small() -> None:
    found = places()
    assert (found["lang=en"], found["lang=de"], found["lang=it"], found["lang=fr"]) == ([0, 1], [2, 3], [4], [5])


def test_every_value_of_a_kept_column_is_a_slice_named_on_one_line() -> None:
    found = places(having(slices=["bed"], length_words=[]))
    of_bed = {name: rows for name, rows in found.items() if name.startswith("bed")}
    # 7 alone is the message for two audiences, whose slice comes later; each alone can carry no figure
    assert of_bed == {
        **{"bed=10": [4], "bed=7": [0], "bed=8": [1], "bed=a/b c": [2], "bed unknown": [3, 5]},
        "bed, rest": [0, 1, 2, 4],
    }


def test_messages_without_a_value_are_a_slice() -> None:
    assert places()["source unknown"] == [3, 4]


def test_values_that_can_carry_no_figure_are_a_slice_together() -> None:
    # English alone has a message with an audience and one without
    assert places()["lang, rest"] == [2, 3, 4, 5]


def test_one_value_that_can_carry_no_figure_is_not_taken_together() -> None:
    # cyclists, half of German and no other: German alone cannot be without it
    carried = np.column_stack([CARRIED[:, 0], [1, 0, 1, 0, 0, 0]]).astype(np.bool_)
    one = having(slices=["split_unit"])
    assert "split_unit, rest" not in places(one, carried)


def test_small_sources_are_one_slice_without_their_names() -> None:
    # the gazette has three messages, the herald one; those without a source are all for gardeners, so they can carry no figure
    two, four = (places(having(source_messages_at_least=n, slices=["source"])) for n in (2, 4))
    assert (two["source=gazette"], two["source, rest"]) == ([0, 1, 2], [3, 4, 5])
    assert "source=herald" not in two
    assert "source, rest" not in four  # which are all messages
    assert [name for name in four if name.startswith("source=")] == []


def test_a_single_small_source_is_not_named_either() -> None:
    herald = MESSAGES.assign(source=["gazette"] * 5 + ["herald"])
    found = slices(herald, CARRIED, having(source_messages_at_least=2, slices=["source"], period="year"))
    assert "source=gazette" in found
    assert np.flatnonzero(found["source, rest"]).tolist() == [5]


def test_small_values_of_another_column_keep_their_names() -> None:
    assert "lang=it" in places(having(source_messages_at_least=9))


def test_a_period_begins_at_midnight_of_utc() -> None:
    # the first was written at 04:30 UTC of the first of January 2017
    found = places()
    assert (found["period=2016"], found["period=2017"], found["period unknown"]) == ([1], [0, 2, 3], [4, 5])


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("quarter", {"period=2016-Q1": [1], "period=2017-Q1": [0], "period=2017-Q2": [2], "period=2017-Q3": [3]}),
        ("month", {"period=2016-02": [1], "period=2017-01": [0], "period=2017-05": [2], "period=2017-08": [3]}),
    ],
)
def test_periods_may_be_shorter(period: str, expected: dict[str, list[int]]) -> None:
    found = places(having(period=period, slices=[]))
    assert {name: rows for name, rows in found.items() if name.startswith("period=")} == expected


def test_bands_of_length_begin_at_their_edges() -> None:
    found = places()
    assert (found["words=0-2"], found["words=3-4"], found["words=5 and more"]) == ([0, 4, 5], [1, 2], [3])


def test_messages_for_several_audiences_are_a_slice() -> None:
    assert places()["several audiences"] == [0]


def test_of_slices_of_the_same_messages_the_first_is_shown() -> None:
    # the Herald's only message is the French one
    assert "source=herald" not in places()
    same = same_slices(MESSAGES, CARRIED, SETTINGS)
    assert same["source=herald"] == "lang=fr"


def test_without_columns_and_edges_there_are_all_messages_and_periods() -> None:
    # the only band of length is all messages
    assert set(places(having(slices=[], length_words=[]))) == {
        *("all", "period=2016", "period=2017", "period unknown", "several audiences")
    }


@pytest.mark.parametrize("column", ["outlet", "author", "text"])
def test_a_column_that_makes_no_slices_is_one_sentence(column: str) -> None:
    remedy = r"name some of lang, source, split_unit, bed, or have a table keep it \(data\.tables\.keep\)"
    with pytest.raises(ParamsError, match=f"^eval.slices: '{column}' makes no slices; {remedy}$"):
        places(having(slices=[column]))


def test_an_audience_is_supported_where_enough_carry_it_and_enough_do_not() -> None:
    # gardeners 4 and 2, cyclists 1 and 5
    assert supported(CARRIED, 2).tolist() == [True, False]
    assert supported(CARRIED, 3).tolist() == [False, False]
