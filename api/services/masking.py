"""Complaints without personal data, before anything of them is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from domain.complaint import Complaint, Value
from domain.privacy import Kind, mask, pseudonym

_CLOSED = frozenset({"tier", "sentiment", "customer_value", "escalated_to"})
_NAMED_BY_OTHERS = frozenset({"department", "repeat_of"})


class Masker:
    """Masks texts and columns under one key, so that one person stays one person."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def text(self, text: str) -> str:
        """The text with a tag in place of each piece of personal data."""
        return mask(text, self._key).text

    def short(self, text: str, most: int = 200) -> str:
        """A masked text as its column takes it: tags may be longer than what they hide."""
        return self.text(text)[:most]

    def customer(self, identifier: str) -> str:
        """The pseudonym of a customer's number."""
        return pseudonym(Kind.CUSTOMER, identifier, self._key)

    def complaint(self, complaint: Complaint) -> Complaint:
        """The complaint as it may be stored."""
        return replace(
            complaint,
            text=self.text(complaint.text),
            values={name: self._value(name, value) for name, value in complaint.values.items()},
            attributes={name: self.text(value) for name, value in complaint.attributes.items()},
        )

    def _value(self, name: str, value: Value) -> Value:
        if isinstance(value, tuple):
            return tuple(self.text(code) for code in value)
        if not isinstance(value, str) or name in _CLOSED | _NAMED_BY_OTHERS:
            return value
        return self.customer(value) if name == "customer_id" else self.text(value)

    def pointed(self, decision: Mapping[str, Any], cleaned: str, sent: str) -> dict[str, Any]:
        """The decision with offsets of its evidence in the text that was sent.

        The evidence stood in the masked form of the cleaned text.
        """
        masked = mask(cleaned, self._key)
        places = list(_places(cleaned, sent))

        def moved(piece: Mapping[str, Any]) -> dict[str, Any]:
            start = places[masked.to_original(piece["start"])]
            last = places[masked.to_original(piece["end"], end=True) - 1]
            return {**piece, "start": start, "end": last + 1}

        return {**decision, "evidence": [moved(piece) for piece in decision["evidence"]]}


def _places(cleaned: str, sent: str) -> Iterator[int]:
    """Where each character of a cleaned text stood; cleaning drops some and mends line ends."""
    at = 0
    for character in cleaned:
        while not _is_same(character, sent, at):
            at += 1
        yield at
        at += 1


def _is_same(character: str, sent: str, at: int) -> bool:
    if sent[at] == "\r":
        return character == "\n" and sent[at + 1 : at + 2] != "\n"
    return sent[at] == character
