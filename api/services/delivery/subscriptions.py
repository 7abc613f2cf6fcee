"""Webhooks as administrators deal with them: subscribed, listed, given a new key, ended."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.delivery.addresses import target_of
from api.services.delivery.signature import new_secret
from api.services.keyfiles import secret
from api.services.office import Office
from api.services.vault import Vault
from api.store import delivery
from api.store.complaints import audit_row
from domain.errors import NotFound, RowRefused, Unavailable

_BOTH_KEYS = timedelta(hours=24)
_SHOWN = ("id", "url", "department", "kinds", "active", "failure", "created_at", "by")
_DELIVERY = ("message", "way", "target", "subject", "kind", "state", "attempts", "next_at",
             "failure", "created_at", "ended_at")  # fmt: skip


def vault_of(office: Office) -> Vault:
    """What webhooks' keys are sealed with."""
    return Vault(secret(office.settings.data_dir, "webhooks"))


def keys_of(vault: Vault, webhook: Row[Any], now: datetime) -> list[str]:
    """The keys that sign: the newest, and the one before while receivers change over."""
    keys = [vault.open(webhook.secret, webhook.id).decode()]
    if webhook.earlier_secret is not None and now < webhook.earlier_until:
        keys.append(vault.open(webhook.earlier_secret, webhook.id).decode())
    return keys


async def subscribe(office: Office, caller: Caller, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Store a webhook and show its key, this once."""
    await _refuse_address(office, asked["url"])
    identifier, key = f"whk_{secrets.token_hex(16)}", new_secret()
    values = {
        "id": identifier,
        "url": asked["url"],
        "department": asked["department"],
        "kinds": asked["kinds"] or [],
        "secret": vault_of(office).seal(key.encode(), identifier),
        "active": True,
        "created_at": office.clock(),
        "by": caller.id,
    }
    await office.write(partial(_subscribe, values=values))
    return {**{name: values.get(name) for name in _SHOWN}, "secret": key}


async def _refuse_address(office: Office, url: str) -> None:
    own = office.settings.webhook_hosts
    try:
        await asyncio.wait_for(asyncio.to_thread(target_of, url, own), 5)
    except (Unavailable, TimeoutError):
        raise RowRefused("names a host that has no address now", "url") from None


def _subscribe(connection: Connection, values: Mapping[str, Any]) -> None:
    delivery.add_webhook(connection, values)
    audit_row(connection, values["created_at"], values["by"], "webhook.create", values["id"], {})


async def listed(office: Office) -> dict[str, Any]:
    """Every webhook; the keys are not shown again."""
    rows = await office.read(delivery.listed_webhooks)
    return {"items": [{name: getattr(row, name) for name in _SHOWN} for row in rows]}


async def rotate(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """A new key; for a day the old one signs beside it."""
    key = new_secret()
    sealed = vault_of(office).seal(key.encode(), identifier)
    now = office.clock()

    def work(connection: Connection) -> None:
        row = delivery.find_webhook(connection, identifier)
        if row is None:
            raise NotFound("there is no webhook of this id")
        values = {"secret": sealed, "earlier_secret": row.secret, "earlier_until": now + _BOTH_KEYS}
        delivery.change_webhook(connection, identifier, values)
        audit_row(connection, now, caller.id, "webhook.rotate", identifier, {})

    await office.write(work)
    return {"id": identifier, "secret": key, "earlier_until": now + _BOTH_KEYS}


async def enable(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """Switch a webhook on again that its receiver switched off."""

    def work(connection: Connection) -> Row[Any] | None:
        delivery.change_webhook(connection, identifier, {"active": True, "failure": None})
        audit_row(connection, office.clock(), caller.id, "webhook.enable", identifier, {})
        return delivery.find_webhook(connection, identifier)

    row = await office.write(work)
    if row is None:
        raise NotFound("there is no webhook of this id")
    return {name: getattr(row, name) for name in _SHOWN}


async def end(office: Office, caller: Caller, identifier: str) -> None:
    """Forget a webhook and what was still to be sent to it."""

    def work(connection: Connection) -> bool:
        dropped = delivery.drop_webhook(connection, identifier)
        if dropped:
            audit_row(connection, office.clock(), caller.id, "webhook.end", identifier, {})
        return dropped

    if not await office.write(work):
        raise NotFound("there is no webhook of this id")


async def deliveries(office: Office, state: str | None, limit: int) -> dict[str, Any]:
    """What was sent, what waits and why, what was given up."""
    rows = await office.read(partial(delivery.listed, state=state, limit=limit))
    return {"items": [{name: getattr(row, name) for name in _DELIVERY} for row in rows]}
