"""Pages without inline scripts or styles, under the service's own policy."""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.staticfiles import StaticFiles

from api.services import analysis

router = APIRouter(include_in_schema=False)
_HERE = Path(__file__).parent


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pretty"] = partial(json.dumps, ensure_ascii=False, indent=2)
    return environment


def static_files() -> StaticFiles:
    """Scripts and styles, served from here."""
    return StaticFiles(directory=_HERE / "static")


@router.get("/")
async def classify_page() -> Response:
    """Type a complaint, see the decision."""
    return HTMLResponse(_templates().get_template("classify.html.j2").render())


@router.get("/reports.html")
async def reports_page() -> Response:
    """The reports there are, read with a key that is typed into the page."""
    page = _templates().get_template("reports.html.j2").render()
    policy = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        f"style-src 'self' {analysis.style_digest()}; frame-src blob:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(page, headers={"content-security-policy": policy})


@router.get("/problems.html")
async def problems_page() -> Response:
    """The board of problems, read with a key that is typed into the page."""
    return HTMLResponse(_templates().get_template("problems.html.j2").render())


@router.get("/warnings.html")
async def warnings_page() -> Response:
    """The warnings there are, read and answered with a key that is typed into the page."""
    return HTMLResponse(_templates().get_template("warnings.html.j2").render())


@router.get("/models.html")
async def models_page() -> Response:
    """The model at work, its candidates and what to label next, with a key typed into the page."""
    return HTMLResponse(_templates().get_template("models.html.j2").render())


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The interface, readable without a script."""
    template = _templates().get_template("docs.html.j2")
    return HTMLResponse(template.render(document=request.app.openapi()))


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The interface, for programs."""
    return JSONResponse(request.app.openapi())
