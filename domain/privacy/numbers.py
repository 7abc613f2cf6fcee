"""Mobiles, landlines, identity cards and bank cards in a folded text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from stdnum import luhn
from stdnum.cn import ric

from domain.privacy.cues import Cue, cue_before
from domain.privacy.digit_runs import STARS, Number, Piece, digit_runs, numbers_at
from domain.privacy.folding import Folded
from domain.privacy.kinds import Found, Kind
from domain.privacy.places import is_county

_LENGTHS = range(7, 20)
_COUNTRY = re.compile(r"(?:00)?86(?=[0-9]{9})")
_MOBILE = re.compile(r"0?(1[3-9][0-9]{9})")
_LANDLINE = re.compile(r"0(?:10|2[0-57-9])[1-9][0-9]{7}|0[3-9][0-9]{2}[1-9][0-9]{6,7}")
_LOCAL = re.compile(r"(?![48]00)[2-8][0-9]{6,7}")
_BANK_CARD = re.compile(r"(?!20)[2-689][0-9]{15,18}")
_ANY_CARD = re.compile(r"[0-9]{16,19}")
_LOCAL_GROUPS = frozenset({(7,), (8,), (3, 4), (4, 4)})
_ID_CARD = re.compile(
    r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)[0-9]{4}"
    r"((?:19|20)[0-9]{6})[0-9]{3}[0-9X]"
)
_OLD_ID_CARD = re.compile(r"[1-9][0-9]{14}")
_SAID_ID_CARD = re.compile(r"[1-9][0-9]{14}|[1-9][0-9]{16}[0-9X]")
_GLUED = re.compile(r"(1[3-9][0-9]{9})[0-9]{1,6}|[0-9]{1,6}?(1[3-9][0-9]{9})")

_AMOUNT = re.compile(r" ?(?:[万亿]?元|[万亿]块|%)")
_SIZE_WORD = re.compile("尺寸|规格|型号|大小|长宽|面积|[长宽高厚深]")
_SIZE_UNIT = re.compile(r" ?(?:mm|MM|cm|CM|毫米|厘米|公分|米|的[床柜板门桌])")
_WORD_BEFORE = re.compile(r"[A-Za-z]{1,8}\Z")
_PHONE_WORDS = frozenset({"tel", "phone", "mobile", "mob", "call", "wx", "vx", "qq"})
_MAX_EXTENSION = 5

_REVERSING = "\u202e\u202b\u2067"
_RESTORING = "\u202c\u2069\n"


def find_numbers(folded: Folded) -> list[Found]:
    """Find mobiles, landlines, identity cards and bank cards.

    Parameters
    ----------
    folded : Folded

    Returns
    -------
    list of Found
        In order, without overlaps.

    Examples
    --------
    >>> from domain.privacy.folding import fold
    >>> [found.value for found in find_numbers(fold("+86 139-1234-5678，座机(0731)84567890"))]
    ['13912345678', '073184567890']
    """
    found: list[Found] = []
    for pieces in digit_runs(folded):
        found += _mirrored(folded, pieces) or _recognise(folded.text, pieces)
    return found


def _recognise(text: str, pieces: list[Piece]) -> Iterator[Found]:
    index = 0
    while index < len(pieces):
        read = _read_at(text, pieces, index)
        if read:
            yield _with_signs(text, read[0])
        index += read[1] if read else 1


def _read_at(text: str, pieces: list[Piece], index: int) -> tuple[Found, int] | None:
    """Read the number that starts at a piece; returns it and how many pieces it took."""
    cue: Cue | None = None
    for number in numbers_at(pieces, index):
        if len(_without_country(number.digits)) not in _LENGTHS:
            continue
        cue = cue or cue_before(text, number.start)
        kind, value = _identify(number, cue)
        if kind and not _is_spoilt(text, number, kind, cue):
            return _with_extension(
                Found(kind, number.start, number.end, value), number, pieces, index
            )
    return None


def _identify(number: Number, cue: Cue) -> tuple[Kind | None, str]:
    """Read digits as the first kind whose rules they pass; a business cue leaves few."""
    digits = number.digits
    if _is_id_card(digits):
        return Kind.ID_CARD, digits
    if cue is Cue.BUSINESS:
        return None, ""
    if _is_old_id_card(digits) or (cue is Cue.ID and _SAID_ID_CARD.fullmatch(digits)):
        return Kind.ID_CARD, _as_new_id_card(digits)
    if _is_bank_card(number, cue):
        return Kind.BANK_CARD, digits
    return _identify_phone(number, cue)


def _is_id_card(digits: str) -> bool:
    """18 places with a province, a date and the check digit of GB 11643."""
    shape = _ID_CARD.fullmatch(digits)
    return bool(shape) and _is_date(digits[6:14]) and ric.calc_check_digit(digits) == digits[-1]


def _is_old_id_card(digits: str) -> bool:
    """15 places with a county, today's or a former one, and a date."""
    return (
        _OLD_ID_CARD.fullmatch(digits) is not None
        and _is_date(f"19{digits[6:12]}")
        and is_county(digits[:6])
    )


