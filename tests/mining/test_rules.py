"""Rules against mlxtend: same columns, same order, same errors."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from mlxtend.frequent_patterns import association_rules as reference
from mlxtend.frequent_patterns import fpgrowth

from domain.errors import LimitExceeded
from mining.itemsets import frequent_itemsets
from mining.rules import METRICS, all_rules, association_rules


def mined(seed: int, named: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(8, 60)), int(rng.integers(3, 8))
    table = rng.random(shape) < rng.uniform(0.3, 0.8)
    names = [f"item {at}" for at in range(table.shape[1])] if named else None
    return frequent_itemsets(table, max(1, table.shape[0] // 6)).to_frame(names)


def both(frame: pd.DataFrame, *args: object, **asked: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return association_rules(frame, *args, **asked), reference(frame, *args, **asked)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("named", [True, False])
def test_rules_equal_mlxtend_in_every_column_and_in_order(metric: str, named: bool) -> None:
    """All metrics as the threshold, on frames with names and with numbers."""
    for seed in range(4):
        ours, theirs = both(mined(seed, named), metric=metric, min_threshold=0.3)
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def test_support_only_fills_the_rest_with_nan() -> None:
    """As mlxtend, also where sides are missing from the frame."""
    frame = mined(1, named=True)
    pd.testing.assert_frame_equal(*both(frame, support_only=True, min_threshold=0.2))
    torn = frame[frame["itemsets"].map(len) > 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(*both(torn, support_only=True, min_threshold=0.2))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("named", [True, False])
def test_missing_cells_count_neither_for_nor_against(seed: int, named: bool) -> None:
    """The frame with null values, where mlxtend itself gives an answer."""
    rng = np.random.default_rng(seed)
    table = (rng.random((40, 4)) < 0.7).astype(float)
    table[rng.random(table.shape) < 0.1] = np.nan
    original = pd.DataFrame(table, columns=list("abcd"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = fpgrowth(original, min_support=0.05, null_values=True, use_colnames=named)
    asked = {"num_itemsets": 40, "df_orig": original, "null_values": True, "min_threshold": 0.3}
    pd.testing.assert_frame_equal(*both(frame, **asked))


def test_fewer_columns_can_be_asked_for() -> None:
    """Only these, in this order."""
    ours, theirs = both(mined(2, named=True), return_metrics=["lift", "support"])
    pd.testing.assert_frame_equal(ours, theirs)


def test_no_rule_gives_an_empty_frame_with_the_columns() -> None:
    """As mlxtend."""
    pd.testing.assert_frame_equal(*both(mined(3, named=True), min_threshold=2))


def test_sets_lists_and_numpy_numbers_become_frozensets() -> None:
    """Whatever holds the items."""
    frame = pd.DataFrame(
        {"support": [0.6, 0.6, 0.5], "itemsets": [{np.int64(1)}, [np.int64(2)], (1, 2)]}
    )
    pd.testing.assert_frame_equal(*both(frame, min_threshold=0.1))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda frame: (frame.iloc[:0], {}), ValueError, "is empty"),
        (lambda frame: (frame[["support"]], {}), ValueError, "'support' and 'itemsets'"),
        (lambda frame: (frame, {"metric": "unicorn"}), ValueError, "got 'unicorn'"),
        (lambda frame: (frame, {"null_values": True}), TypeError, "df_orig must be provided"),
        (lambda frame: (frame[frame["itemsets"].map(len) > 1], {}), KeyError, "support_only=True"),
    ],
)
def test_errors_are_mlxtends(change: object, error: type[Exception], words: str) -> None:
    """The same kind for the same reason."""
    frame, asked = change(mined(1, named=True))
    with pytest.raises(error):
        reference(frame, **asked)
    with pytest.raises(error, match=words):
        association_rules(frame, **asked)


def test_rules_that_no_memory_holds_are_refused_with_the_number() -> None:
    """An itemset of forty items makes a million million rules."""
    with pytest.raises(LimitExceeded, match=r"up to 40 items make 1\.1e\+12 rules"):
        all_rules(np.arange(40), np.array([0, 40]))
