"""One row of a caller as a complaint, or a refusal that quotes nothing of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domain.complaint import (
    COLUMNS,
    LABELS,
    Complaint,
    CustomerValue,
    Escalation,
    Sentiment,
    Tier,
    parse_complaint,
)
from domain.errors import InputError, RowRefused
from domain.taxonomy import NO_COMPLAINT, Taxonomy

NUMBERS: Mapping[str, tuple[float, float]] = {
    "customer_spend": (0, 1e12),
    "satisfaction": (1, 5),
    "channel_satisfaction": (1, 5),
    "answer_satisfaction": (1, 5),
    "nps": (0, 10),
    "cost": (0, 1e12),
    "compensation": (0, 1e12),
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "tier": tuple(member.value for member in Tier),
    "sentiment": tuple(member.value for member in Sentiment),
    "customer_value": tuple(member.value for member in CustomerValue),
    "escalated_to": tuple(member.value for member in Escalation),
}
TIMES = frozenset(
    {"received_at", "acknowledged_at", "plan_at", "resolved_at", "answered_at", "followed_up_at"}
)
TRUTHS = frozenset({"substantiated", "retained", "reopened", "returned"})
LONG = frozenset({"cause", "improvement"})
PLACEHOLDER = "-"


def expected(column: str) -> str:
    """What would be right in a column."""
    if column in NUMBERS:
        low, high = NUMBERS[column]
        return f"a number from {low:g} to {high:g}"
    if column in CHOICES:
        return f"one of {', '.join(CHOICES[column])}"
    if column in TIMES:
        return "a time such as 2026-02-14T15:00:00+08:00, in the years 1900 to 9998"
    if column in TRUTHS:
        return "true or false"
    if column == "issues":
        return "up to 4 issue codes"
    return f"a text of 1 to {10_000 if column in LONG else 200:,} characters without U+0000"


def parse_row(row: Mapping[str, Any], declared: Iterable[str]) -> Complaint:
    """A complaint with the known columns and the attributes that the settings declare."""
    kept = {name: row[name] for name in row if name in COLUMNS or name in declared}
    try:
        complaint = parse_complaint(kept)
    except RowRefused as error:
        raise refusal(error.column, error.reason) from None
    refuse_unaddressable(complaint.id)
    return complaint


def refuse_unaddressable(identifier: str) -> None:
    """Raise `RowRefused` for an id that no address of the service can carry."""
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in identifier):
        raise RowRefused("holds a control character; give a plain line of text", "id")


def refusal(column: str | None, reason: str) -> RowRefused:
    """A refusal in words that are safe to show to anybody."""
    if column == "text" or column is None:
        return RowRefused(reason, column)
    return RowRefused(f"give {expected(column)}", column)


def labels_of(complaint: Complaint) -> dict[str, Any]:
    """The labels that a row brings."""
    return {name: complaint.values[name] for name in LABELS if name in complaint.values}


def given_labels(written: Mapping[str, Any], *taxonomies: Taxonomy) -> dict[str, Any]:
    """What a person says of a complaint; `InputError` for nothing, `RowRefused` for the unknown."""
    labels = {name: written[name] for name in LABELS if written.get(name) is not None}
    if not labels:
        raise InputError("give at least one of category, issues, tier, sentiment")
    refuse_unknown_labels(labels, *taxonomies)
    return labels


def refuse_unknown_labels(labels: Mapping[str, Any], *taxonomies: Taxonomy) -> None:
    """Raise `RowRefused` for codes and categories that none of the taxonomies has."""
    for code in labels.get("issues", ()):
        if not any(code in taxonomy for taxonomy in taxonomies):
            raise RowRefused("holds a code that the taxonomy does not have", "issues")
    named = labels.get("category", NO_COMPLAINT)
    if named != NO_COMPLAINT and not any(named in taxonomy.categories for taxonomy in taxonomies):
        raise RowRefused("is no category of the taxonomy", "category")
