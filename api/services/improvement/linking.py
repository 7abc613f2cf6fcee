"""Complaints find their problems: new and changed ones at once, older ones bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services.improvement.patterns import Pattern, issues_of, values_of
from api.services.improvement.states import ENDED, LIVE
from api.services.office import Office
from api.store import problems

FOLLOWED = (*LIVE, *ENDED)
_SLICE = 500
_BACK = 2_000


def link_complaints(office: Office) -> bool:
    """One round; whether there may be more to do."""
    followed = office.database.submit(partial(_follow, now=office.clock())).result()
    looked = office.database.submit(partial(_look_back, now=office.clock())).result()
    return followed or looked


def _follow(connection: Connection, now: datetime) -> bool:
    rows = [_Read.of(row) for row in problems.follow(connection, _SLICE)]
    if rows:
        for problem in problems.in_states(connection, FOLLOWED):
            _sort(connection, problem, rows, now)
    return len(rows) == _SLICE


@dataclass(frozen=True)
class _Read:
    """A changed complaint, its decision read once for all problems."""

    id: str
    department: str | None
    issues: list[str]
    values: dict[str, Any]

    @classmethod
    def of(cls, row: Any) -> _Read:
        return cls(row.id, row.department, issues_of(row), values_of(row))


def _sort(connection: Connection, problem: Row[Any], rows: Sequence[_Read], now: datetime) -> None:
    pattern = Pattern.of(problem.places)
    inside = [
        row.id
        for row in rows
        if problem.issue in row.issues
        and problem.department in (None, row.department)
        and pattern.holds(row.values)
    ]
    problems.link(connection, problem.id, inside, problems.BY_PATTERN, now)
    outside = sorted({row.id for row in rows} - set(inside))
    if outside:
        problems.unlink(connection, problem.id, outside)


def shows(row: Any, issue: str, pattern: Pattern) -> bool:
    """Whether a stored complaint shows a pattern."""
    return issue in issues_of(row) and pattern.holds(values_of(row))


def _look_back(connection: Connection, now: datetime) -> bool:
    problem = problems.looking_back(connection, FOLLOWED)
    if problem is None:
        return False
    upto = problem.linked_to + _BACK
    rows = problems.cases(connection, problem.issue, problem.department, problem.linked_to, upto)
    pattern = Pattern.of(problem.places)
    inside = [row.id for row in rows if shows(row, problem.issue, pattern)]
    problems.link(connection, problem.id, inside, problems.BY_PATTERN, now)
    number = upto if upto < problems.newest_number(connection) else None
    problems.look_from(connection, problem.id, number)
    return True
