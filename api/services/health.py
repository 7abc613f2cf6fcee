"""Whether an installation can do its work, said as it is."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Connection

from api.services.office import Office
from api.store import complaints, migration
from api.store.engine import durability
from domain.errors import SuyuanError


async def readiness(office: Office) -> tuple[bool, dict[str, Any]]:
    """Whether everything works, with a word on each part."""
    checks: dict[str, str] = {}
    warnings: list[str] = []
    try:
        found = await office.read(partial(_stored, office=office))
        checks |= found["checks"]
        warnings += found["warnings"]
    except SuyuanError as error:
        checks["database"] = str(error)
    checks["model"] = "ok" if office.desks.ready() else office.desks.reason or "no model"
    checks |= {name: sign() for name, sign in office.signs.items()}
    if office.desks.ready() and office.desks.reason:
        warnings.append(office.desks.reason)
    ready = all(word == "ok" for word in checks.values())
    status = "ok" if ready else "unavailable"
    return ready, {"status": status, "checks": checks, "warnings": warnings}


def _stored(connection: Connection, office: Office) -> dict[str, Any]:
    found = durability(connection, office.settings)
    version, newest = migration.version(connection), migration.newest()
    unsafe = "; ".join(found.refusals)
    checks = {
        "database": "ok",
        "tables": "ok" if version == newest else f"version {version}, needed is {newest}",
        "durability": "ok" if not unsafe or office.settings.unsafe_durability else unsafe,
    }
    failed = complaints.count(connection, complaints.FAILED)
    warnings = [*found.warnings, *([unsafe] if unsafe else [])]
    if failed:
        warnings.append(f"{failed} complaints could not be classified; see state=failed")
    return {"checks": checks, "warnings": warnings}
