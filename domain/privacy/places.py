"""Names of China's provinces, cities and counties, from python-stdnum's table of county codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from stdnum import numdb

LONGEST = 8
_YEARS = re.compile(r"\[[0-9]*-[0-9]*\]")
_LONG_FORM = re.compile(r"(?:壮族|回族|维吾尔)?(?:自治区|特别行政区|省|市)\Z")
_NO_PLACE = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})


@cache
def place_names() -> frozenset[str]:
    """Full names of all divisions down to the county, today's and former ones.

    Examples
    --------
    >>> "浦东新区" in place_names()
    True
    """
    names = {name for name in _names(numdb.get("cn/loc").prefixes) if len(name) <= LONGEST}
    return frozenset(names - _NO_PLACE)


@cache
def short_names() -> frozenset[str]:
    """Provinces and cities as people shorten them.

    Examples
    --------
    >>> sorted({"北京", "广西", "杭州"} - short_names())
    []
    """
    return frozenset(_LONG_FORM.sub("", name) for name in place_names() if _LONG_FORM.search(name))


def place_ending_at(text: str, end: int) -> int | None:
    """Where the longest place name that ends at an offset starts, if there is one.

    Examples
    --------
    >>> place_ending_at("家在从化区", 5), place_ending_at("小区", 2)
    (2, None)
    """
    for start in range(max(0, end - LONGEST), end - 1):
        if text[start:end] in place_names():
            return start
    return None


def is_county(code: str) -> bool:
    """Whether six digits are the code of a county, today's or a former one.

    Examples
    --------
    >>> is_county("430102"), is_county("439999")
    (True, False)
    """
    return any("county" in properties for _, properties in numdb.get("cn/loc").info(code))


def _names(prefixes: Iterable[Any]) -> Iterator[str]:
    for _, _, _, properties, children in prefixes:
        for names in properties.values():
            yield from _YEARS.sub("", names).split(",")
        yield from _names(children)
