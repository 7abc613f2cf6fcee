"""Bodies as they come in: UTF-8 JSON in which every name stands once and every number is one."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from fastapi import Request

from api.errors import Problem, place_of

_UTF8 = {"utf-8", "utf8"}
_CHARSET = re.compile(r"charset=\"?([a-z0-9-]{1,20})", re.I)
_SURROGATE = re.compile("[\ud800-\udfff]")


async def json_object(request: Request, *, storable: bool = True) -> dict[str, Any]:
    """The request's body as a JSON object, `storable` when a database could hold all of it."""
    _refuse_other_types(request.headers.get("content-type", ""))
    parsed = parse_json(await request.body())
    if storable:
        refuse_unstorable(parsed)
    if not isinstance(parsed, dict):
        raise Problem(422, "the body must be a JSON object")
    return parsed


def _refuse_other_types(content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "send JSON as `Content-Type: application/json`")
    charset = _CHARSET.search(content_type)
    if charset and charset[1].lower() not in _UTF8:
        raise Problem(415, "send JSON in UTF-8")


def parse_json(body: bytes) -> Any:
    """Strict JSON: every name once in its object, every number finite."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(400, "the body is not UTF-8") from None
    try:
        parsed = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Problem(400, f"the body is no JSON; the fault is at character {error.pos}") from None
    except RecursionError:
        raise Problem(400, "the body is nested too deeply") from None
    except ValueError:
        raise Problem(400, "the body holds a number with too many digits") from None
    return parsed


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise Problem(400, "the body gives one name twice in an object")
    return named


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Problem(400, "the body holds a number that is too large")
    return number


def _refuse_constant(_name: str) -> NoReturn:
    raise Problem(400, "the body holds NaN or Infinity, which JSON does not have")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_named_once, parse_float=_finite, parse_constant=_refuse_constant
)


def refuse_unstorable(parsed: Any) -> None:
    """Look at every string, without recursion: the parser has bounded the depth already."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), parsed)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            _refuse_string(place, value)
        elif isinstance(value, list):
            waiting.extend(((*place, at), each) for at, each in enumerate(value))
        elif isinstance(value, dict):
            waiting.extend((place, name) for name in value)
            waiting.extend(((*place, name), each) for name, each in value.items())


def _refuse_string(place: tuple[str | int, ...], value: str) -> None:
    if "\x00" in value:
        reason = "a string holds the character U+0000; send it without"
    elif _SURROGATE.search(value):
        reason = "a string holds half a surrogate pair; send whole characters"
    else:
        return
    raise Problem(422, reason, [{"place": place_of(place), "detail": reason}])
