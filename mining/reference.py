"""The same itemsets counted by mlxtend, for anyone who wants to check ours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from domain.errors import LimitExceeded
from mining.itemsets import frequent_itemsets

_MOST_CELLS = 400_000_000


class Comparison(NamedTuple):
    """How many itemsets both engines found, and those on which they differ."""

    itemsets: int
    differing: list[tuple[int, ...]]


def compare_with_mlxtend(
    matrix: sparse.csr_matrix, min_count: int, max_len: int | None = None
) -> Comparison:
    """Count frequent itemsets with mlxtend's FP-growth and with ours, and hold them together.

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix, shape (n_baskets, n_items)
        Which items each basket holds.
    min_count : int
        Fewest baskets of a frequent itemset.
    max_len : int, optional
        Most items of an itemset.

    Returns
    -------
    Comparison

    Raises
    ------
    LimitExceeded
        mlxtend would need a dense table of more than 400 million cells.

    Examples
    --------
    >>> baskets = sparse.csr_matrix(np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]], bool))
    >>> compare_with_mlxtend(baskets, 2)
    Comparison(itemsets=5, differing=[])
    """
    from mlxtend.frequent_patterns import fpgrowth

    cells = matrix.shape[0] * matrix.shape[1]
    if cells > _MOST_CELLS:
        raise LimitExceeded(
            f"mlxtend would need {cells:,} dense cells; at most {_MOST_CELLS:,} are tried. "
            "Name fewer items or a shorter period"
        )
    frame = pd.DataFrame(matrix.astype(bool).toarray())
    share = (min_count - 0.5) / matrix.shape[0]
    theirs = fpgrowth(frame, min_support=share, max_len=max_len)
    counts = np.rint(theirs["support"].to_numpy() * matrix.shape[0]).astype(int).tolist()
    reference = {tuple(sorted(s)): n for s, n in zip(theirs["itemsets"], counts, strict=True)}
    ours = {
        tuple(sorted(map(int, items))): int(count)
        for items, count in frequent_itemsets(matrix, min_count, max_len)
    }
    every = sorted(reference.keys() | ours.keys())
    return Comparison(len(ours), [key for key in every if reference.get(key) != ours.get(key)])
