"""Attributes tied to one another: a batch to its product, an outlet to its region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mining.baskets import Baskets

_MOST_EXCEPTIONS = 0.02
_EXPLAINED = 0.9


def attribute_codes(baskets: Baskets, attributes: Sequence[str]) -> dict[str, NDArray[np.int32]]:
    """The value that each complaint has of each attribute.

    Parameters
    ----------
    baskets : Baskets
        n complaints.
    attributes : sequence of str
        Attributes with at most one value a complaint (of several the last counts).

    Returns
    -------
    dict of str to ndarray of int32, shape (n,)
        Item column, -1 where the value is unknown.
    """
    codes = {}
    held = baskets.matrix.tocoo()
    attribute_of = np.array([item.attribute for item in baskets.items], dtype=object)
    for name in attributes:
        mine = (attribute_of == name)[held.col]
        values = np.full(len(baskets), -1, dtype=np.int32)
        values[held.row[mine]] = held.col[mine]
        codes[name] = values
    return codes


def determines(lower: NDArray[np.int32], upper: NDArray[np.int32]) -> bool:
    """Whether a value of the lower attribute settles that of the upper (a batch its product).

    Parameters
    ----------
    lower, upper : ndarray of int32, shape (n,)
        Values, -1 where unknown.

    Returns
    -------
    bool
        At most one known complaint in fifty breaks the tie, and the tie explains at least nine
        tenths of what guessing the commonest upper value gets wrong.

    Examples
    --------
    >>> batch, product = np.array([0, 0, 1, 2]), np.array([5, 5, 5, 6])
    >>> determines(batch, product), determines(product, batch)
    (True, False)
    """
    known = (lower >= 0) & (upper >= 0)
    total = int(known.sum())
    if total == 0:
        return False
    below, above = lower[known], upper[known]
    shape = (int(below.max()) + 1, int(above.max()) + 1)
    together = sparse.coo_matrix((np.ones(total), (below, above)), shape=shape).tocsr()
    exceptions = total - together.max(axis=1).sum()
    guessed_wrong = total - np.bincount(above).max()
    few = exceptions <= _MOST_EXCEPTIONS * total
    return bool(few and exceptions <= (1 - _EXPLAINED) * guessed_wrong and guessed_wrong > 0)


def tied_attributes(codes: Mapping[str, NDArray[np.int32]]) -> set[frozenset[str]]:
    """Pairs of attributes of which one determines the other.

    Parameters
    ----------
    codes : mapping of str to ndarray of int32, shape (n,)
        From `attribute_codes`.

    Returns
    -------
    set of frozenset of str
    """
    names = list(codes)
    return {
        frozenset((lower, upper))
        for lower in names
        for upper in names
        if lower != upper and determines(codes[lower], codes[upper])
    }
