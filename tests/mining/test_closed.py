"""Closed and maximal itemsets against their definitions."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Cancelled, LimitExceeded
from mining.closed import closed_itemsets, maximal_itemsets

_spec = importlib.util.spec_from_file_location(
    "brute_force", Path(__file__).with_name("brute_force.py")
)
brute_force = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(brute_force)

lengths = st.none() | st.integers(1, 3)


def supersets(known: dict, items: tuple, n_columns: int) -> list:
    """Counts of the frequent itemsets with one item more."""
    larger = (tuple(sorted({*items, c})) for c in range(n_columns) if c not in items)
    return [known[c] for c in larger if c in known]


def by_definition(table, min_count, max_len, *, maximal: bool) -> dict:
    """Keep the closed or maximal ones of all frequent itemsets, then the short ones."""
    known = brute_force.counts_of(table, min_count)
    kept = {}
    for items, count in known.items():
        larger = supersets(known, items, table.shape[1])
        superfluous = bool(larger) if maximal else count in larger
        if not superfluous and (max_len is None or len(items) <= max_len):
            kept[items] = count
    return kept


# Wide tables are searched directly, by columns; those with a few ones are filtered.
few_ones = st.builds(
    lambda table, rows: np.vstack([table[:2, :], np.zeros((rows, table.shape[1]), bool)]),
    brute_force.tables,
    st.integers(600, 1200),
)


@given(table=brute_force.tables | few_ones, min_count=st.integers(1, 4), max_len=lengths)
def test_closed_itemsets_are_those_of_the_definition(table, min_count, max_len) -> None:
    """No item can be added without losing transactions."""
    found = closed_itemsets(table, min_count, max_len)
    assert dict(found) == by_definition(table, min_count, max_len, maximal=False)


@given(table=brute_force.tables | few_ones, min_count=st.integers(1, 4), max_len=lengths)
def test_maximal_itemsets_are_those_of_the_definition(table, min_count, max_len) -> None:
    """No item can be added without becoming infrequent."""
    found = maximal_itemsets(table, min_count, max_len)
    assert dict(found) == by_definition(table, min_count, max_len, maximal=True)


def test_both_ways_of_searching_are_exercised() -> None:
    """A dense table is searched directly, a sparse one filtered; the explanation tells."""
    rng = np.random.default_rng(3)
    assert "directly" in closed_itemsets(rng.random((600, 8)) < 0.7, 50).explanation
    assert "filtered" in closed_itemsets(rng.random((600, 90)) < 0.02, 2).explanation


def test_the_one_closed_itemset_of_endless_frequent_ones_is_found() -> None:
    """Identical baskets of 300 items have 2**300 frequent itemsets and one closed one."""
    table = np.ones((4, 300), dtype=bool)
    for search in (closed_itemsets, maximal_itemsets):
        assert list(search(table, 2)) == [(tuple(range(300)), 4)]


def test_a_chain_of_closed_itemsets_may_be_long() -> None:
    """Each basket holds the one before: 300 closed itemsets, the longest of 300 items."""
    found = closed_itemsets(np.tril(np.ones((300, 300), dtype=bool)), 1)
    assert found.level_counts == dict.fromkeys(range(1, 301), 1)
    assert found.counts.tolist() == list(range(300, 0, -1))


def test_excluded_columns_do_not_close_an_itemset() -> None:
    """Without the column that always comes along, the rest is closed."""
    table = np.array([[1, 1], [1, 1], [0, 1]], dtype=bool)
    assert list(closed_itemsets(table, 1, excluded=[1])) == [((0,), 2)]


def test_caps_and_cancel_hold_for_closed_itemsets() -> None:
    """Too many are refused with the cap; a callback can stop the search."""
    table = ~np.eye(24, dtype=bool)
    with pytest.raises(LimitExceeded, match="cap is 5,000"):
        closed_itemsets(table, 2, max_itemsets=5_000)
    with pytest.raises(Cancelled):
        closed_itemsets(table, 2, progress=lambda share, n: False)
