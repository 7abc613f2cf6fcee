"""One value, many spellings: “浦东店” and “浦东 店”, “b-07” and “B07”."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from domain.complaint import is_unknown
from domain.text import fold

Aliases = Mapping[str, Mapping[str, str]]

_JOINTS = re.compile(r"[\s\-_‐‑‒–—－·・]+")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s\-_‐‑‒–—－·・]+(?=\d)")


def spelling_key(value: str) -> str:
    """What two spellings of one value share: width, case, script, blanks and hyphens are dropped.

    A joint between two digits stays (as one hyphen), because 1-11 and 11-1 are two values.

    Parameters
    ----------
    value : str
        As it stands in the table.

    Returns
    -------
    str

    Examples
    --------
    >>> spelling_key("b-07") == spelling_key("Ｂ07"), spelling_key("浦东 店")
    (True, '浦东店')
    >>> spelling_key("1-11") == spelling_key("11-1")
    False
    """
    kept = _BETWEEN_DIGITS.sub("\0", value.strip())
    return "-".join(_folded(_JOINTS.sub("", part)) for part in kept.split("\0"))


def _folded(part: str) -> str:
    return fold(part).text or part


def join_spellings(
    values: Sequence[str], counts: NDArray[np.int64], aliases: Mapping[str, str] | None = None
) -> tuple[list[str], NDArray[np.int32]]:
    """Join the spellings of one column.

    Parameters
    ----------
    values : sequence of str, length v
        The distinct values of the column.
    counts : ndarray of int64, shape (v,)
        Rows that hold each.
    aliases : mapping of str to str, optional
        Spelling to the name it stands for; wins over what the spellings themselves say.

    Returns
    -------
    names : list of str
        The name shown for each joined value: the alias's, else the commonest spelling.
    codes : ndarray of int32, shape (v,)
        Index into `names`; -1 where the value says nothing (empty, 未知 …).

    Examples
    --------
    >>> names, codes = join_spellings(["B07", "b-07", "未知"], np.array([5, 2, 9]))
    >>> names, codes.tolist()
    (['B07'], [0, 0, -1])
    """
    named = {spelling_key(said): meant for said, meant in (aliases or {}).items()}
    codes = np.full(len(values), -1, dtype=np.int32)
    index: dict[str, int] = {}
    names: list[str] = []
    for at in np.argsort(-counts, kind="stable").tolist():
        value = str(values[at]).strip()
        if is_unknown(value):
            continue
        name = named.get(spelling_key(value), value)
        if is_unknown(name):
            continue
        code = index.setdefault(spelling_key(name), len(names))
        if code == len(names):
            names.append(name)
        codes[at] = code
    return names, codes
