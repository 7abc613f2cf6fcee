"""A text without each of its words in turn: what it says, and about how it scores.

Leaving a word out changes only the n-grams that touch it, so the scores without it are those of
the whole text and a small difference. They are estimates, in that sums of single precision are
taken in another order; who needs the last bit scores the few texts that matter anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from triage.kernel import START, compiled, fold, roll


@compiled
def omitted(
    points: NDArray[np.uint32], starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The text, then the text without each span, as `triage.alphabet.joined` would have them.

    Parameters
    ----------
    points : ndarray of uint32, shape (n_points,)
        Code points of one text.
    starts, stops : ndarray of int64, shape (n_spans,)

    Returns
    -------
    points : ndarray of uint32
    offsets : ndarray of int64, shape (n_spans + 2,)
    """
    length = len(points)
    offsets = np.zeros(len(starts) + 2, np.int64)
    offsets[1] = length
    for n in range(len(starts)):
        offsets[n + 2] = offsets[n + 1] + length - (stops[n] - starts[n])
    pieces = np.empty(offsets[-1], np.uint32)
    pieces[:length] = points
    for n in range(len(starts)):
        middle = offsets[n + 1] + starts[n]
        pieces[offsets[n + 1] : middle] = points[: starts[n]]
        pieces[middle : offsets[n + 2]] = points[stops[n] :]
    return pieces, offsets


@compiled
def picked(
    points: NDArray[np.uint32], offsets: NDArray[np.int64], chosen: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Some of the texts of one array, as `triage.alphabet.joined` would have them.

    Parameters
    ----------
    points : ndarray of uint32
    offsets : ndarray of int64
    chosen : ndarray of int64, shape (n_chosen,)

    Returns
    -------
    points : ndarray of uint32
    offsets : ndarray of int64, shape (n_chosen + 1,)
    """
    bounds = np.zeros(len(chosen) + 1, np.int64)
    for n in range(len(chosen)):
        bounds[n + 1] = bounds[n] + offsets[chosen[n] + 1] - offsets[chosen[n]]
    pieces = np.empty(bounds[-1], np.uint32)
    for n in range(len(chosen)):
        pieces[bounds[n] : bounds[n + 1]] = points[offsets[chosen[n]] : offsets[chosen[n] + 1]]
    return pieces, bounds


@compiled
def _count_grams(
    folded: NDArray[np.uint32],
    shift: np.uint64,
    rows: NDArray[np.uint16],
    row_of: NDArray[np.uint16],
    count: NDArray[np.int16],
    touched: NDArray[np.uint16],
) -> int:
    """Count the rows of all n-grams; returns how many different ones there are."""
    length, size = row_of.shape
    none, distinct = len(count) - 1, 0
    for i in range(length):
        state = START
        count[none] = 1
        for j in range(min(size, length - i)):
            state = roll(state, folded[i + j])
            row = rows[state >> shift]
            row_of[i, j] = row
            touched[distinct] = row
            distinct += count[row] == 0
            count[row] += 1
    return distinct


@compiled
def _changed(
    row: int,
    by: int,
    count: NDArray[np.int16],
    before: NDArray[np.int16],
    noted: NDArray[np.uint16],
    n_noted: int,
) -> int:
    """Change a count and note what it was before its first change."""
    if before[row] < 0:
        before[row] = count[row]
        noted[n_noted] = row
        n_noted += 1
    count[row] += by
    return n_noted


@compiled
def _leave_out(
    folded: NDArray[np.uint32],
    first: int,
    end: int,
    shift: np.uint64,
    rows: NDArray[np.uint16],
    row_of: NDArray[np.uint16],
    count: NDArray[np.int16],
    before: NDArray[np.int16],
    noted: NDArray[np.uint16],
) -> int:
    """Count without the letters ``[first, end)``; returns how many rows were touched."""
    length, size = row_of.shape
    n_noted = 0
    if first == end:
        return 0
    for i in range(max(0, first - size + 1), end):
        for j in range(max(0, first - i), min(size, length - i)):
            n_noted = _changed(row_of[i, j], -1, count, before, noted, n_noted)
    for i in range(max(0, first - size + 1), first):
        state = START
        for j in range(size):
            at = i + j if i + j < first else end + i + j - first
            if at >= length:
                break
            state = roll(state, folded[at])
            if i + j >= first:
                n_noted = _changed(rows[state >> shift], 1, count, before, noted, n_noted)
    return n_noted


@compiled
def _add_row(value: float, row: int, weights: NDArray[np.int8], total: NDArray[np.float32]) -> None:
    for k in range(len(total)):
        total[k] += np.float32(value) * np.float32(weights[row, k])


@compiled
def _scaled(
    total: NDArray[np.float32],
    square: float,
    bias: NDArray[np.float32],
    scores: NDArray[np.float32],
) -> None:
    scale = np.float32(1 / np.sqrt(square)) if square > 0 else np.float32(0)
    for k in range(len(bias)):
        scores[k] = total[k] * scale + bias[k]


@compiled
def scores_without(
    points: NDArray[np.uint32],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
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
    """Scores of a text, then estimates of its scores without each span.

    Parameters
    ----------
    points : ndarray of uint32, shape (n_points,)
        Code points of one text.
    starts, stops : ndarray of int64, shape (n_spans,)
    alphabet, size, bits, rows, idf, sublinear, weights, steps, bias
        As `triage.kernel.score_texts` takes them.

    Returns
    -------
    ndarray of float32, shape (n_spans + 1, n_outputs)
    """
    folded = np.empty(len(points), np.uint32)
    origin = np.empty(len(points), np.int32)
    length = fold(points, 0, len(points), alphabet, folded, origin)
    none, most, shift = len(idf), len(sublinear) - 1, np.uint64(64 - bits)
    row_of = np.empty((length, size), np.uint16)
    count, before = np.zeros(none + 1, np.int16), np.full(none + 1, -1, np.int16)
    touched = np.empty(length * size + size * size + 1, np.uint16)
    distinct = _count_grams(folded, shift, rows, row_of, count, touched)
    total, square = np.zeros(len(bias), np.float32), 0.0
    for n in range(distinct):
        value = sublinear[min(count[touched[n]], most)] * idf[touched[n]]
        square += value * value
        _add_row(value * steps[touched[n]], touched[n], weights, total)
    scores = np.empty((len(starts) + 1, len(bias)), np.float32)
    _scaled(total, square, bias, scores[0])
    left = np.empty(len(bias), np.float32)
    for n in range(len(starts)):
        first = np.searchsorted(origin[:length], starts[n])
        end = np.searchsorted(origin[:length], stops[n])
        changed = _leave_out(folded, first, end, shift, rows, row_of, count, before, touched)
        left[:], rest = total, square
        for m in range(changed):
            row = touched[m]
            if row != none and count[row] != before[row]:
                old = sublinear[min(before[row], most)] * idf[row]
                new = sublinear[min(count[row], most)] * idf[row]
                rest += new * new - old * old
                _add_row((new - old) * steps[row], row, weights, left)
            count[row] = before[row]
            before[row] = -1
        _scaled(left, rest, bias, scores[n + 1])
    return scores
