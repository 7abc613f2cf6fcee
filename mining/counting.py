# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, allow-incomplete-defs
# numba infers the types of what it compiles; annotations would be checked by nobody.
"""The compiled counting core: vertical bitmaps, walked depth first.

Every itemset is a node of a prefix tree.  A node holds a list of candidate items; each
candidate has a bitmap over the transactions of the node, so that one AND and one popcount
count one child.  `search_rows` (sparse data) gives every first item bitmaps over its own
transactions only; `search_columns` (dense data) starts from bitmaps over all of them.

All compiled functions live in this one file, because numba's on-disk cache notices a change
in a file but not in the files that it calls.  Arguments:

shape     int64: what does not change during a search, see the `S_` names
state     int64: where the search stands, see the `T_` names; a search stops when a buffer is
          full or its step budget is used up, and goes on from here
levels    int64 (depth, 6): one row for each open node, see the `L_` names
stack     int64 (places, 3): item, count and bitmap offset of the candidates of open nodes
arena     uint64: the bitmaps of the candidates of open nodes, in blocks of 8 words
found     int32 (itemsets, 3): parent, last item and count of every itemset found
sizes     uint8 (itemsets,): number of items of every itemset found
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mining.compiled import compiled

LANES = 8  # words in a block: one 512-bit register, or two or four narrower ones
BLOCK_BITS = 64 * LANES

DONE, FULL, ARENA, STACK, BUDGET, TOO_MANY, UNTIDY, UNSOUND = range(8)

S_MIN_COUNT, S_MAX_LEN, S_CONSEQUENTS, S_ITEMS, S_PAIRED, S_GROUPED = range(6)
T_FOUND, T_DEPTH, T_STEPS, T_BUDGET, T_ITEM, T_NEED, T_OPEN, T_FILLED = range(8)
L_START, L_END, L_CURSOR, L_NODE, L_PERFECT, L_TOP, L_BLOCKS = range(7)
C_ITEM, C_COUNT, C_OFFSET = range(3)
F_PARENT, F_ITEM, F_COUNT = range(3)


@intrinsic
def _meet(typingctx, arena, target, left, right, blocks):
    """Write the AND of two bitmaps of an arena to a third place in it; return its popcount."""
    signature = types.int64(arena, types.int64, types.int64, types.int64, types.int64)

    def codegen(context, builder, signature, args):
        vector, word = ir.VectorType(ir.IntType(64), LANES), ir.IntType(64)
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, args[0]).data
        places = [builder.bitcast(builder.gep(data, [at]), vector.as_pointer()) for at in args[1:4]]
        popcount = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector]), f"llvm.ctpop.v{LANES}i64"
        )
        total = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(word, [vector]), f"llvm.vector.reduce.add.v{LANES}i64"
        )
        counts = cgutils.alloca_once_value(builder, ir.Constant(vector, [0] * LANES))
        with cgutils.for_range(builder, args[4], intp=word) as loop:
            to, one, two = (builder.gep(place, [loop.index]) for place in places)
            both = builder.and_(builder.load(one, align=8), builder.load(two, align=8))
            builder.store(both, to, align=8)
            builder.store(builder.add(builder.load(counts), builder.call(popcount, [both])), counts)
        return builder.call(total, [builder.load(counts)])

    return signature, codegen


@intrinsic
def _trailing_zeros(typingctx, word):
    """Return the place of the lowest set bit of a word."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


@compiled
def count_items(indptr, indices, n_columns):
    """Count each column's ones; tell whether the rows are sorted, without repeats, in bounds."""
    counts = np.zeros(n_columns, np.int64)
    outcome = DONE
    for row in range(indptr.size - 1):
        last = -1
        for at in range(indptr[row], indptr[row + 1]):
            item = indices[at]
            if item < 0 or item >= n_columns:
                return counts, UNSOUND
            if item <= last:
                outcome = UNTIDY
            last = item
            counts[np.uint32(item)] += 1
    return counts, outcome


