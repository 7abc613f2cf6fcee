"""Bring a database's tables to the version that this code needs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from api.settings import Settings
from api.store.engine import make_engine
from api.store.lock import write_lock
from api.store.tables import metadata


def migrate(settings: Settings) -> str:
    """Create or upgrade the tables; the version they then have."""
    if not settings.on_sqlite:
        return _migrate(settings)
    _create_file(Path(settings.url.removeprefix("sqlite:///")))
    lock = write_lock(settings)
    try:
        with lock:
            return _migrate(settings)
    finally:
        lock.close()


def _migrate(settings: Settings) -> str:
    engine = make_engine(settings)
    try:
        return _upgrade(engine)
    finally:
        engine.dispose()


def _create_file(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)


def _upgrade(engine: Engine) -> str:
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7305)")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        config = _config(connection)
        command.upgrade(config, "head")
    return newest()


@cache
def newest() -> str:
    """The version that this code needs."""
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    return head or ""


def version(connection: Connection) -> str | None:
    """The version that the database has."""
    return MigrationContext.configure(connection).get_current_revision()


def difference(connection: Connection) -> list[object]:
    """What the tables lack against the definitions in the code; nothing when all is well."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config
