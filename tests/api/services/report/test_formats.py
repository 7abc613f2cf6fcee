"""The report's formats: self-contained, harmless, the same bytes for the same inputs."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from api.services.report import (
    FORMATS,
    Report,
    ReportOptions,
    build_report,
    content_security_policy,
)
from api.services.tables import read_table
from domain.errors import SettingRefused
from domain.privacy import Kind, contains_personal

Make = Callable[..., Report]

VOID = {"meta", "br", "link", "img", "input", "hr"}
NUMBERS = frozenset(Kind) - {Kind.NAME, Kind.ADDRESS}
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(1)</script>",
    "</title></svg><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "'-alert(1)-'",
    "&lt;script&gt;",
)
FORMULAS = ("=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "＝1+1", " =HYPERLINK(1)", "'=1")


class Page(HTMLParser):
    """What a browser makes of a page: elements, attributes, ids, links, balance."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src", "xlink:href", "action"):
                self.links.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


def _hostile(payloads: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows whose every field carries a payload, with a cause so that every part is drawn."""
    rows = []
    for at in range(240):
        payload = payloads[at % len(payloads)]
        bad = at % len(payloads) == 0
        rows.append(
            {
                "id": f"{payload}{at}",
                "text": f"东西坏了{payload}请处理，谢谢大家帮忙看看{at}",
                "received_at": f"2026-{1 + at // 60:02d}-{1 + at % 28:02d} 09:00:00",
                "customer_id": f"u{at}",
                "product": payload,
                "region": f"区{at % 3}",
                "channel": payload,
                "team": payload,
                "issues": f"坏{payload}".replace("|", "") if bad else f"I{at % 5}",
                "satisfaction": str(1 + at % 5),
                "cost": "-5" if at == 0 else "7.5",
            }
        )
    return rows


@pytest.mark.parametrize("language", ["zh", "en"])
def test_two_builds_give_the_same_bytes(small_history: Path, language: str) -> None:
    """JSON, HTML, Excel and Markdown; no clock, no order of sets is in them."""
    table = read_table(small_history / "complaints.csv")
    options = ReportOptions(language=language, start=date(2025, 7, 7), examples=1)
    first, second = (build_report(table, options) for _ in range(2))
    assert first.to_json() == second.to_json()
    assert first.to_html() == second.to_html()
    assert first.to_xlsx() == second.to_xlsx()
    assert first.to_markdown() == second.to_markdown()


def test_a_stored_report_draws_the_same_page(report: Report) -> None:
    """Everything a format needs is in report.json."""
    again = Report.from_json(report.to_json())
    assert again.to_html() == report.to_html()
    assert again.to_xlsx() == report.to_xlsx()


def test_what_it_was_made_from_is_in_it(small_report: Report, small_history: Path) -> None:
    """Hash of the snapshot, parameters and versions; another parameter, another digest."""
    content = small_report.content
    raw = (small_history / "complaints.csv").read_bytes()
    assert content["snapshot"]["digest"] == hashlib.sha256(raw).hexdigest()
    assert content["versions"]["numpy"]
    other = build_report(read_table(small_history / "complaints.csv"), ReportOptions(small_group=6))
    digests = [made.content["snapshot"]["parameters_digest"] for made in (small_report, other)]
    assert digests[0] != digests[1]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_is_whole_and_refers_to_nothing_outside(report: Report, language: str) -> None:
    """Balanced elements, own anchors only, no script, no style attribute, no address."""
    html = Report({**report.content, "language": language}).to_html()
    page = Page(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if link[1:] not in page.ids} == set()
    assert page.tags.isdisjoint({"script", "iframe", "object", "embed", "form", "link", "img"})
    assert "style" not in page.attributes
    addresses = set(re.findall(r"https?://[^\s\"'<]+", html))
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_the_policy_allows_the_one_style_sheet_by_its_hash(report: Report) -> None:
    """The hash in the policy is that of the text between the style tags."""
    style = re.search(r"<style>(.*?)</style>", report.to_html(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in content_security_policy()
    assert "unsafe" not in content_security_policy()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', report.to_html())
    assert policy is not None
    assert policy[1].replace("&#39;", "'") == content_security_policy()


def test_no_chart_is_empty(report: Report) -> None:
    """Every drawing holds something besides its title, and says what it shows."""
    drawings = re.findall(r"<svg .*?</svg>", report.to_html(), re.DOTALL)
    assert len(drawings) > 20
    for drawing in drawings:
        assert re.search(r"<title>[^<]+</title>", drawing)
        assert re.search(r"<(rect|path|polyline|circle)", drawing)
        assert "nan" not in drawing.lower()


def test_drawings_keep_inside_their_frame(report: Report) -> None:
    """No bar, line or word begins outside the drawing's box."""
    for drawing in re.findall(r"<svg .*?</svg>", report.to_html(), re.DOTALL):
        box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing)
        assert box is not None
        width, height = float(box[1]), float(box[2])
        for name, limit in (("x", width), ("x1", width), ("x2", width), ("cx", width)):
            found = [float(x) for x in re.findall(rf' {name}="(-?[\d.]+)"', drawing)]
            assert all(-0.01 <= x <= limit + 0.01 for x in found)
        for name in ("y", "y1", "y2", "cy"):
            found = [float(y) for y in re.findall(rf' {name}="(-?[\d.]+)"', drawing)]
            assert all(-0.01 <= y <= height + 0.01 for y in found)


