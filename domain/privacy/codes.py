"""E-mail addresses, number plates and passports in a folded text."""

from __future__ import annotations

import re

from domain.privacy.cues import Cue, cue_before
from domain.privacy.digits import CHINESE_DIGITS, as_digits
from domain.privacy.folding import Folded
from domain.privacy.kinds import Found, Kind

_LOCAL_REACH = 64
_LOCAL = re.compile(r"[A-Za-z0-9._%+\-]{1,64} ?\Z")
_HOST = re.compile(r" ?((?:[A-Za-z0-9\-]{1,63}[.。]){1,4}[A-Za-z]{2,12})")

_AT = re.compile(r"@|[(\[{<] ?(?:at|AT|At|艾特) ?[)\]}>]|#|艾特| (?:at|AT) ")
_DOT = r"(?:[.。]| ?[(\[{<] ?(?:dot|DOT|点) ?[)\]}>] ?| (?:dot|DOT) |点)"
_SPELT_HOST = re.compile(
    rf" ?((?:[A-Za-z0-9\-]{{1,30}}{_DOT}){{1,4}}(?:com|cn|net|org|COM|CN|NET|ORG))(?![A-Za-z0-9])"
)
_SPELT_DOT = re.compile(_DOT)

_PROVINCES = (
    "京津沪渝冀豫云雲辽遼黑湘皖鲁魯新苏蘇浙赣贛鄂桂甘晋晉蒙陕陝吉闽閩贵貴粤粵青藏川宁寧琼瓊"
)
_BODY = rf"[A-Za-z0-9{CHINESE_DIGITS}]"
_PLATE = re.compile(
    rf"[{_PROVINCES}][ .\-]{{0,2}}[A-HJ-NP-Za-hj-np-z][ .\-\n]{{0,2}}"
    rf"({_BODY}(?:[ .\-\n]{{0,2}}{_BODY}){{3}}"
    rf"(?:[ .\-\n]{{0,2}}{_BODY}){{1,2}}(?![A-Za-z0-9])|"
    rf"{_BODY}(?:[ .\-\n]{{0,2}}{_BODY}){{3}}[学警挂港澳])"
)
_PLATE_BODY = re.compile(
    r"[A-HJ-NP-Z0-9]{5}|[DF][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[DF]|[A-Z0-9]{4}[学警挂港澳]"
)
_MIN_PLATE_DIGITS = 3

_DIGIT = rf"[0-9OoIl{CHINESE_DIGITS}]"
_PASSPORT = re.compile(
    rf"(?<![A-Za-z0-9])([A-Za-z]{{1,2}})[ .\-\n]?({_DIGIT}(?:[ .\-\n]{{0,2}}{_DIGIT}){{5,9}})(?!["
    rf"A-Za-z0-9])"
)
_CHINESE_PASSPORT = re.compile(r"[EG][0-9]{8}|E[A-HJ-NP-Z][0-9]{7}")
_TRAVEL_PERMIT = re.compile(r"[A-Z]{1,2}[0-9]{6,10}")


def find_codes(folded: Folded) -> list[Found]:
    """Find e-mail addresses, plates and passports.

    Parameters
    ----------
    folded : Folded

    Returns
    -------
    list of Found
        In no particular order; they may overlap.

    Examples
    --------
    >>> from domain.privacy.folding import fold
    >>> [found.value for found in find_codes(fold("沪A·d12345，护照Ｅ１２３４５６７８"))]
    ['沪AD12345', 'E12345678']
    """
    return [*_emails(folded.text), *_plates(folded.text), *_passports(folded.text)]


def _emails(text: str) -> list[Found]:
    """Addresses with an @, and those spelt round it: user(at)mail.com, user#mail.com."""
    found = []
    for at in _AT.finditer(text):
        local = _LOCAL.search(text[max(0, at.start() - _LOCAL_REACH) : at.start()])
        host = (_HOST if at[0] == "@" else _SPELT_HOST).match(text, at.end())
        if local and host:
            start = at.start() - len(local[0])
            value = f"{local[0].strip()}@{_SPELT_DOT.sub('.', host[1])}".lower()
            found.append(Found(Kind.EMAIL, start, host.end(), value))
    return found


def _plates(text: str) -> list[Found]:
    return [found for match in _PLATE.finditer(text) if (found := _plate(match))]


def _plate(match: re.Match[str]) -> Found | None:
    """Read a plate; a Chinese digit too many at its end is the next word's."""
    written = match[0]
    for end in (len(written), len(written) - 1):
        value = _compact(written[:end])
        if _PLATE_BODY.fullmatch(value, 2) and _digit_count(value) >= _MIN_PLATE_DIGITS:
            return Found(Kind.PLATE, match.start(), match.start() + end, value)
        if written[-1] not in CHINESE_DIGITS:
            return None
    return None


def _passports(text: str) -> list[Found]:
    found = []
    for match in _PASSPORT.finditer(text):
        letters = match[1].upper()
        value = letters[0] + as_digits(letters[1:]) + _compact(match[2])
        if _is_passport(value, cue_before(text, match.start())):
            found.append(Found(Kind.PASSPORT, match.start(), match.end(), value))
    return found


def _is_passport(value: str, cue: Cue) -> bool:
    if cue is Cue.PASSPORT or cue is Cue.ID:
        return _TRAVEL_PERMIT.fullmatch(value) is not None
    return cue is not Cue.BUSINESS and _CHINESE_PASSPORT.fullmatch(value) is not None


def _compact(written: str) -> str:
    return as_digits("".join(c for c in written if c not in " .-\n").upper())


def _digit_count(value: str) -> int:
    return sum(character in "0123456789" for character in value)
