"""What is done to an installation from the command line."""

from __future__ import annotations

import contextlib
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from api.app.assembly import HANDLERS, make_office, prepare
from api.services import access, backups, imports
from api.services.access import NewKey
from api.services.clock import wall_clock
from api.services.imports import Owner, Progress
from api.services.models import follow
from api.services.office import Office
from api.services.tables import read_table
from api.services.worker import Worker
from api.settings import Settings
from api.store import imports as import_rows
from api.store import jobs, migration
from domain.errors import ModelError, SettingRefused

T = TypeVar("T")


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Office]:
    """An installation with its database up, closed again at the end."""
    office = make_office(settings)
    try:
        prepare(office)
        yield office
    finally:
        office.database.close()


def _done(settings: Settings, work: Callable[[Connection], T]) -> T:
    with opened(settings) as office:
        return office.database.submit(work).result()


def migrate(settings: Settings) -> str:
    """Bring the tables to the version that this code needs; the version."""
    return migration.migrate(settings)


def create_key(settings: Settings, new: NewKey) -> str:
    """Make a key; what is given back is not kept anywhere."""
    return _done(settings, partial(access.create_key, new=new, now=wall_clock()))


def list_keys(settings: Settings) -> list[dict[str, Any]]:
    """Every key without its secret."""
    shown = ("id", "name", "role", "departments", "scopes", "created_at", "expires_at",
             "revoked_at", "last_used_at")  # fmt: skip
    rows = _done(settings, access.list_keys)
    return [{name: getattr(row, name) for name in shown} for row in rows]


def revoke_key(settings: Settings, identifier: str) -> None:
    """End a key; a running service refuses it within seconds."""
    _done(settings, partial(access.revoke_key, identifier=identifier, now=wall_clock()))


def back_up(settings: Settings, out: Path) -> dict[str, Any]:
    """Copy the database into a new directory, beside a running service."""
    return backups.back_up(settings, out, wall_clock())


def restore(settings: Settings, source: Path) -> dict[str, Any]:
    """Put a backup where no database is yet."""
    return backups.restore(settings, source)


def work(settings: Settings) -> None:
    """Run jobs until asked to stop, beside services on PostgreSQL."""
    if settings.on_sqlite:
        raise SettingRefused(
            "on SQLite the service runs the jobs itself; a worker needs PostgreSQL"
        )
    with opened(settings) as office:
        _follow(office)
        worker = Worker(office, HANDLERS)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: worker.stop(0))
        worker.run()


def import_file(
    settings: Settings, file: Path, mapping: Mapping[str, str], progress: Progress
) -> dict[str, Any]:
    """Store the rows of a file; counts, and every refused row with its reason."""
    table = read_table(file, mapping=mapping)
    with opened(settings) as office:
        _follow(office)
        identifier = f"imp_{secrets.token_hex(16)}"
        _note(office, identifier, file)
        counts = imports.store_table(office, table, identifier, Owner("cli", None), progress)
        refused = partial(import_rows.refusals, identifier=identifier, after=0, limit=10**9)
        rows = office.database.submit(refused, writes=False).result()
    errors = [{"row": row.row, "column": row.column, "reason": row.reason} for row in rows]
    return {"id": identifier, **counts, "errors": errors}


def _note(office: Office, identifier: str, file: Path) -> None:
    now = office.clock()

    def noted(connection: Connection) -> None:
        new = jobs.NewJob("import by cli", identifier, {"import": identifier}, "cli", now)
        name, size = office.masker.text(file.name[:120]), file.stat().st_size
        values = {"id": identifier, "job": jobs.add(connection, new), "name": name,
                  "size_bytes": size, "created_at": now}  # fmt: skip
        import_rows.add(connection, values)

    office.database.submit(noted).result()


def _follow(office: Office) -> None:
    try:
        follow(office)
    except ModelError as error:
        office.log.warning("no model", detail=str(error))
