"""Groups of nearly equal texts, so that no text is measured on its own copy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from triage.alphabet import alphabet, joined
from triage.kernel import compiled, hashed_slots

_BANDS, _ROWS, _SIZE = 10, 4, 4
_BITS = 24
_AGREEING = 30


def near_duplicates(texts: Sequence[str], seed: int = 0) -> NDArray[np.int64]:
    """Group of each text: the number of the first text that it nearly equals.

    Two texts are joined when about three quarters of their character 1- to 4-grams are the
    same: when they agree in one of ten bands of four min-hashes and in 30 of all 40 (Broder,
    1997). What is joined to the same text is one group.

    Parameters
    ----------
    texts : sequence of str
    seed : int, default=0

    Returns
    -------
    ndarray of int64, shape (n_texts,)

    Examples
    --------
    >>> copies = ["屏幕一直闪个不停怎么办", "屏幕一直闪个不停怎么办？"]
    >>> near_duplicates([*copies, "快递三天没到"]).tolist()
    [0, 0, 2]
    """
    points, offsets = joined(texts)
    indptr, slots, _ = hashed_slots(points, offsets, alphabet(), _SIZE, _BITS)
    random = np.random.default_rng(seed)
    factors = random.integers(1, 2**63, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
    added = random.integers(0, 2**63, _BANDS * _ROWS, dtype=np.uint64)
    return _joined_groups(_min_hashes(indptr, slots, factors, added))


def group_folds(groups: NDArray[np.int64], folds: int, seed: int = 0) -> NDArray[np.int64]:
    """Fold of each text, the same for all of a group, the folds of nearly equal size.

    Examples
    --------
    >>> group_folds(np.array([0, 0, 2, 3]), 2).tolist()[:2] in ([0, 0], [1, 1])
    True
    """
    names, of_text, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of, filled = np.zeros(len(names), np.int64), np.zeros(folds, np.int64)
    for name in order:
        fold_of[name] = filled.argmin()
        filled[fold_of[name]] += sizes[name]
    return np.asarray(fold_of[of_text])


@compiled
def _min_hashes(
    indptr: NDArray[np.int64],
    slots: NDArray[np.int32],
    factors: NDArray[np.uint64],
    added: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    lowest = np.full((len(indptr) - 1, len(factors)), np.uint64(0xFFFFFFFFFFFFFFFF))
    for text in range(len(indptr) - 1):
        for i in range(indptr[text], indptr[text + 1]):
            for k in range(len(factors)):
                hashed = (np.uint64(slots[i]) + np.uint64(1)) * factors[k] + added[k]
                hashed ^= hashed >> np.uint64(31)
                lowest[text, k] = min(lowest[text, k], hashed * factors[k])
    return lowest


def _joined_groups(lowest: NDArray[np.uint64]) -> NDArray[np.int64]:
    parent = np.arange(len(lowest))
    for band in range(_BANDS):
        first: dict[bytes, int] = {}
        part = np.ascontiguousarray(lowest[:, band * _ROWS : (band + 1) * _ROWS])
        for text in range(len(part)):
            other = first.setdefault(part[text].tobytes(), text)
            if (lowest[text] == lowest[other]).sum() >= _AGREEING:
                a, b = _root(parent, text), _root(parent, other)
                parent[max(a, b)] = min(a, b)
    return np.array([_root(parent, text) for text in range(len(parent))], np.int64)


def _root(parent: NDArray[np.int64], text: int) -> int:
    while parent[text] != text:
        parent[text] = parent[parent[text]]
        text = int(parent[text])
    return text
