"""Services on both databases, with the shipped model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.services.desks import Desk
from api.settings import Settings
from api.store import migration
from tests.api import postgresql
from tests.api.house import House, open_house
from tests.api.receivers import MailServer, Receiver
from triage.registry import open_desk

_numbers = iter(range(1_000_000))


@pytest.fixture(scope="session")
def desk() -> Desk:
    """The shipped desk."""
    return open_desk()


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    """A PostgreSQL server whose database `blank` holds the tables."""
    if reason := postgresql.why_not():
        pytest.skip(reason)
    server = postgresql.Server()
    server.start()
    server.run("CREATE DATABASE blank")
    migration.migrate(Settings(database_url=server.url("blank")))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    return str(request.param)


@pytest.fixture
def settings(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An installation of its own on the database in turn."""
    url = None
    if backend == "postgresql":
        server: postgresql.Server = request.getfixturevalue("postgres")
        name = f"test_{next(_numbers)}"
        server.run(f"CREATE DATABASE {name} TEMPLATE blank")
        url = server.url(name)
    return Settings(data_dir=tmp_path / "data", database_url=url, worker_poll_seconds=0.05)


@pytest.fixture
def house(settings: Settings, desk: Desk) -> Iterator[House]:
    """A running service on the database in turn."""
    with open_house(settings, desk) as opened:
        yield opened


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    """An installation of its own on SQLite."""
    return Settings(data_dir=tmp_path / "data", worker_poll_seconds=0.05)


@pytest.fixture
def sqlite_house(sqlite_settings: Settings, desk: Desk) -> Iterator[House]:
    """A running service on SQLite."""
    with open_house(sqlite_settings, desk) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook's receiver."""
    made = Receiver()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def post_office() -> Iterator[MailServer]:
    """A mail server."""
    made = MailServer()
    try:
        yield made
    finally:
        made.close()
