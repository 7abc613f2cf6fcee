"""Models on the shelf, and which version decides."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from sqlalchemy import Connection

from api.services.access import Caller
from api.services.clock import wall_clock
from api.services.desks import Desk
from api.services.office import Office
from api.settings import Settings
from api.store import facts
from api.store.complaints import audit_row
from domain.errors import ModelMissing, NotFound


def load_desk(settings: Settings, version: str | None) -> Desk:
    """The desk of the settings' model, warm; the newest version when none is named."""
    from api.services.shelf import open_desk

    desk = open_desk(settings, settings.model, version)
    desk.decide("屏幕一直闪", wall_clock())
    return desk


async def listed(office: Office) -> list[dict[str, Any]]:
    """Every version of the model that decides, and which one is at work."""
    from api.services.shelf import shelved

    settings = office.settings
    there = await asyncio.to_thread(shelved, settings, settings.model)
    at_work = office.desks.current().model.version if office.desks.ready() else None
    return [
        {
            "name": settings.model,
            "version": at_work,
            "versions": [model.version for model in there],
            "reason": office.desks.reason,
        }
    ]


async def activate(office: Office, caller: Caller, name: str, version: str) -> dict[str, Any]:
    """Put a version to work here, and in every other process within seconds."""
    if name != office.settings.model:
        raise NotFound("there is no model of this name at work here")
    try:
        await asyncio.to_thread(office.desks.swap, version)
    except ModelMissing:
        raise NotFound("there is no such version of the model") from None
    await office.write(partial(_activate, office=office, by=caller.id, name=name, version=version))
    return (await listed(office))[0]


def _activate(connection: Connection, office: Office, by: str, name: str, version: str) -> None:
    now = office.clock()
    facts.activate(connection, {"name": name, "version": version, "since": now, "by": by})
    audit_row(connection, now, by, "model.activate", f"{name} {version}", {})


def follow(office: Office) -> None:
    """Load the version that was activated last, here or in another process."""
    wanted = office.database.submit(
        partial(facts.active_model, name=office.settings.model), writes=False
    ).result()
    at_work = office.desks.current().model.version if office.desks.ready() else None
    if at_work is None or (wanted is not None and wanted != at_work):
        office.desks.swap(wanted)