@compiled
def _cube(n_perfect, room):
    """Number of subsets with at most `room` members of `n_perfect` items, at most 2**40."""
    if room >= n_perfect:
        return 1 << min(n_perfect, 40)
    total, term = 1, 1
    for k in range(room):
        term = term * (n_perfect - k) // (k + 1)
        total += term
        if total > 1 << 40:
            return 1 << 40
    return total


@compiled
def _emit(found, sizes, at, parent, item, count, size, perfect, n_perfect, limit):
    """Write an itemset and its unions with every subset of the items that all of its rows hold."""
    found[F_PARENT, at], found[F_ITEM, at], found[F_COUNT, at] = parent, item, count
    sizes[at] = size
    end = at + 1
    for p in range(n_perfect):
        extra, n_old = perfect[p], end - at
        if size + n_perfect <= limit:
            found[F_ITEM, end : end + n_old] = extra
            found[F_COUNT, end : end + n_old] = count
            for k in range(n_old):
                found[F_PARENT, end + k] = at + k
                sizes[end + k] = sizes[at + k] + 1
            end += n_old
        else:
            for old in range(at, at + n_old):
                if sizes[old] < limit:
                    found[F_PARENT, end], found[F_ITEM, end] = old, extra
                    found[F_COUNT, end], sizes[end] = count, sizes[old] + 1
                    end += 1
    return end


@compiled
def _may_join(pairs, one, two):
    """Whether the pair's bit is set in the lower triangle of `pairs`."""
    if one < two:
        one, two = two, one
    return (pairs[one, two >> 6] >> np.uint64(two & 63)) & np.uint64(1) != 0


@compiled
def _place(stack, start, end, n_first):
    """Move the last candidate to its place: consequents first, then the most frequent first."""
    item, count, offset = stack[end, C_ITEM], stack[end, C_COUNT], stack[end, C_OFFSET]
    key = count + ((item < n_first) << 40)
    at = end
    while at > start:
        before = stack[at - 1, C_COUNT] + ((stack[at - 1, C_ITEM] < n_first) << 40)
        if before >= key:
            break
        stack[at, C_ITEM] = stack[at - 1, C_ITEM]
        stack[at, C_COUNT] = stack[at - 1, C_COUNT]
        stack[at, C_OFFSET] = stack[at - 1, C_OFFSET]
        at -= 1
    stack[at, C_ITEM], stack[at, C_COUNT], stack[at, C_OFFSET] = item, count, offset


@compiled
def _open_node(shape, state, levels, stack, arena, perfect, fixed, pairs):
    """Count the children of the candidate under the cursor; they become the next level."""
    depth = state[T_DEPTH]
    blocks = levels[depth, L_BLOCKS]
    first, at = levels[depth, L_START], levels[depth, L_CURSOR]
    item, count, left = stack[at, C_ITEM], stack[at, C_COUNT], stack[at, C_OFFSET]
    top, n_perfect = levels[depth, L_TOP], levels[depth, L_PERFECT]
    start = levels[depth, L_END]
    end = start
    if depth + 1 < shape[S_MAX_LEN]:
        for other in range(first, at):
            candidate = stack[other, C_ITEM]
            if shape[S_PAIRED] and not _may_join(pairs, item, candidate):
                continue
            right = stack[other, C_OFFSET]
            both = _meet(arena, top, left, right, blocks)  # type: ignore[call-arg, var-annotated]
            if both == count and not fixed[candidate]:
                perfect[n_perfect] = candidate
                n_perfect += 1
            elif both >= shape[S_MIN_COUNT]:
                stack[end, C_ITEM], stack[end, C_COUNT] = candidate, both
                stack[end, C_OFFSET] = top
                _place(stack, start, end, shape[S_CONSEQUENTS])
                end += 1
                top += blocks * LANES
    levels[depth + 1, L_START], levels[depth + 1, L_CURSOR] = start, start
    levels[depth + 1, L_END], levels[depth + 1, L_TOP] = end, top
    levels[depth + 1, L_PERFECT], levels[depth + 1, L_BLOCKS] = n_perfect, blocks
    state[T_STEPS] += (at - first) * (blocks + 16) + 16


