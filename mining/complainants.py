"""Who complains: one complainant filing sixty times counts once in every test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from domain.complaint import ANONYMOUS, UNKNOWN, is_anonymous
from mining.baskets import Baskets, Item
from mining.catalogue import item_keys, sums

_FEWEST_FILINGS = 5
_CHANCE = 0.01
_LONGEST_UNKNOWN = max(map(len, UNKNOWN | ANONYMOUS))


@dataclass(frozen=True)
class RepeatFiler:
    """One person who files far more often than the others (一人多诉).

    Attributes
    ----------
    customer : str
        The table's own name for the person.
    complaints : list of int
        Rows of the table, in order.
    commonest : list of Item
        Items in more than half of these complaints, the most frequent first.
    """

    customer: str
    complaints: list[int]
    commonest: list[Item]


def customer_codes(customers: pd.Series | None, total: int) -> NDArray[np.int64]:
    """One number for each complainant; a row of nobody in particular stands for itself.

    Parameters
    ----------
    customers : pandas.Series, n rows, optional
        The table's customer ids.
    total : int
        Rows, where there are no ids.

    Returns
    -------
    ndarray of int64, shape (n,)

    Examples
    --------
    >>> customer_codes(pd.Series(["A", "未知", "A", None]), 4)
    array([0, 3, 0, 5])
    """
    if customers is None:
        return np.arange(total, dtype=np.int64)
    codes, values = pd.factorize(customers)
    short = pd.Series(values).astype(str).str.strip().str.len().to_numpy() <= _LONGEST_UNKNOWN
    unknown = np.append(short, True)
    unknown[np.flatnonzero(short)] = [is_anonymous(value) for value in values[short]]
    alone = np.arange(total, dtype=np.int64) + len(values)
    return np.where(unknown[codes], alone, codes)


def issue_signatures(baskets: Baskets, issues: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A number for the set of issues of each complaint; equal sets have equal numbers."""
    held = baskets.matrix[:, issues]
    return sums(item_keys(held.indices)[0], held.indptr.astype(np.int64))


def first_filings(
    customers: NDArray[np.int64], matter: NDArray[np.uint64] | None = None
) -> NDArray[np.bool_]:
    """Whether each row is its complainant's first, or first on its matter.

    Which rows are kept depends on who complains of what only, never on product, outlet or any
    other attribute; so where attributes and issues are independent they stay so.

    Parameters
    ----------
    customers : ndarray of int64, shape (n,)
        From `customer_codes`.
    matter : ndarray of uint64, shape (n,), optional
        From `issue_signatures`.

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> matter = np.array([4, 4, 9], dtype=np.uint64)
    >>> first_filings(np.array([7, 7, 7]), matter)
    array([ True, False,  True])
    """
    several = np.bincount(customers)[customers] > 1
    first = np.ones(customers.size, dtype=np.bool_)
    parts: dict[str, NDArray[np.generic]] = {"customer": customers[several]}
    if matter is not None:
        parts["matter"] = matter[several]
    first[several] = ~pd.DataFrame(parts).duplicated().to_numpy()
    return first


def repeat_filers(
    baskets: Baskets, customers: NDArray[np.int64], names: pd.Series | None, most: int = 50
) -> list[RepeatFiler]:
    """People who file so often that chance does not explain it.

    A person counts when the number of filings would be met by less than one person in a hundred
    tables like this, were filings spread over the complainants by chance (Poisson).

    Parameters
    ----------
    baskets : Baskets
        All complaints.
    customers : ndarray of int64, shape (n,)
        From `customer_codes`.
    names : pandas.Series, n rows, optional
        The table's customer ids.
    most : int, default 50
        At most so many people, the busiest first.

    Returns
    -------
    list of RepeatFiler
    """
    if names is None or customers.size == 0:
        return []
    counts = np.bincount(customers)
    people = int((counts > 0).sum())
    usual = np.median(counts[counts > 0])
    rare = stats.poisson.sf(counts - 1, max(usual, customers.size / people)) * people < _CHANCE
    busy = np.flatnonzero(rare & (counts >= _FEWEST_FILINGS))
    busy = busy[np.argsort(-counts[busy], kind="stable")][:most]
    return [_filer(baskets, np.flatnonzero(customers == who), names) for who in busy]


def _filer(baskets: Baskets, rows: NDArray[np.int64], names: pd.Series) -> RepeatFiler:
    held = np.bincount(baskets.matrix[rows].indices, minlength=len(baskets.items))
    order = np.argsort(-held, kind="stable")
    common = [baskets.items[at] for at in order if 2 * held[at] > rows.size]
    return RepeatFiler(str(names.iloc[rows[0]]), rows.tolist(), common)
