"""What of a complaint may be shown: texts and values with everything personal masked."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from domain.privacy import Kind, mask, without_codes

_KEY = b"a report shows kinds, not pseudonyms"
_IN_VALUES = frozenset(Kind) - {Kind.NAME, Kind.ADDRESS}
_LONGEST = 400
_OURS = frozenset({"digest", "parameters_digest", "exposure_digest", "versions"})


def shown_text(text: str) -> str:
    """A complaint's text as a report shows it: masked, without codes, cut at 400 characters."""
    masked = without_codes(mask(text, _KEY).text)
    return masked if len(masked) <= _LONGEST else masked[:_LONGEST] + "…"


@lru_cache(maxsize=200_000)
def shown_value(value: str) -> str:
    """An id or an attribute's value: numbers and addresses of persons masked.

    Names of outlets read like names and addresses, so those two kinds stay.
    """
    return without_codes(mask(value, _KEY, _IN_VALUES).text)


def published(content: dict[str, Any]) -> dict[str, Any]:
    """A whole report as it may leave: no string with personal data, figures to six digits.

    Six digits give the same bytes on any machine. Digests and versions are not data of persons
    and stay as they are.
    """
    return {key: _published(key, value) for key, value in content.items()}


def _published(key: str, value: Any) -> Any:
    if key in _OURS:
        return value
    if isinstance(value, dict):
        return published(value)
    if isinstance(value, (list, tuple)):
        return [_published(key, each) for each in value]
    if isinstance(value, str):
        return shown_value(value)
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
