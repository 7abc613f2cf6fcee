"""From tables to baskets: what is an item, what is not, and what is the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from mlxtend.preprocessing import TransactionEncoder

from domain.errors import ColumnMissing, SettingRefused
from mining.baskets import Item, baskets_from_frame, baskets_from_table
from mining.spelling import spelling_key


def held(baskets: object, row: int) -> set[str]:
    return {str(baskets.items[at]) for at in baskets.matrix[row].indices}


def test_unknown_values_are_no_items() -> None:
    """Missing, 未知 and nan say nothing; the row stays."""
    table = pd.DataFrame({"batch": ["B07", None, "未知", " ", "nan"], "region": list("甲甲乙乙乙")})
    baskets = baskets_from_table(table, ["batch", "region"])
    assert len(baskets) == 5
    assert held(baskets, 0) == {"batch=B07", "region=甲"}
    assert held(baskets, 2) == {"region=乙"}


def test_spellings_of_one_value_are_joined_under_the_commonest() -> None:
    """Width, case, blanks and hyphens don't make another outlet or batch."""
    table = pd.DataFrame(
        {
            "outlet": ["浦东店", "浦东 店", "浦东店", "浦-东店", "浦西店"],
            "batch": ["b-07", "B07", "B07", "Ｂ０７", "C1"],
        }
    )
    baskets = baskets_from_table(table, ["outlet", "batch"])
    assert [str(item) for item in baskets.items] == [
        "outlet=浦东店", "outlet=浦西店", "batch=B07", "batch=C1",
    ]  # fmt: skip
    assert baskets.counts.tolist() == [4, 1, 4, 1]


def test_a_joint_between_digits_keeps_values_apart() -> None:
    """1-11 and 11-1 are two batches."""
    assert spelling_key("1-11") != spelling_key("11-1")
    assert spelling_key("1 11") == spelling_key("1-11")


def test_aliases_join_what_spelling_can_not_show() -> None:
    """A name of its own for a known outlet; an alias to 未知 removes the value."""
    table = pd.DataFrame({"outlet": ["浦东店", "陆家嘴旗舰", "测试店", "浦西店"]})
    aliases = {"outlet": {"陆家嘴 旗舰": "浦东店", "测试店": "未知"}}
    baskets = baskets_from_table(table, ["outlet"], aliases=aliases)
    assert [item.value for item in baskets.items] == ["浦东店", "浦西店"]
    assert baskets.counts.tolist() == [2, 1]
    assert held(baskets, 2) == set()


def test_issues_are_split_and_a_repeated_code_counts_once() -> None:
    """Codes joined by either bar; empty pieces and unknown ones vanish."""
    table = pd.DataFrame({"issues": ["1|2", "2｜2|", None, "未知|3"]})
    baskets = baskets_from_table(table, ["issues"])
    assert [held(baskets, row) for row in range(4)] == [
        {"issues=1", "issues=2"}, {"issues=2"}, set(), {"issues=3"},
    ]  # fmt: skip


def test_what_can_not_tell_complaints_apart_is_left_out_with_a_word() -> None:
    """Measurements, times, ids and constants are no attributes."""
    n = 400
    table = pd.DataFrame(
        {
            "cost": np.linspace(0, 9, n),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n), "D"),
            "order": [f"N{i}" for i in range(n)],
            "country": ["中国"] * n,
            "empty": [None] * n,
            "year": np.tile([2024, 2025], n // 2),
        }
    )
    baskets = baskets_from_table(table, list(table.columns))
    assert {item.attribute for item in baskets.items} == {"year"}
    said = " ".join(baskets.messages)
    for name in ("cost", "day", "order", "country", "empty"):
        assert f"'{name}'" in said


def test_whole_numbers_read_as_floats_keep_their_face() -> None:
    """A year beside a missing value is 2024, not 2024.0."""
    table = pd.DataFrame({"year": [2024.0, np.nan, 2025.0]})
    assert [i.value for i in baskets_from_table(table, ["year"]).items] == ["2024", "2025"]


def test_wrong_columns_are_refused_by_name() -> None:
    """The message says which, and what there is."""
    table = pd.DataFrame({"batch": ["a"]})
    with pytest.raises(ColumnMissing, match="no column 'region' in the table; it has batch"):
        baskets_from_table(table, ["region"])
    with pytest.raises(SettingRefused, match="name one twice"):
        baskets_from_table(table, ["batch", "batch"])
    with pytest.raises(SettingRefused, match="no columns are named"):
        baskets_from_table(table, [])


@pytest.mark.parametrize("sparse", [False, True])
def test_mlxtend_frames_are_taken_at_the_door(sparse: bool) -> None:
    """What its TransactionEncoder gives, dense or sparse."""
    encoder = TransactionEncoder()
    baskets_in = [["牛奶", "洋葱"], ["batch=B07"], ["洋葱"]]
    encoded = encoder.fit(baskets_in).transform(baskets_in, sparse=sparse)
    make = pd.DataFrame.sparse.from_spmatrix if sparse else pd.DataFrame
    baskets = baskets_from_frame(make(encoded, columns=encoder.columns_))
    assert Item("batch", "B07") in baskets.items
    assert Item("item", "洋葱") in baskets.items
    assert [len(held(baskets, row)) for row in range(3)] == [2, 1, 1]


def test_a_frame_of_other_numbers_is_refused() -> None:
    """Only 0 and 1 are one-hot."""
    with pytest.raises(SettingRefused, match="neither 0 nor 1"):
        baskets_from_frame(pd.DataFrame({"a": [0, 2]}))
