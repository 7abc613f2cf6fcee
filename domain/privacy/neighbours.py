"""Identity cards and mobiles of Hong Kong, Macau and Taiwan in a folded text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from domain.privacy.cues import Cue, cue_before
from domain.privacy.folding import Folded
from domain.privacy.kinds import Found, Kind

_ANY = re.compile(r"85[23]|886|09[0-9]{2}|[A-Za-z] ?[0-9]{6}|[0-9]/? ?[(/][0-9]")
"""What one of them holds; most complaints hold none of it."""
_HONG_KONG = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z]{1,2}) ?([0-9]{6}) ?\( ?([0-9Aa]) ?\)(?![0-9A-Za-z])"
)
_MACAU = re.compile(
    r"(?<![A-Za-z0-9])([1578](?:[0-9]{6}|/[0-9]{6}/)) ?[(/]([0-9])\)?(?![0-9A-Za-z])"
)
_TAIWAN = re.compile(r"(?<![A-Za-z0-9])([A-Za-z])([1289][0-9]{8})(?![0-9A-Za-z])")
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
"""In the order of the numbers from 10 on that they stand for in the check sum."""

_PHONE = re.compile(
    r"(?<![0-9A-Za-z.])(?P<abroad>\+|00)?(?:(852)[ \-)]{0,2}([4-9][0-9]{3}[ \-]?[0-9]{4})"
    r"|(853)[ \-)]{0,2}(6[0-9]{3}[ \-]?[0-9]{4})"
    r"|(886)[ \-)]{0,2}0?(9[0-9]{2}[ \-]?[0-9]{3}[ \-]?[0-9]{3}))(?![0-9])"
)
_LOCAL_TAIWAN = re.compile(
    r"(?<![0-9A-Za-z.+\-])0(9[0-9]{2}[ \-]?[0-9]{3}[ \-]?[0-9]{3})(?![0-9\-])"
)
_PLACES = re.compile("香港|港澳|澳门|澳門|台湾|臺灣|台灣")
_REACH = 12
_HONG_KONG_BLANK = 36


def find_neighbours(folded: Folded) -> list[Found]:
    """Find identity cards and mobiles as they are written in Hong Kong, Macau and Taiwan.

    Parameters
    ----------
    folded : Folded

    Returns
    -------
    list of Found

    Examples
    --------
    >>> from domain.privacy.folding import fold
    >>> [f.value for f in find_neighbours(fold("A123456(3)，+852 6123 4567"))]
    ['A1234563', '85261234567']
    """
    text = folded.text
    if not _ANY.search(text):
        return []
    return [*_cards(text), *_phones(text)]


def _cards(text: str) -> Iterator[Found]:
    for place in _HONG_KONG.finditer(text):
        value = "".join(place.groups()).upper()
        business = cue_before(text, place.start()) is Cue.BUSINESS
        if (_is_hong_kong(value) and not business) or _is_said(text, place.start()):
            yield Found(Kind.ID_CARD, *place.span(), value)
    for place in _MACAU.finditer(text):
        if _is_said(text, place.start()):
            value = place[1].replace("/", "") + place[2]
            yield Found(Kind.ID_CARD, *place.span(), value)
    for place in _TAIWAN.finditer(text):
        value = place[0].upper()
        if _is_taiwan(value) and _is_said(text, place.start()):
            yield Found(Kind.ID_CARD, *place.span(), value)


def _phones(text: str) -> Iterator[Found]:
    for place in _PHONE.finditer(text):
        if place["abroad"] or _is_phone(text, place.start()):
            country, number = (part for part in place.groups()[1:] if part)
            yield Found(Kind.MOBILE, *place.span(), country + _digits(number))
    for place in _LOCAL_TAIWAN.finditer(text):
        if _is_phone(text, place.start()):
            yield Found(Kind.MOBILE, *place.span(), f"886{_digits(place[1])}")


def _digits(written: str) -> str:
    return written.replace(" ", "").replace("-", "")


def _is_said(text: str, start: int) -> bool:
    """Whether the words before say that it is somebody's card."""
    cue = cue_before(text, start)
    near = _PLACES.search(text, max(0, start - _REACH), start) is not None
    return cue in {Cue.ID, Cue.PASSPORT} or (near and cue is not Cue.BUSINESS)


def _is_phone(text: str, start: int) -> bool:
    near = _PLACES.search(text, max(0, start - _REACH), start) is not None
    cue = cue_before(text, start)
    return cue is Cue.PHONE or (near and cue is not Cue.BUSINESS)


def _is_hong_kong(value: str) -> bool:
    """Check digit: the places weigh 9 to 1, letters count from 10, a missing one 36; modulo 11."""
    letters = [ord(letter) - ord("A") + 10 for letter in value[:-7]]
    places = [_HONG_KONG_BLANK] * (2 - len(letters)) + letters
    places += [int(digit) for digit in value[-7:-1]]
    check = 10 if value[-1] == "A" else int(value[-1])
    weighed = sum(weight * place for weight, place in zip(range(9, 1, -1), places, strict=True))
    return (weighed + check) % 11 == 0


def _is_taiwan(value: str) -> bool:
    """Check digit: the letter is two digits, the places weigh 1, 9 to 1 and 1; modulo 10."""
    letter = _TAIWAN_LETTERS.index(value[0]) + 10
    places = [letter // 10, letter % 10, *(int(digit) for digit in value[1:])]
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(w * p for w, p in zip(weights, places, strict=True)) % 10 == 0
