"""What a row is: an id, what must be reached, and a function that measures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

BOTH = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Outcome:
    """The figure reached, and whether it passes; None when it can't be measured here."""

    figure: str
    passed: bool | None


@dataclass(frozen=True)
class Length:
    """How long a row runs: the short versions share one method with the long ones."""

    short: bool

    def of(self, short: int, full: int) -> int:
        """A number of rounds, seconds or requests."""
        return short if self.short else full


Measure = Callable[[str, Length], Outcome]


@dataclass(frozen=True)
class Row:
    """One row of the list; a patient one waits for minutes and has no short version."""

    id: str
    wanted: str
    databases: tuple[str, ...]
    measure: Measure
    patient: bool = False


ROWS: dict[str, Row] = {}


def row(
    identifier: str,
    wanted: str,
    databases: tuple[str, ...] = ("sqlite",),
    *,
    patient: bool = False,
) -> Callable[[Measure], Measure]:
    """Enter a function as the measure of a row."""

    def entered(measure: Measure) -> Measure:
        ROWS[identifier] = Row(identifier, wanted, databases, measure, patient)
        return measure

    return entered
