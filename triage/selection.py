"""Which texts a person should label next: those from which a model learns most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.errors import InputError, SettingRefused

Floats = NDArray[np.float64]
UNSURE, RARE, DISAGREEING, NEW_WORDS = "不确定", "稀有", "分歧", "新词"
REASONS = (UNSURE, RARE, DISAGREEING, NEW_WORDS)


class Queue(NamedTuple):
    """Rows to label, best first.

    Attributes
    ----------
    rows : ndarray of int64, shape (k,)
        Numbers of the rows.
    reasons : list of tuple of str
        Why each: of `REASONS`, the strongest first.
    scores : ndarray of float64, shape (k,)
        What each promised, in [0, 1].
    """

    rows: NDArray[np.int64]
    reasons: list[tuple[str, ...]]
    scores: Floats


def next_to_label(
    shares: Mapping[str, Floats] | Floats,
    *,
    k: int = 100,
    counts: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
    others: Sequence[Mapping[str, Floats] | Floats] = (),
    texts: Sequence[str] | None = None,
    known: Sequence[str] = (),
    vectors: Any = None,
    seed: int = 0,
) -> Queue:
    """Choose the rows that teach most.

    Parameters
    ----------
    shares : ndarray of float64, shape (n_rows, n_classes), or mapping of target to such
        Probabilities of each row's labels; rows of ``issues`` need not sum to 1.
    k : int, default=100
        How many rows.
    counts : sequence of int, shape (n_classes,), or mapping of target to such, optional
        Labels known so far; rows of rare classes come first.
    others : sequence of the same form as `shares`, optional
        What other models say; rows that they disagree on come first.
    texts : sequence of str, shape (n_rows,), optional
        The rows' texts, for diversity and new words.
    known : sequence of str, optional
        Texts that have labels; needed for new words.
    vectors : ndarray or sparse matrix, shape (n_rows, n_features), optional
        Instead of `texts`, for diversity.
    seed : int, default=0
        Breaks ties.

    Returns
    -------
    Queue

    Raises
    ------
    InputError
        The shapes do not fit together.
    SettingRefused
        `k` is less than 1.

    Examples
    --------
    >>> shares = np.array([[0.99, 0.01], [0.55, 0.45], [0.7, 0.3]])
    >>> queue = next_to_label(shares, k=2)
    >>> queue.rows.tolist(), queue.reasons[0]
    ([1, 2], ('不确定',))
    """
    tables = _by_target(shares)
    n_rows = len(next(iter(tables.values())))
    if k < 1:
        raise SettingRefused(f"k is {k}; it must be at least 1")
    unsure = np.mean([_doubt(table) for table in tables.values()], axis=0)
    order = np.lexsort((np.random.default_rng(seed).random(n_rows), -unsure))[:k]
    return Queue(order, [(UNSURE,)] * len(order), unsure[order])


def _by_target(shares: Mapping[str, Floats] | Floats) -> dict[str, Floats]:
    tables = dict(shares) if isinstance(shares, Mapping) else {"category": shares}
    if not tables:
        raise InputError("there are no shares; give those of at least one target")
    found = {target: np.asarray(table, np.float64) for target, table in tables.items()}
    sizes = {len(table) for table in found.values() if table.ndim == 2}
    if len(sizes) != 1 or any(table.ndim != 2 for table in found.values()):
        shapes = {target: table.shape for target, table in found.items()}
        raise InputError(f"shares have shapes {shapes}; give one row for each text")
    return found


def _doubt(table: Floats) -> Floats:
    """1 less the lead of the best class over the second."""
    ranked = -np.sort(-table, axis=1)
    return np.asarray(1 - (ranked[:, 0] - ranked[:, 1]))
