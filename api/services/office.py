"""Everything that the routes of one installation work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from api.services.access import Gate
from api.services.clock import Clock
from api.services.desks import Desks
from api.services.intake import Intake
from api.services.logs import Log
from api.services.masking import Masker
from api.services.metrics import Metrics
from api.services.vault import Vault
from api.settings import Settings
from api.store.database import Database, run

T = TypeVar("T")


@dataclass(frozen=True)
class Office:
    """The parts of one installation, put together by `create_app`.

    `signs` are what runs beside the requests: each says ``ok`` or what is wrong.
    """

    settings: Settings
    clock: Clock
    log: Log
    metrics: Metrics
    database: Database
    desks: Desks
    gate: Gate
    masker: Masker
    uploads: Vault
    originals: Vault | None
    intake: Intake
    signs: dict[str, Callable[[], str]] = field(default_factory=dict)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Read from the database."""
        return await run(self.database, work, self.settings.store_wait_seconds, writes=False)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Change the database, all or nothing."""
        return await run(self.database, work, self.settings.store_wait_seconds)
