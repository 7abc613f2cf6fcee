"""The copy of a text in which personal data is looked for, with an index map back.

Width, digits of other scripts, circled and superscript digits, dashes, dots and blanks are
folded to ASCII one for one; invisible characters and combining marks are left out. Case, line
breaks and Chinese digits stay: the patterns need them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

BARRIER = "\x01"
"""Stands where something is masked already; no pattern reaches across it."""
NAME_BARRIER = "\x02"
"""Stands where a name is masked; a name beside a number is one, a name beside a name is not."""

_OMITTED = "\x00"
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u00ad\u034f\u180e")
_BREAKS = frozenset("\n\r\x0b\x0c\x85\u2028\u2029")
_DASHES = frozenset("\u2212\u2043\u30fc\uff70\u2500\u2501\u3161\u02d7")
_DOTS = frozenset("\u00b7\u2022\u30fb\u2027\u2024\u22c5\u2219\u0387\uff65\u25cf\u25aa")
_ENTITY = re.compile(r"&#(?:[xX]([0-9A-Fa-f]{1,6})|([0-9]{1,7}));?")


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text, the original, and where each folded character stood in it.

    Attributes
    ----------
    text : str
        The folded copy.
    original : str
        What was folded.
    starts, ends : sequence of int, shape (len(text),)
        Offsets in the original; ``ends`` takes in the combining marks that follow a character.
    """

    text: str
    original: str
    starts: range | list[int]
    ends: range | list[int]

    def source(self, index: int) -> str:
        """Return the original characters behind one folded character."""
        return self.original[self.starts[index] : self.ends[index]]


class _Folding(dict[int, int | str]):
    """What each code point folds to, worked out when it is first met."""

    def __missing__(self, point: int) -> int | str:
        self[point] = folded = _fold_one(point)
        return folded


def _fold_one(point: int) -> int | str:
    character = chr(point)
    category = unicodedata.category(character)
    if character in _BREAKS:
        return "\n"
    if category == "Zs" or character in "\t\u2800":
        return " "
    if character in _INVISIBLE or category in {"Cf", "Mn", "Me", "Cc"}:
        return _OMITTED
    if category == "Pd" or character in _DASHES:
        return "-"
    if character in _DOTS:
        return "."
    return _compatible(character)


def _compatible(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    normal = unicodedata.normalize("NFKC", character)
    return normal if len(normal) == 1 else character


_FOLDING = _Folding()


def fold(text: str) -> Folded:
    """Fold a text for the search; any code points are taken.

    Parameters
    ----------
    text : str
        Lone surrogates and NUL are taken too.

    Returns
    -------
    Folded

    Examples
    --------
    >>> fold("电话１３９\\u200b-①②").text
    '电话139-12'
    """
    characters = text.translate(_FOLDING)
    if "&#" in characters:
        return _fold_written(text, list(_with_entities(text)))
    if _OMITTED in characters:
        return _fold_written(text, [(at, at + 1, text[at]) for at in range(len(text))])
    return Folded(characters, text, range(len(text)), range(1, len(text) + 1))


def _fold_written(text: str, written: list[tuple[int, int, str]]) -> Folded:
    """Fold characters given with their offsets; marks belong to the character before them."""
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end, character in written:
        folded = character.translate(_FOLDING)
        if folded != _OMITTED:
            characters.append(folded)
            starts.append(start)
            ends.append(end)
        elif ends and ends[-1] == start and unicodedata.category(character)[0] == "M":
            ends[-1] = end
    return Folded("".join(characters), text, starts, ends)


def _with_entities(text: str) -> Iterator[tuple[int, int, str]]:
    """Give a text's characters and where each is written, HTML entities read as one."""
    position = 0
    for entity in _ENTITY.finditer(text):
        yield from ((at, at + 1, text[at]) for at in range(position, entity.start()))
        yield entity.start(), entity.end(), _entity_character(entity)
        position = entity.end()
    yield from ((at, at + 1, text[at]) for at in range(position, len(text)))


def _entity_character(entity: re.Match[str]) -> str:
    point = int(entity[1], 16) if entity[1] else int(entity[2])
    return chr(point) if point <= 0x10FFFF else "\ufffd"
