"""Copies of the database while it is in use, and the way back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import make_url

from api.services.keyfiles import check_value, secret
from api.settings import Settings
from api.store import complaints, migration
from api.store.engine import make_engine
from domain.errors import Conflict, InputError, SettingRefused, StoreFull, SuyuanError

MANIFEST = "manifest.json"
_FILES = {True: "suyuan.db", False: "suyuan.pgdump"}
_FORMAT = 1


def back_up(settings: Settings, out: Path, now: datetime) -> dict[str, Any]:
    """Copy the database into a new directory, whole or not at all; the service may run."""
    if out.exists():
        raise Conflict(f"{str(out)!r} exists; name a directory that does not")
    out.parent.mkdir(parents=True, exist_ok=True)
    hidden = Path(tempfile.mkdtemp(prefix=".backup-", dir=out.parent))
    try:
        manifest = _copied(settings, hidden, now)
        hidden.rename(out)
        return manifest
    except sqlite3.OperationalError as error:
        raise StoreFull(f"the copy can't be written: {error}") from None
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _copied(settings: Settings, hidden: Path, now: datetime) -> dict[str, Any]:
    file = hidden / _FILES[settings.on_sqlite]
    if settings.on_sqlite:
        _copy_sqlite(_sqlite_file(settings), file)
    else:
        _dump_postgresql(settings, file)
    manifest = {
        "format": _FORMAT,
        "made_at": now.isoformat(),
        "file": file.name,
        "sha256": _digest(file),
        "tables": migration.newest(),
        "masking_key": check_value(secret(settings.data_dir, "masking", settings.masking_key)),
    }
    (hidden / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    for written in (file, hidden / MANIFEST, hidden):
        _flush(written)
    return manifest


def _copy_sqlite(source: Path, target: Path) -> None:
    """One step under one read lock: a snapshot; the writer goes on beside it."""
    if not source.exists():
        raise InputError(f"there is no database at {str(source)!r}")
    reader = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    copy = sqlite3.connect(target)
    try:
        reader.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
        reader.close()
    target.chmod(0o600)


def _dump_postgresql(settings: Settings, target: Path) -> None:
    _run(["pg_dump", "--format=custom", "--no-owner", f"--file={target}"], settings)
    target.chmod(0o600)


def restore(settings: Settings, source: Path) -> dict[str, Any]:
    """Put a backup in the place of a database that is not there yet."""
    manifest = _believed(source)
    file = source / manifest["file"]
    if manifest["file"] != _FILES[settings.on_sqlite]:
        raise SettingRefused(f"{manifest['file']} is a backup of the other kind of database")
    if settings.on_sqlite:
        _restore_sqlite(file, _sqlite_file(settings))
    else:
        _restore_postgresql(settings, file)
    return {**manifest, "complaints": _complaints(settings)}


def _believed(source: Path) -> Mapping[str, Any]:
    try:
        manifest = json.loads((source / MANIFEST).read_text())
        whole = _digest(source / manifest["file"]) == manifest["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{str(source)!r} is no backup ({type(error).__name__})") from None
    if not whole or manifest.get("format") != _FORMAT:
        raise InputError(f"{str(source)!r} is not as it was written; use another backup")
    return dict(manifest)


def _restore_sqlite(file: Path, target: Path) -> None:
    if target.exists():
        raise Conflict(f"{str(target)!r} exists; move it away first, it is not overwritten")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    hidden = target.with_name(f".{target.name}.restoring")
    shutil.copyfile(file, hidden)
    hidden.chmod(0o600)
    with sqlite3.connect(hidden) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    if sound != "ok":
        hidden.unlink()
        raise InputError(f"the backup is damaged: {str(sound)[:200]}")
    _flush(hidden)
    os.link(hidden, target)
    hidden.unlink()
    _flush(target.parent)


def _restore_postgresql(settings: Settings, file: Path) -> None:
    engine = make_engine(settings)
    try:
        if inspect(engine).has_table("complaints"):
            raise Conflict("the database holds tables already; they are not overwritten")
    finally:
        engine.dispose()
    _run(["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction",
          f"--dbname={make_url(settings.url).database}", str(file)], settings)  # fmt: skip


def _complaints(settings: Settings) -> int:
    engine = make_engine(settings, read_only=not settings.on_sqlite)
    try:
        with engine.connect() as connection:
            return complaints.count(connection)
    finally:
        engine.dispose()


def _run(command: list[str], settings: Settings) -> None:
    url = make_url(settings.url)
    place = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username,
             "PGPASSWORD": url.password, "PGDATABASE": url.database}  # fmt: skip
    given = {name: str(value) for name, value in place.items() if value is not None}
    program = _program(command[0])
    path = {"PATH": os.defpath}
    done = subprocess.run(  # noqa: S603
        [program, *command[1:]], env=path | given, capture_output=True, check=False
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SuyuanError(f"{command[0]} failed: {said[0][:200] if said else 'no word'}")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = str(debian[-1]) if debian else None
    if found is None:
        raise SettingRefused(f"{name} is missing; install postgresql-client")
    return found


def _sqlite_file(settings: Settings) -> Path:
    return Path(settings.url.removeprefix("sqlite:///"))


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
