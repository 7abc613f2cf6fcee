"""Rules and causes at full size: speed against mlxtend and scipy, and a table of a million rows.

python -m benchmarks.rules frame --data ../shared     # association_rules against mlxtend
python -m benchmarks.rules tests                      # p- and q-values of a million rules
python -m benchmarks.rules million                    # from a table on disk to findings
python -m benchmarks.rules cars --data ../shared      # real complaints
"""

from __future__ import annotations

import argparse
import gzip
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlxtend.frequent_patterns
import numpy as np
import pandas as pd
from scipy import sparse, stats

from benchmarks.basket_generator import (
    FIRST_BATCH,
    FIRST_CHANNEL,
    FIRST_OUTLET,
    FIRST_PRODUCT,
    FIRST_REGION,
    ITEMS,
    complaint_baskets,
)
from mining.causes import Demands, find_causes
from mining.itemsets import frequent_itemsets
from mining.rules import association_rules
from mining.significance import benjamini_hochberg, fisher_p_values

FRAMES = (("accidents_15k", 6_600, 0.5), ("T10I4D100K", 20, 0.5))
ATTRIBUTES = {
    "product": (FIRST_PRODUCT, FIRST_BATCH),
    "batch": (FIRST_BATCH, FIRST_CHANNEL),
    "channel": (FIRST_CHANNEL, FIRST_REGION),
    "region": (FIRST_REGION, FIRST_OUTLET),
    "outlet": (FIRST_OUTLET, ITEMS),
}


def cpu_s(work: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """Least CPU time of several runs, and what the last one gave."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return min(times), result


def read_fimi(path: Path) -> sparse.csr_matrix:
    """A table of item numbers, one basket a line."""
    with gzip.open(path, "rt") as lines:
        rows = [sorted(set(map(int, line.split()))) for line in lines]
    pointers = np.cumsum([0, *map(len, rows)])
    items = np.unique(np.concatenate(rows), return_inverse=True)[1]
    held = np.ones(items.size, dtype=np.bool_)
    return sparse.csr_matrix((held, items, pointers))


def frame(data: Path) -> None:
    """Both functions on the same frame of itemsets; the frames must be equal."""
    for name, count, confidence in FRAMES:
        itemsets = frequent_itemsets(read_fimi(data / f"data/fimi/{name}.dat.gz"), count)
        table = itemsets.to_frame()
        association_rules(table.head(50), min_threshold=confidence)
        ours, made = cpu_s(lambda t=table, c=confidence: association_rules(t, min_threshold=c), 3)
        theirs, reference = cpu_s(
            lambda t=table, c=confidence: mlxtend.frequent_patterns.association_rules(
                t, min_threshold=c
            ),
            1,
        )
        pd.testing.assert_frame_equal(made, reference, check_exact=True)
        print(
            f"{name} {count}: {len(table):,} itemsets, {len(made):,} rules; mlxtend "
            f"{theirs:.2f} s, ours {ours:.2f} s, {theirs / ours:.1f} times; equal"
        )


def tests() -> None:
    """A million tables of a million complaints; scipy on a sample of two thousand."""
    rng, total, rules = np.random.default_rng(0), 1_000_000, 1_000_000
    x, y = rng.integers(1_000, 50_000, rules), rng.integers(1_000, 50_000, rules)
    mean = x * y / total
    both = (mean + rng.normal(1, 3, rules) * np.sqrt(mean)).astype(int)
    both = np.clip(both, 0, np.minimum(x, y))
    fisher_p_values(both[:9], x[:9], y[:9], total)
    taken, q = cpu_s(lambda: benjamini_hochberg(fisher_p_values(both, x, y, total)), 3)
    part = slice(0, 2_000)
    slow, expected = cpu_s(lambda: stats.hypergeom.sf(both[part] - 1, total, y[part], x[part]), 1)
    found = fisher_p_values(both[part], x[part], y[part], total)
    seen = expected > 0
    off = np.abs(found[seen] / expected[seen] - 1).max()
    print(f"p- and q-values of {q.size:,} rules: {taken:.2f} s")
    print(f"scipy: {slow / 2_000 * rules:.0f} s for as many; largest relative difference {off:.1e}")


def write_million(path: Path, complaints: int) -> None:
    """The generated baskets as a table: of several values of one attribute the last stands."""
    baskets = complaint_baskets(complaints).tocoo()
    columns: dict[str, Any] = {"id": np.arange(complaints)}
    for name, (first, end) in ATTRIBUTES.items():
        mine = (baskets.col >= first) & (baskets.col < end)
        values = np.full(complaints, "", dtype=object)
        values[baskets.row[mine]] = [f"{name[0].upper()}{c - first}" for c in baskets.col[mine]]
        columns[name] = values
    issues = pd.Series(baskets.col[baskets.col < FIRST_PRODUCT]).map("{:03d}".format)
    rows = baskets.row[baskets.col < FIRST_PRODUCT]
    columns["issues"] = issues.groupby(rows).agg("|".join).reindex(np.arange(complaints)).fillna("")
    pd.DataFrame(columns).to_csv(path, index=False)


def million(complaints: int) -> None:
    """From a CSV file to findings, at a support of 0.1 %."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "complaints.csv"
        write_million(path, complaints)
        warm = pd.read_csv(path, dtype=str, nrows=2_000)
        find_causes(warm, list(ATTRIBUTES))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        wall = time.perf_counter()

        def whole() -> Any:
            table = pd.read_csv(path, dtype=str, engine="pyarrow")
            return find_causes(table, list(ATTRIBUTES), demands=Demands(min_support=0.001))

        taken, report = cpu_s(whole, 1)
        wall = time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{complaints:,} complaints: {taken:.1f} s CPU, {wall:.1f} s wall, peak {peak:,.0f} MiB "
        f"({before:,.0f} before, the generator included); {report.tests:,} tests, "
        f"{len(report.unconfounded)} findings"
    )


def cars(data: Path) -> None:
    """Brand, series and trim against the problems of real complaints."""
    names = {"complaint_id": "id", "complaint_date": "received_at", "problem_codes": "issues"}
    table = pd.read_csv(data / "data/car_complaints.csv.gz", dtype=str).rename(columns=names)
    attributes = ["brand", "car_series", "trim"]
    taken, report = cpu_s(lambda: find_causes(table, attributes), 2)
    print(
        f"{len(table):,} car complaints: {taken:.2f} s CPU, {report.tests:,} tests, "
        f"{len(report.unconfounded)} findings, {len(report.findings)} with the confounded"
    )


def main() -> None:
    """Run one part, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["frame", "tests", "million", "cars"])
    parser.add_argument("--data", type=Path, default=Path("../shared"))
    parser.add_argument("--complaints", type=int, default=1_000_000)
    options = parser.parse_args()
    if options.part in ("frame", "cars"):
        {"frame": frame, "cars": cars}[options.part](options.data)
    elif options.part == "tests":
        tests()
    else:
        million(options.complaints)


if __name__ == "__main__":
    main()
