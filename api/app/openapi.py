"""The OpenAPI document: good enough to generate a client from."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api import schemas
from api.routes.access import ACCESS, PUBLIC

_BODIES = (
    schemas.ComplaintIn,
    schemas.BatchIn,
    schemas.LabelsIn,
    schemas.ReasonIn,
    schemas.ReportIn,
    schemas.ActivateIn,
    schemas.ProblemOut,
)


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = made.setdefault("components", {}).setdefault("schemas", {})
    _, definitions = models_json_schema(
        [(model, "validation") for model in _BODIES], ref_template="#/components/schemas/{model}"
    )
    components.update(definitions["$defs"])
    made["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    made["paths"] = {_plain(path): item for path, item in made["paths"].items()}
    for path, item in made["paths"].items():
        for method, operation in item.items():
            _secure(operation, method.upper(), path)
    return made


def _plain(path: str) -> str:
    return path.replace("{id:path}", "{id}")


def _secure(operation: dict[str, Any], method: str, path: str) -> None:
    scopes = {(m, _plain(p)): scope for (m, p), scope in ACCESS.items()}
    scope = scopes.get((method, path))
    if scope is not PUBLIC:
        operation["security"] = [{"key": []}]
        operation["description"] = f"{operation.get('description', '')} Needs scope `{scope}`."
    responses = operation.get("responses", {})
    if responses.get("422", {}).get("content", {}).get("application/json"):
        responses.pop("422")
