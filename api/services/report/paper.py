"""The report as PDF, with its Chinese fonts embedded."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

from api.services.report.document import html_of

# Fonts for text have no emoji; what they would print instead is an empty box.
_PICTOGRAPHS = re.compile("[\u2600-\u27bf\ufe00-\ufe0f\u200d\U0001f000-\U0001faff]")
_FONTS = "apt-get install fonts-noto-cjk"
_PANGO = "apt-get install libpango-1.0-0 libpangoft2-1.0-0"


class PaperMissing(Exception):
    """A system library or font that a PDF needs is not installed; says what to install."""


def pdf_of(content: dict[str, Any]) -> bytes:
    """The report on A4 pages; `PaperMissing` where Pango or a Chinese font is missing."""
    return pdf_of_page(html_of(content, paper=True), content["snapshot"]["digest"][:32])


def pdf_of_page(html: str, identifier: str) -> bytes:
    """A page that holds everything itself, as PDF; the same page gives the same bytes."""
    try:
        import weasyprint
    except OSError as error:
        raise PaperMissing(f"the PDF needs Pango ({_PANGO}); {_first_line(error)}") from None
    if not _has_chinese_font():
        raise PaperMissing(f"the PDF needs a Chinese font ({_FONTS})")
    page = weasyprint.HTML(string=_PICTOGRAPHS.sub("", html), url_fetcher=_refuse)
    pdf = page.write_pdf(pdf_identifier=identifier.encode())
    return bytes(pdf or b"")


def _first_line(error: OSError) -> str:
    return str(error).split("\n", 1)[0][:120]


def _refuse(url: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """A report holds everything itself: nothing is fetched, from anywhere."""
    raise ValueError(f"the report refers to nothing outside itself, but asks for {url[:80]}")


def _has_chinese_font() -> bool:
    """Whether fontconfig knows a font for simplified Chinese."""
    lister = shutil.which("fc-list")
    if lister is None:
        return False
    known = subprocess.run(  # noqa: S603  (fixed words, no shell)
        [lister, ":lang=zh-cn", "family"], capture_output=True, check=False, timeout=60
    )
    return bool(known.stdout.strip())