@compiled
def _shortage(state, levels, stack, arena):
    """Tell what is missing before the candidate under the cursor can be opened, if anything."""
    depth = state[T_DEPTH]
    if depth + 2 > levels.shape[0] - 1:
        return TOO_MANY
    room = levels[depth, L_CURSOR] - levels[depth, L_START] + 1
    need = levels[depth, L_TOP] + 2 * room * levels[depth, L_BLOCKS] * LANES
    if need > arena.size:
        state[T_NEED] = need
        return ARENA
    if levels[depth, L_END] + room > stack.shape[0]:
        state[T_NEED] = levels[depth, L_END] + room
        return STACK
    return BUDGET if state[T_STEPS] >= state[T_BUDGET] else DONE


@compiled
def _close_node(shape, state, levels, stack, perfect, found, sizes, item, count):
    """Write the node just opened, if it is wanted, and step down; DONE unless room is short."""
    depth, outside = state[T_DEPTH], item >= shape[S_CONSEQUENTS] and shape[S_CONSEQUENTS] > 0
    limit = shape[S_MAX_LEN] - outside
    child = depth + 1
    start, end = levels[child, L_START], levels[child, L_END]
    if outside and (end == start or stack[start, C_ITEM] >= shape[S_CONSEQUENTS]):
        levels[depth, L_CURSOR] += 1
        return DONE
    if child > limit:
        levels[depth, L_CURSOR] += 1
        return DONE
    at, n_perfect = state[T_FOUND], levels[child, L_PERFECT]
    need = at + _cube(n_perfect, limit - child)
    if need > found.shape[1]:
        state[T_NEED] = need
        return FULL
    levels[child, L_NODE] = at
    state[T_FOUND] = _emit(
        found, sizes, at, levels[depth, L_NODE], item, count, child, perfect, n_perfect, limit
    )
    state[T_STEPS] += 16 * (state[T_FOUND] - at)
    levels[depth, L_CURSOR] += 1
    if end > start and child < shape[S_MAX_LEN]:
        state[T_DEPTH] = child
    return DONE


@compiled
def _list_bits(arena, offset, n_words, places):
    """List the places of the set bits of a bitmap."""
    n = 0
    for word in range(n_words):
        rest = arena[offset + word]
        while rest:
            lowest = rest & (~rest + np.uint64(1))
            places[n] = (word << 6) + _trailing_zeros(lowest)  # type: ignore[call-arg]
            n += 1
            rest ^= lowest


@compiled
def _condense(levels, stack, arena, places, child, offset, count):
    """Rewrite the candidates' bitmaps over the transactions of the node only.

    Worth its cost where the node has so few of its level's transactions that the bitmaps are
    nearly empty and there are many candidates to AND with each other.
    """
    blocks = levels[child, L_BLOCKS]
    start, end = levels[child, L_START], levels[child, L_END]
    if count * 8 > blocks * BLOCK_BITS or (end - start) * blocks < 2 * count or end - start < 3:
        return
    _list_bits(arena, offset, blocks * LANES, places)
    narrow = (count + BLOCK_BITS - 1) // BLOCK_BITS
    to = levels[child, L_TOP]
    for candidate in range(start, end):
        source = stack[candidate, C_OFFSET]
        arena[to : to + narrow * LANES] = 0
        for bit in range(count):
            place = np.int64(places[bit])
            held = (arena[source + (place >> 6)] >> np.uint64(place & 63)) & np.uint64(1)
            arena[to + (bit >> 6)] |= held << np.uint64(bit & 63)
        stack[candidate, C_OFFSET] = to
        to += narrow * LANES
    levels[child, L_TOP], levels[child, L_BLOCKS] = to, narrow


@compiled
def _grow(shape, state, levels, stack, arena, perfect, fixed, pairs, found, sizes, places, floor):
    """Walk the tree depth first down from level `floor`, until done or something runs short."""
    while state[T_DEPTH] >= floor:
        depth = state[T_DEPTH]
        at = levels[depth, L_CURSOR]
        if at == levels[depth, L_END]:
            state[T_DEPTH] -= 1
            continue
        short = _shortage(state, levels, stack, arena)
        if short != DONE:
            return short
        item, count, offset = stack[at, C_ITEM], stack[at, C_COUNT], stack[at, C_OFFSET]
        _open_node(shape, state, levels, stack, arena, perfect, fixed, pairs)
        short = _close_node(shape, state, levels, stack, perfect, found, sizes, item, count)
        if short != DONE:
            return short
        if state[T_DEPTH] > depth:
            _condense(levels, stack, arena, places, depth + 1, offset, count)
    return DONE


