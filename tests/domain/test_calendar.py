from datetime import UTC, date, datetime

import pytest

from domain.calendar import CHINA, china_calendar, parse_time
from domain.errors import InputError


@pytest.mark.parametrize(
    ("raw", "utc"),
    [
        ("2026-02-14T15:00:00", "2026-02-14T07:00:00"),
        ("2026-02-14 15:00", "2026-02-14T07:00:00"),
        ("2026-02-14T15:00:00+00:00", "2026-02-14T15:00:00"),
        ("2026-02-14T07:00:00Z", "2026-02-14T07:00:00"),
        ("2026/2/14 下午3点", "2026-02-14T07:00:00"),
        ("2026/2/14 上午3:05", "2026-02-13T19:05:00"),
        ("2026年2月14日 15时04分05秒", "2026-02-14T07:04:05"),
        ("2026.2.14", "2026-02-13T16:00:00"),
        ("46067.625", "2026-02-14T07:00:00"),
        (46067.625, "2026-02-14T07:00:00"),
        (date(2026, 2, 14), "2026-02-13T16:00:00"),
        ("1988-07-01 12:00:00", "1988-07-01T03:00:00"),
    ],
)
def test_times_are_read_as_tables_carry_them(raw: object, utc: str) -> None:
    """Without an offset it is Chinese local time, with the summer time of 1986 to 1991."""
    assert parse_time(raw) == datetime.fromisoformat(utc).replace(tzinfo=UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "raw", ["昨天", "2026-13-01", "2026-02-30", "0001-01-01", "", "9999-12-31"]
)
def test_nonsense_is_no_time(raw: str) -> None:
    """The error shows what was given and what would be right."""
    with pytest.raises(InputError, match="is no time; write 2026-02-14T15:00:00"):
        parse_time(raw)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2026-01-04", True),
        ("2026-02-14", True),
        ("2026-02-28", True),
        ("2026-05-09", True),
        ("2026-09-20", True),
        ("2026-10-10", True),
        ("2026-02-16", False),
        ("2026-10-08", True),
        ("2026-11-22", False),
    ],
)
def test_holidays_and_make_up_days_of_2026(day: str, worked: bool) -> None:
    """Six weekend days are worked."""
    assert china_calendar().is_working(date.fromisoformat(day)) is worked


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-11-23T09:30", "2026-11-26T09:30"),
        ("2026-11-27T17:00", "2026-12-02T17:00"),
        ("2026-11-28T10:00", "2026-12-03T00:00"),
        ("2026-09-30T10:00", "2026-10-10T10:00"),
        ("2026-02-13T10:00", "2026-02-25T10:00"),
    ],
)
def test_three_working_days_pass_over_holidays(start: str, due: str) -> None:
    """A complaint of a day off starts its clock when that day off ends."""
    moment = datetime.fromisoformat(start).replace(tzinfo=CHINA)
    expected = datetime.fromisoformat(due).replace(tzinfo=CHINA)
    assert china_calendar().add_working_days(moment, 3) == expected


def test_a_year_without_a_list_is_called_estimated() -> None:
    """Monday to Friday is a guess there."""
    calendar = china_calendar()
    assert calendar.is_estimated(date(2031, 5, 1))
    assert not calendar.is_estimated(date(2026, 5, 1))
