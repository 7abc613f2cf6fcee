"""Models and which version decides."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Strict


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
