"""mlxtend's `apriori`, on this package's search: change the import and nothing else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from mining.itemsets import Itemsets, frequent_itemsets

if TYPE_CHECKING:
    import pandas as pd


def apriori(
    df: pd.DataFrame,
    min_support: float = 0.5,
    use_colnames: bool = False,
    max_len: int | None = None,
    verbose: int = 0,
    low_memory: bool = False,
    n_jobs: int | None = 1,
) -> pd.DataFrame:
    """Find frequent itemsets in a one-hot frame, as `mlxtend.frequent_patterns.apriori` does.

    Parameters
    ----------
    df : DataFrame, shape (n_transactions, n_items)
        True/False or 1/0, dense or sparse.
    min_support : float
        Share of the transactions that must hold an itemset, in (0, 1].
    use_colnames : bool
        Whether itemsets hold column names instead of column numbers.
    max_len : int, optional
        Items that an itemset may have; None and 0: any number.
    verbose : int
        1 or more: print what mlxtend prints about each size.
    low_memory : bool
        Chooses mlxtend's other line when `verbose`; the search is the same and needs little
        memory either way.
    n_jobs : int, optional
        Accepted, and without effect: the search runs in one thread.

    Returns
    -------
    DataFrame
        Columns `support` and `itemsets` (frozensets), ordered by size and then by columns.

    Raises
    ------
    ValueError
        As mlxtend: a support outside (0, 1], or values other than True, False, 0 and 1.

    Examples
    --------
    >>> import pandas as pd
    >>> baskets = pd.DataFrame({"漏水": [True, True, False], "B07": [True, True, True]})
    >>> frame = apriori(baskets, min_support=0.6, use_colnames=True)
    >>> [sorted(items) for items in frame["itemsets"]]
    [['漏水'], ['B07'], ['B07', '漏水']]
    """
    from mlxtend.frequent_patterns.fpcommon import valid_input_check

    if not 0.0 < min_support <= 1.0:
        raise ValueError(
            "`min_support` must be a positive number within the interval `(0, 1]`. "
            f"Got {min_support}."
        )
    valid_input_check(df)
    longest = max(1, math.ceil(max_len)) if max_len else None
    found = frequent_itemsets(_matrix(df), count_from_share(min_support, len(df)), longest)
    if verbose:
        _print_progress(found, longest, low_memory)
    return found.to_frame(list(df.columns) if use_colnames else None)


def count_from_share(share: float, n: int) -> int:
    """Return the smallest count (at least 1) whose share of n reaches `share` as floats divide.

    Examples
    --------
    >>> count_from_share(0.07, 100)
    7
    """
    count = max(1, math.ceil(share * n))
    while count > 1 and (count - 1) / n >= share:
        count -= 1
    while n and count / n < share:
        count += 1
    return count


def _matrix(df: pd.DataFrame) -> sp.csr_array[Any, Any]:
    """Bring a checked frame into CSR form."""
    if df.size and hasattr(df, "sparse"):
        cells: Any = df.sparse
        return sp.csr_array(cells.to_coo().astype(bool))
    dense = df.to_numpy().astype(bool, copy=False)
    width = dense.shape[1]
    places = np.flatnonzero(dense.ravel())
    row_ends = np.cumsum(np.count_nonzero(dense, axis=1))
    indices = (places % max(width, 1)).astype(np.int32)
    pointers = np.concatenate(([0], row_ends))
    return sp.csr_array((np.ones(places.size, bool), indices, pointers), shape=dense.shape)


def _print_progress(found: Itemsets, longest: int | None, low_memory: bool) -> None:
    """Print mlxtend's line about each size, with mlxtend's count of combinations."""
    size = 2
    while size - 1 in found.level_counts and (longest is None or size <= longest):
        n = found.level_counts.get(size, 0) if low_memory else found.count_candidates(size)
        if n == 0:
            break
        shown = n * (size + 1 if low_memory else size)
        line = f"\rProcessing {shown} combinations | Sampling itemset size {size}"
        print(line, end="")
        size += 1
    print()
