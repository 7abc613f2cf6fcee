# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, allow-incomplete-defs
# numba infers the types of what it compiles; annotations would be checked by nobody.
"""Compiled passes over a finished list of itemsets: spelling out, ordering and finding them.

A search leaves a prefix tree (parent, last item, count).  These passes turn it into one flat
array of items, ordered by size and then by items, and look itemsets up in it.
"""

from __future__ import annotations

import numpy as np

from mining.compiled import compiled

_SEED = np.uint64(0x9E3779B97F4A7C15)


@compiled
def spell_out(parents, last_items, sizes, columns, first_of_size, offset_of_size, flat, places):
    """Write every itemset's columns in ascending order, itemsets of one size side by side.

    `places` gets the position of each tree node among the itemsets of all sizes.
    """
    fill = first_of_size.copy()
    for node in range(parents.size):
        size, column = np.int64(sizes[node]), columns[last_items[node]]
        place = fill[size]
        fill[size] += 1
        places[node] = place
        to = offset_of_size[size] + (place - first_of_size[size]) * size
        done = 0
        if size > 1:
            above = places[parents[node]]
            start = offset_of_size[size - 1] + (above - first_of_size[size - 1]) * (size - 1)
            while done < size - 1 and flat[start + done] < column:
                flat[to + done] = flat[start + done]
                done += 1
            for k in range(done, size - 1):
                flat[to + k + 1] = flat[start + k]
        flat[to + done] = column


@compiled
def order_level(level, n_columns):
    """Sort the rows of one level by their columns: a stable counting sort for each column."""
    n, size = level.shape
    order, spare = np.arange(n), np.empty(n, np.int64)
    starts = np.empty(n_columns + 1, np.int64)
    for column in range(size - 1, -1, -1):
        starts[:] = 0
        for at in range(n):
            starts[level[at, column] + 1] += 1
        for value in range(n_columns):
            starts[value + 1] += starts[value]
        for at in range(n):
            row = order[at]
            value = level[row, column]
            spare[starts[value]] = row
            starts[value] += 1
        order[:] = spare
    return order


@compiled
def _mixed(items):
    """Hash of a set of items that does not depend on their order."""
    total = np.uint64(0)
    for item in items:
        word = (np.uint64(item) + np.uint64(1)) * _SEED
        word ^= word >> np.uint64(29)
        word *= np.uint64(0xBF58476D1CE4E5B9)
        total += word ^ (word >> np.uint64(32))
    return total * _SEED


@compiled
def build_index(offsets, items, table, shift):
    """Fill an open-addressing table with the positions of all itemsets."""
    mask = table.size - 1
    for at in range(offsets.size - 1):
        slot = np.int64(_mixed(items[offsets[at] : offsets[at + 1]]) >> shift)
        while table[slot] >= 0:
            slot = (slot + 1) & mask
        table[slot] = at


@compiled
def _holds_all(wanted, stored):
    """Whether every stored item, all of them different, is wanted."""
    for item in stored:
        present = False
        for other in wanted:
            present |= other == item
        if not present:
            return False
    return True


@compiled
def find(offsets, items, table, shift, wanted, out):
    """Position of each row of `wanted` among the itemsets, -1 where it is not one of them."""
    mask, size = table.size - 1, wanted.shape[1]
    for row in range(wanted.shape[0]):
        slot = np.int64(_mixed(wanted[row]) >> shift)
        out[row] = -1
        while table[slot] >= 0:
            at = table[slot]
            begin, end = offsets[at], offsets[at + 1]
            if end - begin == size and _holds_all(wanted[row], items[begin:end]):
                out[row] = at
                break
            slot = (slot + 1) & mask


@compiled
def _all_known(level, offsets, items, table, shift, row, last, wanted, place):
    """Whether every subset of a row joined with one more column, one item less, is known."""
    size = level.shape[1]
    for left_out in range(size - 1):
        k = 0
        for column in range(size):
            if column != left_out:
                wanted[0, k] = level[row, column]
                k += 1
        wanted[0, k] = last
        find(offsets, items, table, shift, wanted, place)
        if place[0] < 0:
            return False
    return True


@compiled
def count_candidates(level, offsets, items, table, shift):
    """Count what Apriori's join and prune steps make of one level's ordered itemsets."""
    n, size = level.shape
    wanted, place = np.empty((1, size), level.dtype), np.empty(1, np.int64)
    total = 0
    for row in range(n):
        other = row + 1
        while other < n and _starts_with(level[other], level[row, : size - 1]):
            last = level[other, size - 1]
            total += _all_known(level, offsets, items, table, shift, row, last, wanted, place)
            other += 1
    return total


@compiled
def _starts_with(row, prefix):
    """Whether a row begins with these columns."""
    same = True
    for column in range(prefix.size):
        same &= row[column] == prefix[column]
    return same


@compiled
def find_prefixes(level, previous, places):
    """Find each row without its last column in the level before; both are ordered.

    Returns whether all were there.
    """
    at = 0
    for row in range(level.shape[0]):
        while at < previous.shape[0] and not _starts_with(level[row], previous[at]):
            at += 1
        if at == previous.shape[0]:
            return False
        places[row] = at
    return True
