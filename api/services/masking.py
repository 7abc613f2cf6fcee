"""Complaints without personal data, before anything of them is stored."""

from __future__ import annotations

from dataclasses import replace

from domain.complaint import Complaint, Value
from domain.privacy import Kind, mask, pseudonym

_FREE = ("cause", "improvement", "channel", "product", "outlet", "handler", "team")


class Masker:
    """Masks texts and columns under one key, so that one person stays one person."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def text(self, text: str) -> str:
        """The text with a tag in place of each piece of personal data."""
        return mask(text, self._key).text

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
        if not isinstance(value, str):
            return value
        if name == "customer_id":
            return self.customer(value)
        return self.text(value) if name in _FREE else value
