"""Root-cause reports."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Day, Label, Strict
from api.schemas.warnings import ItemIn

PeriodName = Literal["week", "month", "quarter", "year"]
LanguageName = Literal["zh", "en"]


class ReportIn(Strict):
    """The period and the attributes of a root-cause report."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "start": "2026-01-01",
                "end": "2026-03-31",
                "items": ["product", "region"],
                "title": "一季度根因",
            }
        },
    )

    start: Day | None = None
    end: Day | None = None
    period: PeriodName | None = None
    only: Annotated[list[ItemIn], Field(min_length=1, max_length=4)] | None = None
    language: LanguageName | None = None
    items: Annotated[list[Label], Field(min_length=1, max_length=20)] | None = None
    department: Label | None = None
    title: Label | None = None


class ReportOut(BaseModel):
    """A report and how far it is."""

    id: str
    job: str
    state: str
    reason: str | None
    parameters: dict[str, Any]
    created_at: datetime
    formats: list[str]
    left_out: dict[str, str]


class ReportList(BaseModel):
    """The newest reports."""

    items: list[ReportOut]
