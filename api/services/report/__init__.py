"""The root-cause report: built from a table, written in the formats that people ask for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.services.report.build import Progress, build_content
from api.services.report.cases import Desk
from api.services.report.document import content_security_policy, html_of
from api.services.report.options import Judgement, ReportOptions
from api.services.report.paper import PaperMissing, pdf_of
from api.services.report.public import public_content
from api.services.report.summary import markdown_of
from api.services.report.workbook import workbook_of
from api.services.tables import Table
from domain.errors import SettingRefused

FORMATS = ("html", "json", "xlsx", "pdf", "md")

__all__ = [
    "FORMATS",
    "Judgement",
    "PaperMissing",
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

    def to_xlsx(self) -> bytes:
        """The report as an Excel workbook."""
        return workbook_of(self.content)

    def to_pdf(self) -> bytes:
        """The report as PDF; `PaperMissing` says what to install where something is missing."""
        return pdf_of(self.content)

    def to_markdown(self) -> str:
        """The report's main points for a chat."""
        return markdown_of(self.content)

    def public(self) -> Report:
        """The version for the public: totals, problems and improvements, nothing personal."""
        return Report(public_content(self.content))

    def write(self, out: Path, formats: Sequence[str] = FORMATS) -> Written:
        """Write ``report.<format>`` into a folder, made where it is missing."""
        makers = self._makers()
        wrong = sorted(set(formats) - set(makers))
        if wrong:
            raise SettingRefused(f"format {wrong[0]!r} is none of {', '.join(makers)}")
        out.mkdir(parents=True, exist_ok=True)
        files: list[Path] = []
        left_out: dict[str, str] = {}
        for name in formats:
            path = out / f"report.{name}"
            try:
                path.write_bytes(makers[name]())
            except PaperMissing as error:
                left_out[name] = str(error)
            else:
                files.append(path)
        return Written(tuple(files), left_out)

    def _makers(self) -> dict[str, Callable[[], bytes]]:
        return {
            "html": lambda: self.to_html().encode(),
            "json": self.to_json,
            "xlsx": self.to_xlsx,
            "pdf": self.to_pdf,
            "md": lambda: self.to_markdown().encode(),
        }


def build_report(
    table: Table,
    options: ReportOptions | None = None,
    *,
    desk: Desk | None = None,
    progress: Progress | None = None,
) -> Report:
    """Build the report of a table; ``desk`` predicts labels that rows lack."""
    return Report(build_content(table, options or ReportOptions(), desk, progress))
