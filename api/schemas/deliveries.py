"""Reports that come by themselves, webhooks, and what was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.schemas.fields import Day, Label, Strict, Title, example
from api.schemas.reports import LanguageName, PeriodName
from api.schemas.warnings import ItemIn

_ATOM = r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+"  # without ?: mail libraries decode =?utf-8?q?...?=
_PART = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
Address = Annotated[
    str,
    Field(
        min_length=3,
        max_length=254,
        pattern=rf"^{_ATOM}(\.{_ATOM})*@{_PART}(\.{_PART})*$",
    ),
]
Kind = Annotated[str, Field(max_length=40, pattern=r"^[a-z]{1,20}\.([a-z_]{1,19}|\*)$")]
FormatName = Literal["html", "xlsx", "pdf", "json", "md"]


class ScheduleIn(Strict):
    """Which report comes by itself, how often, and who gets it by mail."""

    model_config = example(
        name="每周根因",
        period="week",
        only=[{"attribute": "product", "value": "手机"}],
        recipients=["quality@example.com"],
        formats=["html", "pdf"],
    ) | {"extra": "forbid"}

    name: Title
    period: PeriodName
    only: Annotated[list[ItemIn], Field(min_length=1, max_length=4)] | None = None
    language: LanguageName | None = None
    items: Annotated[list[Label], Field(min_length=1, max_length=20)] | None = None
    title: Title | None = None
    department: Label | None = None
    recipients: Annotated[list[Address], Field(max_length=50)] | None = None
    formats: Annotated[list[FormatName], Field(min_length=1, max_length=5)] | None = None
    since: Day | None = None


class ScheduleOut(BaseModel):
    """A schedule; `next_from` is the first day of the next period."""

    id: str
    name: str
    department: str | None
    period: str
    asked: dict[str, Any]
    recipients: list[str]
    formats: list[str]
    next_from: str
    created_at: datetime
    by: str


class ScheduleWithReports(ScheduleOut):
    """A schedule and the reports it made."""

    reports: list[dict[str, str]]


class ScheduleList(BaseModel):
    """Every schedule that goes on."""

    items: list[ScheduleWithReports]


class WebhookIn(Strict):
    """Where events go to; without kinds all of them, with a department that one's only."""

    model_config = example(
        url="https://hooks.example.com/suyuan", kinds=["complaint.*", "warning.raised"]
    ) | {"extra": "forbid"}

    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    kinds: Annotated[list[Kind], Field(min_length=1, max_length=20)] | None = None
    department: Label | None = None


class WebhookOut(BaseModel):
    """A webhook; its key is not shown again."""

    id: str
    url: str
    department: str | None
    kinds: list[str]
    active: bool
    failure: str | None
    created_at: datetime
    by: str


class NewWebhook(WebhookOut):
    """A webhook and its key, shown this once."""

    secret: str


class WebhookList(BaseModel):
    """Every webhook."""

    items: list[WebhookOut]


class RotatedKey(BaseModel):
    """A webhook's new key, shown this once; the old one signs beside it until then."""

    id: str
    secret: str
    earlier_until: datetime


class DeliveryOut(BaseModel):
    """Something that was sent, waits, or was given up."""

    message: str
    way: str
    target: str
    subject: str
    kind: str
    state: str
    attempts: int
    next_at: datetime
    failure: str | None
    created_at: datetime
    ended_at: datetime | None


class DeliveryList(BaseModel):
    """The newest deliveries."""

    items: list[DeliveryOut]
