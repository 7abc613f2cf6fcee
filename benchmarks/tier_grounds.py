"""Why a text has its tier: the passages that state a fact which makes it 紧急 or 重大.

A language model read every complaint that is not 普通, and 1,000 that a model took for such,
without being told their tier. The file holds no text: a row names the head of the SHA-1 of the
cleaned text, the fact of the labelling guide, and where in the text the passage lies.

    python benchmarks/tier_grounds.py --data ../shared    # facts beside tiers
    python benchmarks/tier_grounds.py --data ../shared --compare
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from triage.lesson import Ground, Table

FILE = Path(__file__).with_name("tier_grounds.csv.gz")
MAJOR = ("injury", "danger", "law_or_press", "crime", "crowd")
URGENT = ("out_of_use", "cut_off", "money", "school_or_care", "disturbance", "spoiled_food",
          "threat")  # fmt: skip
TIER = dict.fromkeys(MAJOR, "重大") | dict.fromkeys(URGENT, "紧急")


def tier_grounds(texts: Sequence[str]) -> list[list[Ground] | None]:
    """Grounds of cleaned texts, as `triage.lesson.Table` takes them.

    Returns
    -------
    list
        None for a text that was not read.
    """
    from benchmarks.further_labels import text_key

    found = _all_grounds()
    return [found.get(text_key(text)) for text in texts]


@cache
def _all_grounds() -> dict[str, list[Ground]]:
    from triage.lesson import Ground

    found: dict[str, list[Ground]] = {}
    rows = pd.read_csv(FILE, dtype=str, keep_default_na=False)
    for key, fact, start, end in rows.itertuples(index=False):
        grounds = found.setdefault(key, [])
        if fact:
            grounds.append(Ground(TIER[fact], int(start), int(end)))
    return found


def tier_by(grounds: Sequence[Ground]) -> str:
    """The highest tier that any of them shows."""
    from triage.tier import ORDER

    return max((ground.tier for ground in grounds), key=ORDER.index, default=ORDER[0])


def _show_agreement(table: Table) -> None:
    """How often the highest fact of a text agrees with its tier."""
    pairs = [
        (tier, tier_by(grounds))
        for tier, grounds in zip(table.labels["tier"], table.grounds or (), strict=True)
        if grounds is not None
    ]
    tiers = pd.DataFrame(pairs, columns=["labelled", "by its facts"])
    print(f"{table.source}: {len(pairs):,} texts read")
    print(pd.crosstab(tiers["labelled"], tiers["by its facts"]).to_string())


def _show_gain(table: Table, more: Table, data: Path, seed: int) -> None:
    """Cross-validation without and with them, in one run."""
    from benchmarks.train_shipped import trained_complaints
    from benchmarks.written_complaints import figures_of, shown

    bare = replace(table, grounds=None), replace(more, grounds=None)
    for name, (own, further) in (("without", bare), ("with", (table, more))):
        trained = trained_complaints(own, further, data, seed=seed)
        found = trained.facts["figures"]["cross_validation"]
        print(f"{name} grounds, seed {seed}: {shown(figures_of(trained))}")
        print(f"  log loss of the tier {found['tier']['log_loss']:.4f}", flush=True)


def main() -> None:
    """Show how the facts go with the tiers, or what they teach."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from benchmarks.train_shipped import complaints_table, further_table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--compare", action="store_true", help="train without and with them")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    table, more = complaints_table(chosen.data), further_table(chosen.data)
    if chosen.compare:
        _show_gain(table, more, chosen.data, chosen.seed)
        return
    for one in (table, more):
        _show_agreement(one)


if __name__ == "__main__":
    main()
