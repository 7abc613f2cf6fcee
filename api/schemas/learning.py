"""Labels, the review queue, drift, and who decided what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Label, SentimentName, Strict, TierName


class ReviewIn(Strict):
    """A labeller's own opinion of a complaint."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"example": {"category": "缺陷故障", "reason": "屏幕闪烁属质量问题"}},
    )

    category: Label | None = None
    issues: Annotated[list[Label], Field(max_length=4)] | None = None
    tier: TierName | None = None
    sentiment: SentimentName | None = None
    reason: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class LabelOut(BaseModel):
    """One label, who gave it and what had stood there."""

    target: str
    value: Any
    said: Any
    by: str
    at: datetime
    source: Literal["handler", "import", "review"]
    reason: str | None
    model: str | None


class LabelHistory(BaseModel):
    """Every label of a complaint, oldest first."""

    items: list[LabelOut]


class QueueOut(BaseModel):
    """Complaints to label next, best first; and those that people disagree on."""

    items: list[dict[str, Any]]
    disputed: list[str]
    looked_at: int


class AgreementOut(BaseModel):
    """How far labellers agree, by target."""

    targets: dict[str, dict[str, Any]]


class SuspectsIn(Strict):
    """Of which target the labels shall be doubted."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"example": {"target": "category"}}
    )

    target: Literal["category", "tier", "sentiment"] = "category"


class SuspectsOut(BaseModel):
    """Labels that are probably wrong, the surest first."""

    target: str
    at: datetime | None
    labelled: int
    found: int
    items: list[dict[str, Any]]


class DecisionHistory(BaseModel):
    """Who or what decided a complaint, and what today's model says."""

    id: str
    decided_by: str | None
    today: str
    agrees: bool
    targets: dict[str, dict[str, Any]]
    events: list[dict[str, Any]]


class DriftOut(BaseModel):
    """What the newest look at the last weeks found."""

    at: datetime | None
    alarms: list[dict[str, Any]]
    label_next: list[str]
