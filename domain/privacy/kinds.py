"""The kinds of personal data, and one found piece of it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """A kind of personal data; ``label`` is what a reader sees in the tag.

    Examples
    --------
    >>> Kind.MOBILE.label
    '手机'
    """

    label: str

    def __new__(cls, value: str, label: str) -> Kind:
        """Keep the Chinese word beside the value."""
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.label = label
        return kind

    MOBILE = "mobile", "手机"
    LANDLINE = "landline", "座机"
    ID_CARD = "id_card", "身份证"
    BANK_CARD = "bank_card", "银行卡"
    EMAIL = "email", "邮箱"
    PLATE = "plate", "车牌"
    PASSPORT = "passport", "护照"
    ACCOUNT = "account", "账号"
    ADDRESS = "address", "住址"
    NAME = "name", "姓名"
    CUSTOMER = "customer", "客户"


class Found(NamedTuple):
    """Personal data in a folded text: its kind, its folded offsets, its canonical value."""

    kind: Kind
    start: int
    end: int
    value: str
