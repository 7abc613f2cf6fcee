"""Models and which version decides."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Label, Strict


class ModelOut(BaseModel):
    """A model and its versions."""

    name: str
    version: str | None
    versions: list[str]
    reason: str | None


class ModelList(BaseModel):
    """The models on the shelf."""

    items: list[ModelOut]


class ActivateIn(Strict):
    """Which version shall decide."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"example": {"version": "1.0.0"}},
    )

    version: Annotated[str, Field(pattern=r"^\d{1,9}\.\d{1,9}\.\d{1,9}$")]


class TrainIn(Strict):
    """What a candidate is trained of and how."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"example": {"targets": ["category", "tier"], "rare": "leave_out"}},
    )

    targets: (
        Annotated[
            list[Literal["category", "issues", "tier", "sentiment"]],
            Field(min_length=1, max_length=4),
        ]
        | None
    ) = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    min_examples: Annotated[int, Field(ge=5, le=10_000)] | None = None
    rare: Literal["refuse", "leave_out"] | None = None
    words: Annotated[list[Label], Field(max_length=1_000)] | None = None


class ShadowIn(Strict):
    """Whether a candidate runs beside the live model."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"example": {"on": True}}
    )

    on: bool


class WhyIn(Strict):
    """Why somebody asks for a change of the model that decides."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"example": {"reason": "新品类的召回更高，影子运行一周无异常"}},
    )

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class NewCandidate(BaseModel):
    """A candidate whose training waits for a worker."""

    id: str
    version: str
    job: str


class CandidateOut(BaseModel):
    """A candidate in short."""

    id: str
    name: str
    version: str
    state: str
    job: str
    done: int
    total: int
    reason: str | None
    champion: str | None
    by: str
    created_at: datetime
    refusals: list[dict[str, Any]]
    shadowed: bool
    asked_by: str | None
    asked_for: str | None
    confirmed_by: str | None


class CandidateList(BaseModel):
    """The newest candidates of a model."""

    items: list[CandidateOut]


class CandidateWhole(CandidateOut):
    """A candidate with all that was found out about it."""

    parameters: dict[str, Any]
    record: dict[str, Any] | None
    comparison: dict[str, Any] | None
    card: str | None
    shadow: dict[str, Any]


class ShadowList(BaseModel):
    """Complaints on which shadow and live model differ."""

    items: list[dict[str, Any]]


class LiveModels(BaseModel):
    """What was live when, and the oldest version that may still be."""

    items: list[dict[str, Any]]
    floor: str | None
