"""Encrypted keeping of what must not lie open on the disk."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import SettingRefused

_NONCE_BYTES = 12


class Vault:
    """Seals bytes under a key, bound to the name of what they belong to."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, name: str) -> bytes:
        """Nonce and ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """The plain bytes; `SettingRefused` when the key or the name is another."""
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, ciphertext, name.encode())
        except InvalidTag:
            raise SettingRefused(
                "the stored original can't be opened with this key; give the key it was sealed with"
            ) from None
