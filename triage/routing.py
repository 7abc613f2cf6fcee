"""Who gets a complaint and by when, by a file of rules."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.calendar import CHINA, Calendar, china_calendar
from domain.complaint import CustomerValue, Tier
from domain.errors import SettingRefused
from triage.decision import EscalationStep, Route

_ANY = "*"
_TABLES = ("deadlines", "escalations", "queues", "tier_skills", "lanes", "supervisor", "doubt")


@dataclass(frozen=True)
class Deadline:
    """Hours or working days from receipt; None where the tier sets none."""

    acknowledge_hours: float
    resolve_hours: float | None = None
    resolve_working_days: int | None = None
    plan_hours: float | None = None


@dataclass(frozen=True)
class Rung:
    """One step of an escalation ladder."""

    after_hours: float
    to: str
    reason: str


@dataclass(frozen=True)
class Desktop:
    """Where complaints of a category go, and the skills that they ask for."""

    queue: str
    skills: tuple[str, ...] = ()


@dataclass(frozen=True)
class Supervisor:
    """When a supervisor takes over, and the advice that goes with it."""

    lane: str
    anger_from: float
    demand_words_from: int
    advice: str


@dataclass(frozen=True)
class Routing:
    """The rules of `routing.toml`, read.

    Examples
    --------
    >>> received = datetime(2026, 9, 30, 10, tzinfo=CHINA)
    >>> route = shipped_routing().route("产品质量", "重大", None, received)
    >>> route.queue, route.acknowledge_by.isoformat(), route.resolve_by
    ('质量组', '2026-09-30T11:00:00+08:00', None)
    """

    deadlines: Mapping[str, Deadline]
    ladders: Mapping[str, tuple[Rung, ...]]
    queues: Mapping[str, Desktop]
    tier_skills: Mapping[str, tuple[str, ...]]
    lanes: Mapping[str, str]
    supervisor: Supervisor
    doubt_queue: str
    calendar: Calendar

    def is_hot(
        self, anger: NDArray[np.float64], demand_words: NDArray[np.uint16]
    ) -> NDArray[np.bool_]:
        """Whether a supervisor takes over, for each complaint."""
        rule = self.supervisor
        return (anger >= rule.anger_from) | (demand_words >= rule.demand_words_from)

    def route(
        self,
        category: str,
        tier: str,
        customer_value: str | None,
        received_at: datetime,
        hot: bool = False,
        doubtful: bool = False,
    ) -> Route:
        """Route of one complaint.

        Parameters
        ----------
        category, tier : str
            As decided.
        customer_value : str or None
            One of `CustomerValue`, or unknown.
        received_at : datetime
            Aware, in China's zone.
        hot : bool
            Whether a supervisor takes over.
        doubtful : bool
            Whether a person must decide first.

        Returns
        -------
        Route
        """
        desk = self.queues.get(category) or self.queues[_ANY]
        lane = self.lanes.get(customer_value or _ANY) or self.lanes[_ANY]
        return Route(
            self.doubt_queue if doubtful else desk.queue,
            desk.skills + self.tier_skills.get(tier, ()),
            self.supervisor.lane if hot else lane,
            *self._times(tier, received_at),
            tuple(
                EscalationStep(received_at + timedelta(hours=r.after_hours), r.to, r.reason)
                for r in self.ladders.get(tier, ())
            ),
            self.supervisor.advice if hot else None,
        )

    def _times(
        self, tier: str, received_at: datetime
    ) -> tuple[datetime, datetime | None, datetime | None]:
        rule = self.deadlines[tier]
        plan = None if rule.plan_hours is None else received_at + timedelta(hours=rule.plan_hours)
        resolve = None
        if rule.resolve_hours is not None:
            resolve = received_at + timedelta(hours=rule.resolve_hours)
        elif rule.resolve_working_days is not None:
            resolve = self.calendar.add_working_days(received_at, rule.resolve_working_days)
        return received_at + timedelta(hours=rule.acknowledge_hours), resolve, plan


@cache
def shipped_routing() -> Routing:
    """The rules that Suyuan comes with."""
    return read_routing()


def read_routing(path: Path | None = None, calendar: Calendar | None = None) -> Routing:
    """Read the shipped rules, with those of another file over them.

    Parameters
    ----------
    path : Path, optional
        TOML of the same form; a table or entry that it leaves out stays as shipped.
    calendar : Calendar, optional
        By default the People's Republic's.

    Returns
    -------
    Routing

    Raises
    ------
    SettingRefused
        The file is no TOML, or an entry is missing, unknown or of the wrong kind.
    """
    rules = _read(Path(__file__).with_name("routing.toml"))
    if path is not None:
        rules = _laid_over(rules, _read(path))
    try:
        return _routing(rules, calendar or china_calendar())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SettingRefused(
            f"the routing rules can't be used: {error}; see routing.toml"
        ) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        rules = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingRefused(f"{path.name} can't be read as routing rules: {error}") from None
    unknown = [name for name in rules if name not in _TABLES]
    if unknown:
        raise SettingRefused(
            f"table {unknown[0]!r} of {path.name} is unknown; known are {', '.join(_TABLES)}"
        )
    return rules


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _laid_over(old, value)
        merged[name] = value
    return merged


def _routing(rules: Mapping[str, Any], calendar: Calendar) -> Routing:
    tiers = [tier.value for tier in Tier]
    deadlines = {tier: Deadline(**rules["deadlines"][tier]) for tier in tiers}
    ladders = {
        tier: tuple(sorted((Rung(**rung) for rung in rungs), key=lambda rung: rung.after_hours))
        for tier, rungs in rules["escalations"].items()
    }
    routing = Routing(
        deadlines,
        ladders,
        {
            category: Desktop(entry["queue"], tuple(entry.get("skills", ())))
            for category, entry in rules["queues"].items()
        },
        {tier: tuple(skills) for tier, skills in rules["tier_skills"].items()},
        dict(rules["lanes"]),
        Supervisor(**rules["supervisor"]),
        rules["doubt"]["queue"],
        calendar,
    )
    _refuse_unusable(routing)
    return routing


def _refuse_unusable(routing: Routing) -> None:
    tiers, values = [tier.value for tier in Tier], [_ANY, *(value.value for value in CustomerValue)]
    for name, table, known in (
        ("escalations", routing.ladders, tiers),
        ("tier_skills", routing.tier_skills, tiers),
        ("lanes", routing.lanes, values),
    ):
        strange = [key for key in table if key not in known]
        if strange:
            raise SettingRefused(f"{name} names {strange[0]!r}; known are {', '.join(known)}")
    for name, entries in (("queues", routing.queues), ("lanes", routing.lanes)):
        if _ANY not in entries:
            raise SettingRefused(f'{name} has no entry "*" for all that it does not name')
    for tier, rule in routing.deadlines.items():
        _refuse_deadline(tier, rule)


def _refuse_deadline(tier: str, rule: Deadline) -> None:
    hours = (rule.acknowledge_hours, rule.resolve_hours, rule.plan_hours)
    if any(value is not None and not 0 < value <= 8784 for value in hours):
        raise SettingRefused(f"a deadline of {tier} does not lie from 0 to 8784 hours")
    if rule.resolve_working_days is not None and not 1 <= rule.resolve_working_days <= 250:
        raise SettingRefused(f"resolve_working_days of {tier} does not lie from 1 to 250")


def local_time(moment: datetime) -> datetime:
    """A moment in China's zone; `SettingRefused` when it has no zone."""
    if moment.tzinfo is None:
        raise SettingRefused(f"{moment.isoformat()} has no zone; give an aware time")
    return moment.astimezone(CHINA)
