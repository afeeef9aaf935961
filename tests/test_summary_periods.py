from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scored_rows import BERLIN, UTC

from segmenter.summary.columns import UNDATED
from segmenter.summary.periods import NO_DAY, NO_PERIOD, Calendar, calendar, day_number, iso_day, local_days


def seconds(*moments: str) -> np.ndarray:
    """ISO times, of UTC where they name no zone; UNDATED for an empty one."""
    return np.array(
        [
            int(datetime.fromisoformat(one + ("" if "+" in one else "+00:00")).timestamp()) if one else UNDATED
            for one in moments
        ],
        np.int64,
    )


def of(*moments: str, zone: ZoneInfo = UTC, at_most: int = 200, has_time: bool = True) -> Calendar:
    found = seconds(*moments)
    return calendar(found, np.full(len(found), has_time), zone, periods_at_most=at_most)


def test_a_day_is_a_day_of_the_time_zone() -> None:
    # 22:30 UTC is 00:30 of the next day in Berlin in summer, 23:30 of the same day in winter
    late = seconds("2031-06-15T22:30", "2031-12-15T22:30", "")
    assert [iso_day(day) for day in local_days(late, BERLIN)[:2]] == ["2031-06-16", "2031-12-15"]
    assert [iso_day(day) for day in local_days(late, UTC)[:2]] == ["2031-06-15", "2031-12-15"]
    assert local_days(late, UTC)[2] == NO_DAY
    assert day_number("2031-06-15") == local_days(late, UTC)[0] == 22_445  # 1,939,248,000 s of 86,400


def test_an_hour_that_clocks_leave_out_is_no_period() -> None:
    # On 30 March 2031 clocks in Berlin go from 02:00 to 03:00, at 01:00 UTC
    found = of("2031-03-30T00:30", "2031-03-30T01:30", zone=BERLIN)
    assert found.periods.unit == "hour"
    assert found.periods.starts == ["2031-03-30T01:00:00+01:00", "2031-03-30T03:00:00+02:00"]
    assert found.periods.labels == ["2031-03-30 01:00", "2031-03-30 03:00"]
    assert found.periods.end == "2031-03-30T04:00:00+02:00"
    assert found.numbers.tolist() == [0, 1]


def test_an_hour_that_clocks_repeat_is_two_periods() -> None:
    # On 26 October 2031 clocks in Berlin go from 03:00 back to 02:00, at 01:00 UTC
    found = of("2031-10-26T00:30", "2031-10-26T01:30", zone=BERLIN)
    assert found.periods.starts == ["2031-10-26T02:00:00+02:00", "2031-10-26T02:00:00+01:00"]
    assert found.numbers.tolist() == [0, 1]


def test_hours_begin_where_a_zone_of_half_hours_has_them() -> None:
    # Kolkata is 5:30 ahead: 00:10 UTC is 05:40 there
    found = of("2031-06-15T00:10", "2031-06-15T00:40", zone=ZoneInfo("Asia/Kolkata"))
    assert found.periods.starts == ["2031-06-15T05:00:00+05:30", "2031-06-15T06:00:00+05:30"]


def test_empty_hours_between_messages_are_periods() -> None:
    found = of("2031-06-15T00:10", "2031-06-15T03:59")
    assert [start[11:16] for start in found.periods.starts] == ["00:00", "01:00", "02:00", "03:00"]
    assert found.numbers.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("last", "unit", "n"),
    [
        ("2031-06-15T09:59", "hour", 10),
        ("2031-06-15T10:00", "day", 1),  # 11 hours are more than 10
        ("2031-06-24T23:59", "day", 10),
        ("2031-06-25T00:00", "week", 3),  # 11 days; Mondays 9, 16 and 23 June
        ("2031-08-17T12:00", "week", 10),  # the Sunday of the tenth week
        ("2031-08-18T00:00", "month", 3),
        ("2032-03-31T00:00", "month", 10),
        ("2032-04-01T00:00", "year", 2),
    ],
)
def test_the_unit_is_the_finest_of_which_there_are_not_too_many(last: str, unit: str, n: int) -> None:
    found = of("2031-06-15T00:00", last, at_most=10)
    assert (found.periods.unit, len(found.periods.starts)) == (unit, n)
    assert found.numbers.tolist() == [0, n - 1]


def test_a_week_begins_on_monday() -> None:
    # 15 June 2031 is a Sunday
    found = of("2031-06-15T12:00", "2031-06-16T12:00", "2031-06-30T12:00", at_most=10)
    assert found.periods.starts == ["2031-06-09", "2031-06-16", "2031-06-23", "2031-06-30"]
    assert (found.periods.labels[0], found.periods.end) == ("week of 2031-06-09", "2031-07-07")
    assert found.numbers.tolist() == [0, 1, 3]


def test_dates_without_a_time_are_never_cut_into_hours() -> None:
    assert of("2031-06-15T00:00", has_time=False).periods.unit == "day"


def test_undated_messages_are_in_no_period() -> None:
    found = of("2031-06-15T12:00", "", "2031-06-18T12:00", at_most=50)
    assert found.periods.starts == ["2031-06-15", "2031-06-16", "2031-06-17", "2031-06-18"]
    assert found.numbers.tolist() == [0, NO_PERIOD, 3]
    assert found.periods.end == "2031-06-19"


def test_without_dates_there_are_no_periods() -> None:
    found = of("", "")
    assert (found.periods.starts, found.periods.end, found.numbers.tolist()) == ([], "", [NO_PERIOD, NO_PERIOD])


def test_a_stray_date_does_not_make_a_thousand_periods() -> None:
    # 1031 to 2031 are 1001 years, more than 200: the empty ones are left out
    found = of("1031-06-15T12:00", "2031-06-18T12:00", "2030-06-18T12:00")
    assert (found.periods.unit, found.periods.starts) == ("year", ["1031-01-01", "2030-01-01", "2031-01-01"])
    assert found.numbers.tolist() == [0, 2, 1]
    assert found.periods.end == "2032-01-01"


def test_the_first_and_the_last_year_are_periods() -> None:
    found = of("0001-01-02T00:00", "9999-12-31T00:00")
    assert (found.periods.starts, found.periods.end) == (["0001-01-01", "9999-01-01"], "9999-12-31")