def _as_new_id_card(digits: str) -> str:
    """Write an old 15-digit number with 18 places; others stay."""
    if len(digits) != 15:
        return digits
    century = f"{digits[:6]}19{digits[6:]}"
    return century + ric.calc_check_digit(century + "0")


def _is_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return True


def _is_bank_card(number: Number, cue: Cue) -> bool:
    """After a bank's word any 16 to 19 digits, elsewhere those that pass Luhn, in no decimals."""
    if cue is Cue.BANK:
        return _ANY_CARD.fullmatch(number.digits) is not None
    in_decimals = "." in number.gaps
    shape = _BANK_CARD.fullmatch(number.digits)
    return bool(shape) and not in_decimals and luhn.is_valid(number.digits)


def _identify_phone(number: Number, cue: Cue) -> tuple[Kind | None, str]:
    digits = _without_country(number.digits)
    abroad = digits is not number.digits
    mobile = _MOBILE.fullmatch(digits)
    if mobile and not _is_price_and_date(number, cue):
        return Kind.MOBILE, mobile[1]
    national = f"0{digits}" if abroad and digits[0] != "0" else digits
    if _LANDLINE.fullmatch(national):
        return Kind.LANDLINE, national
    if cue is Cue.PHONE:
        return _identify_said_phone(number, digits)
    return None, ""


def _identify_said_phone(number: Number, digits: str) -> tuple[Kind | None, str]:
    """After a word like 电话: local landlines, and mobiles with a few digits too many."""
    is_day = len(digits) == 8 and _is_recent_day(digits)
    in_one = number.gaps <= {" ", "-"} and number.groups in _LOCAL_GROUPS
    if in_one and _LOCAL.fullmatch(digits) and not is_day:
        return Kind.LANDLINE, digits
    glued = _GLUED.fullmatch(digits)
    return (Kind.MOBILE, glued[1] or glued[2]) if glued else (None, "")


def _is_price_and_date(number: Number, cue: Cue) -> bool:
    """“158 20190425” is 11 digits, but no mobile."""
    return cue is not Cue.PHONE and number.groups == (3, 8) and _is_recent_day(number.digits[3:])


def _is_recent_day(digits: str) -> bool:
    return digits.startswith("20") and _is_date(digits)


def _is_spoilt(text: str, number: Number, kind: Kind, cue: Cue) -> bool:
    """Whether what touches the digits makes them another thing: an amount, part of a code."""
    if _AMOUNT.match(text, number.end):
        return True
    if STARS & frozenset("".join(number.gaps)) and _is_measure(text, number):
        return True
    if kind is Kind.ID_CARD or cue in {Cue.PHONE, Cue.BANK}:
        return False
    word = _WORD_BEFORE.search(text, max(0, number.start - 9), number.start)
    return word is not None and word[0].lower() not in _PHONE_WORDS


def _is_measure(text: str, number: Number) -> bool:
    """Whether digits with stars between are the sides of a thing: 尺寸150*1200*2000."""
    before = text[max(0, number.start - 8) : number.start]
    return bool(_SIZE_WORD.search(before) or _SIZE_UNIT.match(text, number.end))


def _with_extension(
    found: Found, number: Number, pieces: list[Piece], index: int
) -> tuple[Found, int]:
    """Take in a landline's extension, as in 0731-84567890-801."""
    rest = pieces[index + number.pieces :]
    is_extension = (
        found.kind is Kind.LANDLINE
        and rest
        and rest[0].gap == "-"
        and len(rest[0].digits) <= _MAX_EXTENSION
    )
    if is_extension:
        return found._replace(end=rest[0].end), number.pieces + 1
    return found, number.pieces


def _with_signs(text: str, found: Found) -> Found:
    """Take in a plus sign and the bracket that opens an area code."""
    start = found.start
    if text[start - 1 : start] == "+":
        start -= 1
    inside = text[start : found.end]
    if text[start - 1 : start] == "(" and inside.count(")") > inside.count("("):
        start -= 1
    return found._replace(start=start)


def _without_country(digits: str) -> str:
    country = _COUNTRY.match(digits)
    return digits[country.end() :] if country else digits


def _mirrored(folded: Folded, pieces: list[Piece]) -> list[Found]:
    """Read a run that a bidirectional override shows reversed."""
    if not _is_shown_reversed(folded.original, folded.starts[pieces[0].start]):
        return []
    digits = "".join(piece.digits for piece in pieces)[::-1]
    start, end = pieces[0].start, pieces[-1].end
    number = Number(digits, start, end, (len(digits),), frozenset(), frozenset(), len(pieces))
    kind, value = _identify(number, cue_before(folded.text, start))
    return [Found(kind, start, end, value)] if kind else []


def _is_shown_reversed(original: str, start: int) -> bool:
    reversing = max(original.rfind(mark, 0, start) for mark in _REVERSING)
    return reversing > max(original.rfind(mark, 0, start) for mark in _RESTORING)
