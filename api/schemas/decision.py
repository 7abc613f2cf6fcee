"""What triage says of one complaint."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from api.schemas.fields import SentimentName, Share, TierName


class Category(BaseModel):
    """The first level of the taxonomy."""

    code: str | None
    name: str
    confidence: Share
    alternatives: list[dict[str, Any]] = []


class Issue(BaseModel):
    """An issue code."""

    code: str
    name: str
    confidence: Share


class TierOut(BaseModel):
    """How bad it is, and why."""

    label: TierName
    confidence: Share
    reasons: list[Any]


class SentimentOut(BaseModel):
    """The mood."""

    label: SentimentName
    confidence: Share
    anger: Share
    anxiety: Share


class Route(BaseModel):
    """Who must act, and by when."""

    queue: str
    skills: list[str]
    lane: str
    acknowledge_by: datetime | None
    resolve_by: datetime | None
    plan_by: datetime | None = None
    escalations: list[Any]


class Evidence(BaseModel):
    """Words that weighed in; offsets count code points of the text that was sent.

    In a stored complaint that is read back they count those of its masked `text`.
    """

    text: str
    start: int
    end: int
    target: str
    weight: float


class ModelName(BaseModel):
    """Which model decided."""

    name: str
    version: str


class Decision(BaseModel):
    """What was decided of one complaint."""

    id: str | None = None
    category: Category
    issues: list[Issue]
    tier: TierOut
    sentiment: SentimentOut
    route: Route
    abstained: bool
    evidence: list[Evidence]
    model: ModelName
    taxonomy_version: str
