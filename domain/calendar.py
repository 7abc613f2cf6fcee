"""Times as Chinese offices keep them: one zone, working days, holidays, make-up days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from domain.errors import InputError

CHINA = ZoneInfo("Asia/Shanghai")
_EXCEL_EPOCH = datetime(1899, 12, 30)
_HALF_DAY = {"上午": 0, "早上": 0, "凌晨": 0, "am": 0, "下午": 12, "晚上": 12, "傍晚": 12, "pm": 12}
_WRITTEN = re.compile(
    r"(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?"
    r"(?:[T ]?\s?(?P<half>上午|早上|凌晨|下午|晚上|傍晚|am|pm)?\s?"
    r"(?P<hour>\d{1,2})(?:[:点时](?P<minute>\d{1,2})?)?(?:[:分](?P<second>\d{1,2})?)?秒?)?",
    re.IGNORECASE,
)
_SERIAL = re.compile(r"\d{5}(?:\.\d{1,12})?")


def china_day(moment: datetime) -> date:
    """Day on which a moment falls in China.

    Examples
    --------
    >>> china_day(datetime.fromisoformat("2026-02-13T16:00:00+00:00")).isoformat()
    '2026-02-14'
    """
    return moment.astimezone(CHINA).date()


def parse_time(raw: str | float | datetime | date) -> datetime:
    """Read a time as tables carry it.

    Parameters
    ----------
    raw : str, float, datetime or date
        ISO 8601 with or without offset, ``2026/2/14 下午3点``, ``2026年2月14日 15:04``, a date,
        or a serial day number of Excel. Without an offset it is Chinese local time.

    Returns
    -------
    datetime
        In UTC, aware.

    Raises
    ------
    InputError
        It is no time between the years 1900 and 9998.

    Examples
    --------
    >>> parse_time("2026/2/14 下午3点").isoformat()
    '2026-02-14T07:00:00+00:00'
    """
    try:
        moment = _read(raw)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=CHINA)
        if not 1900 <= moment.year <= 9998:
            raise ValueError
        return aware.astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        shown = repr(raw)[:40] if isinstance(raw, str) else type(raw).__name__
        raise InputError(
            f"{shown} is no time; write 2026-02-14T15:00:00 or 2026-02-14 15:00"
        ) from None


def _read(raw: str | float | datetime | date) -> datetime:
    if isinstance(raw, datetime):
        return raw
    if isinstance(raw, date):
        return datetime.combine(raw, time())
    if isinstance(raw, (int, float)):
        return _EXCEL_EPOCH + timedelta(seconds=round(raw * 86_400))
    text = raw.strip()
    if _SERIAL.fullmatch(text):
        return _EXCEL_EPOCH + timedelta(seconds=round(float(text) * 86_400))
    written = _WRITTEN.fullmatch(text)
    return _written_time(written) if written else datetime.fromisoformat(text)


def _written_time(written: re.Match[str]) -> datetime:
    part = {
        name: int(value) for name, value in written.groupdict().items() if value and name != "half"
    }
    later = _HALF_DAY[(written["half"] or "am").lower()]
    hour = part.get("hour", 0)
    if later and hour < 12:
        hour += later
    return datetime(
        part["year"], part["month"], part["day"], hour, part.get("minute", 0), part.get("second", 0)
    )


@dataclass(frozen=True)
class Calendar:
    """Working days, by default the People's Republic's.

    Attributes
    ----------
    exceptions : mapping of date to bool
        True for a weekend day that is worked, False for a weekday that is off.
    years : frozenset of int
        Years whose exceptions are known; others fall back to Monday to Friday.
    """

    exceptions: Mapping[date, bool] = field(default_factory=dict)
    years: frozenset[int] = frozenset()

    def is_working(self, day: date) -> bool:
        """Whether people work on that day."""
        return self.exceptions.get(day, day.weekday() < 5)

    def is_estimated(self, day: date) -> bool:
        """Whether the year's list of holidays is not known."""
        return day.year not in self.years

    def add_working_days(self, start: datetime, days: int) -> datetime:
        """The same clock time that many working days later.

        Parameters
        ----------
        start : datetime
            Aware; on a day off, counting starts at the end of that day off.
        days : int
            At least 1.

        Returns
        -------
        datetime
            Aware, in China's zone.

        Examples
        --------
        >>> china = china_calendar()
        >>> china.add_working_days(datetime(2026, 9, 30, 10, tzinfo=CHINA), 3).isoformat()
        '2026-10-10T10:00:00+08:00'
        """
        local = start.astimezone(CHINA)
        if not self.is_working(local.date()):
            local = datetime.combine(local.date(), time(), tzinfo=CHINA)
            while not self.is_working(local.date()):
                local += timedelta(days=1)
        for _ in range(days):
            local += timedelta(days=1)
            while not self.is_working(local.date()):
                local += timedelta(days=1)
        return local


@cache
def china_calendar() -> Calendar:
    """Holidays and make-up working days that the State Council announced."""
    exceptions: dict[date, bool] = {}
    lines = Path(__file__).with_name("holidays.csv").read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        first, last, worked = line.split(",")[:3]
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            exceptions[day] = worked == "1"
            day += timedelta(days=1)
    return Calendar(exceptions, frozenset(day.year for day in exceptions))
