"""Forecasts against the seasonal naive one: example histories of many seeds, and any table.

``python -m benchmarks.forecast --seeds 1 20 --weeks 26 52 130`` or ``… TABLE --map id=HEADER …``
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from api.services.example.history import write_history
from api.services.periods import week_of
from api.services.report.cases import gather, known_until, period_of
from api.services.report.options import ReportOptions
from api.services.report.outlook import _series
from api.services.report.weekload import week_loads
from api.services.tables import read_table
from mining.forecast import Backtest, backtest

ORIGINS, AHEAD = 26, 4


def tests_of(file: Path, mapping: dict[str, str]) -> Iterator[tuple[str, Backtest]]:
    """The back tests of the categories together and of the whole alone."""
    everything = gather(read_table(file, mapping=mapping), ReportOptions())
    period = period_of(everything, ReportOptions())
    assert period is not None, "the table needs times"
    known = known_until(everything, period)
    span = range(week_of(known.frame["day"].min().date()), week_of(period.end) + 1)
    _, counts = _series(known, span)
    loads = week_loads(known, span, period.end)
    for name, rows in (("categories", counts[:-1]), ("whole", counts[-1:])):
        done = backtest(rows, loads, AHEAD, ORIGINS) if len(rows) else None
        if done is not None:
            yield name, done


def shown(what: str, tests: list[Backtest]) -> str:
    """One line: mean error, the naive one's, how often it was better, mean coverage."""
    mean = statistics.fmean
    worse = sum(test.error >= test.naive_error for test in tests)
    return (
        f"{what}: error {mean(t.error for t in tests):.1%}, naive "
        f"{mean(t.naive_error for t in tests):.1%}, worse in {worse} of {len(tests)}, 80 % "
        f"intervals held {mean(t.coverage for t in tests):.1%} "
        f"({min(t.coverage for t in tests):.0%}–{max(t.coverage for t in tests):.0%})"
    )


def of_histories(weeks: int, seeds: range) -> None:
    """Print the figures of example histories of so many weeks."""
    found: dict[str, list[Backtest]] = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            write_history(Path(folder), 20_000, weeks, seed)
            for name, done in tests_of(Path(folder) / "complaints.csv", {}):
                found.setdefault(name, []).append(done)
    for name, tests in found.items():
        print(shown(f"{weeks} weeks, {name}", tests))


def main() -> None:
    """Read the arguments, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path, nargs="?")
    parser.add_argument("--map", action="append", default=[], metavar="COLUMN=HEADER")
    parser.add_argument("--seeds", type=int, nargs=2, default=(1, 20))
    parser.add_argument("--weeks", type=int, nargs="+", default=[26, 52, 130])
    asked = parser.parse_args()
    if asked.table:
        mapping = dict(pair.split("=", 1) for pair in asked.map)
        for name, done in tests_of(asked.table, mapping):
            print(shown(name, [done]))
        return
    for weeks in asked.weeks:
        of_histories(weeks, range(asked.seeds[0], asked.seeds[1] + 1))


if __name__ == "__main__":
    main()
