"""Itemsets by definition: every subset of the columns is counted."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

Counts = dict[tuple[int, ...], int]

tables = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8))
tall_tables = arrays(bool, st.tuples(st.integers(1, 700), st.integers(1, 6)))


def counts_of(table: npt.NDArray[np.bool_], min_count: int, max_len: int | None = None) -> Counts:
    """Count every subset of the columns and keep the frequent ones."""
    longest = table.shape[1] if max_len is None else max_len
    subsets = (c for k in range(1, longest + 1) for c in combinations(range(table.shape[1]), k))
    counted = ((c, int(table[:, list(c)].all(axis=1).sum())) for c in subsets)
    return {c: n for c, n in counted if n >= min_count}
