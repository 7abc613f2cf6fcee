"""Models on the shelf, and which version decides."""

from __future__ import annotations

import asyncio
from typing import Any

from api.services.access import Caller
from api.services.clock import wall_clock
from api.services.desks import Desk
from api.services.learning import promotion
from api.services.office import Office
from api.settings import Settings

follow = promotion.follow


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
    await promotion.activate(office, caller, name, version)
    return (await listed(office))[0]
