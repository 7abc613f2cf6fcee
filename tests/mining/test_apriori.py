"""The drop-in against mlxtend itself."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from mlxtend.frequent_patterns import apriori as mlxtend_apriori
from mlxtend.frequent_patterns import fpgrowth

from mining.apriori import apriori, count_from_share

tables = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7))
NAMES = ["批次", "门店", "漏水", "退款", "渠道", "地区", "产品"]


def frame_of(table: np.ndarray, kind: str = "bool") -> pd.DataFrame:
    """A one-hot frame of the kind asked for."""
    frame = pd.DataFrame(table, columns=NAMES[: table.shape[1]])
    if kind == "int":
        return frame.astype(int)
    return frame.astype(pd.SparseDtype(bool, False)) if kind == "sparse" else frame


@given(
    table=tables,
    min_support=st.floats(0.05, 1.0),
    use_colnames=st.booleans(),
    max_len=st.none() | st.integers(-1, 3),
)
def test_frames_equal_those_of_mlxtend(table, min_support, use_colnames, max_len) -> None:
    """Same columns, dtypes, order of rows, supports and frozensets."""
    options = {"min_support": min_support, "use_colnames": use_colnames, "max_len": max_len}
    pd.testing.assert_frame_equal(
        apriori(frame_of(table), **options), mlxtend_apriori(frame_of(table), **options)
    )


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize("kind", ["bool", "int", "sparse"])
def test_dense_sparse_and_integer_frames_agree_with_mlxtend(kind, low_memory) -> None:
    """What a frame is made of changes nothing but mlxtend's warning."""
    table = np.random.default_rng(5).random((60, 7)) < 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        ours = apriori(frame_of(table, kind), 0.1, True, low_memory=low_memory)
        theirs = mlxtend_apriori(frame_of(table), 0.1, True, low_memory=low_memory)
    pd.testing.assert_frame_equal(ours, theirs)


@pytest.mark.parametrize("low_memory", [False, True])
def test_what_is_printed_equals_what_mlxtend_prints(low_memory, capsys) -> None:
    """Each size's line has mlxtend's count of combinations."""
    frame = frame_of(np.random.default_rng(2).random((40, 7)) < 0.6)
    apriori(frame, 0.2, verbose=1, low_memory=low_memory)
    ours = capsys.readouterr().out
    mlxtend_apriori(frame, 0.2, verbose=1, low_memory=low_memory)
    assert ours == capsys.readouterr().out


@pytest.mark.parametrize("min_support", [0.0, -0.1, 1.01])
def test_a_support_outside_its_range_gets_mlxtends_error(min_support) -> None:
    """Type and text of the error are mlxtend's."""
    frame = frame_of(np.eye(3, dtype=bool))
    with pytest.raises(ValueError, match="min_support") as theirs:
        mlxtend_apriori(frame, min_support)
    with pytest.raises(ValueError, match="min_support") as ours:
        apriori(frame, min_support)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("value", [2, -1, 0.5, np.nan])
def test_values_other_than_zero_and_one_get_mlxtends_error(value) -> None:
    """Type and text of the error are mlxtend's."""
    frame = pd.DataFrame([[1.0, value], [0.0, 1.0]])
    with (
        pytest.warns(DeprecationWarning, match="bool"),
        pytest.raises(ValueError, match=r".") as theirs,
    ):
        mlxtend_apriori(frame)
    with (
        pytest.warns(DeprecationWarning, match="bool"),
        pytest.raises(ValueError, match=r".") as ours,
    ):
        apriori(frame)
    assert str(ours.value) == str(theirs.value)


def test_numbers_instead_of_truth_values_get_mlxtends_warning() -> None:
    """The warning tells to use a frame of bools."""
    with pytest.warns(DeprecationWarning, match="bool type"):
        apriori(frame_of(np.eye(3, dtype=bool), "int"))


def test_an_empty_frame_gives_an_empty_frame() -> None:
    """No columns: no itemsets, the usual columns."""
    assert apriori(pd.DataFrame([[]])).columns.tolist() == ["support", "itemsets"]


def test_many_itemsets_equal_those_of_fpgrowth() -> None:
    """Thousands of itemsets of a larger frame, by the other algorithm of mlxtend."""
    frame = pd.DataFrame(np.random.default_rng(9).random((300, 16)) < 0.6)
    ours = apriori(frame, 0.1)
    theirs = fpgrowth(frame, 0.1)
    assert len(ours) > 2_000
    assert dict(zip(ours.itemsets, ours.support, strict=True)) == dict(
        zip(theirs.itemsets, theirs.support, strict=True)
    )


@given(share=st.floats(1e-6, 1.0), n=st.integers(1, 10**7))
def test_the_count_behind_a_share_is_the_first_that_reaches_it(share, n) -> None:
    """Not one less, not one more, as floats divide."""
    count = count_from_share(share, n)
    assert count / n >= share
    assert count == 1 or (count - 1) / n < share
