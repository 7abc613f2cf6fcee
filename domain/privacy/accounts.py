"""QQ numbers and WeChat ids in a folded text, where a word says what they are."""

from __future__ import annotations

import re

from domain.privacy.folding import Folded
from domain.privacy.kinds import Found, Kind

_SAYING = re.compile("[QqVvWw扣企微薇威維]")
"""What every word that announces an account begins with."""
_SAID = r"(?P<said>(?:号码|号|账号|帐号|id|ID)? ?(?:是|为|:|就是)? ?:? ?)"
_QQ = re.compile(
    rf"(?:(?<![A-Za-z0-9])[Qq]{{2}}|扣扣|企鹅(?=号)){_SAID}"
    r"(?P<value>[1-9][0-9]{4,10})(?![0-9A-Za-z.]| ?[@元块万])"
)
_WECHAT = re.compile(
    r"(?:微信|薇信|威信|維信|(?<![A-Za-z0-9])(?:[Vv]信|VX|vx|Vx|WX|wx|Wx|[Ww]e[Cc]hat|[Ww]eixin))"
    rf"{_SAID}(?P<value>[A-Za-z][A-Za-z0-9_\-]{{5,19}})(?![A-Za-z0-9_\-]| ?[@.][A-Za-z])"
)
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_PRODUCT = re.compile(
    r"iphone|ipad|android|windows|harmony|macos|version|mini|app(?![0-9]*_)", re.IGNORECASE
)
_MARKED = re.compile(r"[号:是为]|id|ID")
_ODD = re.compile(r"[0-9_\-]")


def find_accounts(folded: Folded) -> list[Found]:
    """Find the numbers and ids under which people chat.

    Parameters
    ----------
    folded : Folded

    Returns
    -------
    list of Found

    Examples
    --------
    >>> from domain.privacy.folding import fold
    >>> [found.value for found in find_accounts(fold("加我微信：zhangsan88，或QQ 1234567890"))]
    ['qq1234567890', 'wxzhangsan88']
    """
    if not _SAYING.search(folded.text):
        return []
    return [*_numbers(folded.text), *_names(folded.text)]


def _numbers(text: str) -> list[Found]:
    return [
        Found(Kind.ACCOUNT, *place.span("value"), f"qq{place['value']}")
        for place in _QQ.finditer(text)
        if not _MOBILE.fullmatch(place["value"])
    ]


def _names(text: str) -> list[Found]:
    """WeChat ids; a word of Latin letters alone is one only where a mark announces it."""
    return [
        Found(Kind.ACCOUNT, *place.span("value"), f"wx{place['value'].lower()}")
        for place in _WECHAT.finditer(text)
        if (_MARKED.search(place["said"]) or _ODD.search(place["value"]))
        and not _PRODUCT.match(place["value"])
    ]
