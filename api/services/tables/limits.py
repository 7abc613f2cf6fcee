"""What a file may grow to when it is opened, whatever it says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import LimitExceeded

MAX_COLUMNS = 500
FORMATS = "CSV, TSV, XLSX, JSON Lines (.jsonl) and Parquet, the text formats also as .gz"
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bytes of all cells and of one, cells, and parts of an archive."""

    unpacked_bytes: int = 4096 * MEGABYTE
    cell_bytes: int = 4 * MEGABYTE
    cells: int = 400_000_000
    archive_entries: int = 2_000

    def keep_size(self, size: int, name: str) -> None:
        """`LimitExceeded` when a file unpacks to more bytes."""
        if size > self.unpacked_bytes:
            raise LimitExceeded(
                f"{name} unpacks to more than {self.unpacked_bytes // MEGABYTE:,} MiB; "
                "split it into smaller files"
            )

    def keep_cells(self, cells: int, name: str) -> None:
        """`LimitExceeded` when a file holds more cells, empty ones counted."""
        if cells > self.cells:
            raise LimitExceeded(
                f"{name} has more than {self.cells:,} cells; split it into smaller files"
            )

    def too_long(self, cell: str) -> bool:
        """Whether a cell takes more bytes than one may."""
        if len(cell) * 4 <= self.cell_bytes:
            return False
        return len(cell) > self.cell_bytes or len(cell.encode("utf-8", "replace")) > self.cell_bytes

    @property
    def long_cell(self) -> str:
        """Why a row with such a cell is left out."""
        return f"a cell holds more than {self.cell_bytes // 1024:,} KiB"


UPLOAD_LIMITS = Limits(unpacked_bytes=200 * MEGABYTE, cell_bytes=MEGABYTE, cells=20_000_000)
