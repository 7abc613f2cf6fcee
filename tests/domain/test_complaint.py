from datetime import UTC, datetime
from typing import Any

import pytest

from domain.complaint import COLUMNS, column_names, is_unknown, parse_complaint
from domain.errors import ColumnMissing, RowRefused

ROW = {"id": "C1", "text": "屏幕一直闪"}


def test_known_columns_are_read_and_others_become_attributes() -> None:
    """Codes become a tuple, times UTC, the courier an attribute."""
    complaint = parse_complaint(
        {**ROW, "issues": "1002|5002", "received_at": "2026-11-24 09:00", "courier": "迅达"}
    )
    assert complaint.values == {
        "issues": ("1002", "5002"),
        "received_at": datetime(2026, 11, 24, 1, tzinfo=UTC),
    }
    assert complaint.attributes == {"courier": "迅达"}


def test_what_says_nothing_is_left_out() -> None:
    """未知, nan and blanks are no values."""
    complaint = parse_complaint({**ROW, "batch": "未知", "region": float("nan"), "outlet": " "})
    assert not complaint.values


@pytest.mark.parametrize(
    ("column", "raw", "reason"),
    [
        ("tier", "严重", "'严重' is none of 普通, 紧急, 重大"),
        ("sentiment", "生气", "is none of 正面"),
        ("satisfaction", "6", "is no number from 1 to 5"),
        ("cost", "-1", "is no number from 0"),
        ("cost", "1e999", "is no number"),
        ("received_at", "昨天", "is no time"),
        ("issues", "1|2|3|4|5", "5 codes; at most 4"),
        ("substantiated", "也许", "is neither yes nor no"),
        ("product", "长" * 201, "201 characters; at most 200"),
        ("product", "a\x00b", r"U\+0000"),
        ("text", "hello", "no Chinese"),
        ("id", "", "every row needs one"),
    ],
)
def test_a_wrong_value_names_its_column_and_what_would_be_right(
    column: str, raw: Any, reason: str
) -> None:
    """The row is refused, not repaired."""
    with pytest.raises(RowRefused, match=reason) as caught:
        parse_complaint({**ROW, column: raw})
    assert caught.value.column == column


def test_chinese_headers_are_recognised() -> None:
    """Headers of the same meaning need no map."""
    names = column_names(["工单编号", "投诉内容", "受理时间", "满意度", "brand"])
    assert list(names.values()) == ["id", "text", "received_at", "satisfaction", "brand"]


def test_the_callers_map_goes_before_recognition() -> None:
    """A column called text stays an attribute when another is mapped to it."""
    names = column_names(["id", "text", "detail"], {"text": "detail"})
    assert names == {"id": "id", "text": "text_as_given", "detail": "text"}


def test_two_headers_never_become_one_column() -> None:
    """The second keeps its own name."""
    names = column_names(["内容", "正文", "id"])
    assert names == {"内容": "text", "正文": "正文", "id": "id"}


def test_a_map_to_a_missing_header_shows_what_is_there() -> None:
    """The error lists the table's headers."""
    with pytest.raises(
        ColumnMissing, match=r"'详情' \(for text\) is not there; there are id, 内容"
    ):
        column_names(["id", "内容"], {"text": "详情"})


def test_every_documented_column_is_known() -> None:
    """The contract's columns, by name."""
    documented = (
        "id text received_at channel customer_id customer_value customer_spend department product "
        "batch region outlet category issues tier sentiment acknowledged_at plan_at resolved_at "
        "answered_at followed_up_at substantiated cause satisfaction channel_satisfaction "
        "answer_satisfaction nps retained cost compensation repeat_of escalated_to reopened "
        "returned handler team improvement"
    )
    assert set(COLUMNS) == set(documented.split())


@pytest.mark.parametrize("word", ["未知", "N/A", "－", " ", "NaN", None])
def test_words_for_nothing(word: object) -> None:
    """People write unknown in many ways."""
    assert is_unknown(word)
