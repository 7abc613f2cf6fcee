"""Bounds that hold, against the search itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mining import estimate as estimates
from mining.estimate import MANY, estimate, kruskal_katona
from mining.itemsets import frequent_itemsets

tables = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))


@given(table=tables, min_count=st.integers(1, 4), max_len=st.none() | st.integers(1, 4))
def test_a_probe_that_ends_gives_the_exact_number(table, min_count, max_len) -> None:
    """Small searches are known exactly, so both bounds are the number found."""
    n = len(frequent_itemsets(table, min_count, max_len))
    assert estimate(table, min_count, max_len).itemsets == (n, n)


@given(table=tables, min_count=st.integers(1, 4), max_len=st.none() | st.integers(1, 4))
def test_bounds_hold_where_the_probe_does_not_end(table, min_count, max_len) -> None:
    """The number found lies between the bounds although the probe stops at two itemsets."""
    n = len(frequent_itemsets(table, min_count, max_len))
    before, estimates.PROBE_ITEMSETS = estimates.PROBE_ITEMSETS, 2
    try:
        least, most = estimate(table, min_count, max_len).itemsets
    finally:
        estimates.PROBE_ITEMSETS = before
    assert least <= n <= most


def test_an_explosion_is_foreseen_without_running_into_it() -> None:
    """2**80 itemsets are announced as at least a million million million."""
    told = estimate(np.ones((5, 80), dtype=bool), 3)
    assert told.itemsets[1] == MANY
    assert told.n_pairs == 80 * 79 // 2
    assert "itemsets" in str(told)


def test_all_pairs_of_ten_items_allow_all_their_triples() -> None:
    """45 pairs are the pairs of ten items, which have 120 triples."""
    assert kruskal_katona(45, 2) == 120
