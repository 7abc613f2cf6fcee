"""What the clauses of a text score, each by itself, beside the text as a whole.

A long complaint names many things once; in the sum of all its n-grams a single sentence that
tells of an injury drowns. The clauses are scored with the same weights in the same pass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from triage.alphabet import SENTENCE_END
from triage.kernel import (
    START,
    add_rows,
    compiled,
    count_rows,
    fold,
    longest_text,
    roll,
    unit_scale,
)

VIEWS = ("whole", "first", "highest")
"""The scores of the whole text, those of its first clause, and the highest of any clause."""
EXTRAS = 2
"""Beside the scores: the logarithms of the numbers of clauses and of letters, each plus one."""
_FEW, _SOME, _MANY, _REST = 14, 20, 40, 6


@compiled
def clause_ends(
    letters: NDArray[np.uint32], breaks: NDArray[np.uint8], ends: NDArray[np.int32]
) -> int:
    """Where the clauses of a folded text end; returns how many there are.

    A clause ends with a sentence of 14 letters or more, at a comma after 20, or after 40; a
    rest of fewer than 6 belongs to the last one.
    """
    clauses = 0
    start = 0
    for i in range(len(letters)):
        size = i + 1 - start
        if size < _FEW:
            continue
        rank = breaks[letters[i]]
        closed = rank == SENTENCE_END or (rank > 0 and size >= _SOME) or size >= _MANY
        if closed and len(letters) - i > _REST:
            start = i + 1
            ends[clauses] = start
            clauses += 1
    if start < len(letters):
        ends[clauses] = len(letters)
        clauses += 1
    return clauses


@compiled
def cut_clauses(
    points: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    alphabet: NDArray[np.uint32],
    breaks: NDArray[np.uint8],
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The clauses of all texts, as `score_clauses` scores them, as texts of their own.

    Returns
    -------
    letters : ndarray of uint32, shape (n_letters,)
        Folded.
    bounds : ndarray of int64, shape (n_clauses + 1,)
        Clause ``i`` is ``letters[bounds[i]:bounds[i + 1]]``.
    owner : ndarray of int64, shape (n_clauses,)
        Which text each is of.
    spans : ndarray of int64, shape (n_clauses, 2)
        Where it begins and ends in its text, in characters.
    """
    longest = longest_text(offsets)
    folded, origin = np.empty(longest, np.uint32), np.empty(longest, np.int32)
    ends = np.empty(longest, np.int32)
    letters, bounds = np.empty(len(points), np.uint32), np.zeros(len(points) + 1, np.int64)
    owner, spans = np.empty(len(points), np.int64), np.empty((len(points), 2), np.int64)
    found, kept = 0, 0
    for text in range(len(offsets) - 1):
        length = fold(points, offsets[text], offsets[text + 1], alphabet, folded, origin)
        letters[kept : kept + length] = folded[:length]
        start = 0
        for c in range(clause_ends(folded[:length], breaks, ends)):
            stop = ends[c]
            owner[found] = text
            spans[found, 0], spans[found, 1] = origin[start], origin[stop - 1] + 1
            found += 1
            bounds[found] = kept + stop
            start = stop
        kept += length
    return letters[:kept], bounds[: found + 1], owner[:found], spans[:found]


@compiled
def _gather(
    folded: NDArray[np.uint32],
    ends: NDArray[np.int32],
    size: int,
    shift: np.uint64,
    rows: NDArray[np.uint16],
    none: int,
    inside: NDArray[np.uint16],
    across: NDArray[np.uint16],
    bounds: NDArray[np.int32],
) -> int:
    """List the rows of each clause's n-grams, and of those that reach into the next one.

    Rows that carry no weight are written and then written over, which spares a branch. Returns
    how many reach across.
    """
    kept, crossing, start = 0, 0, 0
    for c in range(len(ends)):
        stop = ends[c]
        tail = max(start, stop - size + 1)
        for i in range(start, tail):
            state = START
            for j in range(i, i + size):
                state = roll(state, folded[j])
                row = rows[state >> shift]
                inside[kept] = row
                kept += row != none
        for i in range(tail, stop):
            state = START
            for j in range(i, min(i + size, len(folded))):
                state = roll(state, folded[j])
                row = rows[state >> shift]
                inside[kept] = row
                across[crossing] = row
                kept += (row != none) & (j < stop)
                crossing += (row != none) & (j >= stop)
        start = stop
        bounds[c + 1] = kept
    return crossing


