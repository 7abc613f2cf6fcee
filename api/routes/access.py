"""Which scope each route needs; a route that is not listed is open to nobody."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from api.services.access import Caller, Scope
from api.services.office import Office
from domain.errors import KeyRefused, RoleRefused

PUBLIC = None

ACCESS: Mapping[tuple[str, str], Scope | None] = {
    ("GET", "/livez"): PUBLIC,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): Scope.OPERATE,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/"): PUBLIC,
    ("GET", "/reports.html"): PUBLIC,
    ("GET", "/warnings.html"): PUBLIC,
    ("GET", "/problems.html"): PUBLIC,
    ("GET", "/models.html"): PUBLIC,
    ("POST", "/classify"): Scope.CLASSIFY,
    ("POST", "/classify/batch"): Scope.CLASSIFY,
    ("POST", "/complaints"): Scope.INTAKE,
    ("GET", "/complaints"): Scope.READ,
    ("GET", "/complaints.csv"): Scope.EXPORT,
    ("GET", "/complaints.xlsx"): Scope.EXPORT,
    ("GET", "/complaints/{id:path}"): Scope.READ,
    ("PUT", "/complaints/{id:path}/labels"): Scope.LABEL,
    ("POST", "/complaints/{id:path}/unmask"): Scope.UNMASK,
    ("POST", "/imports"): Scope.IMPORT,
    ("GET", "/imports/{id}"): Scope.IMPORT,
    ("POST", "/reports"): Scope.REPORT,
    ("GET", "/reports"): Scope.READ,
    ("GET", "/reports/{id}"): Scope.READ,
    ("GET", "/reports/{id}.json"): Scope.READ,
    ("GET", "/reports/{id}.html"): Scope.READ,
    ("GET", "/reports/{id}.xlsx"): Scope.READ,
    ("GET", "/reports/{id}.pdf"): Scope.READ,
    ("GET", "/reports/{id}.md"): Scope.READ,
    ("GET", "/reports/{id}/public.html"): Scope.READ,
    ("GET", "/reports/{id}/public.pdf"): Scope.READ,
    ("GET", "/warnings"): Scope.READ,
    ("GET", "/warnings/{id}"): Scope.READ,
    ("GET", "/warnings/{id}/chart.svg"): Scope.READ,
    ("POST", "/warnings/{id}/acknowledge"): Scope.REPORT,
    ("POST", "/warnings/{id}/mute"): Scope.REPORT,
    ("POST", "/warnings/{id}/merge"): Scope.REPORT,
    ("POST", "/judgements"): Scope.REPORT,
    ("GET", "/judgements"): Scope.READ,
    ("DELETE", "/judgements/{id}"): Scope.REPORT,
    ("GET", "/trends"): Scope.READ,
    ("POST", "/schedules"): Scope.REPORT,
    ("GET", "/schedules"): Scope.REPORT,
    ("DELETE", "/schedules/{id}"): Scope.REPORT,
    ("POST", "/webhooks"): Scope.OPERATE,
    ("GET", "/webhooks"): Scope.OPERATE,
    ("POST", "/webhooks/{id}/rotate"): Scope.OPERATE,
    ("POST", "/webhooks/{id}/enable"): Scope.OPERATE,
    ("DELETE", "/webhooks/{id}"): Scope.OPERATE,
    ("GET", "/deliveries"): Scope.OPERATE,
    ("POST", "/problems"): Scope.IMPROVE,
    ("GET", "/problems"): Scope.READ,
    ("GET", "/problems.xlsx"): Scope.EXPORT,
    ("GET", "/problems/{id}"): Scope.READ,
    ("PUT", "/problems/{id}"): Scope.IMPROVE,
    ("POST", "/problems/{id}/owner"): Scope.APPROVE,
    ("POST", "/problems/{id}/end"): Scope.APPROVE,
    ("POST", "/problems/{id}/reopen"): Scope.APPROVE,
    ("POST", "/problems/{id}/merge"): Scope.APPROVE,
    ("POST", "/problems/{id}/split"): Scope.APPROVE,
    ("GET", "/problems/{id}/complaints"): Scope.READ,
    ("POST", "/problems/{id}/complaints"): Scope.IMPROVE,
    ("GET", "/problems/{id}/suggestions"): Scope.READ,
    ("POST", "/problems/{id}/measures"): Scope.IMPROVE,
    ("POST", "/problems/{id}/effects"): Scope.IMPROVE,
    ("GET", "/problems/{id}/chart.svg"): Scope.READ,
    ("GET", "/problems/{id}/8d.html"): Scope.READ,
    ("GET", "/problems/{id}/8d.pdf"): Scope.READ,
    ("PUT", "/measures/{id}"): Scope.IMPROVE,
    ("POST", "/measures/{id}/approve"): Scope.APPROVE,
    ("POST", "/measures/{id}/done"): Scope.IMPROVE,
    ("POST", "/measures/{id}/drop"): Scope.APPROVE,
    ("GET", "/improvement/due"): Scope.READ,
    ("GET", "/improvement/lessons"): Scope.READ,
    ("GET", "/improvement/sheet"): Scope.READ,
    ("GET", "/improvement/sheet.html"): Scope.READ,
    ("POST", "/improvement/exposure"): Scope.IMPORT,
    ("GET", "/jobs/{id}"): Scope.READ,
    ("DELETE", "/jobs/{id}"): Scope.READ,
    ("GET", "/labels/queue"): Scope.LABEL,
    ("GET", "/labels/agreement"): Scope.TRAIN,
    ("GET", "/labels/suspects"): Scope.TRAIN,
    ("POST", "/labels/suspects"): Scope.TRAIN,
    ("GET", "/labels/of/{id:path}"): Scope.READ,
    ("POST", "/labels/of/{id:path}"): Scope.LABEL,
    ("GET", "/decisions/{id:path}"): Scope.READ,
    ("GET", "/drift"): Scope.TRAIN,
    ("POST", "/drift"): Scope.TRAIN,
    ("GET", "/models"): Scope.READ,
    ("POST", "/models/{name}/activate"): Scope.MODELS,
    ("POST", "/models/{name}/rollback"): Scope.MODELS,
    ("GET", "/models/{name}/history"): Scope.READ,
    ("POST", "/models/{name}/candidates"): Scope.TRAIN,
    ("GET", "/models/{name}/candidates"): Scope.TRAIN,
    ("GET", "/models/{name}/candidates/{version}"): Scope.TRAIN,
    ("GET", "/models/{name}/candidates/{version}/chart.svg"): Scope.TRAIN,
    ("POST", "/models/{name}/candidates/{version}/shadow"): Scope.TRAIN,
    ("GET", "/models/{name}/candidates/{version}/shadow"): Scope.TRAIN,
    ("POST", "/models/{name}/candidates/{version}/promotion"): Scope.TRAIN,
    ("DELETE", "/models/{name}/candidates/{version}/promotion"): Scope.TRAIN,
    ("POST", "/models/{name}/candidates/{version}/promotion/confirm"): Scope.MODELS,
}
_WHOLE = frozenset({Scope.TRAIN, Scope.MODELS, Scope.OPERATE})
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


async def office_of(request: Request) -> Office:
    """The parts that the application was put together from; async, so that no thread is hired."""
    return request.app.state.office  # type: ignore[no-any-return]


async def admit(request: Request) -> None:
    """Let a request through whose key carries the scope that its route needs."""
    route = request.scope["route"].path
    method = "GET" if request.method == "HEAD" else request.method
    if (method, route) not in ACCESS:
        raise RoleRefused("this route is open to nobody")
    needed = ACCESS[method, route]
    if needed is PUBLIC:
        return
    address = request.client.host if request.client else ""
    office: Office = request.app.state.office
    gate = office.gate
    authorization = request.headers.get("authorization")
    caller = await gate.admit(authorization, address, local=is_local(request, address))
    if caller is None:
        raise KeyRefused("send a key as `Authorization: Bearer sy_…`")
    caller.require(needed)
    if needed in _WHOLE and caller.departments is not None:
        raise RoleRefused("this concerns every department; the key belongs to some of them")
    request.state.caller = caller


def is_local(request: Request, address: str) -> bool:
    """Whether a person at this very machine calls, and no web page in their browser."""
    host = request.headers.get("host", "localhost").lower()
    if not any(host == name or host.startswith(f"{name}:") for name in _LOOPBACK_NAMES):
        return False
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return False
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != host:
        return False
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


async def caller_of(request: Request) -> Caller:
    """Who was let through."""
    return request.state.caller  # type: ignore[no-any-return]


TheOffice = Annotated[Office, Depends(office_of)]
TheCaller = Annotated[Caller, Depends(caller_of)]
