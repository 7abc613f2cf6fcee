"""The OpenAPI document: good enough to generate a client from."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.routes.access import ACCESS, PUBLIC
from api.schemas.fields import Strict
from api.schemas.operations import ProblemOut

_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "Send the header `Authorization: Bearer sy_…`; `suyuan keys create` makes keys. "
    "Until the first one exists, calls from the machine itself need none.",
}
_PARAMETERS = {
    "category": "Only complaints of this category.",
    "tier": "Only complaints of this tier.",
    "queue": "Only complaints in this queue.",
    "state": "Only what is in this state.",
    "department": "Only complaints of this department.",
    "received_from": "Only complaints received at this time or later.",
    "received_to": "Only complaints received before this time.",
    "limit": "How many at most.",
    "cursor": "`next` of the page before.",
    "changed_since": "`next` of the last call; `0.0` gives every change from the first on.",
    "idempotency-key": "The caller's name for this call; repeated, it stores nothing again.",
    "id": "As a reply gave it.",
    "name": "Of a model, or of the file that is sent: its ending tells its format.",
    "version": "As the list of candidates gives it, such as 1.0.1.",
    "target": "Of which target the labels were doubted.",
    "content-type": "`multipart/form-data` for a form, else the body is the file itself.",
    "issue": "An issue code of the taxonomy, such as 1002.",
    "owner": "Only problems that this person owns.",
    "month": "Such as 2026-03; this month when none is named.",
    "measure": "The id of one of the problem's measures.",
    "active": "Only warnings that go on, or only those that are over.",
    "by": "What the volumes are split by.",
    "signature": "Only warnings of this signature.",
    "weeks": "How many weeks, the last one included.",
    "to": "Last day, inclusive; else today.",
    "errors_after": "Show refused rows from below this row.",
}


def _bodies(kind: type[Strict]) -> list[type[Strict]]:
    """Every kind of body that a request may have."""
    narrower = kind.__subclasses__()
    return [body for each in narrower for body in _bodies(each)] if narrower else [kind]


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = made.setdefault("components", {}).setdefault("schemas", {})
    bodies: list[type[BaseModel]] = [*_bodies(Strict), ProblemOut]
    _, definitions = models_json_schema(
        [(body, "validation") for body in bodies], ref_template="#/components/schemas/{model}"
    )
    components.update(definitions["$defs"])
    made["components"]["securitySchemes"] = {"key": _KEY}
    made["paths"] = {_plain(path): item for path, item in made["paths"].items()}
    for path, item in made["paths"].items():
        for method, operation in item.items():
            _secure(operation, method.upper(), path)
    return made


def _plain(path: str) -> str:
    return path.replace("{id:path}", "{id}")


def _secure(operation: dict[str, Any], method: str, path: str) -> None:
    operation["summary"] = operation["description"].partition("\n")[0]
    scopes = {(m, _plain(p)): scope for (m, p), scope in ACCESS.items()}
    scope = scopes.get((method, path))
    if scope is not PUBLIC:
        operation["security"] = [{"key": []}]
        operation["description"] = f"{operation['summary']} Needs a key with the scope {scope}."
    for parameter in operation.get("parameters", ()):
        parameter.setdefault("description", _PARAMETERS.get(parameter["name"], ""))
    responses = operation.get("responses", {})
    if responses.get("422", {}).get("content", {}).get("application/json"):
        responses.pop("422")
