"""``suyuan serve, import, migrate, worker, keys, backup, restore``: the service and its store."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from api.cli.terminal import (
    JsonFlag,
    MapOption,
    TableArgument,
    Tick,
    column_map,
    err,
    exits,
    out,
    plain,
    print_grid,
    print_json,
    progress,
)
from api.services.clock import wall_clock
from api.settings import Settings
from domain.errors import SettingRefused, SuyuanError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.services.office import Office

Answer = TypeVar("Answer")
keys = typer.Typer(help="Keys of those who call the service.", no_args_is_help=True)


@exits
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65_535)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; more than one needs PostgreSQL.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Database, keys and reports.")] = None,
) -> None:
    """Start the service: http://127.0.0.1:8000, SQLite in ./data, until Ctrl-C."""
    from api.app import serve as run

    given: dict[str, Any] = {"host": host, "port": port, "workers": workers, "data_dir": data_dir}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    err.print(
        f"Serving on http://{settings.host}:{settings.port}/ — pages at /, API at /docs; "
        "Ctrl-C stops."
    )
    run(settings)


@exits
def import_(
    file: TableArgument,
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Store a file of history: decided, masked, each row once."""
    from api.services.access import LOCAL
    from api.services.imports import KIND, Upload, accept, run_import, shown
    from api.services.tables import read_table
    from api.services.worker import Worker

    columns = column_map(mapping)
    read_table(file, mapping=columns).require("id", "text")
    with open_office() as office, progress("Importing") as tick:
        taken = asyncio.run(accept(office, LOCAL, Upload(file.read_bytes(), file.name, columns)))
        worker = Worker(office, {KIND: _ticking(run_import, tick)})
        while not _ended(state := asyncio.run(shown(office, LOCAL, taken["id"], 0))):
            worker.step()
    if json:
        print_json(state)
    else:
        _print_import(state, file)
    if state["rows_ok"] == 0:
        raise SuyuanError(f"no row of {file.name} was stored; see the reasons above")


def _ticking(run: Callable[..., Mapping[str, Any]], tick: Tick) -> Callable[..., Mapping[str, Any]]:
    def handler(office: Office, told: Mapping[str, Any], renew: Tick) -> Mapping[str, Any]:
        def both(done: int, total: int) -> None:
            renew(done, total)
            tick(done, total)

        return run(office, told, both)

    return handler


def _ended(state: Mapping[str, Any]) -> bool:
    return state["state"] in {"done", "failed"}


def _print_import(state: Mapping[str, Any], file: Path) -> None:
    if state.get("reason"):
        err.print(f"[bold red]Failed:[/] {plain(str(state['reason']))}")
    out.print(
        f"{file.name}: {state['rows_in']:,} rows, {state['rows_ok']:,} taken, "
        f"{state['rows_added']:,} of them new, {state['rows_rejected']:,} refused."
    )
    if state.get("columns_not_kept"):
        err.print(f"Not kept: {plain(', '.join(state['columns_not_kept']))}. {state['advice']}")
    for error in state["errors"][:10]:
        err.print(f"  row {error['row']:,}: {plain(str(error['reason']))}")


@contextmanager
def open_office() -> Iterator[Office]:
    """The installation's parts, alone on its database."""
    from api.app import make_office, prepare
    from api.services.models import follow
    from api.store.lock import only_service

    settings = Settings(log_level="error")
    with only_service(settings):
        office = make_office(settings)
        try:
            prepare(office)
            follow(office)
            yield office
        finally:
            office.database.close()


@exits
def migrate(json: JsonFlag = False) -> None:
    """Create the tables, or bring them to what this version needs."""
    from api.store.migration import migrate as bring_up

    version = bring_up(Settings())
    print_json({"version": version}) if json else out.print(f"The tables have version {version}.")


@exits
def worker() -> None:
    """Work on imports, reports and the backlog in a process of its own, until Ctrl-C."""
    from api.app import make_office, prepare
    from api.app.assembly import HANDLERS, regular_rounds
    from api.services.delivery.courier import Courier
    from api.services.models import follow
    from api.services.worker import Worker

    settings = Settings()
    if settings.on_sqlite:
        raise SettingRefused("on SQLite the worker runs inside the service; it needs PostgreSQL")
    office = make_office(settings)
    prepare(office)
    follow(office)
    working = Worker(office, HANDLERS, regular_rounds())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: working.stop(0))
    err.print(f"Working as {working.owner}; Ctrl-C stops.")
    courier = Courier(office)
    courier.start()
    working.run()
    courier.stop()
    office.database.close()


