"""JSON Lines: one object a line, its row number the line's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from api.services.tables.gathering import Gathering, written
from api.services.tables.limits import Limits
from api.services.tables.table import Table
from domain.errors import InputError, RowRefused, TableUnreadable
from domain.text import refuse_unstorable

_NO_OBJECT = "the line is no JSON object; write one object a line"


def read_json_lines(text: str, name: str, limits: Limits) -> Table:
    """Every line as a row, keys as headers in the order they are met."""
    rows = Gathering(name, [], limits)
    first = ""
    places: dict[str, int] = {}
    for number, line in enumerate(lines_of(text), start=1):
        if not line or line.isspace():
            limits.keep_cells(number, name)
            continue
        try:
            record = _record(line, limits)
        except RowRefused as error:
            rows.refuse(number, error.reason, error.column)
            first = first or f"; row {number:,}: {error}"
            continue
        for key in record:
            if key not in places:
                places[key] = len(places)
                rows.widen(key)
        rows.add(number, [record.get(key, "") for key in places])
    if not places:
        raise TableUnreadable(
            f"{name} has no line that is a JSON object; write one object a line{first}"
        )
    return rows.table()


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text one after another, without holding them all."""
    at = 0
    while (end := text.find("\n", at)) >= 0:
        yield text[at:end]
        at = end + 1
    if at < len(text):
        yield text[at:]


def _record(line: str, limits: Limits) -> dict[str, str]:
    if len(line) > 4 * limits.cell_bytes:  # a short text of brackets is a large heap of lists
        raise RowRefused(f"the line holds more than {4 * limits.cell_bytes // 1024:,} KiB")
    try:
        record = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_object)
        if not isinstance(record, dict):
            raise RowRefused(f"holds a {type(record).__name__}; write an object")
        cells = _object([(key.strip(), written(value)) for key, value in record.items()])
    except (ValueError, RecursionError):
        raise RowRefused(_NO_OBJECT) from None
    cells.pop("", None)
    if "\\u" in line:
        _refuse_unstorable(cells)
    return cells


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise RowRefused("a name stands twice in an object; name each column once")
    return record


def _refuse_unstorable(cells: dict[str, str]) -> None:
    for key, value in cells.items():
        try:
            refuse_unstorable(key)
        except InputError as error:
            raise RowRefused(f"a column's name {_held(error)}") from None
        try:
            refuse_unstorable(value)
        except InputError as error:
            raise RowRefused(_held(error), key) from None


def _held(error: InputError) -> str:
    return str(error).removeprefix("the text ")


def _refuse_constant(constant: str) -> float:
    raise ValueError(constant)