@compiled
def search_columns(shape, state, levels, stack, arena, perfect, fixed, pairs, found, sizes, places):
    """Search from bitmaps over all transactions: level 0 holds every frequent item."""
    return _grow(shape, state, levels, stack, arena, perfect, fixed, pairs, found, sizes, places, 0)


@compiled
def rank_rows(indptr, indices, rank, row_starts, baskets, volumes):
    """Write the ranks of each row's frequent items; sum up the lengths of each item's rows."""
    total = 0
    for row in range(indptr.size - 1):
        row_starts[row] = first = total
        for at in range(indptr[row], indptr[row + 1]):
            item = rank[np.uint32(indices[at])]
            baskets[total] = item
            total += item >= 0
        for at in range(first, total):
            volumes[baskets[at]] += total - first
    row_starts[indptr.size - 1] = total


@compiled
def set_columns(row_starts, baskets, blocks, arena):
    """Write the bitmap of every item over all rows."""
    width = blocks * LANES
    for row in range(row_starts.size - 1):
        word, bit = row >> 6, np.uint64(1) << np.uint64(row & 63)
        for at in range(row_starts[row], row_starts[row + 1]):
            arena[baskets[at] * width + word] |= bit


@compiled
def _fill_buckets(state, row_starts, baskets, volumes, item_counts, heaps, lengths, fill):
    """Copy what ranks before each item in its rows to the item's bucket, for the next few items.

    One pass over the rows in memory order serves as many items as there is room for; visiting
    the rows item by item would miss the cache at every row.  A bucket's room is that of its
    rows as a whole, so that the copy needs neither sorted rows nor a branch.
    """
    item, n_items = state[T_ITEM], volumes.size
    volume = rows = 0
    last = item
    while last < n_items and (
        volume + volumes[last] <= heaps.size and rows + item_counts[last] <= lengths.size
    ):
        fill[last, 0], fill[last, 1], fill[last, 2] = volume, volume, rows
        volume += volumes[last]
        rows += item_counts[last]
        last += 1
    for row in range(row_starts.size - 1):
        first, end = row_starts[row], row_starts[row + 1]
        for at in range(first, end):
            owner = np.int64(baskets[at])
            if owner >= item and owner < last:
                start = to = fill[owner, 1]
                for k in range(first, end):
                    heaps[to] = baskets[k]
                    to += baskets[k] < owner
                fill[owner, 1] = to
                lengths[fill[owner, 2]] = to - start
                fill[owner, 2] += 1
    state[T_FILLED] = last


@compiled
def _join_counts(begin, end, heaps, counts, touched):
    """Count the items of one bucket; list those that occur."""
    n_touched = 0
    for at in range(begin, end):
        other = heaps[at]
        touched[n_touched] = other
        n_touched += counts[other] == 0
        counts[other] += 1
    return n_touched


@compiled
def _open_item(
    shape, state, levels, stack, perfect, fixed, pairs, barred, count, counts, touched, n_touched
):
    """Make the frequent companions of one first item the candidates of level 1."""
    item = state[T_ITEM]
    end = n_perfect = 0
    in_order = n_touched * 4 > item
    for t in range(item if in_order else n_touched):
        other = t if in_order else touched[t]
        both = counts[other]
        counts[other] = 0
        if both < shape[S_MIN_COUNT] or (shape[S_GROUPED] and _may_join(barred, item, other)):
            continue
        pairs[item, other >> 6] |= np.uint64(1) << np.uint64(other & 63)
        if both == count and not fixed[other]:
            perfect[n_perfect] = other
            n_perfect += 1
        else:
            stack[end, C_ITEM], stack[end, C_COUNT] = other, both
            _place(stack, 0, end, shape[S_CONSEQUENTS])
            end += 1
    levels[1, L_START], levels[1, L_CURSOR], levels[1, L_END] = 0, 0, end
    levels[1, L_PERFECT], levels[1, L_TOP], levels[1, L_BLOCKS] = n_perfect, 0, 0
    state[T_STEPS] += n_touched + 16


