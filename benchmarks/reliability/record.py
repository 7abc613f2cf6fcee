"""The page that holds the figures reached: one line a row and database, the newest kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.reliability.rows import ROWS, Outcome

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_HEAD = "| row | database | wanted | reached | | command | date |\n|---|---|---|---|---|---|---|\n"
_WORDS = {True: "pass", False: "**missed**", None: "not measured"}
Key = tuple[str, str]


def line(key: Key, outcome: Outcome, short: bool, day: date) -> str:
    """One line of the table."""
    name, database = key
    command = f"`python -m benchmarks.reliability --rows {name}{' --short' if short else ''}`"
    figure = outcome.figure.replace("|", "/").replace("\n", " ")
    cells = (name, database, ROWS[name].wanted, figure, _WORDS[outcome.passed], command, f"{day}")
    return f"| {' | '.join(cells)} |"


def write(outcomes: Mapping[Key, Outcome], *, short: bool, day: date) -> None:
    """Put new figures in the place of older ones of the same rows."""
    before, _, table = PAGE.read_text("utf-8").partition(_HEAD)
    lines = {_key(old): old for old in table.splitlines() if old.startswith("| ")}
    lines |= {key: line(key, outcome, short, day) for key, outcome in outcomes.items()}
    ordered = sorted(lines, key=lambda key: (_place(key[0]), key[1]))
    PAGE.write_text(before + _HEAD + "\n".join(lines[key] for key in ordered) + "\n", "utf-8")


def _key(written: str) -> Key:
    cells: Sequence[str] = [cell.strip() for cell in written.split("|")]
    return cells[1], cells[2]


def _place(name: str) -> tuple[int, str]:
    names = list(ROWS)
    return (names.index(name) if name in names else len(names), name)
