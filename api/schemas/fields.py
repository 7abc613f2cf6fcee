"""The kinds of value that requests and replies are made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

CHINESE = "[\u3400-\u9fff\uf900-\ufaff]"


Text = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 10_000,
            "pattern": CHINESE,
            "description": "1 to 10,000 characters, Chinese among them",
        }
    ),
]


Label = Annotated[str, Field(min_length=1, max_length=200)]


Title = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


Long = Annotated[str, Field(min_length=1, max_length=10_000)]


Time = Annotated[
    str,
    Field(
        max_length=40, min_length=1, description="ISO 8601; without an offset Chinese local time"
    ),
    WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 40, "minLength": 1}),
]


Day = Annotated[
    str,
    Field(pattern=r"^(19|20|21)\d\d-\d\d-\d\d$"),
    WithJsonSchema({"type": "string", "format": "date"}),
]


TierName = Literal["普通", "紧急", "重大"]


SentimentName = Literal["正面", "中性", "不满", "焦虑", "愤怒"]


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


Score = Annotated[float, Field(ge=1, le=5, allow_inf_nan=False)]


class Strict(BaseModel):
    """Takes JSON types as they are, without turning one into another."""

    model_config = ConfigDict(strict=True)


def example(**fields: Any) -> ConfigDict:
    return ConfigDict(strict=True, json_schema_extra={"example": fields})
