"""What a text is before anybody reads it: cleaned once, folded for comparison.

`clean` decides whether a text can be taken at all and leaves what people wrote.
`fold` gives the copy that models, rules and masks compare, one code point to at most one,
with a map back to the original.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from domain.errors import TextRefused

MAX_CODE_POINTS = 10_000
DROPPED = 0
_BLANK = 0x20
_TABLE_END = 0x323B0  # past the last CJK extension; beyond it only tags and private use

_CONTROLS = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ufffe\uffff\ufeff]")
_CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_PICTOGRAPHS = (
    (0x2190, 0x21FF),
    (0x2300, 0x23FF),
    (0x2600, 0x27BF),
    (0x2B00, 0x2BFF),
    (0x1F000, 0x1F0FF),
    (0x1F1E6, 0x1FAFF),
)
_INVISIBLE = ((0x3164, 0x3164), (0x115F, 0x1160), (0xFFA0, 0xFFA0), (0x20E3, 0x20E3))
_AS = {"…": "…", "“": '"', "”": '"', "‘": "'", "’": "'"}


def clean(text: str) -> str:
    """Take a complaint's text as it may be stored, or refuse it with the reason.

    Control characters and byte order marks are removed, line ends become ``\\n``, blanks at
    both ends go. Nothing else changes.

    Parameters
    ----------
    text : str
        What the caller sent.

    Returns
    -------
    str
        1 to 10,000 code points.

    Raises
    ------
    TextRefused
        The text is empty, too long, holds NUL or a lone surrogate, or no Chinese character.

    Examples
    --------
    >>> clean("  屏幕一直闪\\r\\n")
    '屏幕一直闪'
    """
    refuse_unstorable(text)
    cleaned = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not cleaned:
        raise TextRefused("the text is empty; write 1 to 10,000 characters")
    if len(cleaned) > MAX_CODE_POINTS:
        raise TextRefused(
            f"the text has {len(cleaned):,} characters; at most {MAX_CODE_POINTS:,} are taken"
        )
    if not _CHINESE.search(cleaned):
        raise TextRefused(
            "the text holds no Chinese character; Suyuan reads Chinese complaints, "
            "give this one to a person"
        )
    return cleaned


def refuse_unstorable(text: str) -> None:
    """Refuse what no database or encoding can hold: NUL and lone surrogates.

    Raises
    ------
    TextRefused
        The text holds U+0000 or a code point from U+D800 to U+DFFF.

    Examples
    --------
    >>> refuse_unstorable("屏幕")
    """
    if "\x00" in text:
        raise TextRefused("the text holds the character U+0000; send it without")
    if _SURROGATE.search(text):
        raise TextRefused("the text holds half a surrogate pair; send whole Unicode characters")


def has_chinese(text: str) -> bool:
    """Whether at least one character is Chinese.

    Examples
    --------
    >>> has_chinese("iPhone 闪屏"), has_chinese("ok")
    (True, False)
    """
    return _CHINESE.search(text) is not None


@dataclass(frozen=True)
class Folded:
    """A folded text and where each of its characters stood.

    Attributes
    ----------
    text : str
        The folded copy.
    origin : ndarray of int64, shape (len(text),)
        Offset in the original of each folded character.
    """

    text: str
    origin: NDArray[np.int64]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the original of the folded span ``[start, end)``, ``start < end``."""
        return int(self.origin[start]), int(self.origin[end - 1]) + 1


def fold(text: str) -> Folded:
    """Fold width, case, traditional forms, marks, invisible characters and emoji.

    Parameters
    ----------
    text : str
        Any text; lone surrogates pass through as they are.

    Returns
    -------
    Folded
        At most one character for each of the original's.

    Examples
    --------
    >>> fold("ＡＰＰ\\u200b閃退😡").text
    'app闪退'
    """
    points = code_points(text)
    folded = fold_points(points)
    kept = np.flatnonzero(folded)
    return Folded(folded[kept].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass"), kept)


def code_points(text: str) -> NDArray[np.uint32]:
    """Code points of a text.

    Returns
    -------
    ndarray of uint32, shape (len(text),)

    Examples
    --------
    >>> code_points("闪").tolist()
    [38378]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def fold_points(points: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Fold code points one by one; a character that folds to nothing becomes ``DROPPED``.

    Parameters
    ----------
    points : ndarray of uint32, shape (n,)

    Returns
    -------
    ndarray of uint32, shape (n,)

    Examples
    --------
    >>> fold_points(code_points("Ａ\\u200b")).tolist()
    [97, 0]
    """
    table = fold_table()
    inside = np.minimum(points, np.uint32(len(table) - 1))
    return np.where(points < len(table), table[inside], np.uint32(DROPPED))


@cache
def fold_table() -> NDArray[np.uint32]:
    """What each code point below U+323B0 folds to; 0 where it is dropped.

    Returns
    -------
    ndarray of uint32, shape (0x323B0,)
        Read-only; kernels index it directly. Code points past its end fold to nothing.

    Examples
    --------
    >>> chr(fold_table()[ord("屏")])
    '屏'
    """
    table = np.arange(_TABLE_END, dtype=np.uint32)
    for point in _points_that_may_fold():
        table[point] = _fold_one(point)
    for traditional, simplified in _simplified_forms():
        table[traditional] = simplified
    for first, last in (*_PICTOGRAPHS, *_INVISIBLE):
        table[first : last + 1] = DROPPED
    while not np.array_equal(table[table], table):  # a compatibility form of a traditional letter
        table = table[table]
    table.setflags(write=False)
    return table


def _points_that_may_fold() -> list[int]:
    """All but unified ideographs, Hangul, surrogates and private use, which fold to themselves."""
    ranges = ((0, 0x3400), (0xA000, 0xAC00), (0xF900, 0x10000), (0x1BC00, 0x1BD00))
    planes = ((0x1D000, 0x1F300), (0x2F800, 0x2FA20))
    return [point for first, end in (*ranges, *planes) for point in range(first, end)]


def _fold_one(point: int) -> int:
    character = chr(point)
    if character in _AS:
        return ord(_AS[character])
    category = unicodedata.category(character)
    if category in {"Cf", "Mn", "Me", "Cn", "Co", "Cs"}:
        return DROPPED
    if category.startswith("Z") or category == "Cc":
        return DROPPED if point == 0 else _BLANK
    normal = unicodedata.normalize("NFKC", character).lower()
    if normal[:1] == " ":
        return point
    return ord(_AS.get(normal[0], normal[0]))


@cache
def _simplified_forms() -> list[tuple[int, int]]:
    """Traditional ideographs that one simplified one stands for, by OpenCC's character table."""
    from opencc import OpenCC

    ideographs = [chr(point) for point in (*range(0x3400, 0xA000), *range(0xF900, 0xFB00))]
    normal = [unicodedata.normalize("NFKC", character) for character in ideographs]
    converted = OpenCC("t2s").convert("\n".join(normal)).split("\n")
    return [
        (ord(before), ord(after))
        for before, after in zip(ideographs, converted, strict=True)
        if len(after) == 1 and before != after
    ]
