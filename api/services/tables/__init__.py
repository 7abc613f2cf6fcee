"""Complaint tables from files: CSV, Excel, JSON Lines and Parquet, good rows beside bad ones.

Row numbers are those a spreadsheet shows, blank rows counted; of JSON Lines they are the lines'.
"""

from api.services.tables.limits import MAX_COLUMNS, UPLOAD_LIMITS, Limits
from api.services.tables.reading import read_table
from api.services.tables.table import RowError, Table, moments
from api.services.tables.workbook import refuse_bomb

__all__ = [
    "MAX_COLUMNS",
    "UPLOAD_LIMITS",
    "Limits",
    "RowError",
    "Table",
    "moments",
    "read_table",
    "refuse_bomb",
]
