"""How well problems are worked on, gathered for the formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any


def indicators_of(
    rows: Sequence[Any], measures: Sequence[Any], effects: Mapping[str, Any], today: date
) -> dict[str, Any]:
    """Implementation rate, effectiveness, contribution, repeat rate, days to effect."""
    return {}
