"""Runs of digits in a folded text, and which neighbours in them people write as one number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple
from unicodedata import category

from domain.privacy.digits import CHINESE_DIGITS, LOOKALIKES, as_digits
from domain.privacy.folding import Folded

_MIN_DIGITS = 7
_MAX_DIGITS = 23
_MAX_PIECES = 7
_MAX_ODD_GROUPS = 3
_MIN_FIRST_GROUP = 3

_DIGIT = rf"[0-9{CHINESE_DIGITS}{LOOKALIKES}]"
_SEPARATORS = r"[ \n.\-,/_|~:、。()*#]"
_CHECK = "[Xx×хХ]"
_RUN = re.compile(
    rf"{_DIGIT}(?:{_SEPARATORS}{{0,3}}{_DIGIT}){{6,}}(?:{_SEPARATORS}{{0,3}}{_CHECK})?"
)
_PIECE = re.compile(
    rf"(?P<mixed>[0-9]+(?:[{LOOKALIKES}]{{1,3}}[0-9]+)+)|(?P<plain>[0-9]+)|(?P<chinese>[{CHINESE_DIGITS}]+)|(?P<alike>[{LOOKALIKES}]+)|"
    rf"(?P<check>{_CHECK})|(?P<gap>{_SEPARATORS}+)"
)
_LIKELY = re.compile(
    r"[2-8][0-9]{6,7}|0[0-9]{9,11}|1[3-9][0-9]{9}|[1-9][0-9]{13,17}[0-9X]|(?:00)?86[0-9]{9,12}"
)
"""What digits of several pieces must look like to be tried: local, area code, mobile, card."""

_LIGHT = frozenset(" \n.-")
STARS = frozenset("*#")
"""Between digits they mostly stand for times or for hidden ones."""
_MOBILE_GROUPS = (3, 4, 4)
_COUNTRY = frozenset({"86", "0086"})
_GROUPS = frozenset(
    {
        *((3, 4, 4), (3, 8), (7, 4), (4, 4, 3), (3, 3, 5), (3, 4, 2, 2), (4, 7)),
        *((6, 8, 4), (6, 4, 4, 4), (6, 4, 2, 2, 4), (3, 3, 4, 4, 4), (6, 12), (14, 4)),
        *((6, 8, 3, 1), (6, 6, 3), (17, 1), (6, 11, 1), (6, 9)),
        *((4, 4, 4, 4), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (6, 13), (6, 10)),
        *((3, 7), (4, 8), (4, 4, 4), (4, 3, 4), (3, 4, 3), (4, 4), (3, 4)),
    }
)

_AREA_GROUPS = frozenset({(2, 8), (2, 4, 4)})


class Piece(NamedTuple):
    """Digits of one script with nothing between them, and the gap before them."""

    digits: str
    start: int
    end: int
    script: str
    gap: str


class Number(NamedTuple):
    """Neighbouring pieces read as one number."""

    digits: str
    start: int
    end: int
    groups: tuple[int, ...]
    gaps: frozenset[str]
    scripts: frozenset[str]
    pieces: int


def digit_runs(folded: Folded) -> Iterator[list[Piece]]:
    """Cut a text into runs of digits with at most three separators between neighbours.

    Parameters
    ----------
    folded : Folded

    Yields
    ------
    list of Piece
        At least 7 digits; digits spelled one by one or in pairs are one piece already.

    Examples
    --------
    >>> from domain.privacy.folding import fold
    >>> [[piece.digits for piece in run] for run in digit_runs(fold("139 1234 5678一二"))]
    [['139', '1234', '5678', '12']]
    """
    for run in _RUN.finditer(folded.text):
        yield _spelled_together(_pieces(folded, run.start(), run.end()))


def numbers_at(pieces: list[Piece], index: int) -> list[Number]:
    """Read the numbers that may start at a piece, the likeliest first.

    A piece alone comes first, then the longest join of one script, then joins of several.

    Examples
    --------
    >>> from domain.privacy.folding import fold
    >>> run = next(digit_runs(fold("139 1234 5678")))
    >>> [number.digits for number in numbers_at(run, 0)]
    ['13912345678']
    """
    numbers = list(_joins(pieces, index))
    numbers.sort(key=_unlikeliness)
    return numbers


def _unlikeliness(number: Number) -> tuple[bool, bool, int]:
    alone = number.pieces == 1 or number.digits[-1] == "X"
    return not alone, len(number.scripts) > 1, -number.pieces


def _pieces(folded: Folded, start: int, end: int) -> list[Piece]:
    pieces: list[Piece] = []
    gap = ""
    for match in _PIECE.finditer(folded.text, start, end):
        if match.lastgroup == "gap":
            gap = match[0]
            continue
        for script, first, last in _of_one_script(folded, match):
            pieces.append(Piece(_digits(folded.text[first:last]), first, last, script, gap))
            gap = ""
    return pieces


def _digits(written: str) -> str:
    return as_digits(written) if written not in "Xx×хХ" else "X"


def _of_one_script(folded: Folded, match: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    """Split ASCII digits of the folded copy by what they were in the original."""
    start, end = match.span()
    script = match.lastgroup or "plain"
    if script != "plain" or folded.original[folded.starts[start] : folded.ends[end - 1]].isascii():
        yield script, start, end
        return
    for part, indices in groupby(range(start, end), lambda index: _script(folded.source(index))):
        members = list(indices)
        yield part, members[0], members[-1] + 1


def _script(source: str) -> str:
    if "\u20e3" in source:
        return "keycap"
    if source[0].isascii() or "０" <= source[0] <= "９":
        return "plain"
    return "script" if category(source[0]) == "Nd" else "circled"


def _spelled_together(pieces: list[Piece]) -> list[Piece]:
    """Join digits that are spelled one by one, or in pairs, with the same gap throughout."""
    together: list[Piece] = []
    index = 0
    while index < len(pieces):
        end = _spelled_until(pieces, index)
        together.append(_merged(pieces[index:end]))
        index = end
    return together


def _spelled_until(pieces: list[Piece], index: int) -> int:
    size = len(pieces[index].digits)
    end = index + 1
    if size > 2 or end == len(pieces):
        return end
    gap = pieces[end].gap
    while end < len(pieces) and len(pieces[end].digits) == size and pieces[end].gap == gap:
        end += 1
    if size == 2 and end < len(pieces) and len(pieces[end].digits) == 1 and pieces[end].gap == gap:
        end += 1
    return end if size * (end - index) >= _MIN_DIGITS else index + 1


def _merged(pieces: list[Piece]) -> Piece:
    if len(pieces) == 1:
        return pieces[0]
    scripts = {piece.script for piece in pieces} - {"check"}
    script = scripts.pop() if len(scripts) == 1 else "mixed"
    digits = "".join(piece.digits for piece in pieces)
    return Piece(digits, pieces[0].start, pieces[-1].end, script, pieces[0].gap)


def _joins(pieces: list[Piece], index: int) -> Iterator[Number]:
    digits = ""
    for end in range(index, min(index + _MAX_PIECES, len(pieces))):
        digits += pieces[end].digits
        if len(digits) > _MAX_DIGITS and end > index:
            return
        if _LIKELY.fullmatch(digits) or (end == index and len(digits) >= _MIN_DIGITS):
            number = _join(pieces[index : end + 1])
            if _is_one_number(number):
                yield number


def _join(pieces: list[Piece]) -> Number:
    groups = [len(pieces[0].digits)]
    for piece in pieces[1:]:
        if piece.gap:
            groups.append(0)
        groups[-1] += len(piece.digits)
    return Number(
        "".join(piece.digits for piece in pieces),
        pieces[0].start,
        pieces[-1].end,
        tuple(groups),
        frozenset(piece.gap.strip("()") for piece in pieces[1:]) - {""},
        frozenset(piece.script for piece in pieces) - {"check"},
        len(pieces),
    )


def _is_one_number(number: Number) -> bool:
    """Whether people write one number with these groups and gaps."""
    if number.scripts == {"alike"}:
        return False
    groups = number.groups
    abroad = number.digits[: groups[0]] in _COUNTRY
    if abroad:
        groups = groups[1:]
    if STARS & frozenset("".join(number.gaps)) and groups != _MOBILE_GROUPS:
        return False
    light = all(_LIGHT.issuperset(gap) for gap in number.gaps)
    if len(groups) <= 1:
        return light
    if groups in _GROUPS or (abroad and groups in _AREA_GROUPS):
        return light or len(number.gaps) == 1
    return light and _is_oddly_grouped(number.gaps, groups)


def _is_oddly_grouped(gaps: frozenset[str], groups: tuple[int, ...]) -> bool:
    """Whether two or three groups of unusual size may be one number: no decimal, no thousands."""
    if len(gaps) != 1 or len(groups) > _MAX_ODD_GROUPS or groups[0] < _MIN_FIRST_GROUP:
        return False
    in_thousands = all(size == 3 for size in groups[1:])
    return not in_thousands and "." not in next(iter(gaps))