@compiled
def _weigh_clause(
    inside: NDArray[np.uint16],
    values: NDArray[np.float32],
    idf: NDArray[np.float32],
    weights: NDArray[np.int8],
    steps: NDArray[np.float32],
    own: NDArray[np.float32],
) -> np.float32:
    """Sum the rows of a clause; returns what scales the sums to unit length."""
    square = np.float32(0)
    for i in range(len(inside)):
        value = idf[inside[i]]
        square += value * value
        values[i] = value * steps[inside[i]]
    add_rows(inside, values, weights, own)
    return unit_scale(square)  # type: ignore[no-any-return]


@compiled
def _weigh_repeats(
    touched: NDArray[np.uint16],
    values: NDArray[np.float32],
    count: NDArray[np.uint16],
    idf: NDArray[np.float32],
    sublinear: NDArray[np.float32],
    weights: NDArray[np.int8],
    steps: NDArray[np.float32],
    own: NDArray[np.float32],
) -> np.float32:
    """Sum what repeated rows weigh less than their idf each time, and put the counts back to 0.

    Returns what scales the sums of the whole text to unit length.
    """
    most = len(sublinear) - 1
    square = np.float32(0)
    repeated = 0
    for i in range(len(touched)):
        row = touched[i]
        times = count[row]
        weight = sublinear[min(times, most)]
        count[row] = 0
        square += (weight * idf[row]) ** 2
        touched[repeated] = row
        values[repeated] = (weight - np.float32(times)) * idf[row] * steps[row]
        repeated += times > 1
    add_rows(touched[:repeated], values, weights, own)
    return unit_scale(square)  # type: ignore[no-any-return]


@compiled
def score_clauses(
    points: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    alphabet: NDArray[np.uint32],
    breaks: NDArray[np.uint8],
    size: int,
    bits: int,
    rows: NDArray[np.uint16],
    idf: NDArray[np.float32],
    sublinear: NDArray[np.float32],
    weights: NDArray[np.int8],
    steps: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores of every text and of its clauses for every output.

    Parameters
    ----------
    breaks : ndarray of uint8
        As `triage.alphabet.breaks` has them.
    points, offsets, alphabet, size, bits, rows, idf, sublinear, weights, steps, bias
        As `triage.kernel.score_texts` takes them. In a clause an n-gram weighs its idf each time.

    Returns
    -------
    scores : ndarray of float32, shape (n_texts, len(VIEWS), n_outputs)
    extras : ndarray of float32, shape (n_texts, EXTRAS)
    """
    longest = longest_text(offsets)
    folded, origin = np.empty(longest, np.uint32), np.empty(longest, np.int32)
    ends, bounds = np.empty(longest, np.int32), np.zeros(longest + 1, np.int32)
    none, outputs = len(idf), len(bias)
    count = np.zeros(none + 1, np.uint16)
    touched = np.empty(min(longest * size, none) + 1, np.uint16)
    values = np.empty(len(touched), np.float32)
    inside = np.empty(longest * size + 1, np.uint16)
    across = np.empty(longest * size + 1, np.uint16)
    shift = np.uint64(64 - bits)
    scores = np.empty((len(offsets) - 1, len(VIEWS), outputs), np.float32)
    extras = np.empty((len(offsets) - 1, EXTRAS), np.float32)
    own = np.empty(outputs, np.float32)
    for text in range(len(offsets) - 1):
        length = fold(points, offsets[text], offsets[text + 1], alphabet, folded, origin)
        clauses = clause_ends(folded[:length], breaks, ends)
        given = (folded[:length], ends[:clauses], size, shift, rows, none)
        crossing = _gather(*given, inside, across, bounds)
        distinct = count_rows(inside[: bounds[clauses]], count, touched, 0)
        distinct = count_rows(across[:crossing], count, touched, distinct)
        whole, first, highest = scores[text, 0], scores[text, 1], scores[text, 2]
        _weigh_clause(across[:crossing], values, idf, weights, steps, whole)
        first[:], highest[:] = bias, bias
        for c in range(clauses):
            part = inside[bounds[c] : bounds[c + 1]]
            scale = _weigh_clause(part, values, idf, weights, steps, own)
            if c == 0:
                for k in range(outputs):
                    first[k] = highest[k] = own[k] * scale + bias[k]
            for k in range(outputs):
                whole[k] += own[k]
                highest[k] = max(highest[k], own[k] * scale + bias[k])
        repeats = (touched[:distinct], values, count, idf, sublinear, weights, steps, own)
        scale = _weigh_repeats(*repeats)
        for k in range(outputs):
            whole[k] = (whole[k] + own[k]) * scale + bias[k]
        extras[text, 0] = np.log(np.float32(1 + clauses))
        extras[text, 1] = np.log(np.float32(1 + length))
    return scores, extras
