"""The fused kernel: from code points to the scores of all targets in one pass.

Everything here is compiled by numba and keeps no state. A text is folded once; its n-grams are
hashed as they roll by, counted, weighted, and each distinct one adds its contiguous row of
weights to the scores. One text and a batch run the same code, so they get the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

LONGEST = 10_000
_PRIME = np.uint64(0x9E3779B97F4A7C15)
START = np.uint64(0xD6E8FEB86659FD93)
"""State of the hash before the first letter of an n-gram."""
_HALF = np.uint64(32)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile to machine code, kept on disk where some directory is writable."""
    try:
        return njit(function, cache=True, nogil=True)  # type: ignore[no-any-return]
    except RuntimeError:  # neither the package's nor the user's directory can hold the cache
        return njit(function, nogil=True)  # type: ignore[no-any-return]


@compiled
def _is_blank(point: int) -> bool:
    if point <= 0x20 or point == 0x85 or point == 0xA0:
        return True
    return point == 0x1680 or 0x2000 <= point <= 0x202F or point == 0x205F or point == 0x3000


@compiled
def _is_suspect(point: int) -> bool:
    """Control characters, surrogates, byte order marks, and planes that are rarely met."""
    if point < 0x20:
        return point != 10 and point != 9
    if 0x7F <= point <= 0x9F or 0xD800 <= point <= 0xDFFF:
        return True
    return point >= 0xFEFF and not (0xFF01 <= point <= 0xFFEF or 0x1F000 <= point <= 0x1FAFF)


@compiled
def _is_clean(points: NDArray[np.uint32], start: int, stop: int) -> bool:
    if stop == start or stop - start > LONGEST:
        return False
    if _is_blank(points[start]) or _is_blank(points[stop - 1]):
        return False
    chinese = False
    for i in range(start, stop):
        point = points[i]
        if 0x3400 <= point <= 0x9FFF:
            chinese = True
        elif _is_suspect(point):
            return False
    return chinese


