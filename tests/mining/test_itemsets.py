"""The search against definitions, a hand-worked example, its limits and its constraints."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Cancelled, InputError, LimitExceeded, SettingRefused
from mining.itemsets import Itemsets, frequent_itemsets

_spec = importlib.util.spec_from_file_location(
    "brute_force", Path(__file__).with_name("brute_force.py")
)
brute_force = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(brute_force)

STRATEGIES = ("rows", "columns")
by_both = pytest.mark.parametrize("strategy", STRATEGIES)

# Five complaints: 0 = B07 (batch), 1 = 漏水 (leak), 2 = 浦东店 (outlet), 3 = 退款慢 (slow refund)
COMPLAINTS = [[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1], [0, 1, 0, 0]]


def dense(n: int = 30) -> np.ndarray:
    """A table in which every subset of n items is frequent."""
    return np.ones((4, n), dtype=bool)


@by_both
def test_the_complaints_worked_by_hand(strategy: str) -> None:
    """Counting on paper gives the same itemsets, counts and order."""
    found = frequent_itemsets(COMPLAINTS, 2, strategy=strategy)
    assert list(found) == [((0,), 3), ((1,), 4), ((2,), 2), ((3,), 2), ((0, 1), 3)]


@by_both
@given(table=brute_force.tables, min_count=st.integers(1, 5), max_len=st.none() | st.integers(1, 4))
def test_small_tables_give_what_the_definition_says(strategy, table, min_count, max_len) -> None:
    """Every itemset, every count, at every length."""
    found = frequent_itemsets(table, min_count, max_len, strategy=strategy)
    assert dict(found) == brute_force.counts_of(table, min_count, max_len)


@by_both
@given(table=brute_force.tall_tables, min_count=st.integers(1, 300))
def test_tables_longer_than_a_block_of_bits_are_exact(strategy, table, min_count) -> None:
    """Bitmaps of more than 512 transactions are put together rightly."""
    found = frequent_itemsets(table, min_count, strategy=strategy)
    assert dict(found) == brute_force.counts_of(table, min_count)


@by_both
def test_nearly_empty_bitmaps_are_condensed_without_loss(strategy: str) -> None:
    """A rare group inside many transactions is counted as without condensing."""
    rng = np.random.default_rng(7)
    table = rng.random((40_000, 12)) < 0.5
    table[:, 4:] &= rng.random((40_000, 1)) < 0.03
    found = frequent_itemsets(table, 20, strategy=strategy)
    assert dict(found) == brute_force.counts_of(table, 20)


@by_both
@given(
    table=brute_force.tables,
    min_count=st.integers(1, 4),
    max_len=st.none() | st.integers(1, 4),
    excluded=st.sets(st.integers(0, 7), max_size=2),
    consequents=st.none() | st.sets(st.integers(0, 7), max_size=3),
    groups=st.lists(st.sets(st.integers(0, 7), min_size=1, max_size=4), max_size=2),
)
def test_constraints_find_what_filtering_afterwards_finds(
    strategy, table, min_count, max_len, excluded, consequents, groups
) -> None:
    """Constraints during the search leave out exactly what they say."""
    last = table.shape[1] - 1
    excluded = {min(c, last) for c in excluded}
    groups = [{min(c, last) for c in group} for group in groups]
    heads = None if consequents is None else {min(c, last) for c in consequents}
    found = frequent_itemsets(
        table,
        min_count,
        max_len,
        excluded=excluded,
        consequents=heads,
        groups=groups,
        strategy=strategy,
    )
    wanted = {
        c: n
        for c, n in brute_force.counts_of(table, min_count, max_len).items()
        if not excluded & set(c) and all(len(group & set(c)) < 2 for group in groups)
    }
    if heads is not None:
        wanted = {
            c: n
            for c, n in wanted.items()
            if heads & set(c) or any(tuple(sorted({*c, head})) in wanted for head in heads)
        }
    assert dict(found) == wanted


@by_both
def test_itemsets_that_every_transaction_holds_are_kept(strategy: str) -> None:
    """The items of a table of ones, and all their unions, are found."""
    found = frequent_itemsets(np.ones((3, 4)), 3, strategy=strategy)
    assert len(found) == 2**4 - 1
    assert set(found.counts) == {3}


@by_both
@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (5, 5)])
def test_empty_tables_give_no_itemsets(shape, strategy) -> None:
    """No rows, no columns or no ones: nothing is frequent, and nothing fails."""
    found = frequent_itemsets(np.zeros(shape), 1, strategy=strategy)
    assert len(found) == 0
    assert list(found) == []
    assert found.to_frame().shape == (0, 2)
    assert found.count_of([[0, 1]]).tolist() == [0]


def test_an_untidy_sparse_matrix_is_read_rightly_and_left_alone() -> None:
    """Unsorted columns, a cell given twice and a stored zero count as what they mean."""
    values, columns = np.array([1, 1, 1, 0, 1]), np.array([2, 0, 2, 1, 1])
    matrix = sp.csr_matrix((values, columns, [0, 4, 5]), shape=(2, 3))
    before = matrix.indices.copy()
    assert dict(frequent_itemsets(matrix, 1)) == {(0,): 1, (1,): 1, (2,): 1, (0, 2): 1}
    assert (matrix.indices == before).all()
    assert matrix.nnz == 5


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil"])
def test_every_sparse_form_is_taken(form: str) -> None:
    """Rows, columns or coordinates: the same itemsets."""
    matrix = sp.csr_matrix(np.array(COMPLAINTS)).asformat(form)
    assert list(frequent_itemsets(matrix, 2)) == list(frequent_itemsets(COMPLAINTS, 2))


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 2]],
        [[1, -1]],
        [[0.5, 1]],
        [[np.nan, 1]],
        sp.csr_matrix([[3.0, 1]]),
        [["a", "b"]],
        [1, 0],
        np.ones((2, 2, 2)),
    ],
)
def test_anything_but_a_table_of_zeros_and_ones_is_refused(matrix) -> None:
    """Other values and other dimensions get an error that names them."""
    with pytest.raises(InputError, match="the matrix"):
        frequent_itemsets(matrix, 1)


def test_a_matrix_whose_columns_run_out_of_bounds_is_refused() -> None:
    """A hand-made CSR matrix cannot make the compiled core read beyond its arrays."""
    matrix = sp.csr_matrix(np.eye(3))
    matrix.indices[1] = 7
    with pytest.raises(InputError, match="beyond its 3"):
        frequent_itemsets(matrix, 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"min_count": 0},
        {"min_count": -3},
        {"min_count": 1.5},
        {"min_count": True},
        {"min_count": 1, "max_len": 0},
        {"min_count": 1, "excluded": [4]},
        {"min_count": 1, "consequents": [-1]},
        {"min_count": 1, "groups": [[0, 9]]},
        {"min_count": 1, "strategy": "guess"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings) -> None:
    """The message names the setting or its value."""
    with pytest.raises(SettingRefused):
        frequent_itemsets(COMPLAINTS, **settings)


@by_both
def test_too_many_itemsets_are_refused_with_the_numbers(strategy: str) -> None:
    """2**60 itemsets stop at the cap at once, with a way out in the message."""
    with pytest.raises(LimitExceeded, match=r"cap is 1,000.*closed"):
        frequent_itemsets(dense(60), 2, max_itemsets=1_000, strategy=strategy)


@by_both
def test_exactly_as_many_itemsets_as_the_cap_are_found(strategy: str) -> None:
    """The cap itself is allowed, one less is not."""
    assert len(frequent_itemsets(COMPLAINTS, 2, max_itemsets=5, strategy=strategy)) == 5
    with pytest.raises(LimitExceeded):
        frequent_itemsets(COMPLAINTS, 2, max_itemsets=4, strategy=strategy)


@by_both
def test_the_memory_cap_is_kept_with_the_numbers(strategy: str) -> None:
    """A search that needs more than the cap is refused, before a MemoryError can happen."""
    with pytest.raises(LimitExceeded, match=r"bytes.*cap is 20,000,000"):
        frequent_itemsets(dense(), 2, memory_bytes=20_000_000, strategy=strategy)


@by_both
def test_progress_can_stop_a_long_search(strategy: str) -> None:
    """Returning False ends a search that would never end."""
    rng = np.random.default_rng(0)
    table = rng.random((200, 60)) < 0.95
    calls = []

    def stop_early(share: float, n_itemsets: int) -> bool:
        calls.append((share, n_itemsets))
        return len(calls) < 3

    with pytest.raises(Cancelled, match="stopped after"):
        frequent_itemsets(table, 2, progress=stop_early, strategy=strategy)
    assert len(calls) == 3
    assert all(0 <= share <= 1 for share, _ in calls)


@by_both
def test_an_error_in_the_callback_reaches_the_caller(strategy: str) -> None:
    """What the callback raises is not swallowed."""

    def complain(share: float, n_itemsets: int) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        frequent_itemsets(COMPLAINTS, 1, progress=complain, strategy=strategy)


def test_a_few_huge_baskets_leave_the_rest_findable() -> None:
    """Three rows with all 16,000 items neither explode nor hide the pair of the small ones."""
    small = sp.lil_matrix((200, 16_000), dtype=bool)
    small[:50, 3] = small[:50, 15_999] = True
    matrix = sp.vstack([small.tocsr(), sp.csr_matrix(np.ones((3, 16_000), dtype=bool))])
    assert dict(frequent_itemsets(matrix, 4)) == {(3,): 53, (15_999,): 53, (3, 15_999): 53}
    with pytest.raises(LimitExceeded):
        frequent_itemsets(matrix, 3, max_itemsets=100_000)


@given(table=brute_force.tables, min_count=st.integers(1, 4))
def test_lookups_find_every_itemset_and_nothing_else(table, min_count) -> None:
    """Positions and counts are those of the arrays, in whatever order the items are given."""
    found = frequent_itemsets(table, min_count)
    for size in found.level_counts:
        items, counts = found.level(size)
        places = found.level_start(size) + np.arange(len(items))
        assert (found.find(items[:, ::-1]) == places).all()
        assert (found.count_of(items) == counts).all()
    known = brute_force.counts_of(table, min_count)
    pairs = np.argwhere(np.triu(np.ones((table.shape[1],) * 2), 1))
    assert found.count_of(pairs).tolist() == [known.get(tuple(p), 0) for p in pairs.tolist()]


def test_lookups_of_repeated_items_find_nothing() -> None:
    """An item given twice is not the pair of two items."""
    found: Itemsets = frequent_itemsets(COMPLAINTS, 2)
    assert found.find([[0, 0], [0, 1]]).tolist() == [-1, 4]


def test_the_explanation_names_the_choice() -> None:
    """The strategy and the figures behind it can be read."""
    assert "bitmaps over" in frequent_itemsets(COMPLAINTS, 2).explanation


FIMI = [
    ("mushroom", 1_625, 53_583),
    ("mushroom", 813, 574_431),
    ("accidents_15k", 4_568, 93_205),
    ("retail", 89, 7_589),
    ("retail", 9, 240_852),
    ("T10I4D100K", 200, 13_255),
    ("T10I4D100K", 20, 129_875),
]


def read_fimi(path: Path) -> sp.csr_array:
    """Read one of the standard tables: a transaction a line, items divided by blanks."""
    with gzip.open(path, "rt") as lines:
        baskets = [np.array(line.split(), dtype=np.int32) for line in lines]
    pointers = np.cumsum([0, *map(len, baskets)])
    items = np.concatenate(baskets)
    return sp.csr_array((np.ones(items.size, bool), items, pointers))


@pytest.mark.parametrize(("name", "min_count", "n_itemsets"), FIMI)
def test_standard_tables_give_the_number_that_other_miners_agree_on(
    shared, name, min_count, n_itemsets
) -> None:
    """Dense and sparse tables that the field has counted for twenty years; spot checks too."""
    table = read_fimi(shared / "data" / "fimi" / f"{name}.dat.gz")
    found = frequent_itemsets(table, min_count)
    assert len(found) == n_itemsets
    columns, rng = table.tocsc(), np.random.default_rng(1)
    for at in rng.choice(n_itemsets, 50):
        items = found.items[found.offsets[at] : found.offsets[at + 1]]
        held = columns[:, items].sum(axis=1) == items.size
        assert held.sum() == found.counts[at]


def test_progress_is_reported_while_itemsets_are_written_in_bulk() -> None:
    """Perfect extensions cost no ANDs; writing their millions of unions still reports."""
    calls = []
    table = np.ones((8, 22), dtype=bool)
    table[0, :3] = table[1, 3:6] = False
    frequent_itemsets(table, 6, progress=lambda share, n: calls.append(n))
    assert len(calls) > 1
