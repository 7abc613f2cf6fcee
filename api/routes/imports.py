"""Files of history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.formparsers import MultiPartException, MultiPartParser

from api.errors import Problem
from api.routes.access import TheCaller, TheOffice
from api.routes.replies import documented, json_reply
from api.schemas.operations import Accepted, ImportOut
from api.services import imports
from api.services.imports import Upload
from domain.complaint import COLUMNS

router = APIRouter(tags=["imports"])
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}
_MEDIA = {
    "text/csv": _BINARY,
    "application/octet-stream": _BINARY,
    "multipart/form-data": _FORM,
}


@router.post(
    "/imports",
    status_code=202,
    responses=documented({202: Accepted}, 400, 507),
    openapi_extra={"requestBody": {"required": True, "content": _MEDIA}},
)
async def upload(
    request: Request,
    office: TheOffice,
    caller: TheCaller,
    name: Annotated[str | None, Query(min_length=1, max_length=120)] = None,
    map: Annotated[  # noqa: A002
        list[str] | None, Query(max_length=60, description="column=header, repeated")
    ] = None,
    content_type: Annotated[str, Header()] = "",
) -> Response:
    """Take a CSV, XLSX, JSON Lines or Parquet file; a job reads it row by row."""
    mapping = _mapping(map or [])
    if content_type.startswith("multipart/form-data"):
        content, sent_name = await _from_form(request)
    else:
        content, sent_name = await request.body(), "upload.csv"
    taken = Upload(content, name or sent_name, mapping)
    return json_reply(await imports.accept(office, caller, taken), 202)


@router.get("/imports/{id}", responses=documented({200: ImportOut}, 404))
async def show(
    office: TheOffice,
    caller: TheCaller,
    id: str,  # noqa: A002
    errors_after: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Response:
    """How far an import is, and which rows were refused."""
    return json_reply(await imports.shown(office, caller, id, errors_after))


class _InMemory(MultiPartParser):
    """Reads a form without a temporary file: nothing unmasked is written to a disk in the clear.

    The edge has bounded the body, so the whole of it fits.
    """

    spool_max_size = 0  # never rolls over to a file


async def _from_form(request: Request) -> tuple[bytes, str]:
    parser = _InMemory(
        request.headers, request.stream(), max_files=1, max_fields=4, max_part_size=1 << 16
    )
    try:
        form = await parser.parse()
    except MultiPartException:
        raise Problem(400, "the form can't be read; send one file as the part `file`") from None
    file = form.get("file")
    if file is None or isinstance(file, str):
        raise Problem(422, "the form has no file; send it as the part `file`")
    try:
        return await file.read(), (file.filename or "upload.csv")[-120:]
    finally:
        await form.close()


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping = dict(pair.partition("=")[::2] for pair in pairs)
    for column, header in mapping.items():
        if column not in COLUMNS or not header:
            raise Problem(422, "write map=COLUMN=HEADER with a column that /docs names")
    return mapping
