"""Who is calling, and what they may do."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import Connection, Row

from api.services.clock import Clock
from api.settings import Settings
from api.store import keys as key_rows
from api.store.complaints import audit_row
from api.store.database import Database, run
from domain.errors import KeyRefused, NotFound, RoleRefused, SettingRefused, TooMany

_PREFIX = "sy_"
_FRESH_SECONDS = 2.0
_CACHED = 10_000


class Scope(StrEnum):
    """One thing that a key may be allowed to do."""

    CLASSIFY = "classify"
    READ = "read"
    INTAKE = "intake"
    LABEL = "label"
    IMPORT = "import"
    EXPORT = "export"
    REPORT = "report"
    IMPROVE = "improve"
    APPROVE = "approve"
    UNMASK = "unmask"
    TRAIN = "train"
    MODELS = "models"
    OPERATE = "operate"


class Role(StrEnum):
    """What a key's holder is in the house."""

    VIEWER = "viewer"
    HANDLER = "handler"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"


_READS = {Scope.READ, Scope.CLASSIFY}
_HANDLES = _READS | {Scope.INTAKE, Scope.LABEL, Scope.IMPROVE}
SCOPES: Mapping[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset(_READS),
    Role.HANDLER: frozenset(_HANDLES),
    Role.SUPERVISOR: frozenset(
        _HANDLES | {Scope.EXPORT, Scope.REPORT, Scope.UNMASK, Scope.APPROVE}
    ),
    Role.ANALYST: frozenset(
        _READS | {Scope.IMPORT, Scope.EXPORT, Scope.REPORT, Scope.LABEL, Scope.IMPROVE, Scope.TRAIN}
    ),
    Role.ADMINISTRATOR: frozenset(Scope),
}


@dataclass(frozen=True)
class Caller:
    """Somebody whose key was found good; `departments` None means all of them."""

    id: str
    role: Role
    scopes: frozenset[Scope]
    departments: tuple[str, ...] | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the scope is among the caller's."""
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Raise `RoleRefused` when the scope is not among the caller's."""
        if scope not in self.scopes:
            raise RoleRefused(f"this needs the scope {scope}; the key does not carry it")

    def department_of(self, named: str | None) -> str | None:
        """The department that something new belongs to; `RoleRefused` for a foreign one."""
        if self.departments is None or named in self.departments:
            return named
        if named is None and len(self.departments) == 1:
            return self.departments[0]
        raise RoleRefused("name one of the departments that the key belongs to")

    def departments_in(self, named: str | None) -> Sequence[str] | None:
        """The departments that are looked at, one or the caller's; None means all."""
        if named is None:
            return self.departments
        if self.departments is not None and named not in self.departments:
            raise RoleRefused("name one of the departments that the key belongs to")
        return [named]


LOCAL = Caller("local", Role.ADMINISTRATOR, frozenset(Scope))


@dataclass(frozen=True)
class NewKey:
    """What a key is made with."""

    name: str
    role: str
    departments: Sequence[str] = ()
    scopes: Sequence[str] = ()
    expires_at: datetime | None = None


def create_key(connection: Connection, new: NewKey, now: datetime, by: str = "cli") -> str:
    """Make a key and give it back, this once; only its digest is kept."""
    role = _known(Role, new.role, "role")
    scopes = [_known(Scope, scope, "scope") for scope in new.scopes]
    if beyond := [scope for scope in scopes if scope not in SCOPES[role]]:
        raise SettingRefused(f"the role {role} can't carry the scope {beyond[0]}")
    identifier = secrets.token_hex(6)
    key = f"{_PREFIX}{identifier}_{secrets.token_urlsafe(32)}"
    values = {
        "id": identifier,
        "name": new.name[:200],
        "digest": _digest(key),
        "role": role.value,
        "departments": list(new.departments),
        "scopes": [scope.value for scope in scopes],
        "created_at": now,
        "expires_at": new.expires_at,
    }
    key_rows.add(connection, values)
    audit_row(connection, now, by, "key.create", identifier, {"role": role.value})
    return key


def list_keys(connection: Connection) -> list[Row[Any]]:
    """Every key, oldest first; the keys themselves are not kept."""
    return key_rows.listed(connection)


