"""What is printed and handed out: the meeting's sheet, the 8D report, charts, a workbook."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Connection

from api.services.access import Caller
from api.services.exports import write_xlsx
from api.services.improvement.hands import Hand
from api.services.improvement.indicators import indicators_of
from api.services.improvement.register import BRANCHES, issue_name, out, out_measure, shown
from api.services.improvement.states import LIVE, PLANNED
from api.services.office import Office
from api.store import problems
from api.store.complaints import audit_row
from api.store.problems import Wanted
from domain.calendar import CHINA, china_day
from domain.errors import NotFound, Unavailable

PRESSES = threading.BoundedSemaphore(2)
_PAGES = Path(__file__).with_name("pages")
STATES = {
    "open": "待认领", "owned": "分析中", "acting": "整改中", "watching": "观察中",
    "closed": "已关闭", "known": "已知", "accepted": "接受", "merged": "已合并",
    "suggested": "建议", "planned": "已批准", "done": "已实施", "dropped": "已放弃",
}  # fmt: skip
_COLUMNS = ("编号", "问题", "问题编码", "适用范围", "部门", "严重度", "状态", "负责人", "始于",
            "投诉件数", "成本", "措施", "措施状态", "措施负责人", "到期", "完成", "措施成本",
            "效果", "实际÷预计", "区间下限", "区间上限", "说明")  # fmt: skip


async def sheet(office: Office, caller: Caller, month: str | None) -> dict[str, Any]:
    """Open problems, due and overdue measures, what was measured and ended in a month."""
    return await office.read(partial(_sheet, office=office, caller=caller, month=month))


def _sheet(
    connection: Connection, office: Office, caller: Caller, month: str | None
) -> dict[str, Any]:
    hand = Hand.of(connection, office, caller)
    first, last = _month(month or f"{hand.today:%Y-%m}")
    rows = problems.listed(connection, Wanted(caller.departments))
    told = {row.id: out(row, row.complaints) for row in rows}
    measures = problems.measures_of(connection, list(told))
    effects = problems.newest_effects(connection, [each.id for each in measures])
    listed = [
        out_measure(each, effects.get(each.id)) | {"problem_title": told[each.problem]["title"]}
        for each in measures
    ]
    waiting = [each for each in listed if each["state"] == PLANNED]
    today = hand.today.isoformat()
    return {
        "month": f"{first:%Y-%m}",
        "indicators": indicators_of(connection, caller.departments, measures, effects, hand.today),
        "open": [told[row.id] for row in rows if row.state in LIVE],
        "due": [each for each in waiting if today <= each["due_on"] <= last.isoformat()],
        "overdue": [each for each in waiting if each["due_on"] < today],
        "measured": [each for each in listed if _measured_within(each, first, last)],
        "ended": [told[row.id] for row in rows if _within(row.ended_at, first, last)],
    }


def _month(written: str) -> tuple[date, date]:
    first = date.fromisoformat(f"{written}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _within(moment: datetime | None, first: date, last: date) -> bool:
    return moment is not None and first <= china_day(moment) <= last


def _measured_within(measure: Mapping[str, Any], first: date, last: date) -> bool:
    effect = measure["effect"]
    return effect is not None and _within(effect["measured_at"], first, last)


async def sheet_page(office: Office, caller: Caller, month: str | None) -> tuple[str, str]:
    """The sheet as a printable page, and the policy that it needs."""
    content = await sheet(office, caller, month)
    return _rendered("sheet.html.j2", sheet=content), page_policy()


async def eight_disciplines(office: Office, caller: Caller, identifier: str) -> tuple[str, str]:
    """A problem as an 8D report, and the policy that its page needs."""
    return await _eight_disciplines(office, caller, identifier), page_policy()


async def _eight_disciplines(office: Office, caller: Caller, identifier: str) -> str:
    problem = await shown(office, caller, identifier)
    return await asyncio.to_thread(_written, problem)


def _written(problem: Mapping[str, Any]) -> str:
    charts = {
        each["id"]: _drawn(each) for each in problem["measures"] if each["effect"] is not None
    }
    return _rendered("8d.html.j2", problem=problem, charts=charts, branches=BRANCHES)


async def eight_disciplines_pdf(office: Office, caller: Caller, identifier: str) -> bytes:
    """The 8D report on A4 pages."""
    html = await _eight_disciplines(office, caller, identifier)
    return await asyncio.to_thread(_pressed, html, identifier)


def _pressed(html: str, identifier: str) -> bytes:
    """Set a page; a request that was given up goes on here, so only a few may at once."""
    from api.services.report.paper import PaperMissing, pdf_of_page

    if not PRESSES.acquire(blocking=False):
        raise Unavailable("other papers are being made; ask again in a moment")
    try:
        return pdf_of_page(html, identifier)
    except PaperMissing as error:
        raise NotFound(str(error)) from None
    finally:
        PRESSES.release()


async def chart(office: Office, caller: Caller, identifier: str, measure: str | None) -> str:
    """The effect of one measure as SVG; of the one measured last when none is named."""
    problem = await shown(office, caller, identifier)
    there = [
        each
        for each in problem["measures"]
        if each["effect"] is not None and measure in (None, each["id"])
    ]
    if not there:
        raise NotFound("no effect is measured yet; carry a measure out and have it measured")
    newest = max(there, key=lambda each: (each["effect"]["upto"], each["done_on"]))
    return str(await asyncio.to_thread(_drawn, newest))


def _drawn(measure: Mapping[str, Any]) -> Markup:
    from api.services.improvement.drawing import effect_chart

    return effect_chart(measure["effect"], measure["title"])


async def workbook(office: Office, caller: Caller) -> bytes:
    """Every problem with its measures, a row each, safe to open in a spreadsheet."""
    rows = await office.write(partial(_rows, office=office, caller=caller))
    return await asyncio.to_thread(write_xlsx, _COLUMNS, rows, "改进")


def _rows(connection: Connection, office: Office, caller: Caller) -> list[list[Any]]:
    listed = problems.listed(connection, Wanted(caller.departments))
    measures = problems.measures_of(connection, [row.id for row in listed])
    effects = problems.newest_effects(connection, [each.id for each in measures])
    rows: list[list[Any]] = []
    for row in listed:
        mine: list[Any] = [each for each in measures if each.problem == row.id]
        rows += [
            _cells(row, each, effects.get(each.id) if each else None) for each in mine or [None]
        ]
    now = office.clock()
    audit_row(connection, now, caller.id, "problems.export", "xlsx", {"rows": len(rows)})
    return rows


def _cells(row: Any, measure: Any, effect: Any) -> list[Any]:
    where = _where(row.places)
    head = [row.id, row.title, f"{row.issue} {issue_name(row.issue)}", where, row.department,
            row.severity, STATES[row.state], row.owner, _iso(row.since), row.complaints,
            row.cost]  # fmt: skip
    if measure is None:
        return head + [None] * (len(_COLUMNS) - len(head))
    done = [measure.title, STATES[measure.state], measure.owner, _iso(measure.due_on),
            _iso(measure.done_on), measure.cost]  # fmt: skip
    if effect is None:
        return [*head, *done, None, None, None, None, None]
    low, high = effect.figures["interval"] or (None, None)
    return [*head, *done, effect.verdict, effect.figures["rate_ratio"], low, high, effect.sentence]


def _where(places: Sequence[Mapping[str, str]]) -> str:
    return "，".join(place["value"] for place in places) or "全部"


def _iso(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


@cache
def _style() -> str:
    return (_PAGES / "print.css").read_text(encoding="utf-8")


@cache
def page_policy() -> str:
    """What a browser may do with a printed page: show it and its one style sheet."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["where"] = _where
    environment.filters["day"] = _day
    environment.filters["share"] = lambda value: "–" if value is None else f"{value:.0%}"
    return environment


def _day(moment: Any) -> str:
    if moment is None:
        return "–"
    return f"{moment.astimezone(CHINA):%Y-%m-%d}" if isinstance(moment, datetime) else str(moment)


def _rendered(name: str, **names: Any) -> str:
    style = Markup(_style())  # noqa: S704  (our own file)
    return _environment().get_template(name).render(style=style, states=STATES, **names)
