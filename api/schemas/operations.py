"""Problems, jobs, imports, health."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel


class ProblemOut(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = []


class Accepted(BaseModel):
    """Work that goes on by itself; look at `job` for how far it is."""

    id: str
    job: str


class ImportOut(BaseModel):
    """An import and how far it is; once it is done, which columns of the file were not stored."""

    id: str
    job: str
    state: str
    reason: str | None
    name: str
    rows_in: int
    rows_ok: int
    rows_rejected: int
    rows_added: int
    columns_not_kept: list[str]
    advice: str | None
    errors: list[dict[str, Any]]
    next_error: int | None


class JobOut(BaseModel):
    """A job and how far it is."""

    id: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    reason: str | None
    done: int
    total: int
    attempts: int
    created_at: datetime
    finished_at: datetime | None


class Health(BaseModel):
    """Whether the service can do its work."""

    status: Literal["ok", "degraded", "unavailable"]
    checks: dict[str, str]
    warnings: list[str]
