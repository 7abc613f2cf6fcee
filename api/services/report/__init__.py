"""The root-cause report: built from a table, written in the formats that people ask for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.services.report.build import Progress, build_content
from api.services.report.cases import Desk
from api.services.report.document import content_security_policy, html_of
from api.services.report.options import ReportOptions
from api.services.tables import Table
from domain.errors import SettingRefused

FORMATS = ("html", "json")

__all__ = [
    "FORMATS",
    "Report",
    "ReportOptions",
    "Written",
    "build_report",
    "content_security_policy",
]


@dataclass(frozen=True)
class Written:
    """What was written, and a plain word for each format that was left out."""

    files: tuple[Path, ...]
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """A finished report; ``content`` is what report.json holds, every format is drawn from it."""

    content: dict[str, Any]

    @classmethod
    def from_json(cls, raw: bytes | str) -> Report:
        """A report that was stored as JSON."""
        return cls(json.loads(raw))

    def to_json(self) -> bytes:
        """The report as report.json."""
        return json.dumps(self.content, ensure_ascii=False, indent=1).encode() + b"\n"

    def to_html(self) -> str:
        """The report as one offline page."""
        return html_of(self.content)

    def write(self, out: Path, formats: Sequence[str] = FORMATS) -> Written:
        """Write ``report.<format>`` into a folder, made where it is missing."""
        wrong = sorted(set(formats) - set(FORMATS))
        if wrong:
            raise SettingRefused(f"format {wrong[0]!r} is none of {', '.join(FORMATS)}")
        out.mkdir(parents=True, exist_ok=True)
        makers = {"html": lambda: self.to_html().encode(), "json": self.to_json}
        files = []
        for name in formats:
            path = out / f"report.{name}"
            path.write_bytes(makers[name]())
            files.append(path)
        return Written(tuple(files))


def build_report(
    table: Table,
    options: ReportOptions | None = None,
    *,
    desk: Desk | None = None,
    progress: Progress | None = None,
) -> Report:
    """Build the report of a table; ``desk`` predicts labels that rows lack."""
    return Report(build_content(table, options or ReportOptions(), desk, progress))
