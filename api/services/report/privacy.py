"""What of a complaint may be shown: texts and values with everything personal masked."""

from __future__ import annotations

from functools import lru_cache

from domain.privacy import Kind, mask, without_codes

_KEY = b"a report shows kinds, not pseudonyms"
_IN_VALUES = frozenset(Kind) - {Kind.NAME, Kind.ADDRESS}
_LONGEST = 400


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
