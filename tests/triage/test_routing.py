"""Queues, lanes, deadlines and ladders by the rule file."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.calendar import CHINA, Calendar
from domain.errors import SettingRefused
from triage.routing import local_time, read_routing, shipped_routing

FRIDAY = datetime(2026, 3, 13, 17, tzinfo=CHINA)


def written(directory: Path, rules: str) -> Path:
    """A file of rules."""
    path = directory / "own.toml"
    path.write_text(rules, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("tier", "acknowledge", "resolve", "plan"),
    [
        ("普通", 24, datetime(2026, 3, 18, 17, tzinfo=CHINA), None),
        ("紧急", 4, FRIDAY + timedelta(hours=24), None),
        ("重大", 1, None, FRIDAY + timedelta(hours=24)),
    ],
)
def test_deadlines_follow_the_tier(
    tier: str, acknowledge: int, resolve: datetime | None, plan: datetime | None
) -> None:
    """Three working days from a Friday end on Wednesday."""
    route = shipped_routing().route("产品质量", tier, None, FRIDAY)
    assert route.acknowledge_by == FRIDAY + timedelta(hours=acknowledge)
    assert (route.resolve_by, route.plan_by) == (resolve, plan)


@pytest.mark.parametrize("tier", ["普通", "紧急", "重大"])
def test_ladders_climb(tier: str) -> None:
    """Each step comes later than the one before."""
    steps = shipped_routing().route("产品质量", tier, None, FRIDAY).escalations
    assert steps
    assert [s.at for s in steps] == sorted(s.at for s in steps)
    assert all(s.at >= FRIDAY for s in steps)


def test_a_grave_case_asks_for_more_skills() -> None:
    """The tier adds to what the category asks."""
    routing = shipped_routing()
    plain = routing.route("安全卫生", "普通", None, FRIDAY).skills
    grave = routing.route("安全卫生", "重大", None, FRIDAY).skills
    assert set(plain) < set(grave)


def test_an_unknown_category_has_a_queue() -> None:
    """No complaint is left lying."""
    assert shipped_routing().route("交通运输", "普通", None, FRIDAY).queue == "综合组"


def test_own_rules_lie_over_the_shipped_ones(tmp_path: Path) -> None:
    """What a file leaves out stays as it was."""
    rules = '[queues."交通运输"]\nqueue = "交通组"\n[deadlines."紧急"]\nacknowledge_hours = 2\n'
    routing = read_routing(written(tmp_path, rules))
    route = routing.route("交通运输", "紧急", None, FRIDAY)
    assert route.queue == "交通组"
    assert route.acknowledge_by == FRIDAY + timedelta(hours=2)
    assert route.resolve_by == FRIDAY + timedelta(hours=24)
    assert routing.route("产品质量", "普通", None, FRIDAY).queue == "质量组"


def test_another_calendar_moves_the_deadline() -> None:
    """Working days are the calendar's."""
    monday_off = Calendar({datetime(2026, 3, 16, tzinfo=CHINA).date(): False})
    route = read_routing(calendar=monday_off).route("产品质量", "普通", None, FRIDAY)
    assert route.resolve_by == datetime(2026, 3, 19, 17, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("[queus]\n", "table 'queus' of own.toml is unknown"),
        ("[lanes\n", "can't be read as routing rules"),
        ('[lanes]\n"贵宾" = "x"\n', "lanes names '贵宾'"),
        ('[deadlines."普通"]\nacknowledge_hours = -1\n', "a deadline of 普通"),
        ('[deadlines."普通"]\nresolve_working_days = 999\n', "resolve_working_days of 普通"),
        ('[deadlines."普通"]\nsoon = 1\n', "can't be used"),
        ('[tier_skills]\n"特急" = ["x"]\n', "tier_skills names '特急'"),
        ("[supervisor]\nanger = 1\n", "can't be used"),
    ],
)
def test_rules_that_cannot_work_are_refused(tmp_path: Path, rules: str, message: str) -> None:
    """The message names table and entry."""
    with pytest.raises(SettingRefused, match=message):
        read_routing(written(tmp_path, rules))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """No silent fall-back to the shipped rules."""
    with pytest.raises(SettingRefused, match=r"absent\.toml can't be read"):
        read_routing(tmp_path / "absent.toml")


def test_any_zone_becomes_chinas() -> None:
    """Deadlines are told in local time."""
    assert local_time(datetime.fromisoformat("2026-03-13T09:00:00+00:00")) == FRIDAY
