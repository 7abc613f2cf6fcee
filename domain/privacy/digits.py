"""Digits as people write them, beyond those that folding makes ASCII."""

from __future__ import annotations

_CHINESE = {
    "0": "〇零洞",
    "1": "一壹幺",
    "2": "二贰貳两兩",
    "3": "三叁參",
    "4": "四肆",
    "5": "五伍",
    "6": "六陆陸",
    "7": "七柒拐",
    "8": "八捌",
    "9": "九玖勾",
}
_ALIKE = {"0": "Oo", "1": "Il"}

CHINESE_DIGITS = "".join(_CHINESE.values())
LOOKALIKES = "".join(_ALIKE.values())
_VALUES = str.maketrans(
    {
        character: digit
        for table in (_CHINESE, _ALIKE)
        for digit, characters in table.items()
        for character in characters
    }
)


def as_digits(written: str) -> str:
    """Read Chinese digits and the letters O, o, I, l as digits.

    Parameters
    ----------
    written : str
        Folded text.

    Returns
    -------
    str
        As long as ``written``; other characters stay.

    Examples
    --------
    >>> as_digits("幺三九洞O12")
    '1390012'
    """
    return written.translate(_VALUES)
