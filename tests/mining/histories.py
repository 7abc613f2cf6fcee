"""Small complaint histories with known causes, for judging what the miner says of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

Cause = tuple[dict[str, str], str]

ISSUES = [f"I{i:02d}" for i in range(16)]
REGIONS = [f"区{i}" for i in range(7)]
CHANNELS = ["电话", "网页", "小程序", "门店", "邮件"]
WEEKS = 20


class History(NamedTuple):
    """A complaint table and the truth behind it."""

    table: pd.DataFrame
    causes: list[Cause]

    def knows(self, antecedents: dict[str, str], issue: str) -> bool:
        """Whether a finding is one of the planted causes."""
        return (antecedents, issue) in self.causes


def write_history(complaints: int, seed: int, *, planted: bool = True) -> History:
    """Draw a history: attributes, then issues, then (where asked) seven traps and causes."""
    rng = np.random.default_rng(seed)
    table = _attributes(complaints, rng)
    history = History(table, [])
    lists = [_issues(rng) for _ in range(complaints)]
    if planted:
        _region_sells_bad_product(table, rng)
        _strike(history, lists, {"batch": "P3-1"}, "I05", 0.6, rng)
        _strike(history, lists, {"outlet": "区2店1"}, "I07", 0.45, rng)
        _strike(history, lists, {"product": "P6"}, "I11", 0.35, rng)
        _strike(history, lists, {"region": "区4", "channel": "网页"}, "I09", 0.5, rng)
        _season(table, lists, rng)
    table["issues"] = ["|".join(found) for found in lists]
    if planted:
        _furious_customer(table, rng)
    return history


def _attributes(n: int, rng: np.random.Generator) -> pd.DataFrame:
    product = rng.choice(10, n, p=_falling(10))
    batch = np.where(rng.random(n) < 0.5, 0, rng.integers(1, 5, n))
    region = rng.choice(7, n, p=_falling(7))
    outlet = rng.integers(0, 4, n)
    week = np.clip(product + rng.integers(0, WEEKS, n), 0, WEEKS - 1)
    day = pd.Timestamp("2026-01-05") + pd.to_timedelta(week * 7 + rng.integers(0, 7, n), "D")
    return pd.DataFrame(
        {
            "id": [f"C{i}" for i in range(n)],
            "received_at": day,
            "customer_id": [f"U{i}" for i in rng.integers(0, n, n)],
            "product": [f"P{p}" for p in product],
            "batch": [
                f"P{p}-{b}" if known else None
                for p, b, known in zip(product, batch, rng.random(n) > 0.08, strict=True)
            ],
            "region": [REGIONS[r] for r in region],
            "outlet": [f"{REGIONS[r]}店{o}" for r, o in zip(region, outlet, strict=True)],
            "channel": rng.choice(CHANNELS, n, p=_falling(5)),
        }
    )


def _falling(n: int) -> np.ndarray:
    weights = 1 / np.arange(2, n + 2)
    return weights / weights.sum()


def _issues(rng: np.random.Generator) -> list[str]:
    count = rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1])
    return list(rng.choice(ISSUES, count, replace=False, p=_falling(len(ISSUES))))


def _strike(
    history: History,
    lists: list[list[str]],
    where: dict[str, str],
    issue: str,
    strength: float,
    rng: np.random.Generator,
) -> None:
    """Make this share of the matching complaints complain of the issue first."""
    hit = np.logical_and.reduce([history.table[name] == value for name, value in where.items()])
    for row in np.flatnonzero(hit & (rng.random(len(lists)) < strength)):
        lists[row] = [issue, *(other for other in lists[row][1:] if other != issue)]
    history.causes.append((where, issue))


def _region_sells_bad_product(table: pd.DataFrame, rng: np.random.Generator) -> None:
    """One region sells mostly the bad product, and is guilty of nothing else."""
    moved = (table["product"] == "P6") & (rng.random(len(table)) < 0.6)
    table.loc[moved, "region"] = "区5"
    table.loc[moved, "outlet"] = [f"区5店{o}" for o in rng.integers(0, 4, moved.sum())]


def _season(table: pd.DataFrame, lists: list[list[str]], rng: np.random.Generator) -> None:
    """In the last weeks everybody complains of one issue; late products stand beside it."""
    late = table["received_at"] >= pd.Timestamp("2026-01-05") + pd.Timedelta(weeks=WEEKS - 5)
    for row in np.flatnonzero(late & (rng.random(len(table)) < 0.3)):
        lists[row] = ["I02", *(other for other in lists[row][1:] if other != "I02")]


def _furious_customer(table: pd.DataFrame, rng: np.random.Generator) -> None:
    """One customer files sixty times about one outlet, by every channel."""
    rows = rng.choice(len(table), 60, replace=False)
    table.loc[rows, "customer_id"] = "狂怒者"
    table.loc[rows, ["region", "outlet"]] = ["区1", "区1店3"]
    extra = rng.choice(ISSUES[12:], 60)
    table.loc[rows, "issues"] = [f"I03|{other}" for other in extra]
