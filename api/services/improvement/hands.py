"""Who does something to a problem: what they may see, what they may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.office import Office
from api.store import problems
from api.store.complaints import audit_row
from domain.calendar import china_day
from domain.errors import Conflict, NotFound

T = TypeVar("T")


@dataclass(frozen=True)
class Hand:
    """One caller at work in one transaction."""

    connection: Connection
    office: Office
    caller: Caller
    now: datetime

    @classmethod
    def of(cls, connection: Connection, office: Office, caller: Caller) -> Hand:
        """With the time of now."""
        return cls(connection, office, caller, office.clock())

    @property
    def today(self) -> date:
        """The day in China."""
        return china_day(self.now)

    def problem(self, identifier: str, version: int | None = None) -> Row[Any]:
        """A problem that the caller may see, at the version that they read."""
        row = problems.find(self.connection, identifier, self.caller.departments)
        if row is None:
            raise NotFound("there is no problem of this id")
        _refuse_stale(row, version)
        return row

    def measure(self, identifier: str, version: int) -> tuple[Row[Any], Row[Any]]:
        """A measure that the caller may see, at the version that they read, with its problem."""
        row = problems.find_measure(self.connection, identifier, self.caller.departments)
        if row is None:
            raise NotFound("there is no measure of this id")
        problem = self.problem(row.problem)
        _refuse_stale(row, version)
        return row, problem

    def change(self, row: Row[Any], values: Mapping[str, Any], kind: str, /, **detail: Any) -> None:
        """Change a problem and write down who did it."""
        if not problems.change(self.connection, row, values):
            raise Conflict("somebody changed this problem meanwhile; read it again and repeat")
        self.note(row.id, kind, **detail)

    def change_measure(self, row: Row[Any], values: Mapping[str, Any], kind: str) -> None:
        """Change a measure and write down who did it."""
        if not problems.change_measure(self.connection, row, values):
            raise Conflict("somebody changed this measure meanwhile; read it again and repeat")
        self.note(row.problem, kind, measure=row.id)

    def note(self, problem: str, kind: str, /, **detail: Any) -> None:
        """Write an event and its audit row down."""
        by = self.caller.id
        problems.note(self.connection, problem, kind, self.now, by, detail)
        audit_row(self.connection, self.now, by, f"problem.{kind}", problem, detail)

    def masked(self, text: str | None) -> str | None:
        """A text without personal data."""
        return None if text is None else self.office.masker.text(text)

    def named(self, name: str | None) -> str | None:
        """A name or a title without personal data, as long as its column takes it."""
        return None if name is None else self.office.masker.short(name)


async def by_hand(office: Office, caller: Caller, work: Callable[[Hand], T]) -> T:
    """Let a caller do something in one transaction."""
    return await office.write(lambda connection: work(Hand.of(connection, office, caller)))


def _refuse_stale(row: Any, version: int | None) -> None:
    """Raise `Conflict` when somebody changed the row since the caller read it."""
    if version is not None and row.version != version:
        raise Conflict(f"it has version {row.version} by now; read it again and repeat")
