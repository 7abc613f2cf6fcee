"""Signatures after Standard Webhooks: HMAC-SHA256 over id, time and body; several keys at once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from domain.errors import KeyRefused

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300
_KEY_BYTES = 32


def new_secret() -> str:
    """A key to sign with, in the form that receivers know."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def sign(secret: str, message: str, moment: int, body: bytes) -> str:
    """One signature, `v1,…`."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message}.{moment}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(keys: Iterable[str], message: str, moment: int, body: bytes) -> dict[str, str]:
    """What goes out with a body; while a key is exchanged, both of them sign."""
    return {
        "webhook-id": message,
        "webhook-timestamp": str(moment),
        "webhook-signature": " ".join(sign(key, message, moment, body) for key in keys),
    }


def verify(secret: str, given: Mapping[str, str], body: bytes, now: datetime) -> None:
    """What a receiver does: `KeyRefused` unless one of our signatures fits and is fresh."""
    message, written = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (written.isascii() and written.isdigit()):
        raise KeyRefused("the webhook has no time")
    if abs(now.timestamp() - int(written)) > TOLERANCE_SECONDS:
        raise KeyRefused("the webhook's time is more than 5 minutes off")
    expected = sign(secret, message, int(written), body)
    found = given.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in found):
        raise KeyRefused("no signature of the webhook fits")


def is_secret(written: str) -> bool:
    """Whether a key has the right form: 24 to 64 bytes in base64."""
    try:
        raw = base64.b64decode(written.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return written.startswith(PREFIX) and 24 <= len(raw) <= 64