def revoke_key(connection: Connection, identifier: str, now: datetime, by: str = "cli") -> None:
    """End a key; every process refuses it within seconds."""
    if not key_rows.revoke(connection, identifier, now):
        raise NotFound(f"no key {identifier[:40]!r}; `suyuan keys list` shows their ids")
    audit_row(connection, now, by, "key.revoke", identifier, {})


def _known(kind: type[Any], name: str, what: str) -> Any:
    try:
        return kind(name)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise SettingRefused(f"{name[:40]!r} is no {what}; there are {known}") from None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass
class _Entry:
    row: Row[Any]
    caller: Caller
    fresh_until: float


class Gate:
    """Tells callers apart by their keys and counts what they send."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._wait = settings.store_wait_seconds
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._locked: tuple[bool, float] = (True, 0.0)
        self._used: dict[str, datetime] = {}
        self._rates = FixedWindowRateLimiter(MemoryStorage())
        self._key_rate = parse(settings.key_rate)
        self._refused_rate = parse(settings.refused_key_rate)

    async def admit(self, authorization: str | None, address: str, *, local: bool) -> Caller | None:
        """The caller; None when no key is given and one is needed."""
        if authorization is None:
            return LOCAL if local and not await self._has_keys() else None
        caller = await self._holder(_bearer(authorization), address)
        self._count(self._key_rate, caller.id, "this key")
        return caller

    async def _has_keys(self) -> bool:
        locked, fresh_until = self._locked
        if time.monotonic() >= fresh_until:
            locked = await run(self._database, key_rows.any_exists, self._wait, writes=False)
            self._locked = (locked, time.monotonic() + _FRESH_SECONDS)
        return locked

    async def _holder(self, key: str, address: str) -> Caller:
        digest = _digest(key)
        entry = self._entries.get(digest)
        if entry is None or entry.fresh_until < time.monotonic():
            entry = await self._read(digest)
        if entry is None or not hmac.compare_digest(entry.row.digest, digest):
            self._refuse_guessing(address)
            self._count(self._refused_rate, address, "wrong keys from this address")
            raise KeyRefused("the key is unknown")
        now = self._clock()
        self._refuse_ended(entry.row, now)
        self._used[entry.caller.id] = now
        return entry.caller

    async def _read(self, digest: str) -> _Entry | None:
        work = partial(_key_row, digest=digest)
        row = await run(self._database, work, self._wait, writes=False)
        if row is None:
            self._entries.pop(digest, None)
            return None
        if len(self._entries) >= _CACHED:
            self._entries.clear()
        entry = _Entry(row, _caller(row), time.monotonic() + _FRESH_SECONDS)
        self._entries[digest] = entry
        return entry

    def _refuse_ended(self, row: Row[Any], now: datetime) -> None:
        if row.revoked_at is not None:
            raise KeyRefused("the key was revoked")
        if row.expires_at is not None and row.expires_at <= now:
            raise KeyRefused("the key has expired")

    def _refuse_guessing(self, address: str) -> None:
        if not self._rates.test(self._refused_rate, address):
            raise TooMany("too many wrong keys from this address; try again in a minute")

    def _count(self, rate: RateLimitItem, who: str, what: str) -> None:
        if not self._rates.hit(rate, who):
            raise TooMany(f"the limit for {what} is {rate.amount} per {rate.get_expiry()} s")

    def forget(self) -> None:
        """Look every key up anew."""
        self._entries.clear()
        self._locked = (True, 0.0)

    def used(self) -> dict[str, datetime]:
        """When the keys seen since the last call were used."""
        used, self._used = self._used, {}
        return used


def _key_row(connection: Connection, digest: str) -> Row[Any] | None:
    return key_rows.by_digest(connection, digest)


def _caller(row: Row[Any]) -> Caller:
    role = Role(row.role)
    scopes = frozenset(Scope(scope) for scope in row.scopes) or SCOPES[role]
    return Caller(row.id, role, scopes & SCOPES[role], tuple(row.departments) or None)


def _bearer(authorization: str) -> str:
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key.startswith(_PREFIX):
        raise KeyRefused("send the key as `Authorization: Bearer sy_…`")
    return key.strip()
