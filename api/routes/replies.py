"""Replies that go out as they were made, without a second look by a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Response
from pydantic import BaseModel, ValidationError

from api.errors import invalid
from api.schemas.operations import ProblemOut
from api.services.judgement import dumps

M = TypeVar("M", bound=BaseModel)
Documented = dict[int | str, dict[str, Any]]


def json_reply(body: str | Mapping[str, Any], status: int = 200, **headers: str) -> Response:
    """A reply in JSON."""
    text = body if isinstance(body, str) else dumps(body)
    return Response(text.encode(), status, headers, "application/json")


def checked(model: type[M], body: Mapping[str, Any]) -> M:
    """The body as the model reads it, or a problem that quotes nothing of it."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise invalid(found, model.model_fields) from None


def documented(success: Mapping[int, type[BaseModel]], *statuses: int) -> Documented:
    """What a route answers with, for the OpenAPI document."""
    always = {401, 403, 408, 413, 415, 422, 429, 503}
    replies: Documented = {status: {"model": model} for status, model in success.items()}
    problem = {
        "description": "Problem",
        "content": {"application/problem+json": {"schema": _schema(ProblemOut)}},
    }
    return replies | dict.fromkeys(sorted(always | set(statuses)), problem)


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """What a route takes, for the OpenAPI document."""
    extra = model.model_config.get("json_schema_extra")
    example = extra["example"] if isinstance(extra, dict) else {}
    content = {"application/json": {"schema": _schema(model), "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def _schema(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
