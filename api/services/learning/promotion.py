"""Who decides from now on: asked by one, confirmed by another, taken back in one step."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services import shelf
from api.services.access import Caller
from api.services.learning import training
from api.services.office import Office
from api.store import facts, learning
from api.store.complaints import audit_row
from domain.errors import Conflict, ModelMissing, ModelRefused, NotFound, RoleRefused, SuyuanError
from triage.artefact import version_key

START, ACTIVATION, PROMOTION = "start", "activation", "promotion"
ROLLBACK, AUTOMATIC = "rollback", "automatic"
_SHOWN = 100
_TOLD = ("version", "before", "since", "how", "by", "asked_by", "reason")
_CHOSEN = (PROMOTION, ACTIVATION)
_FEWEST_FAULTS = 5
_TOLERATED = 0.01


async def ask(
    office: Office, caller: Caller, name: str, version: str, reason: str
) -> dict[str, Any]:
    """Ask that a candidate which passed the gate goes live."""
    row = await training.found(office, name, version)
    training.refuse_state(row.state, learning.ACCEPTED)
    values = {"state": learning.ASKED, "asked_by": caller.id, "asked_at": office.clock(),
              "reason": office.masker.short(reason, 500)}  # fmt: skip
    change = partial(
        _change, office=office, by=caller.id, row=row, values=values, action="model.ask"
    )
    await office.write(change)
    return await training.shown(office, name, version)


async def withdraw(office: Office, caller: Caller, name: str, version: str) -> dict[str, Any]:
    """Take the question back; the candidate stays."""
    row = await training.found(office, name, version)
    training.refuse_state(row.state, learning.ASKED)
    values = {"state": learning.ACCEPTED, "asked_by": None, "asked_at": None, "reason": None}
    change = partial(
        _change, office=office, by=caller.id, row=row, values=values, action="model.withdraw"
    )
    await office.write(change)
    return await training.shown(office, name, version)


def _change(
    connection: Connection,
    office: Office,
    by: str,
    row: Row[Any],
    values: Mapping[str, Any],
    action: str,
) -> None:
    if not learning.change_candidate(connection, row.id, [row.state], values):
        raise Conflict("somebody changed this candidate meanwhile; read it again")
    audit_row(connection, office.clock(), by, action, f"{row.name} {row.version}", {})


async def confirm(office: Office, caller: Caller, name: str, version: str) -> dict[str, Any]:
    """Put a candidate to work that somebody else asked for; every process follows in seconds."""
    row = await training.found(office, name, version)
    training.refuse_state(row.state, learning.ASKED)
    if row.asked_by == caller.id:
        raise RoleRefused("who asked for a promotion can't confirm it; a second person must")
    await asyncio.to_thread(shelf.adopt, office.settings, name, version)
    await asyncio.to_thread(office.desks.swap, version)
    try:
        await office.write(partial(_promote, office=office, by=caller.id, row=row))
    except SuyuanError:
        await asyncio.to_thread(follow, office)
        raise
    return await training.shown(office, name, version)


def _promote(connection: Connection, office: Office, by: str, row: Row[Any]) -> None:
    now, before = office.clock(), facts.active_model(connection, row.name)
    values = {"state": learning.LIVE, "confirmed_by": by, "confirmed_at": now, "shadowed": False}
    _change(connection, office, by, row, values, "model.promote")
    live = _live(row.name, row.version, now, PROMOTION, by, row.asked_by, row.reason)
    _switch(connection, live, before)
    learning.retire_others(connection, row.name, row.version)
    if before is not None:
        learning.raise_floor(connection, row.name, before)


def _live(
    name: str,
    version: str,
    since: Any,
    how: str,
    by: str,
    asked_by: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    return {"name": name, "version": version, "since": since, "how": how, "by": by,
            "asked_by": asked_by, "reason": reason}  # fmt: skip


def _switch(connection: Connection, live: Mapping[str, Any], before: str | None) -> None:
    if not learning.switch(connection, live, before, first=before is None):
        raise Conflict("another version went live meanwhile; look at the history and repeat")


async def activate(office: Office, caller: Caller, name: str, version: str) -> None:
    """Put a version to work that the shelf holds: shipped, or promoted before."""
    training.refuse_other(office, name)
    await office.read(partial(refuse_below_floor, name=name, version=version))
    try:
        await asyncio.to_thread(office.desks.swap, version)
    except ModelMissing:
        raise NotFound("there is no such version of the model on the shelf") from None
    await office.write(partial(_activate, office=office, by=caller.id, name=name, version=version))


def _activate(connection: Connection, office: Office, by: str, name: str, version: str) -> None:
    now, before = office.clock(), facts.active_model(connection, name)
    audit_row(connection, now, by, "model.activate", f"{name} {version}", {})
    if before != version:
        _switch(connection, _live(name, version, now, ACTIVATION, by), before)


def refuse_below_floor(connection: Connection, name: str, version: str) -> None:
    """Raise `ModelRefused` for a version older than the oldest that may still decide."""
    floor = learning.floor(connection, name)
    if floor is not None and version_key(version) < version_key(floor):
        raise ModelRefused(f"model {name} {version} is older than {floor}, the oldest allowed")


async def roll_back(office: Office, caller: Caller, name: str, reason: str) -> dict[str, Any]:
    """Put the version before back to work, in one step."""
    training.refuse_other(office, name)
    told = office.masker.short(reason, 500)
    work = partial(_roll_back, office=office, name=name, how=ROLLBACK, by=caller.id, reason=told)
    version = await office.write(work)
    await asyncio.to_thread(office.desks.swap, version)
    return await history(office, name)


def _roll_back(
    connection: Connection,
    office: Office,
    name: str,
    how: str,
    by: str,
    reason: str,
    expected: str | None = None,
) -> str:
    now, live = office.clock(), facts.active_model(connection, name)
    before = version_before(connection, name, live)
    if before is None or live is None or expected not in (None, live):
        raise Conflict("no version was at work before this one; nothing can be taken back")
    refuse_below_floor(connection, name, before)
    _switch(connection, _live(name, before, now, how, by, None, reason), live)
    learning.retire_others(connection, name, before)
    audit_row(connection, now, by, f"model.{how}", f"{name} {before}", {"from": live})
    return before


def version_before(connection: Connection, name: str, live: str | None) -> str | None:
    """What was at work before somebody chose the version that now is."""
    rows = learning.live_history(connection, name, _SHOWN)
    chosen = (row for row in rows if row.version == live and row.how in _CHOSEN)
    return next((row.before for row in chosen), None)


async def history(office: Office, name: str) -> dict[str, Any]:
    """What was live when, newest first, and the oldest version that may still be."""
    training.refuse_other(office, name)
    rows = await office.read(partial(learning.live_history, name=name, limit=_SHOWN))
    floor = await office.read(partial(learning.floor, name=name))
    return {"items": [_out(row) for row in rows], "floor": floor}


def _out(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _TOLD}


def _at_work(office: Office) -> str | None:
    return office.desks.current().model.version if office.desks.ready() else None


def follow(office: Office) -> None:
    """Load the version that is live, here or in another process; take a broken one back."""
    name = office.settings.model
    wanted = office.database.submit(partial(_wanted, name=name), writes=False).result()
    if not office.desks.ready():
        _start(office, name, wanted)
    elif wanted is not None and wanted != _at_work(office):
        office.desks.swap(wanted)
    watch(office, name)


def _wanted(connection: Connection, name: str) -> str | None:
    """The version that is live; refused when it lies below the floor."""
    version = facts.active_model(connection, name)
    if version is not None:
        refuse_below_floor(connection, name, version)
    return version


def _start(office: Office, name: str, wanted: str | None) -> None:
    """Go on with the version that was live; a new release brings its own when that is gone."""
    try:
        desk = office.desks.swap(wanted)
    except ModelMissing:
        if wanted is None:
            raise
        rows = office.database.submit(
            partial(learning.live_history, name=name, limit=1), writes=False
        ).result()
        if rows and rows[0].how != START:
            raise
        desk = office.desks.swap(None)
    if desk.model.version != wanted:
        live = _live(name, desk.model.version, office.clock(), START, "service")
        work = partial(learning.switch, values=live, expected=wanted, first=wanted is None)
        office.database.submit(work).result()


def watch(office: Office, name: str) -> None:
    """Roll back by itself when more than 1 % of the last minute's decisions broke."""
    decided, broke = office.desks.trouble()
    if broke < _FEWEST_FAULTS or broke <= _TOLERATED * decided:
        return
    reason = f"{broke} of {decided} decisions broke within 60 s"
    work = partial(
        _roll_back, office=office, name=name, how=AUTOMATIC, by="service", reason=reason,
        expected=_at_work(office),
    )  # fmt: skip
    try:
        version = office.database.submit(work).result()
    except Conflict:
        return
    office.desks.swap(version)
    office.log.error("model rolled back", detail=reason, version=version)
