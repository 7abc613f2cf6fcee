"""Which rows teach and which judge: by time and by groups of near copies, never leaking."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import InputError, SettingRefused
from triage.duplicates import near_duplicates

Bools = NDArray[np.bool_]
_STEPS = 1 << 32


@dataclass(frozen=True)
class Split:
    """Rows by what they are for; no group of near copies is on two sides.

    Attributes
    ----------
    train, frozen, recent : ndarray of bool, shape (n_rows,)
        Rows that teach, the test set that stays the same from one training to the next, and
        the newest rows. Older copies of recent rows are in none of them.
    groups : ndarray of int64, shape (n_rows,)
        Near copies, as `triage.duplicates.near_duplicates` has them.
    """

    train: Bools
    frozen: Bools
    recent: Bools
    groups: NDArray[np.int64]


def split_rows(
    texts: Sequence[str],
    times: Sequence[float] | None = None,
    *,
    frozen_share: float = 0.15,
    recent_share: float = 0.15,
    seed: int = 7,
) -> Split:
    """Split labelled rows into those that teach and two sets that judge.

    A group is frozen by a hash of its first text, so it stays frozen when rows are added below;
    a group is recent when its newest row is among the newest rows.

    Parameters
    ----------
    texts : sequence of str
        Oldest first; rows are only ever added below.
    times : sequence of float, same length, optional
        When each came in, in any unit; without it nothing is recent.
    frozen_share, recent_share : float
        Shares of the rows, below 0.5.
    seed : int, default=7
        Another seed freezes other groups.

    Returns
    -------
    Split

    Raises
    ------
    InputError
        The lengths differ, or there is no text.
    SettingRefused
        A share lies outside [0, 0.5).

    Examples
    --------
    >>> texts = [f"{chr(0x4E00 + 17 * n)}单{n * 7919}号一直没有人处理" for n in range(200)]
    >>> split = split_rows(texts, range(200))
    >>> int((split.train & (split.frozen | split.recent)).sum())
    0
    """
    _refuse(texts, times, frozen_share, recent_share)
    groups = near_duplicates(texts, seed)
    frozen_groups = {int(g): _draw(texts[g], seed) < frozen_share for g in np.unique(groups)}
    frozen = np.array([frozen_groups[int(g)] for g in groups], np.bool_)
    recent = _recent(times, frozen, recent_share)
    touched = np.isin(groups, np.unique(groups[recent]))
    return Split(~frozen & ~touched, frozen, recent, groups)


def _draw(text: str, seed: int) -> float:
    """A number in [0, 1) that depends on the text and the seed alone."""
    digest = hashlib.sha256(f"{seed}\0{text}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / _STEPS


def _recent(times: Sequence[float] | None, frozen: Bools, share: float) -> Bools:
    if times is None or not share:
        return np.zeros(len(frozen), np.bool_)
    when = np.asarray(times, np.float64)
    wanted = round(share * len(when))
    order = np.lexsort((np.arange(len(when)), when))
    newest = np.zeros(len(when), np.bool_)
    newest[order[len(when) - wanted :]] = True
    return newest & ~frozen


def _refuse(
    texts: Sequence[str], times: Sequence[float] | None, frozen_share: float, recent_share: float
) -> None:
    if not len(texts):
        raise InputError("there is no text; give at least one")
    if times is not None and len(times) != len(texts):
        raise InputError(f"{len(times)} times for {len(texts)} texts; give one for each")
    for name, share in (("frozen_share", frozen_share), ("recent_share", recent_share)):
        if not 0 <= share < 0.5:
            raise SettingRefused(f"{name} is {share}; it must lie in [0, 0.5)")