@exits
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for the copy.")],
    json: JsonFlag = False,
) -> None:
    """Copy the database while the service runs; the keys are to be kept apart."""
    from api.services.backups import back_up

    settings = Settings()
    manifest = back_up(settings, folder, wall_clock())
    if json:
        print_json(manifest)
        return
    out.print(f"Wrote {folder}.")
    out.print(
        f"Keep a copy of {settings.data_dir / 'keys'} elsewhere: a restore needs the same keys."
    )


@exits
def restore(
    folder: Annotated[Path, typer.Argument(help="Folder that backup wrote.")],
    json: JsonFlag = False,
) -> None:
    """Put a backup where no database is yet; nothing is overwritten."""
    from api.services.backups import restore as put_back

    manifest = put_back(Settings(), folder)
    print_json(manifest) if json else out.print(f"Restored {manifest['complaints']:,} complaints.")


@keys.command("create")
@exits
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    role: Annotated[
        str, typer.Option(help="viewer, handler, supervisor, analyst or administrator.")
    ] = "viewer",
    departments: Annotated[
        str, typer.Option(help="Departments joined by commas; default all.")
    ] = "",
    scopes: Annotated[str, typer.Option(help="Fewer scopes than the role's, by commas.")] = "",
    days: Annotated[
        int | None, typer.Option(help="Days until it expires.", min=1, max=36_500)
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Make a key and show it, this once. From the first key on nobody gets in without one."""
    from api.services.access import NewKey, create_key

    now = wall_clock()
    expires = now + timedelta(days=days) if days else None
    new = NewKey(name, role, _split(departments), _split(scopes), expires)
    key = _with_store(partial(create_key, new=new, now=now))
    if json:
        print_json({"key": key, "name": name, "role": role})
        return
    out.print(key, markup=False)
    err.print("It is shown this once. Send it as: Authorization: Bearer KEY")


@keys.command("list")
@exits
def list_(json: JsonFlag = False) -> None:
    """Every key: whose, which role, when last used; never the key itself."""
    from api.services.access import list_keys

    found = _with_store(list_keys)
    lines = [
        {
            "id": row.id,
            "name": row.name,
            "role": row.role,
            "departments": list(row.departments),
            "created_at": _day(row.created_at),
            "expires_at": _day(row.expires_at),
            "last_used_at": _day(row.last_used_at),
            "revoked_at": _day(row.revoked_at),
        }
        for row in found
    ]
    if json:
        print_json(lines)
        return
    rows = [tuple(_shown(value) for value in line.values()) for line in lines]
    headers = ("id", "name", "role", "departments", "created", "expires", "last used", "revoked")
    print_grid("Keys", headers, rows)


@keys.command("revoke")
@exits
def revoke(identifier: Annotated[str, typer.Argument(help="Its id, from the list.")]) -> None:
    """End a key; every process refuses it within seconds."""
    from api.services.access import revoke_key

    _with_store(partial(revoke_key, identifier=identifier, now=wall_clock()))
    out.print(f"Key {identifier} is revoked.")


def _split(joined: str) -> list[str]:
    return [part.strip() for part in joined.split(",") if part.strip()]


def _day(moment: Any) -> str | None:
    return moment.isoformat(timespec="minutes") if moment else None


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "all"
    return str(value or "–")


def _with_store(work: Callable[[Connection], Answer]) -> Answer:
    """Do one thing with the database, beside a running service if there is one."""
    from api.app import make_office
    from api.store.migration import migrate as bring_up

    settings = Settings(log_level="error")
    if settings.on_sqlite:
        bring_up(settings)
    office = make_office(settings)
    try:
        return office.database.submit(work).result()
    finally:
        office.database.close()
