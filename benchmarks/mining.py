"""Suyuan's search beside its peers: same tables, same counts, one run, CPU seconds.

    python -m benchmarks.mining --data DIR               every DIR/*.dat.gz and the generator
    python -m benchmarks.mining --data DIR --frames      also the drop-in against mlxtend

Each figure comes from a process of its own: the least and the median CPU time of some runs,
from a SciPy CSR matrix to the miner's own result, after one run that is not counted (compiled
code is read from its cache, buffers are warm). PyFIM gets its lists ready made, rusket its
arrays in the right type; neither conversion is counted. All peers that are installed are run;
benchmarks/requirements.txt pins them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

COUNTS = {
    "mushroom": (1_625, 813),
    "accidents_15k": (4_568,),
    "retail": (89, 9),
    "T10I4D100K": (200, 20),
    "complaints": (1_000, 100),
}
SHARES = {
    "chess": (0.7, 0.6, 0.5),
    "connect": (0.95, 0.9, 0.8),
    "pumsb": (0.9, 0.8),
    "pumsb_star": (0.4, 0.3),
    "accidents": (0.5, 0.3),
    "kosarak": (0.01, 0.002),
}
OTHER_SHARES = (0.01, 0.002)
FRAMES = ("suyuan apriori", "mlxtend fpgrowth")
Miner = Callable[[], int]


def read_table(name: str, data: Path | None) -> sp.csr_array:
    """Read a FIMI table, or draw the complaints."""
    if name == "complaints" or data is None:
        from basket_generator import complaint_baskets

        return complaint_baskets()
    with gzip.open(data / f"{name}.dat.gz", "rt") as lines:
        baskets = [np.unique(np.array(line.split(), dtype=np.int64)) for line in lines]
    pointers = np.cumsum([0, *map(len, baskets)])
    _, items = np.unique(np.concatenate(baskets), return_inverse=True)
    return sp.csr_array((np.ones(items.size, bool), items.astype(np.int32), pointers))


def suyuan_miner(table: sp.csr_array, count: int) -> Miner:
    """Prepare the search of this package."""
    from mining.itemsets import frequent_itemsets

    return lambda: len(frequent_itemsets(table, count))


def pyfim_miner(algorithm: str) -> Callable[[sp.csr_array, int], Miner]:
    """Prepare one of PyFIM's algorithms on ready-made lists."""

    def prepare(table: sp.csr_array, count: int) -> Miner:
        import fim

        search = getattr(fim, algorithm)
        rows = [part.tolist() for part in np.split(table.indices, table.indptr[1:-1])]
        return lambda: len(search(rows, target="s", supp=-count, report="a"))

    return prepare


def rusket_miner(table: sp.csr_array, count: int) -> Miner:
    """Prepare rusket's compiled FP-growth, without the frame around it."""
    from rusket import _rusket

    arrays = table.indptr.astype(np.int32), table.indices.astype(np.int32)
    return lambda: len(_rusket.fpgrowth_from_csr(*arrays, table.shape[1], count, None)[0])


def suyuan_frame(table: sp.csr_array, count: int) -> Miner:
    """Prepare the drop-in, with its frame of frozensets."""
    from mining.apriori import apriori

    frame = as_frame(table)
    return lambda: len(apriori(frame, count / table.shape[0]))


def mlxtend_frame(table: sp.csr_array, count: int) -> Miner:
    """Prepare mlxtend's fastest miner, with its frame of frozensets."""
    from mlxtend.frequent_patterns import fpgrowth

    frame = as_frame(table)
    return lambda: len(fpgrowth(frame, count / table.shape[0]))


def as_frame(table: sp.csr_array) -> Any:
    """Give a dense frame of bools where it fits, else a sparse one."""
    import pandas as pd

    if table.shape[0] * table.shape[1] <= 2 << 30:
        return pd.DataFrame(table.toarray())
    return pd.DataFrame.sparse.from_spmatrix(table)


MINERS: dict[str, Callable[[sp.csr_array, int], Miner]] = {
    "suyuan": suyuan_miner,
    "pyfim fpgrowth": pyfim_miner("fpgrowth"),
    "pyfim eclat": pyfim_miner("eclat"),
    "rusket fpgrowth": rusket_miner,
    "suyuan apriori": suyuan_frame,
    "mlxtend fpgrowth": mlxtend_frame,
}


def measure(miner: str, name: str, count: int, data: Path | None, runs: int) -> dict[str, Any]:
    """Run one miner on one table, several times."""
    search = MINERS[miner](read_table(name, data), count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for run in range(runs + 1):
        start = time.process_time()
        n_itemsets = search()
        seconds.append(time.process_time() - start)
        if run and sum(seconds) > 20:
            break
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counted = seconds[1:]
    return {
        "itemsets": n_itemsets,
        "least": min(counted),
        "median": statistics.median(counted),
        "more_mib": (peak - before) / 1024,
    }


def run_apart(options: argparse.Namespace, miner: str, name: str, count: int) -> dict[str, Any]:
    """Measure in a process of its own; say why if there is no figure."""
    command = [sys.executable, __file__, "--worker", miner, name, str(count)]
    command += ["--runs", str(options.runs)] + (
        ["--data", str(options.data)] if options.data else []
    )
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=options.patience, check=True
        )
    except subprocess.TimeoutExpired:
        return {"failure": f"over {options.patience} s"}
    except subprocess.CalledProcessError as error:
        return {"failure": (error.stderr.strip().splitlines() or ["killed"])[-1][:60]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def jobs(options: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """Name every table with its minimum counts."""
    names = sorted(p.name[: -len(".dat.gz")] for p in options.data.glob("*.dat.gz"))
    for name in [*names, "complaints"] if options.data else ["complaints"]:
        if options.only and name not in options.only:
            continue
        if name in COUNTS:
            yield from ((name, count) for count in COUNTS[name])
            continue
        n_rows = read_table(name, options.data).shape[0]
        for share in SHARES.get(name, OTHER_SHARES):
            yield name, int(np.ceil(share * n_rows))


def compare(options: argparse.Namespace, name: str, count: int) -> None:
    """Print one block: every miner, and the ratio of each peer to Suyuan."""
    print(f"\n{name}, minimum count {count:,}")
    ours: dict[str, float] = {}
    for miner in MINERS:
        if miner in FRAMES and not options.frames:
            continue
        figures = run_apart(options, miner, name, count)
        if "failure" in figures:
            print(f"  {miner:18} {figures['failure']}", flush=True)
            continue
        base = ours.setdefault("frame" if miner in FRAMES else "search", figures["least"])
        print(
            f"  {miner:18} {figures['itemsets']:>11,} itemsets  least {figures['least']:8.4f} s  "
            f"median {figures['median']:8.4f} s  {figures['more_mib']:7.0f} MiB more  "
            f"{figures['least'] / base:8.2f} x ours",
            flush=True,
        )


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of FIMI tables, name.dat.gz each")
    parser.add_argument("--only", nargs="*", help="names of tables to run")
    parser.add_argument("--runs", type=int, default=5, help="runs that are counted")
    parser.add_argument("--frames", action="store_true", help="also compare frames of frozensets")
    parser.add_argument("--patience", type=int, default=170, help="seconds to wait for a miner")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        miner, name, count = options.worker
        print(json.dumps(measure(miner, name, int(count), options.data, options.runs)))
        return
    for name, count in jobs(options):
        compare(options, name, count)


if __name__ == "__main__":
    main()
