"""Parquet, a few thousand rows at a time: what its pages unpack to stands nowhere in the file."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from api.services.tables.gathering import Gathering, refuse_headers, written
from api.services.tables.limits import Limits
from api.services.tables.table import Table
from domain.errors import TableUnreadable

_ROWS = 4_096
_WIDEST_FIXED = 1_024


def read_parquet(content: bytes, name: str, limits: Limits) -> Table:
    """Every row as strings, the first one numbered 2 as if a header stood above."""
    try:
        return _read(content, name, limits)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise TableUnreadable(f"{name} is no Parquet file ({type(error).__name__})") from None


def _read(content: bytes, name: str, limits: Limits) -> Table:
    file = pyarrow.parquet.ParquetFile(pa.BufferReader(content))
    headers = [header.strip() for header in file.schema_arrow.names]
    refuse_headers([header for header in headers if header], name)
    _refuse_large(file, name, limits)
    texts = [leaf.path for leaf in _leaves(file) if leaf.physical_type == "BYTE_ARRAY"]
    # As dictionaries, since a string that repeats unpacks a thousandfold.
    file = pyarrow.parquet.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
    rows = Gathering(name, headers, limits)
    first, unpacked = 2, 0
    for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
        unpacked += sum(map(_unpacked, batch.columns))
        limits.keep_size(unpacked, name)
        kept = [at for at, header in enumerate(headers) if header]
        columns = [_strings(batch.column(at)) for at in kept]
        rows.add_part(first, pa.table(columns, names=rows.columns))
        first += batch.num_rows
    return rows.table()


def _leaves(file: Any) -> list[Any]:
    return [file.schema.column(at) for at in range(file.metadata.num_columns)]


def _refuse_large(file: Any, name: str, limits: Limits) -> None:
    """By what the file says of itself, before anything is unpacked."""
    groups = [file.metadata.row_group(at) for at in range(file.metadata.num_row_groups)]
    limits.keep_size(sum(group.total_byte_size for group in groups), name)
    leaves = _leaves(file)
    limits.keep_cells(file.metadata.num_rows * len(leaves), name)
    values = (group.column(at).num_values for group in groups for at in range(len(leaves)))
    limits.keep_cells(sum(values), name)
    for leaf in leaves:
        if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" and leaf.length > _WIDEST_FIXED:
            raise TableUnreadable(f"{name}: column {leaf.path!r} holds blobs; leave it out")


def _unpacked(column: pa.Array) -> int:
    """Bytes of a column once every dictionary entry is written out where it is used."""
    if pa.types.is_dictionary(column.type):
        lengths = pa.compute.binary_length(column.dictionary)
        return pa.compute.sum(lengths.take(column.indices)).as_py() or 0
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return _unpacked(column.flatten())
    if pa.types.is_struct(column.type):
        return sum(map(_unpacked, column.flatten()))
    if pa.types.is_map(column.type):
        return _unpacked(column.keys) + _unpacked(column.items)
    return int(column.nbytes)


def _strings(column: pa.Array) -> pa.Array:
    """A column as CSV would carry it."""
    if pa.types.is_dictionary(column.type) and not pa.types.is_nested(column.type.value_type):
        column = column.cast(pa.string())
    if not pa.types.is_string(column.type):
        column = pa.array(_written(column), pa.string())
    column = pa.compute.fill_null(column, "")
    column.validate(full=True)
    return column


def _written(column: pa.Array) -> list[str]:
    try:
        return [written(value) for value in column.to_pylist()]
    except (ValueError, OverflowError):  # a time beyond the years that Python counts
        return [value or "" for value in column.cast(pa.string()).to_pylist()]
