from datetime import date

import pytest
from scored_rows import UTC

from segmenter.summary.dates import day_of


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2031-06-15T23:30:00+02:00", date(2031, 6, 15)),  # 21:30 UTC
        ("2031-06-15T23:30:00-02:00", date(2031, 6, 16)),  # 01:30 UTC
        ("2031-06-15", date(2031, 6, 15)),
        ("20310615", date(2031, 6, 15)),
        (1_939_248_000, date(2031, 6, 15)),  # 22,445 days of 86,400 seconds after 1970-01-01
        ("1939248000", date(2031, 6, 15)),
        (1_939_248_000_000, date(2031, 6, 15)),
        ("soon", None),
        ("nan", None),
        (float("inf"), None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_is_read_in_each_form_it_comes_in(value: object, day: date | None) -> None:
    found = day_of(value, UTC)
    assert (found and found.day) == day
