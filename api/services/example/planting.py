"""What is planted in a history, what only looks guilty, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal

from api.services.example.retailer import read_toml
from api.services.example.season import season
from domain.errors import SettingRefused

YEAR_HALF = 26
_MIN_EXCESS = 5.0
_MIN_COMPLAINTS_PER_FILING = 20
_WEEKS_TO_JUDGE = 8


@dataclass(frozen=True)
class Plant:
    """One thing planted: a cause, or a decoy that causes nothing.

    `excess` is the share of a week's complaints added while active, `weeks` the first and last
    active week counted from 1.
    """

    name: str
    kind: str
    issues: tuple[str, ...]
    weeks: tuple[int, int]
    note: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    excess: float = 0.0
    decoy: bool = False
    given: str = ""
    share: float = 0.0
    filings: int = 0
    confounded_by: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure:
    """What was done about a plant; `done` is a week, counted from the end when negative."""

    id: str
    plant: str
    name: str
    owner: str
    done: int
    cost: int
    verdicts: tuple[str, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Period:
    """The days of a history."""

    start: date
    weeks: int

    def first_day(self, week: int) -> date:
        """The first day of a week, counted from 1."""
        return self.start + timedelta(days=7 * (week - 1))

    def days(self) -> list[date]:
        """Every day."""
        return [self.start + timedelta(days=n) for n in range(7 * self.weeks)]


@dataclass(frozen=True)
class Plan:
    """What goes into one history, and why the rest does not."""

    period: Period
    complaints: int
    plants: tuple[Plant, ...]
    measures: tuple[Measure, ...]
    left_out: Mapping[str, str]

    def expected(self, plant: Plant) -> float:
        """How many complaints a plant adds on average."""
        weekly = plant.excess * self.complaints / self.period.weeks
        return weekly * _active_weeks(plant, self.period)


def _active_weeks(plant: Plant, period: Period) -> float:
    if plant.kind == "season":
        return sum(map(season, period.days())) / 7
    return plant.weeks[1] - plant.weeks[0] + 1


def all_plants() -> list[Plant]:
    """Every plant and decoy that can be asked for, in the order of the data file."""
    table = read_toml("causes.toml")
    plants = [_plant(row, decoy=False) for row in table["plants"]]
    return plants + [_plant(row, decoy=True) for row in table["decoys"]]


def _plant(row: dict[str, Any], decoy: bool) -> Plant:
    fields: dict[str, Any] = row | {"decoy": decoy}
    for name in {"issues", "weeks", "words"} & set(row):
        fields[name] = tuple(row[name])
    return Plant(**fields)


def _all_measures() -> list[Measure]:
    rows = read_toml("causes.toml")["measures"]
    return [Measure(**{**row, "verdicts": tuple(row["verdicts"])}) for row in rows]


def plan_history(
    period: Period, complaints: int, causes: Literal["all", "none"] | Iterable[str]
) -> Plan:
    """Choose what fits this many weeks and complaints; the plan says what does not."""
    chosen = [_placed(plant, period) for plant in _asked(causes)]
    left_out = {p.name: _misfit(p, period, complaints) for p in chosen}
    kept = {p.name for p in chosen if not left_out[p.name]}
    left_out |= {
        p.name: f"needs {p.confounded_by}"
        for p in chosen
        if p.confounded_by and p.confounded_by not in kept
    }
    plants = tuple(p for p in chosen if not left_out[p.name])
    measures = [m for m in _all_measures() if m.plant in left_out]
    left_out |= {m.id: _unfinished(m, plants, period) for m in measures}
    done = tuple(_dated(m, period.weeks) for m in measures if not left_out[m.id])
    return Plan(
        period, complaints, plants, done, {name: why for name, why in left_out.items() if why}
    )


def _asked(causes: Literal["all", "none"] | Iterable[str]) -> list[Plant]:
    plants = all_plants()
    if causes == "all":
        return plants
    names = set() if causes == "none" else {causes} if isinstance(causes, str) else set(causes)
    unknown = names - {p.name for p in plants}
    if unknown:
        known = ", ".join(p.name for p in plants)
        raise SettingRefused(f"causes: {sorted(unknown)} are not known; there are {known}")
    return [p for p in plants if p.name in names]


def _placed(plant: Plant, period: Period) -> Plant:
    weeks = period.weeks
    if plant.kind == "season":
        return replace(plant, weeks=_season_weeks(period))
    if weeks >= YEAR_HALF:
        shift = weeks - YEAR_HALF
        return replace(plant, weeks=(plant.weeks[0] + shift, plant.weeks[1] + shift))
    if plant.weeks == (1, YEAR_HALF):
        return replace(plant, weeks=(1, weeks))
    return plant


def _season_weeks(period: Period) -> tuple[int, int]:
    """First and last week with a season in it; the whole period where there is none."""
    on = [n // 7 + 1 for n, day in enumerate(period.days()) if season(day)]
    return (on[0], on[-1]) if on else (1, period.weeks)


def _misfit(plant: Plant, period: Period, complaints: int) -> str:
    if plant.weeks[1] > period.weeks:
        return f"needs week {plant.weeks[1]}; there are {period.weeks}"
    if plant.kind == "season" and max(map(season, period.days())) < 1:
        return "no sales season falls into the period"
    if plant.filings * _MIN_COMPLAINTS_PER_FILING > complaints:
        return f"needs {plant.filings * _MIN_COMPLAINTS_PER_FILING:,} complaints"
    expected = Plan(period, complaints, (), (), {}).expected(plant)
    if plant.excess and expected < _MIN_EXCESS:
        return f"would add {expected:.1f} complaints; at least {_MIN_EXCESS:g} are needed"
    return ""


def _unfinished(measure: Measure, plants: tuple[Plant, ...], period: Period) -> str:
    plant = next((p for p in plants if p.name == measure.plant), None)
    if plant is None:
        return f"{measure.plant} is left out"
    week = _dated(measure, period.weeks).done
    judged = measure.done < 0 or period.weeks - week + 1 >= _WEEKS_TO_JUDGE
    if not judged or week <= _WEEKS_TO_JUDGE:
        return f"needs {_WEEKS_TO_JUDGE} weeks before and after; there are {period.weeks} in all"
    day = period.first_day(week)
    if plant.kind == "season" and not season(day - timedelta(days=7)) > season(day):
        return f"{day} is not where a season falls"
    return ""


def _dated(measure: Measure, weeks: int) -> Measure:
    if measure.done < 0:
        return replace(measure, done=weeks + 1 + measure.done)
    return replace(measure, done=measure.done + max(0, weeks - YEAR_HALF))