@compiled
def _project(state, levels, stack, arena, begin, row_begin, row_end, heaps, lengths, slots):
    """Write the candidates' bitmaps over those rows of the item that hold two of them.

    Other items' bits go to a bitmap that nobody reads, and a row with one candidate only is
    struck out again: both without a branch, which the processor could not predict.
    """
    end = levels[1, L_END]
    width = (row_end - row_begin + BLOCK_BITS - 1) // BLOCK_BITS * LANES
    nowhere = end * width
    arena[: nowhere + width] = 0
    for slot in range(end):
        stack[slot, C_OFFSET] = slot * width
        slots[stack[slot, C_ITEM]] = (end - slot) * width
    kept, at = 0, begin
    for row in range(row_begin, row_end):
        word, bit = nowhere + (kept >> 6), np.uint64(1) << np.uint64(kept & 63)
        hits, only = 0, 0
        for _ in range(lengths[row]):
            back = slots[heaps[at]]
            at += 1
            arena[word - back] |= bit
            hits += back > 0
            only = max(only, back)
        arena[word - only] ^= bit if hits == 1 else np.uint64(0)
        kept += hits > 1
    for slot in range(end):
        slots[stack[slot, C_ITEM]] = 0
    levels[1, L_BLOCKS] = (kept + BLOCK_BITS - 1) // BLOCK_BITS
    levels[1, L_TOP] = end * width


@compiled
def _start_item(
    shape,
    state,
    levels,
    stack,
    perfect,
    fixed,
    pairs,
    barred,
    item_counts,
    volumes,
    row_starts,
    baskets,
    heaps,
    lengths,
    fill,
    counts,
    touched,
):
    """Make one first item's node: its companions, their counts, the empty level above."""
    item = state[T_ITEM]
    if item == state[T_FILLED]:
        _fill_buckets(state, row_starts, baskets, volumes, item_counts, heaps, lengths, fill)
        state[T_STEPS] += row_starts.size
    n_touched = _join_counts(fill[item, 0], fill[item, 1], heaps, counts, touched)
    _open_item(
        shape,
        state,
        levels,
        stack,
        perfect,
        fixed,
        pairs,
        barred,
        item_counts[item],
        counts,
        touched,
        n_touched,
    )
    state[T_STEPS] += fill[item, 1] - fill[item, 0]
    state[T_DEPTH], levels[0, L_NODE], state[T_OPEN] = 0, -1, 1