def test_hostile_fields_are_shown_and_never_run(report_of: Make) -> None:
    """Payloads in ids, texts, values, issues, title: no element and no handler comes of them."""
    made = report_of(_hostile(PAYLOADS), title="".join(PAYLOADS), examples=5)
    page = Page(made.to_html())
    assert page.open == []
    assert page.tags.isdisjoint({"script", "img", "iframe"})
    assert not {name for name in page.attributes if name.startswith("on")}
    assert "<script>alert(1)</script>" in page.text.replace("\n", "")
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", made.to_html(), re.DOTALL)[0]


def test_no_cell_is_a_formula(report_of: Make) -> None:
    """Strings stay strings whatever they begin with; figures stay figures."""
    made = report_of(_hostile(FORMULAS), title="=2+2")
    book = openpyxl.load_workbook(io.BytesIO(made.to_xlsx()))
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert kinds <= {"s", "n", "inlineStr"}
    assert book.worksheets[0]["A1"].value == "=2+2"


def test_the_workbook_has_tables_filters_and_native_charts(report: Report) -> None:
    """Each sheet a table with its filter; charts that Excel draws itself."""
    book = openpyxl.load_workbook(io.BytesIO(report.to_xlsx()))
    assert {"一眼看去", "频发", "根因线索", "预警", "每周走势"} <= set(book.sheetnames)
    assert all(sheet.auto_filter.ref for sheet in book)
    assert sum(len(sheet._charts) for sheet in book) == 3
    weekly = book["每周走势"]
    assert [row[1].value for row in weekly.iter_rows(min_row=2)] == report.content["trends"][
        "total"
    ]


def test_findings_have_one_number_in_every_format(report: Report) -> None:
    """Causes first, then issues that come together; the explained ones have none."""
    content = report.content
    sheet = openpyxl.load_workbook(io.BytesIO(report.to_xlsx()))["根因线索"]
    numbered = [row for row in sheet.iter_rows(min_row=2, values_only=True) if row[0]]
    fresh = [f for f in content["findings"] if not f["confounded_by"]]
    assert [row[0] for row in numbered] == list(range(1, len(fresh) + 1))
    kinds = [f["kind"] for f in fresh]
    assert kinds == sorted(kinds)
    page = report.to_html()
    for number, _, left, *_ in numbered[: kinds.count("cause")]:
        assert f'<span class="rank">{number}</span>{left} ' in page
    assert f"1. **{numbered[0][2]} ⇒" in report.to_markdown()


def test_nothing_personal_leaves_in_any_format(report_of: Make) -> None:
    """A history full of numbers: in texts, ids, values and the title's neighbours."""
    secrets = {
        "mobile": "13912345678",
        "card": "11010519491231002X",
        "bank": "6222021234567890128",
        "mail": "zhang.san@example.com",
        "plate": "京A12345",
    }
    rows = []
    for at in range(200):
        secret = list(secrets.values())[at % 5]
        rows.append(
            {
                "id": f"{secret}/{at}",
                "text": f"我叫张三丰，电话{secrets['mobile']}，身份证{secrets['card']}，"
                f"卡号{secrets['bank']}，邮箱{secrets['mail']}，车牌{secrets['plate']}，屏幕{at}坏了",
                "received_at": f"2026-{1 + at // 50:02d}-{1 + at % 28:02d} 09:00:00",
                "customer_id": secret,
                "product": f"产品{at % 4}",
                "region": secret,
                "outlet": f"店{secret}",
                "issues": "1001" if at % 4 == 0 else f"{2001 + at % 3}",
            }
        )
    made = report_of(rows, examples=5)
    assert made.content["findings"]
    for output in (made.to_json().decode(), made.to_html(), made.to_markdown(), _cells(made)):
        assert not [secret for secret in secrets.values() if secret in output]
    words = Page(made.to_html()).text + _cells(made)
    assert [line for line in words.splitlines() if contains_personal(line, NUMBERS)] == []


