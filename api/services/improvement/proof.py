"""Effects of what is stored: measured on demand and every day; solved problems are watched."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.improvement.endings import reopened
from api.services.improvement.hands import Hand, by_hand
from api.services.improvement.indicators import RETURNED
from api.services.improvement.patterns import issues_of, values_of
from api.services.improvement.states import CLOSED, DONE, ENDED, LIVE
from api.services.improvement.weeks import Carried, Case, History, Units
from api.services.office import Office
from api.store import jobs, problems
from domain.calendar import china_day
from domain.complaint import is_anonymous, is_unknown
from domain.errors import Conflict

if TYPE_CHECKING:
    from api.services.improvement.effects import Measured

KIND = "effects"
_SPAN = 5_000
_FOLLOWED = (*LIVE, *ENDED)
T = TypeVar("T")
Progress = Callable[[int, int], None]


async def order(office: Office, caller: Caller, identifier: str) -> dict[str, str]:
    """Ask for the effects of a problem's measures; a job measures them."""
    return await by_hand(office, caller, partial(_order, identifier=identifier))


def _order(hand: Hand, identifier: str) -> dict[str, str]:
    row = hand.problem(identifier)
    if not any(each.state == DONE for each in problems.measures_of(hand.connection, [row.id])):
        raise Conflict("no measure of this problem is carried out yet; there is nothing to measure")
    slot = f"{row.id}:{secrets.token_hex(8)}"
    new = jobs.NewJob(KIND, slot, {"problem": row.id}, hand.caller.id, hand.now, row.department)
    hand.note(row.id, "measuring asked")
    return {"id": row.id, "job": str(jobs.add(hand.connection, new))}


def run_effects(office: Office, told: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure what was asked for: one problem's measures, or those of all."""
    rows = _read(office, partial(_asked, problem=told.get("problem")))
    counted, histories = 0, Histories(office, progress)
    for place, row in enumerate(rows):
        progress(place, len(rows))
        counted += measure_problem(office, row, histories)
    return {"problems": len(rows), "measures": counted}


def _asked(connection: Connection, problem: str | None) -> list[Row[Any]]:
    if problem is None:
        return problems.in_states(connection, _FOLLOWED)
    row = problems.find(connection, problem)
    return [] if row is None else [row]


class Histories:
    """Cases of issues, gathered once for all problems that one job measures."""

    def __init__(self, office: Office, progress: Progress) -> None:
        self._office = office
        self._progress = progress
        self._gathered: dict[tuple[str, str | None], History] = {}

    def of(self, row: Row[Any]) -> History:
        """The cases that a problem's measures are judged by."""
        key = (row.issue, row.department)
        if key not in self._gathered:
            self._gathered[key] = gather(self._office, *key, self._progress)
        return self._gathered[key]


def measure_problem(office: Office, row: Row[Any], histories: Histories) -> int:
    """Measure every measure of a problem that was carried out; how many there are."""
    from api.services.improvement.effects import measured

    others = _read(office, partial(_carried, issue=row.issue, department=row.department))
    mine = [one for problem, one in others if problem == row.id]
    if not mine:
        return 0
    history = histories.of(row)
    for one in mine:
        rest = [other for _, other in others if other is not one]
        judged = measured(history, one, rest)
        _write(office, partial(_keep, office=office, one=one, judged=judged, history=history))
    if row.state == CLOSED:
        _watch(office, row, history, mine)
    return len(mine)


def _carried(
    connection: Connection, issue: str, department: str | None
) -> list[tuple[str, Carried]]:
    """Measures on an issue that were carried out, with their problems."""
    rows = problems.listed(connection, problems.Wanted(issue=issue))
    there = [row.id for row in rows if row.department == department]
    return [
        (each.problem, Carried(each.id, issue, each.places, each.done_on, each.lag_weeks))
        for each in problems.measures_of(connection, there)
        if each.state == DONE
    ]


def gather(office: Office, issue: str, department: str | None, progress: Progress) -> History:
    """Every case of an issue, read a slice at a time so that nobody waits for it."""
    first, last = _read(office, partial(problems.extent, department=department))
    newest = _read(office, problems.newest_number)
    today = china_day(office.clock())
    found: list[Case] = []
    for after in range(0, newest, _SPAN):
        read = partial(problems.cases, issue=issue, department=department, after=after,
                       upto=after + _SPAN)  # fmt: skip
        found += [case_of(row) for row in _read(office, read) if issue in issues_of(row)]
        progress(min(after + _SPAN, newest), newest)
    units = [_units(row) for row in _read(office, partial(problems.exposures_of,
                                                          department=department))]  # fmt: skip
    begin = today if first is None else china_day(first)
    end = today if last is None else china_day(last)
    daily = _read(office, partial(problems.daily, department=department))
    return History(found, begin, min(end, today - timedelta(days=1)), units, daily)


def case_of(row: Any) -> Case:
    """A stored complaint as a case."""
    values = {name: v for name, v in values_of(row).items() if not is_unknown(v)}
    customer = values.get("customer_id")
    named = None if is_anonymous(customer) else str(customer)
    return Case(china_day(row.received_at), values, named)


def _units(row: Row[Any]) -> Units:
    values = {name: getattr(row, name) for name in ("product", "batch", "region", "outlet")}
    return Units(row.week_start, {name: v for name, v in values.items() if v}, row.units)


def _keep(
    connection: Connection, office: Office, one: Carried, judged: Measured, history: History
) -> None:
    before = problems.newest_effects(connection, [one.id]).get(one.id)
    values = {
        "measure": one.id,
        "upto": max(history.last, one.done_on),
        "measured_at": office.clock(),
        "verdict": judged.effect.verdict,
        "sentence": judged.sentence,
        "figures": judged.figures(),
    }
    problems.put_effect(connection, values)
    if before is None or before.verdict != judged.effect.verdict:
        row = problems.find_measure(connection, one.id)
        detail = {"measure": one.id, "verdict": judged.effect.verdict}
        if row is not None:
            problems.note(connection, row.problem, "measured", office.clock(), "worker", detail)


def _watch(office: Office, row: Row[Any], history: History, mine: Sequence[Carried]) -> None:
    """Take a solved problem up again when its pattern is back above the level that was reached."""
    from api.services.improvement.effects import returned

    ended = china_day(row.ended_at)
    last = max(mine, key=lambda one: one.done_on)
    whole = Carried(last.id, last.issue, row.places, last.done_on, last.lag_weeks)
    found = returned(history, whole, ended)
    if found is None or not found.returned:
        return
    detail = {"ratio": round(min(found.ratio, 999.0), 2), "p_value": found.p_value,
              "reason": "the pattern returned"}  # fmt: skip
    _write(office, partial(reopen_by_itself, office=office, row=row, detail=detail))


def reopen_by_itself(
    connection: Connection, office: Office, row: Row[Any], detail: Mapping[str, Any]
) -> bool:
    """Reopen an ended problem that nobody touched meanwhile."""
    if not problems.change(connection, row, reopened(row)):
        return False
    now, once = office.clock(), f"{RETURNED}{row.version}" if "p_value" in detail else None
    return problems.note(connection, row.id, "reopened", now, "worker", detail, once)


def _read(office: Office, work: Callable[[Connection], T]) -> T:
    return office.database.submit(work, writes=False).result()


def _write(office: Office, work: Callable[[Connection], T]) -> T:
    return office.database.submit(work).result()
