"""Secrets that an installation makes for itself at its first start."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from domain.errors import SettingRefused

_BYTES = 32


def secret(data_dir: Path, name: str, given: SecretStr | None = None) -> bytes:
    """The secret that the settings give, else the one in the data directory, made if need be."""
    if given is not None:
        return _decoded(given.get_secret_value(), name)
    file = data_dir / "keys" / f"{name}.key"
    if not file.exists():
        _make(file)
    return _decoded(file.read_text("ascii"), str(file))


def check_value(key: bytes) -> str:
    """What tells two keys apart without telling the key."""
    return hashlib.sha256(b"suyuan key check\0" + key).hexdigest()[:32]


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(f".{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(base64.b64encode(secrets.token_bytes(_BYTES)).decode())
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(fresh, file)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _decoded(text: str, name: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _BYTES:
        raise SettingRefused(f"{name} is no key; {_BYTES} bytes in base64 are needed")
    return key
