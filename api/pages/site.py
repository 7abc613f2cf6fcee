"""Pages without inline scripts or styles, under the service's own policy."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)
_HERE = Path(__file__).parent


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def static_files() -> StaticFiles:
    """Scripts and styles, served from here."""
    return StaticFiles(directory=_HERE / "static")


@router.get("/")
async def classify_page() -> Response:
    """Type a complaint, see the decision."""
    return HTMLResponse(_templates().get_template("classify.html.j2").render())


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The interface, readable without a script."""
    template = _templates().get_template("docs.html.j2")
    return HTMLResponse(template.render(document=request.app.openapi()))


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The interface, for programs."""
    return JSONResponse(request.app.openapi())
