"""Compile a function once for this machine, not at each start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile when first called, and keep the machine code beside the source file.

    Where that folder can't be written, numba keeps it in the user's cache folder
    (``NUMBA_CACHE_DIR`` names another). Where neither can, the code is compiled at each start:
    slower by seconds, but right.

    Parameters
    ----------
    function : callable
        In the part of Python that numba compiles.

    Returns
    -------
    callable

    Examples
    --------
    >>> from mining.counting import _cube
    >>> _cube(3, 5)
    8
    """
    try:
        cached: Callable[..., Any] = njit(cache=True)(function)
    except RuntimeError:
        return njit(function)  # type: ignore[no-any-return]
    return cached
