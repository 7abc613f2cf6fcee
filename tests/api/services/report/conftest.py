"""Histories that the report's tests read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from api.services.example import write_history
from api.services.report import Report, ReportOptions, build_report
from api.services.tables import Table, read_table

Rows = Sequence[Mapping[str, object]]


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example history as the demo writes it."""
    out = tmp_path_factory.mktemp("history")
    write_history(out, complaints=20_000, weeks=26, seed=7)
    return out


@pytest.fixture(scope="session")
def report(history: Path) -> Report:
    """The report of the whole example history."""
    return build_report(read_table(history / "complaints.csv"))


@pytest.fixture(scope="session")
def small_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short history, with everything that a report draws."""
    out = tmp_path_factory.mktemp("small")
    write_history(out, complaints=1_500, weeks=16, seed=3)
    return out


@pytest.fixture(scope="session")
def small_report(small_history: Path) -> Report:
    """The report of the short history."""
    return build_report(read_table(small_history / "complaints.csv"))


@pytest.fixture(scope="session")
def table_of() -> Callable[[Rows], Table]:
    """Make a table of rows, as a file would carry them."""

    def make(rows: Rows) -> Table:
        names = list(dict.fromkeys(name for row in rows for name in row))
        out = io.StringIO()
        writer = csv.DictWriter(out, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
        return read_table(out.getvalue().encode(), name="rows.csv")

    return make


@pytest.fixture(scope="session")
def report_of(table_of: Callable[[Rows], Table]) -> Callable[..., Report]:
    """Build a report of rows."""

    def make(rows: Rows, **options: object) -> Report:
        return build_report(table_of(rows), ReportOptions(**options))  # type: ignore[arg-type]

    return make
