"""What callers ask for, read alike at every door: days, and pages of a list."""

from __future__ import annotations

from datetime import date

from domain.errors import RowRefused


def day_of(written: str | None, column: str) -> date | None:
    """A day that there is; `RowRefused` where the calendar does not have it."""
    if written is None:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise RowRefused("give a day such as 2026-02-14", column) from None


def row_after(cursor: str | None) -> int | None:
    """The row number that a page ended with; None for the first page."""
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise RowRefused("give `next` of the page before", "cursor")
    return int(cursor)
