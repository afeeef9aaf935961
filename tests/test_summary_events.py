from datetime import date
from pathlib import Path

import pytest
from jobs import write_table
from scored_rows import UTC

from segmenter.errors import TableError
from segmenter.summary.events import read_events


def test_events_come_by_date_with_what_was_declared(tmp_path: Path) -> None:
    rows = [
        {"date": "2031-07-04", "label": "Fair", "declared": "yes"},
        {"date": "2031-07-01", "label": "Vote", "declared": ""},
    ]
    found = read_events(write_table(tmp_path / "events.csv", rows), UTC)
    assert [(one.date, one.label, one.kind, one.declared) for one in found] == [
        (date(2031, 7, 1), "Vote", "", None), (date(2031, 7, 4), "Fair", "", True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"date": "soon", "label": "Fair"}, r"events.csv row 1: date 'soon' is no date; write it as"),
        ({"date": "2031-07-04", "label": " "}, r"events.csv row 1: the event has no label; "),
        (
            {"date": "2031-07-04", "label": "Fair", "declared": "perhaps"},
            r"declared 'perhaps' is neither true nor false",
        ),
        ({"day": "2031-07-04", "label": "Fair"}, r"no column 'date'; it needs date, label"),
    ],
)
def test_a_broken_event_is_named(tmp_path: Path, row: dict[str, str], sentence: str) -> None:
    with pytest.raises(TableError, match=sentence):
        read_events(write_table(tmp_path / "events.csv", [row]), UTC)
