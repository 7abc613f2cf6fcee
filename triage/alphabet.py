"""What the models see of a text: folded letters, all digits alike, no blanks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from domain.text import DROPPED, code_points, fold_table

CLAUSE_END, SENTENCE_END = 1, 2
_DIGITS = range(ord("0"), ord("9") + 1)
_CLAUSE_ENDS, _SENTENCE_ENDS = ",、:()~", "。!?;…"


@cache
def alphabet() -> NDArray[np.uint32]:
    """Letter of each code point: `domain.text.fold_table` with digits as 0 and blanks dropped.

    Returns
    -------
    ndarray of uint32, shape (0x323B0,)
        Read-only; 0 where the code point is dropped.

    Examples
    --------
    >>> table = alphabet()
    >>> chr(table[ord("７")]), table[ord(" ")]
    ('0', np.uint32(0))
    """
    table = letters().copy()
    table[np.isin(table, list(_DIGITS))] = ord("0")
    table.setflags(write=False)
    return table


@cache
def letters() -> NDArray[np.uint32]:
    """Letter of each code point with digits as they are, for words: 12315 is not 12345.

    Returns
    -------
    ndarray of uint32, shape (0x323B0,)
        Read-only; 0 where the code point is dropped.

    Examples
    --------
    >>> chr(letters()[ord("７")])
    '7'
    """
    table = fold_table().copy()
    table[table == ord(" ")] = DROPPED
    table.setflags(write=False)
    return table


@cache
def breaks() -> NDArray[np.uint8]:
    """`CLAUSE_END` or `SENTENCE_END` where a letter of `letters` ends one, else 0.

    Returns
    -------
    ndarray of uint8, shape (0x323B0,)
    """
    ranks = np.zeros(len(letters()), np.uint8)
    for ends, rank in ((_CLAUSE_ENDS, CLAUSE_END), (_SENTENCE_ENDS, SENTENCE_END)):
        ranks[[letters()[ord(end)] for end in ends]] = rank
    ranks.setflags(write=False)
    return ranks


def joined(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Code points of all texts in one array, as the kernels take them.

    Parameters
    ----------
    texts : sequence of str

    Returns
    -------
    points : ndarray of uint32, shape (n_points,)
    offsets : ndarray of int64, shape (n_texts + 1,)
        Text ``i`` is ``points[offsets[i]:offsets[i + 1]]``.

    Examples
    --------
    >>> joined(["屏闪", "退"])[1].tolist()
    [0, 2, 3]
    """
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    return code_points("".join(texts)), offsets


def parted(points: NDArray[np.uint32], offsets: NDArray[np.int64]) -> list[str]:
    """The texts that `joined` made one array of.

    Examples
    --------
    >>> parted(*joined(["屏闪", "退"]))
    ['屏闪', '退']
    """
    bounds = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return [points[start:end].astype("<u4").tobytes().decode("utf-32-le") for start, end in bounds]
