"""Warnings, judgements of findings, and volumes by week."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.schemas.fields import Day, Label, Strict, example

Reason = Annotated[str, Field(min_length=1, max_length=500)]
Column = Annotated[str, Field(min_length=1, max_length=100)]
WarningState = Literal["open", "acknowledged", "muted", "merged"]
Signature = Literal["高频", "异动", "一人多诉", "多人同诉"]


class ItemIn(Strict):
    """A column and its value."""

    model_config = example(attribute="batch", value="B07") | {"extra": "forbid"}

    attribute: Column
    value: Label


class JudgementIn(Strict):
    """What somebody says of a finding, and until when it need not be said again."""

    model_config = example(
        antecedents=[{"attribute": "batch", "value": "B07"}],
        issue="Q01",
        verdict="known",
        reason="供应商已召回，九月底换完",
        until="2026-09-30",
    ) | {"extra": "forbid"}

    antecedents: Annotated[list[ItemIn], Field(min_length=1, max_length=8)]
    issue: Label
    verdict: Literal["known", "not a cause"]
    reason: Reason
    until: Day | None = None
    department: Label | None = None


class JudgementOut(BaseModel):
    """A judgement that stands."""

    id: str
    department: str | None
    antecedents: list[dict[str, str]]
    issue: str
    verdict: str
    reason: str
    until: str | None
    by: str
    at: datetime


class JudgementList(BaseModel):
    """Every judgement that stands, newest first."""

    items: list[JudgementOut]


class AcknowledgeIn(Strict):
    """Somebody has seen it and looks into it."""

    model_config = example(note="已请质量部核查 B07 批次") | {"extra": "forbid"}

    note: Reason | None = None


class MuteIn(Strict):
    """Until which day it is no news; null ends it."""

    model_config = example(until="2026-09-30", reason="促销季，每年如此") | {"extra": "forbid"}

    until: Day | None
    reason: Reason


class MergeIn(Strict):
    """The warning that speaks for both."""

    model_config = example(into="wrn_0123456789abcdef0123456789abcdef") | {"extra": "forbid"}

    into: Annotated[str, Field(min_length=1, max_length=60)]


class WarningOut(BaseModel):
    """A warning and what became of it; `content` holds its figures."""

    id: str
    department: str | None
    signature: str
    kind: str
    first_week: str
    last_week: str
    active: bool
    state: WarningState
    report: str | None
    raised_at: datetime
    seen_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None
    muted_until: str | None
    muted_by: str | None
    merged_into: str | None
    content: dict[str, Any]


class WarningList(BaseModel):
    """Warnings, newest first."""

    items: list[WarningOut]
    next: str | None


class TrendsOut(BaseModel):
    """Complaints by week; null in weeks without a single one."""

    by: str
    weeks: list[dict[str, Any]]
    total: list[int | None]
    groups: list[dict[str, Any]]
    gaps: int
    forecast: dict[str, Any] | None