def _cells(report: Report) -> str:
    book = openpyxl.load_workbook(io.BytesIO(report.to_xlsx()))
    rows = (row for sheet in book for row in sheet.iter_rows(values_only=True))
    return "\n".join(str(value) for row in rows for value in row if isinstance(value, str))


def test_the_public_version_holds_no_text_id_place_or_person(report: Report) -> None:
    """Totals and causes by product remain."""
    public = report.public()
    raw = public.to_json().decode()
    assert "T0000" not in raw
    assert "武林广场店" not in raw
    assert all(not f["complaints"] and not f["examples"] for f in public.content["findings"])
    page = public.to_html()
    assert "白皮书" in page
    assert "小灶K4" in page
    assert Page(page).open == []


def test_markdown_cannot_be_led_astray(report_of: Make) -> None:
    """Marks in values are escaped, so that no link, image or mention comes of them."""
    title = "[点我](https://x.invalid) ![](y) @all <b>"
    text = report_of(_hostile(PAYLOADS), title=title).to_markdown()
    assert r"\[点我\](https://x.invalid)" in text
    assert r"\@all" in text
    assert re.search(r"(?<!\\)[<@]", text) is None


def test_all_formats_are_written_or_excused(small_report: Report, tmp_path: Path) -> None:
    """A format whose library is missing is left out with a plain word."""
    written = small_report.write(tmp_path / "deep" / "out")
    names = {path.suffix[1:] for path in written.files} | set(written.left_out)
    assert names == set(FORMATS)
    assert all(path.stat().st_size for path in written.files)
    with pytest.raises(SettingRefused, match="'docx'"):
        small_report.write(tmp_path, ["docx"])


def test_a_missing_chinese_font_is_named(
    small_report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without fontconfig's fonts no PDF of empty boxes is written."""
    monkeypatch.setenv("PATH", str(tmp_path))
    written = small_report.write(tmp_path / "out", ["pdf"])
    assert written.files == ()
    assert "apt-get install" in written.left_out["pdf"]


def test_the_pdf_embeds_its_chinese_fonts(small_report: Report) -> None:
    """The same bytes twice, with the fonts inside."""
    if shutil.which("fc-list") is None:
        pytest.skip("fontconfig (fc-list) is not on this machine")
    try:
        pdf = small_report.to_pdf()
    except Exception as error:
        pytest.skip(f"no PDF on this machine: {error}")
    assert pdf.startswith(b"%PDF-")
    assert pdf == small_report.to_pdf()
    inside = b"".join(_inflated(pdf))
    assert re.search(rb"/FontName\s*/\S*(CJK|Han|Hei|Song|Droid|WenQuanYi)", inside + pdf)
    assert b"/FontFile" in inside + pdf


def _inflated(pdf: bytes) -> Iterator[bytes]:
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(packed)


def test_every_phrase_has_both_languages_and_the_same_figures() -> None:
    """No phrase of the catalogue is missing or loses a figure in translation."""
    from api.services.report.language import catalogue

    for key, phrase in catalogue().items():
        assert set(phrase) == {"zh", "en"}, key
        figures = [set(re.findall(r"{(\w+)}", text)) for text in phrase.values()]
        assert figures[0] == figures[1], key


def test_english_names_cover_the_taxonomy(report: Report) -> None:
    """No Chinese label of ours is left in the English charts."""
    from api.services.report.language import Language
    from domain.taxonomy import shipped_taxonomy

    english = Language("en")
    names = {code.name for code in shipped_taxonomy().codes.values()}
    names |= set(shipped_taxonomy().categories)
    assert [name for name in names if english.value(name) == name] == []


def test_report_json_is_plain_json(report: Report) -> None:
    """No NaN, no Infinity, at most six digits."""

    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    content = json.loads(report.to_json(), parse_constant=refuse)
    assert content == report.content
    assert content["findings"][0]["lift"] == float(f"{content['findings'][0]['lift']:.6g}")
