"""Errors as HTTP says them: one table from our family to statuses, problems by RFC 9457."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from domain import errors

MEDIA_TYPE = "application/problem+json"
_LONGEST_DETAIL = 400
_MOST_ERRORS = 8
_NAME = re.compile(r"[a-zA-Z_-]{1,40}")

STATUSES: Mapping[type[Exception], int] = {
    errors.KeyRefused: 401,
    errors.RoleRefused: 403,
    errors.TooMany: 429,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Cancelled: 409,
    errors.LimitExceeded: 413,
    errors.StoreFull: 507,
    errors.Unavailable: 503,
    errors.ModelMissing: 503,
    errors.ModelError: 422,
    errors.InputError: 422,
}
_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"www-authenticate": 'Bearer realm="suyuan"'},
    429: {"retry-after": "5"},
    503: {"retry-after": "1"},
    507: {"retry-after": "10"},
}


@dataclass(eq=False)
class Problem(Exception):
    """An error with its status, in words that quote nothing of the request."""

    status: int
    detail: str
    errors: Sequence[Mapping[str, Any]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """The problem document as it goes out."""
        text = json.dumps(self.document(), ensure_ascii=False, separators=(",", ":"))
        return text.encode()

    def document(self) -> dict[str, Any]:
        """The problem document, at most 2 KiB."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail[:_LONGEST_DETAIL],
        }
        if self.errors:
            document["errors"] = list(self.errors)[:_MOST_ERRORS]
        return document

    def all_headers(self) -> dict[str, str]:
        """Headers that the status asks for and those of this problem."""
        return {"content-type": MEDIA_TYPE, **_HEADERS.get(self.status, {}), **self.headers}


def problem_of(error: Exception) -> Problem:
    """The problem that an error is to a caller; 500 without a word for what nobody foresaw."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, errors.RowRefused) and error.column:
        listed = {"place": error.column, "detail": error.reason[:_LONGEST_DETAIL]}
        return Problem(422, str(error), [listed])
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return Problem(status, str(error))
    return Problem(500, "something went wrong here; the log has the request's id")


def invalid(found: Sequence[Mapping[str, Any]], known: Iterable[str] = ()) -> Problem:
    """A problem for parameters that don't fit, told by place and by what would be right.

    ``known`` are the names that there are, told to who gave another one.
    """
    names = ", ".join(known)
    listed = [{"place": place_of(e["loc"]), "detail": _said(e, names)} for e in found]
    listed = listed[:_MOST_ERRORS]
    detail = "; ".join(f"{item['place']}: {item['detail']}" for item in listed)
    return Problem(422, detail, listed)


def place_of(location: Sequence[Any]) -> str:
    """Where it stands; what is no plain name may be anybody's data and is left out."""
    parts = (str(part) for part in location if isinstance(part, int) or _is_name(part))
    return ".".join(parts)[:80] or "the body"


def _is_name(part: Any) -> bool:
    return isinstance(part, str) and _NAME.fullmatch(part) is not None


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "json_invalid": "is no JSON",
}
_LIMITS = {
    "greater_than_equal": ("must be at least", "ge"),
    "less_than_equal": ("must be at most", "le"),
    "string_too_long": ("must have at most this many characters:", "max_length"),
    "string_too_short": ("must have at least this many characters:", "min_length"),
    "too_long": ("must have at most this many entries:", "max_length"),
    "too_short": ("must have at least this many entries:", "min_length"),
    "enum": ("must be one of", "expected"),
    "literal_error": ("must be one of", "expected"),
}


def _said(error: Mapping[str, Any], known: str) -> str:
    kind = str(error["type"])
    if kind == "extra_forbidden" and known:
        return f"is not known here; there are {known}"
    if kind in _LIMITS:
        words, limit = _LIMITS[kind]
        return f"{words} {error.get('ctx', {}).get(limit, '…')}"
    return _WORDS.get(kind, "has not the right form; see /docs")