@compiled
def _descend_item(
    shape,
    state,
    levels,
    stack,
    arena,
    perfect,
    found,
    sizes,
    item_counts,
    volumes,
    heaps,
    lengths,
    fill,
    slots,
):
    """Write one first item and give its candidates bitmaps; DONE unless room is short."""
    item = state[T_ITEM]
    count = item_counts[item]
    need = (levels[1, L_END] + 1) * ((count + BLOCK_BITS - 1) // BLOCK_BITS) * LANES
    if need > arena.size:
        state[T_NEED] = need
        return ARENA
    short = _close_node(shape, state, levels, stack, perfect, found, sizes, item, count)
    if short != DONE:
        return short
    if state[T_DEPTH] == 1 and levels[1, L_END] > 1:
        begin, row_end = fill[item, 0], fill[item, 2]
        _project(
            state, levels, stack, arena, begin, row_end - count, row_end, heaps, lengths, slots
        )
    state[T_OPEN] = 2
    return DONE


@compiled
def search_rows(
    shape,
    state,
    levels,
    stack,
    arena,
    perfect,
    fixed,
    pairs,
    found,
    sizes,
    places,
    barred,
    item_counts,
    volumes,
    row_starts,
    baskets,
    heaps,
    lengths,
    fill,
    counts,
    touched,
    slots,
):
    """Search item by item: each gets bitmaps over its own rows, for the items before it."""
    while state[T_ITEM] < shape[S_ITEMS]:
        if state[T_OPEN] == 0:
            _start_item(
                shape,
                state,
                levels,
                stack,
                perfect,
                fixed,
                pairs,
                barred,
                item_counts,
                volumes,
                row_starts,
                baskets,
                heaps,
                lengths,
                fill,
                counts,
                touched,
            )
        if state[T_OPEN] == 1:
            short = _descend_item(
                shape,
                state,
                levels,
                stack,
                arena,
                perfect,
                found,
                sizes,
                item_counts,
                volumes,
                heaps,
                lengths,
                fill,
                slots,
            )
            if short != DONE:
                return short
        short = _grow(
            shape, state, levels, stack, arena, perfect, fixed, pairs, found, sizes, places, 1
        )
        if short != DONE:
            return short
        state[T_OPEN], state[T_ITEM] = 0, state[T_ITEM] + 1
    return DONE


@compiled
def _is_covered(arena, inner, outer, width):
    """Whether every transaction of one bitmap is in another."""
    word = 0
    while word < width and not arena[inner + word] & ~arena[outer + word]:
        word += 1
    return word == width


@compiled
def _is_extended(shape, state, levels, stack, arena, maximal):
    """Whether an item whose own turn comes later fits the candidate under the cursor.

    Then the candidate is not closed (or not maximal): its superset is found in that turn.
    """
    depth = state[T_DEPTH]
    blocks = levels[depth, L_BLOCKS]
    inner = stack[levels[depth, L_CURSOR], C_OFFSET]
    for above in range(depth + 1):
        first = levels[above, L_CURSOR] + (above == depth)
        for other in range(first, levels[above, L_END]):
            outer = stack[other, C_OFFSET]
            if maximal:
                scratch = levels[depth + 1, L_TOP]
                both = _meet(arena, scratch, inner, outer, blocks)  # type: ignore[call-arg, var-annotated]
                if both >= shape[S_MIN_COUNT]:
                    return True
            elif _is_covered(arena, inner, outer, blocks * LANES):
                return True
    return False


@compiled
def _write_closed(state, levels, stack, perfect, flat, ends, counts):
    """Write the path to the candidate under the cursor with its perfect extensions."""
    depth, at = state[T_DEPTH], state[T_FOUND]
    to = ends[at]
    for above in range(depth + 1):
        place = levels[above, L_CURSOR] - (above < depth)
        flat[to] = stack[place, C_ITEM]
        to += 1
    for p in range(levels[depth + 1, L_PERFECT]):
        flat[to] = perfect[p]
        to += 1
    counts[at] = stack[levels[depth, L_CURSOR], C_COUNT]
    ends[at + 1] = to
    state[T_FOUND] = at + 1


@compiled
def search_closed(
    shape,
    state,
    levels,
    stack,
    arena,
    perfect,
    fixed,
    pairs,
    flat,
    ends,
    counts,
    max_len,
    maximal,
):
    """Walk the tree for closed or maximal itemsets, leaving out what a later turn covers."""
    while state[T_DEPTH] >= 0:
        depth = state[T_DEPTH]
        if levels[depth, L_CURSOR] == levels[depth, L_END]:
            state[T_DEPTH] -= 1
            continue
        short = _shortage(state, levels, stack, arena)
        if short != DONE:
            return short
        _open_node(shape, state, levels, stack, arena, perfect, fixed, pairs)
        size = depth + 1 + levels[depth + 1, L_PERFECT]
        if ends[state[T_FOUND]] + size > flat.size or state[T_FOUND] + 1 >= ends.size:
            state[T_NEED] = max(state[T_FOUND] + 2, ends[state[T_FOUND]] + size)
            return FULL
        has_child = levels[depth + 1, L_END] > levels[depth + 1, L_START]
        covered = _is_extended(shape, state, levels, stack, arena, False)
        kept = size <= max_len and not covered
        if kept and maximal:
            kept = not has_child
            kept = kept and not _is_extended(shape, state, levels, stack, arena, True)
        if kept:
            _write_closed(state, levels, stack, perfect, flat, ends, counts)
        levels[depth, L_CURSOR] += 1
        if has_child and size < max_len and not covered:
            state[T_DEPTH] = depth + 1
    return DONE
