"""Measure rows and print each with its figure: ``python -m benchmarks.reliability --short``."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from datetime import UTC, datetime

from benchmarks.reliability import record
from benchmarks.reliability.rows import ROWS, Length, Outcome, Row
from benchmarks.reliability.service import stop_servers
from tests.api.postgresql import why_not

GROUPS = ("load", "durability", "concurrency", "bad_input", "security", "privacy", "models",
          "outbox")  # fmt: skip


def main() -> int:
    """Run what was asked for; 1 when a row misses its figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability")
    parser.add_argument("--short", action="store_true", help="all rows in under 15 minutes")
    parser.add_argument("--rows", help="only these, as L1,D2")
    parser.add_argument("--record", action="store_true", help="write them to docs/reliability.md")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="only this one")
    asked = parser.parse_args()
    for group in GROUPS:
        importlib.import_module(f"benchmarks.reliability.{group}")
    every = [name for name, row in ROWS.items() if not (asked.short and row.patient)]
    wanted = asked.rows.upper().split(",") if asked.rows else every
    pairs = [(name, database) for name in wanted for database in ROWS[name].databases]
    outcomes: dict[tuple[str, str], Outcome] = {}
    try:
        for name, database in pairs:
            if asked.database in {None, database}:
                outcome = _measured(ROWS[name], database, Length(asked.short))
                outcomes[name, database] = outcome
                if asked.record:
                    _record((name, database), outcome, asked.short)
    finally:
        stop_servers()
    missed = sum(outcome.passed is False for outcome in outcomes.values())
    print(f"{len(outcomes)} measured, {missed} missed")
    return 1 if missed else 0


def _record(key: tuple[str, str], outcome: Outcome, short: bool) -> None:
    """Keep each figure as it comes, so that a run that is ended early loses none."""
    record.write({key: outcome}, short=short, day=datetime.now(UTC).date())


def _measured(row: Row, database: str, length: Length) -> Outcome:
    begun = time.monotonic()
    reason = why_not() if database == "postgresql" else None
    try:
        outcome = Outcome(reason, None) if reason else row.measure(database, length)
    except Exception as error:
        traceback.print_exc()
        outcome = Outcome(f"broke: {type(error).__name__}: {error}"[:300], False)
    word = {True: "pass", False: "MISS", None: "skip"}[outcome.passed]
    took = time.monotonic() - begun
    print(f"{row.id:4} {database:10} {word}  {outcome.figure}  ({took:.0f} s)", flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
