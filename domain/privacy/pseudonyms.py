"""Keyed pseudonyms: one person's number gives one tag, and only who has the key can recompute it.

A tag reads ``〔手机·kqmtbwzrxp〕``. Its code has consonants only, so that it forms no word and no
number. 20 letters at 10 places are 43 bits: among a million values the chance that any two share
a code is about 5 %.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import NamedTuple

from domain.errors import SettingRefused
from domain.privacy.codes import find_codes
from domain.privacy.folding import fold
from domain.privacy.kinds import Found, Kind
from domain.privacy.numbers import find_numbers

MIN_KEY_BYTES = 16
_ALPHABET = "bcdfghjkmnpqrstvwxyz"
_PLACES = 10

_LABELS = "|".join(kind.label for kind in Kind)
_TAG = re.compile(f"〔({_LABELS})·([{_ALPHABET}]{{{_PLACES}}})〕")
_FOLDED_TAG = re.compile(f"〔({_LABELS})\\.[{_ALPHABET}]{{{_PLACES}}}〕")
_KINDS = {kind.label: kind for kind in Kind}

_CUES = {
    Kind.MOBILE: "手机",
    Kind.LANDLINE: "电话",
    Kind.ID_CARD: "身份证",
    Kind.BANK_CARD: "银行卡",
    Kind.PASSPORT: "护照",
}
_NOT_IN_VALUE = str.maketrans("", "", " \n.-")


class Tag(NamedTuple):
    """A tag that stands in a masked text."""

    kind: Kind
    code: str
    start: int
    end: int


def pseudonym(kind: Kind, value: str, key: bytes) -> str:
    """Code that stands for a value, the same however the value is spelt.

    Parameters
    ----------
    kind : Kind
        What the value is. A ``CUSTOMER`` value that is itself a phone number, identity card,
        bank card, passport, plate or e-mail gets the code that this has in texts.
    value : str
        As it stands in a column or a text.
    key : bytes
        At least 16 bytes.

    Returns
    -------
    str
        10 consonants: HMAC-SHA256 of kind and folded value, written to base 20.

    Raises
    ------
    SettingRefused
        The key is too short.

    Examples
    --------
    >>> key = bytes(range(16))
    >>> pseudonym(Kind.MOBILE, "+86 139-1234-5678", key)
    'dpsrgbwxbt'
    >>> pseudonym(Kind.MOBILE, "幺三九一二三四五六七八", key)
    'dpsrgbwxbt'
    """
    kind, canonical = _canonical(kind, value)
    return code_of(kind, canonical, key)


def code_of(kind: Kind, canonical: str, key: bytes) -> str:
    """Code of a value that is in its canonical spelling already.

    Examples
    --------
    >>> code_of(Kind.MOBILE, "13912345678", bytes(range(16)))
    'dpsrgbwxbt'
    """
    if len(key) < MIN_KEY_BYTES:
        raise SettingRefused(
            f"the pseudonym key has {len(key)} bytes; it needs at least {MIN_KEY_BYTES}"
        )
    message = f"{kind.value}\0{canonical}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hmac.digest(key, message, hashlib.sha256)[:16], "big")
    letters = []
    for _ in range(_PLACES):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def tag(kind: Kind, code: str) -> str:
    """Write a tag as it stands in a masked text.

    Examples
    --------
    >>> tag(Kind.EMAIL, "kqmtbwzrxp")
    '〔邮箱·kqmtbwzrxp〕'
    """
    return f"〔{kind.label}·{code}〕"


def tags(text: str) -> list[Tag]:
    """Tags that stand in a masked text, in order.

    Examples
    --------
    >>> tags("请回电〔手机·kqmtbwzrxp〕")
    [Tag(kind=<Kind.MOBILE: 'mobile'>, code='kqmtbwzrxp', start=3, end=18)]
    """
    return [Tag(_KINDS[m[1]], m[2], m.start(), m.end()) for m in _TAG.finditer(text)]


def folded_tags(text: str) -> list[tuple[Kind, int, int]]:
    """Kind, start and end of the tags in a folded text.

    Examples
    --------
    >>> folded_tags("〔姓名.kqmtbwzrxp〕")
    [(<Kind.NAME: 'name'>, 0, 15)]
    """
    return [(_KINDS[match[1]], *match.span()) for match in _FOLDED_TAG.finditer(text)]


def without_codes(text: str) -> str:
    """Leave only the kind of each tag, so that a model sees one token for a class.

    Examples
    --------
    >>> without_codes("请回电〔手机·kqmtbwzrxp〕")
    '请回电〔手机〕'
    """
    return _TAG.sub(r"〔\1〕", text)


def blanked(text: str) -> str:
    """Put invisible characters in the place of each tag: nothing to read, no offset moved.

    Examples
    --------
    >>> read = blanked("请回电〔手机·kqmtbwzrxp〕谢谢")
    >>> read.replace("\u200b", ""), read.index("谢谢")
    ('请回电谢谢', 18)
    """
    return _TAG.sub(lambda tag: "\u200b" * len(tag[0]), text)


def _canonical(kind: Kind, value: str) -> tuple[Kind, str]:
    """Kind and spelling under which a column's value is known in texts."""
    folded = fold(value).text.strip()
    if kind is Kind.CUSTOMER:
        found = _whole(folded, "")
        return (found.kind, found.value) if found else (kind, folded)
    found = _whole(folded, _CUES.get(kind, ""))
    if found and found.kind is kind:
        return kind, found.value
    return kind, folded.translate(_NOT_IN_VALUE).upper()


def _whole(folded: str, cue: str) -> Found | None:
    """Return what the whole value is, read as if it stood after a cue."""
    sought = fold(cue + folded)
    for found in (*find_codes(sought), *find_numbers(sought)):
        if found.start == len(cue) and found.end == len(sought.text):
            return found
    return None
