"""What an installation can set; the only file that reads the environment (``SUYUAN_…``)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Synchronous = Literal["FULL", "EXTRA", "NORMAL", "OFF"]


class Settings(BaseSettings):
    """One installation of the service."""

    model_config = SettingsConfigDict(env_prefix="SUYUAN_", extra="ignore")

    data_dir: Path = Field(default=Path("data"), description="database, keys, reports and uploads")
    database_url: str | None = Field(
        default=None, description="postgresql+psycopg://…; without it SQLite in the data directory"
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64, description="more than one needs PostgreSQL")

    model: str = Field(default="complaints", description="the model that decides")
    models_dir: Path | None = Field(
        default=None, description="models as <name>/<version>; else the shipped ones"
    )
    attributes: tuple[str, ...] = Field(
        default=(),
        description="columns beyond the known ones that the service stores; no others are",
    )

    synchronous: Synchronous = Field(default="FULL", description="how SQLite syncs a commit")
    unsafe_durability: bool = Field(
        default=False, description="start although a power cut could lose acknowledged complaints"
    )
    store_wait_seconds: float = Field(
        default=2.5, gt=0, description="longest wait for the database"
    )
    store_threads: int = Field(
        default=8, ge=1, le=64, description="PostgreSQL connections a process holds"
    )

    json_limit_bytes: int = Field(default=1 << 20, gt=0)
    upload_limit_bytes: int = Field(default=20 << 20, gt=0)
    header_seconds: float = Field(
        default=10, gt=0, description="a request's head must arrive within"
    )
    body_seconds: float = Field(default=20, gt=0, description="a request's body must arrive within")
    request_seconds: float = Field(default=30, gt=0, description="a reply is due within")
    drain_seconds: float = Field(default=12, gt=0, description="running requests may finish within")
    concurrency: int = Field(default=8, ge=1, description="requests worked on at once a process")
    waiting: int = Field(
        default=64, ge=0, description="requests that may wait for that; others get 503 at once"
    )
    key_rate: str = Field(default="120000/minute", description="requests of one key")
    refused_key_rate: str = Field(default="30/minute", description="wrong keys from one address")

    idempotency_hours: int = Field(default=24, ge=1)
    keep_original: bool = Field(default=False, description="keep the unmasked text, encrypted")
    masking_key: SecretStr | None = Field(
        default=None, description="base64; else a file in the data directory"
    )
    original_key: SecretStr | None = Field(
        default=None, description="base64; else a file in the data directory"
    )

    embedded_worker: bool = Field(default=True, description="run jobs inside the service")
    worker_poll_seconds: float = Field(default=1.0, gt=0)
    job_lease_seconds: float = Field(default=30, gt=0)
    import_seconds: float = Field(
        default=3600, gt=0, description="an import that takes longer is ended"
    )
    report_seconds: float = Field(default=600, gt=0, description="a report job is ended after")
    training_seconds: float = Field(default=7200, gt=0, description="a training job is ended after")
    job_memory_bytes: int = Field(
        default=2 << 30, gt=0, description="a job that takes more memory is ended"
    )
    personal_columns: tuple[str, ...] = Field(
        default=("handler",), description="columns that name a person: reports number them instead"
    )
    public_url: str | None = Field(
        default=None, description="where readers reach the service, for links in mails"
    )
    smtp_host: str | None = Field(default=None, description="mail server; without it no mail")
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str = Field(default="suyuan@localhost", description="sender of mails")
    webhook_hosts: tuple[str, ...] = Field(
        default=(),
        description="hosts (name:port) in the house that webhooks may go to; others must be public",
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def url(self) -> str:
        """Where the database is."""
        return self.database_url or f"sqlite:///{self.data_dir / 'suyuan.db'}"

    @property
    def on_sqlite(self) -> bool:
        """Whether the database is a file of one process."""
        return self.url.startswith("sqlite")
