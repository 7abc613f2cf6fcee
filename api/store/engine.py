"""Connections to the database, and what makes a commit on them durable."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from api.settings import Settings
from domain.errors import SettingRefused

_SAFE_SQLITE = ((3, 44, 6), (3, 50, 7))
_FIRST_SAFE_SQLITE = (3, 51, 3)


@dataclass(frozen=True)
class Durability:
    """What was found about the durability of commits."""

    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def make_engine(settings: Settings, *, read_only: bool = False) -> Engine:
    """An engine on the installation's database; nothing is connected yet."""
    if settings.on_sqlite:
        return _sqlite_engine(settings, read_only)
    return _postgresql_engine(settings, read_only)


def sqlite_has_reset_race(version: tuple[int, ...]) -> bool:
    """Whether two writing connections of this SQLite can lose a commit at a WAL reset."""
    same_branch = [safe for safe in _SAFE_SQLITE if version[:2] == safe[:2]]
    if same_branch:
        return version < same_branch[0]
    return version < _FIRST_SAFE_SQLITE


def _sqlite_engine(settings: Settings, read_only: bool) -> Engine:
    file = settings.url.removeprefix("sqlite:///")
    query = "?mode=ro" if read_only else "?mode=rw"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            f"file:{file}{query}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=5,
        ),
        poolclass=StaticPool,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in _read_pragmas() if read_only else _write_pragmas(settings):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _read_pragmas() -> list[str]:
    return ["query_only=1", "temp_store=MEMORY", "mmap_size=0"]


def _write_pragmas(settings: Settings) -> list[str]:
    return [
        "journal_mode=WAL",
        f"synchronous={settings.synchronous}",
        "secure_delete=ON",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "mmap_size=0",
        "trusted_schema=OFF",
    ]


def _postgresql_engine(settings: Settings, read_only: bool) -> Engine:
    wait_ms = int(settings.store_wait_seconds * 1000)
    limits = f"-c lock_timeout={wait_ms} -c TimeZone=UTC"
    if not read_only:
        limits += f" -c statement_timeout={wait_ms} -c idle_in_transaction_session_timeout=30000"
    return create_engine(
        settings.url,
        pool_size=settings.store_threads,
        max_overflow=0,
        pool_timeout=settings.store_wait_seconds,
        pool_use_lifo=True,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 2, "options": limits, "application_name": "suyuan"},
    )


def durability(connection: Connection, settings: Settings) -> Durability:
    """What could lose an acknowledged complaint, by the name of the setting at fault."""
    if connection.dialect.name == "sqlite":
        return _sqlite_durability(connection)
    return _postgresql_durability(connection)


def _sqlite_durability(connection: Connection) -> Durability:
    level = _scalar(connection, "PRAGMA synchronous")
    journal = _scalar(connection, "PRAGMA journal_mode")
    refusals = []
    if int(level) < 2:
        refusals.append(f"SQLite synchronous is {level}; FULL (2) or EXTRA (3) is needed")
    if journal != "wal":
        refusals.append(f"SQLite journal_mode is {journal}; wal is needed")
    warnings = []
    if sqlite_has_reset_race(sqlite3.sqlite_version_info):
        warnings.append(
            f"SQLite {sqlite3.sqlite_version} has the WAL-reset race; "
            "one process with one writing connection is used, which avoids it"
        )
    return Durability(tuple(refusals), tuple(warnings))


def _postgresql_durability(connection: Connection) -> Durability:
    refusals = []
    for setting, unsafe in (
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
    ):
        if (value := _scalar(connection, f"SHOW {setting}")) == unsafe:
            refusals.append(f"PostgreSQL {setting} is {value}; on is needed")
    return Durability(tuple(refusals))


def _scalar(connection: Connection, statement: str) -> str:
    return str(connection.exec_driver_sql(statement).scalar_one())


def refuse_unsafe(found: Durability, settings: Settings) -> None:
    """Raise `SettingRefused` for what could lose a commit, unless unsafety was asked for."""
    if found.refusals and not settings.unsafe_durability:
        raise SettingRefused(
            f"{'; '.join(found.refusals)} (SUYUAN_UNSAFE_DURABILITY=1 starts all the same)"
        )