@compiled
def clean_as_they_stand(
    points: NDArray[np.uint32], offsets: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which texts `domain.text.clean` would return unchanged; it must see the others."""
    fine = np.empty(len(offsets) - 1, np.bool_)
    for text in range(len(fine)):
        fine[text] = _is_clean(points, offsets[text], offsets[text + 1])
    return fine


@compiled
def fold(
    points: NDArray[np.uint32],
    start: int,
    stop: int,
    alphabet: NDArray[np.uint32],
    folded: NDArray[np.uint32],
    origin: NDArray[np.int32],
) -> int:
    """Fold ``points[start:stop]``, dropping what folds to 0; returns the new length."""
    length = 0
    for i in range(start, stop):
        if points[i] < len(alphabet):
            letter = alphabet[points[i]]
            if letter != 0:
                folded[length] = letter
                origin[length] = i - start
                length += 1
    return length


@compiled
def openings(
    points: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    alphabet: NDArray[np.uint32],
    letters: int,
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The first `letters` letters of every text that fold to something, as texts.

    Returns
    -------
    points : ndarray of uint32
    offsets : ndarray of int64, shape (n_texts + 1,)
    """
    found = np.empty(len(offsets), np.int64)
    pieces = np.empty((len(offsets) - 1) * letters, np.uint32)
    found[0] = 0
    for text in range(len(offsets) - 1):
        kept = found[text]
        for i in range(offsets[text], offsets[text + 1]):
            if kept - found[text] == letters:
                break
            if points[i] < len(alphabet) and alphabet[points[i]] != 0:
                pieces[kept] = points[i]
                kept += 1
        found[text + 1] = kept
    return pieces[: found[-1]], found


@compiled
def roll(state: int, letter: int) -> int:
    """The hash of an n-gram with one letter more."""
    mixed = (np.uint64(state) ^ np.uint64(letter)) * _PRIME
    return (mixed ^ (mixed >> _HALF)) * START  # type: ignore[return-value]


@compiled
def longest_text(offsets: NDArray[np.int64]) -> int:
    """Code points of the longest text."""
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    return longest


@compiled
def hashed_slots(
    points: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    alphabet: NDArray[np.uint32],
    size: int,
    bits: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Distinct hashed n-grams of 1 to `size` characters with their counts, as a CSR matrix.

    Returns
    -------
    indptr : ndarray of int64, shape (n_texts + 1,)
    slots : ndarray of int32, shape (n_distinct,)
        Ascending within a text.
    counts : ndarray of float32, shape (n_distinct,)
    """
    longest = longest_text(offsets)
    folded = np.empty(longest, np.uint32)
    origin = np.empty(longest, np.int32)
    found = np.empty(longest * size, np.int32)
    shift = np.uint64(64 - bits)
    indptr = np.zeros(len(offsets), np.int64)
    slots = np.empty((offsets[-1] - offsets[0]) * size, np.int32)
    counts = np.empty(len(slots), np.float32)
    end = 0
    for text in range(len(offsets) - 1):
        length = fold(points, offsets[text], offsets[text + 1], alphabet, folded, origin)
        total = 0
        for i in range(length):
            state = START
            for j in range(i, min(i + size, length)):
                state = roll(state, folded[j])
                found[total] = np.int32(state >> shift)
                total += 1
        ordered = np.sort(found[:total])
        for i in range(total):
            if i > 0 and ordered[i] == ordered[i - 1]:
                counts[end - 1] += 1
            else:
                slots[end] = ordered[i]
                counts[end] = 1
                end += 1
        indptr[text + 1] = end
    return indptr, slots[:end].copy(), counts[:end].copy()


@compiled
def product(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """``left @ right``, in an order that does not depend on how many rows there are.

    Quick where most of `left` is 0; no threads are woken, as a library of matrices would.
    """
    sums = np.zeros((len(left), right.shape[1]), np.float32)
    for row in range(len(left)):
        for i in range(len(right)):
            if left[row, i] != 0:
                for k in range(right.shape[1]):
                    sums[row, k] += left[row, i] * right[i, k]
    return sums


@compiled
def count_rows(
    found: NDArray[np.uint16],
    count: NDArray[np.uint16],
    touched: NDArray[np.uint16],
    distinct: int,
) -> int:
    """Count rows and list each new one; returns how many different ones there are by now."""
    for row in found:
        touched[distinct] = row
        distinct += count[row] == 0
        count[row] += 1
    return distinct


@compiled
def add_rows(
    chosen: NDArray[np.uint16],
    values: NDArray[np.float32],
    weights: NDArray[np.int8],
    total: NDArray[np.float32],
) -> None:
    """Fill in the sum of the chosen rows of weights, each times its value.

    Four at a time: a sum waits for the one before it.
    """
    for k in range(len(total)):
        total[k] = 0
    fours = len(chosen) - len(chosen) % 4
    for i in range(0, fours, 4):
        a, b, c, d = chosen[i], chosen[i + 1], chosen[i + 2], chosen[i + 3]
        p, q, r, s = values[i], values[i + 1], values[i + 2], values[i + 3]
        for k in range(len(total)):
            left = p * np.float32(weights[a, k]) + q * np.float32(weights[b, k])
            right = r * np.float32(weights[c, k]) + s * np.float32(weights[d, k])
            total[k] += left + right
    for i in range(fours, len(chosen)):
        for k in range(len(total)):
            total[k] += values[i] * np.float32(weights[chosen[i], k])


@compiled
def unit_scale(square: np.float32) -> np.float32:
    """What scales sums to unit length, by the sum of the squares of what was summed."""
    return np.float32(1) / np.sqrt(square) if square > 0 else np.float32(0)


@compiled
def weigh_counted(
    touched: NDArray[np.uint16],
    values: NDArray[np.float32],
    count: NDArray[np.uint16],
    idf: NDArray[np.float32],
    sublinear: NDArray[np.float32],
    weights: NDArray[np.int8],
    steps: NDArray[np.float32],
    bias: NDArray[np.float32],
    total: NDArray[np.float32],
) -> None:
    """Fill in the scores of a text whose rows are counted, and put the counts back to 0."""
    most = len(sublinear) - 1
    square = np.float32(0)
    for i in range(len(touched)):
        row = touched[i]
        value = sublinear[min(count[row], most)] * idf[row]
        count[row] = 0
        square += value * value
        values[i] = value * steps[row]
    add_rows(touched, values, weights, total)
    scale = unit_scale(square)
    for k in range(len(total)):
        total[k] = total[k] * scale + bias[k]


@compiled
def score_texts(
    points: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    alphabet: NDArray[np.uint32],
    size: int,
    bits: int,
    rows: NDArray[np.uint16],
    idf: NDArray[np.float32],
    sublinear: NDArray[np.float32],
    weights: NDArray[np.int8],
    steps: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Scores of every text for every output.

    Parameters
    ----------
    points : ndarray of uint32, shape (n_points,)
        Code points of all texts, one after the other.
    offsets : ndarray of int64, shape (n_texts + 1,)
    alphabet : ndarray of uint32
        What each code point folds to; 0 drops it.
    size, bits : int
        Longest n-gram; the hash has 2 ** bits values.
    rows : ndarray of uint16, shape (2 ** bits,)
        Row of each hash value in `weights`; ``len(idf)`` for those that were not selected.
    idf : ndarray of float32, shape (n_features,)
    sublinear : ndarray of float32
        Term weight of a count; counts past its end weigh as its last.
    weights : ndarray of int8, shape (n_features, n_outputs)
    steps : ndarray of float32, shape (n_features,)
        What 1 in a row of `weights` stands for.
    bias : ndarray of float32, shape (n_outputs,)

    Returns
    -------
    ndarray of float32, shape (n_texts, n_outputs)
    """
    longest = longest_text(offsets)
    folded = np.empty(longest, np.uint32)
    origin = np.empty(longest, np.int32)
    none = len(idf)
    outputs = len(bias)
    count = np.zeros(none + 1, np.uint16)
    touched = np.empty(min(longest * size, none) + 1, np.uint16)
    values = np.empty(len(touched), np.float32)
    found = np.empty(longest * size + 1, np.uint16)
    shift = np.uint64(64 - bits)
    scores = np.empty((len(offsets) - 1, outputs), np.float32)
    for text in range(len(offsets) - 1):
        length = fold(points, offsets[text], offsets[text + 1], alphabet, folded, origin)
        kept = 0
        for i in range(length):
            state = START
            for j in range(i, min(i + size, length)):
                state = roll(state, folded[j])
                row = rows[state >> shift]
                found[kept] = row  # written over unless it carries weight, which spares a branch
                kept += row != none
        distinct = count_rows(found[:kept], count, touched, 0)
        given = (idf, sublinear, weights, steps, bias)
        weigh_counted(touched[:distinct], values, count, *given, scores[text])
    return scores
