"""The columns of a complaint table, and what one row must be to become a complaint."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.calendar import parse_time
from domain.errors import ColumnMissing, InputError, RowRefused
from domain.taxonomy import MAX_ISSUES
from domain.text import clean, refuse_unstorable

Value = str | float | bool | datetime | tuple[str, ...]


class Tier(StrEnum):
    """How bad it is; decides the deadlines."""

    ORDINARY = "普通"
    URGENT = "紧急"
    MAJOR = "重大"


class Sentiment(StrEnum):
    """The one mood that a text shows most."""

    POSITIVE = "正面"
    NEUTRAL = "中性"
    DISSATISFIED = "不满"
    ANXIOUS = "焦虑"
    ANGRY = "愤怒"


class CustomerValue(StrEnum):
    """Which lane a customer is served in."""

    HIGH = "高价值"
    ORDINARY = "普通"
    AT_RISK = "潜在风险"


class Escalation(StrEnum):
    """Where a complaint went when it was not settled."""

    DISPUTE = "纠纷"
    PUBLICITY = "舆情"
    LAWSUIT = "诉讼"


UNKNOWN = frozenset(
    {"", "未知", "不详", "无", "空", "nan", "none", "null", "n/a", "na", "-", "--", "/"}
)
_TRUE = frozenset({"1", "true", "yes", "y", "是", "属实", "有", "真"})
_FALSE = frozenset({"0", "false", "no", "n", "否", "不属实", "没有", "假"})
_MAX_LABEL = 200
CODE_SEPARATOR = re.compile(r"[|｜]|(?<=\d)[,，、;；]\s?(?=\d)")  # commas part numbers, not names


def _label(raw: Any) -> str:
    text = str(raw).strip()
    refuse_unstorable(text)
    if len(text) > _MAX_LABEL:
        raise InputError(f"{len(text)} characters; at most {_MAX_LABEL} are taken")
    return text


def _long_text(raw: Any) -> str:
    text = str(raw).strip()
    refuse_unstorable(text)
    if len(text) > 10_000:
        raise InputError(f"{len(text):,} characters; at most 10,000 are taken")
    return text


def _number(low: float, high: float) -> Callable[[Any], float]:
    def parse(raw: Any) -> float:
        try:
            number = float(str(raw).strip().replace(",", "").lstrip("¥￥"))
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise InputError(f"{str(raw)[:20]!r} is no number from {low:g} to {high:g}")
        return number

    return parse


def _truth(raw: Any) -> bool:
    word = str(raw).strip().lower().removesuffix(".0")
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InputError(f"{word[:20]!r} is neither yes nor no; write 1 or 0, 是 or 否")


def _one_of(kind: type[StrEnum]) -> Callable[[Any], str]:
    allowed = [member.value for member in kind]

    def parse(raw: Any) -> str:
        word = str(raw).strip()
        if word not in allowed:
            raise InputError(f"{word[:20]!r} is none of {', '.join(allowed)}")
        return word

    return parse


def _codes(raw: Any) -> tuple[str, ...]:
    items = raw if isinstance(raw, (list, tuple)) else CODE_SEPARATOR.split(str(raw))
    codes = tuple(dict.fromkeys(_label(item) for item in items if str(item).strip()))
    if len(codes) > MAX_ISSUES:
        raise InputError(f"{len(codes)} codes; at most {MAX_ISSUES} are taken")
    return codes


@dataclass(frozen=True)
class Column:
    """One column: its name, how its values are read, and the Chinese headers that mean it."""

    name: str
    parse: Callable[[Any], Value]
    headers: tuple[str, ...] = ()


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column(
            "id",
            _label,
            (
                "message_id",
                "complaint_id",
                "ticket_id",
                "case_id",
                "编号",
                "投诉编号",
                "工单号",
                "工单编号",
                "留言编号",
            ),
        ),
        Column("text", clean, ("内容", "投诉内容", "留言详情", "诉求内容", "正文", "描述")),
        Column(
            "received_at",
            parse_time,
            (
                "created_at",
                "complaint_date",
                "受理时间",
                "投诉时间",
                "留言时间",
                "来电时间",
                "接收时间",
            ),
        ),
        Column("channel", _label, ("渠道", "投诉渠道", "来源渠道", "来源")),
        Column("customer_id", _label, ("user_id", "客户编号", "客户号", "用户编号", "留言用户")),
        Column("customer_value", _one_of(CustomerValue), ("客户价值", "客户等级")),
        Column("customer_spend", _number(0, 1e12), ("消费金额", "累计消费")),
        Column("department", _label, ("部门", "承办部门", "处理部门")),
        Column("product", _label, ("产品", "商品", "产品名称")),
        Column("batch", _label, ("批次", "生产批次", "批次号")),
        Column("region", _label, ("地区", "区域", "省份")),
        Column("outlet", _label, ("网点", "门店", "店铺")),
        Column("category", _label, ("类别", "投诉类别", "一级标签", "一级分类")),
        Column("issues", _codes, ("问题", "问题编码", "投诉问题")),
        Column("tier", _one_of(Tier), ("等级", "紧急程度", "投诉等级")),
        Column("sentiment", _one_of(Sentiment), ("情绪", "客户情绪")),
        Column("acknowledged_at", parse_time, ("首次联系时间", "响应时间")),
        Column("plan_at", parse_time, ("方案时间",)),
        Column("resolved_at", parse_time, ("解决时间", "办结时间")),
        Column("answered_at", parse_time, ("replied_at", "答复时间", "反馈时间", "回复时间")),
        Column("followed_up_at", parse_time, ("回访时间",)),
        Column("substantiated", _truth, ("是否属实",)),
        Column("cause", _long_text, ("原因", "投诉原因")),
        Column("satisfaction", _number(1, 5), ("满意度",)),
        Column("channel_satisfaction", _number(1, 5), ("渠道满意度",)),
        Column("answer_satisfaction", _number(1, 5), ("答复满意度",)),
        Column("nps", _number(0, 10), ("净推荐值", "推荐意愿")),
        Column("retained", _truth, ("是否挽留", "是否留存")),
        Column("cost", _number(0, 1e12), ("处理成本", "成本")),
        Column("compensation", _number(0, 1e12), ("赔偿金额", "补偿金额")),
        Column("repeat_of", _label, ("重复投诉编号", "关联编号")),
        Column("escalated_to", _one_of(Escalation), ("升级去向",)),
        Column("reopened", _truth, ("是否重开",)),
        Column("returned", _truth, ("是否退单",)),
        Column("handler", _label, ("处理人", "经办人")),
        Column("team", _label, ("班组", "处理班组")),
        Column("improvement", _long_text, ("改进措施", "改进建议")),
    )
}
ANONYMOUS = frozenset({"0", "匿名", "匿名用户", "匿名客户", "游客", "散客", "anonymous", "guest"})
REQUIRED = ("id", "text")
LABELS = ("category", "issues", "tier", "sentiment")


@dataclass(frozen=True)
class Complaint:
    """One complaint.

    Attributes
    ----------
    id : str
        The caller's own.
    text : str
        Cleaned, 1 to 10,000 code points.
    values : mapping of str to value
        The other known columns that the row fills, by column name. Times are in UTC.
    attributes : mapping of str to str
        Any other column.
    """

    id: str
    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)


def is_unknown(raw: Any) -> bool:
    """Whether a value says nothing: empty, 未知, nan and their like.

    Examples
    --------
    >>> is_unknown("未知"), is_unknown(float("nan")), is_unknown("B07")
    (True, True, False)
    """
    if raw is None or (isinstance(raw, float) and math.isnan(raw)):
        return True
    return isinstance(raw, str) and unicodedata.normalize("NFKC", raw).strip().lower() in UNKNOWN


def is_anonymous(raw: Any) -> bool:
    """Whether a customer id stands for nobody in particular: unknown, 匿名, guest, 0.

    Examples
    --------
    >>> is_anonymous("匿名"), is_anonymous("C1042")
    (True, False)
    """
    return is_unknown(raw) or str(raw).strip().lower() in ANONYMOUS


def parse_complaint(row: Mapping[str, Any], attributes: Collection[str] | None = None) -> Complaint:
    """Make a complaint of one row.

    Parameters
    ----------
    row : mapping of column name to raw value
        Names as in `COLUMNS`.
    attributes : collection of str, optional
        Other columns to keep; by default all of them.

    Returns
    -------
    Complaint

    Raises
    ------
    RowRefused
        Names the first column at fault, what it holds and what would be right.

    Examples
    --------
    >>> parse_complaint({"id": 7, "text": "屏幕一直闪", "tier": "紧急"}).values
    {'tier': '紧急'}
    """
    for name in REQUIRED:
        if row.get(name) is None or str(row[name]).strip() == "":
            raise RowRefused("is empty; every row needs one", name)
    values: dict[str, Value] = {}
    kept: dict[str, str] = {}
    for name, raw in row.items():
        if is_unknown(raw) and name not in REQUIRED:
            continue
        if name in COLUMNS:
            values[name] = _parse(name, COLUMNS[name].parse, raw)
        elif attributes is None or name in attributes:
            kept[name] = str(_parse(name, _label, raw))
    return Complaint(str(values.pop("id")), str(values.pop("text")), values, kept)


def _parse(name: str, parse: Callable[[Any], Value], raw: Any) -> Value:
    try:
        return parse(raw)
    except InputError as error:
        raise RowRefused(str(error), name) from None


def column_names(
    headers: Iterable[str], mapping: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Which column each header of a foreign table means.

    Parameters
    ----------
    headers : iterable of str
        As they stand in the table.
    mapping : mapping of column name to header, optional
        The caller's word, which goes before recognition.

    Returns
    -------
    dict of header to column name
        A header that nothing recognises keeps its own name, as an attribute.

    Raises
    ------
    ColumnMissing
        The mapping names a header that is not there.

    Examples
    --------
    >>> column_names(["留言编号", "留言详情", "brand"])
    {'留言编号': 'id', '留言详情': 'text', 'brand': 'brand'}
    """
    present = list(headers)
    chosen = dict(mapping or {})
    for name, header in chosen.items():
        if header not in present:
            shown = ", ".join(present[:12])
            raise ColumnMissing(f"column {header!r} (for {name}) is not there; there are {shown}")
    names = {header: name for name, header in chosen.items()}
    for header in present:
        if header not in names:
            recognised = _recognised(header)
            taken = recognised in names.values()
            names[header] = recognised if not taken else _own_name(header)
    return {header: names[header] for header in present}


def _own_name(header: str) -> str:
    """A name for a header whose meaning another header has taken."""
    return f"{header}_as_given" if header in COLUMNS else header


def _recognised(header: str) -> str:
    plain = unicodedata.normalize("NFKC", header).strip()
    lowered = plain.lower().replace(" ", "_")
    if lowered in COLUMNS:
        return lowered
    return next((c.name for c in COLUMNS.values() if plain in c.headers), header)
