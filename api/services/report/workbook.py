"""The report as an Excel workbook: every table with filters, native charts, no formula."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import xlsxwriter

from api.services.report.glance import explanation, filings, news, risen, sides
from api.services.report.language import Language
from api.services.report.parameters import parameters_of
from api.services.report.profile import REST

Content = dict[str, Any]
Row = Sequence[Any]

_MADE = datetime(2000, 1, 1)  # noqa: DTZ001  (the same bytes whenever it is made)
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONGEST_CELL = 32_000
_WIDEST = 60
_OF_MEASURE = ("title", "due_on", "done_on", "verdict", "rate_ratio", "sentence")
_STATUS = {"confounded": "confounded_status"}


@dataclass(frozen=True)
class Sheet:
    """One table: its name, its header, its rows; which columns are shares."""

    name: str
    header: Sequence[str]
    rows: Sequence[Row]
    shares: frozenset[int] = frozenset()


def workbook_of(content: Content) -> bytes:
    """The whole workbook; the same report gives the same bytes."""
    buffer = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties({"title": content["title"], "created": _MADE})
    writer = _Writer(book, content)
    writer.write()
    book.close()
    return buffer.getvalue()


class _Writer:
    """Puts the tables of one report on the sheets of one book."""

    def __init__(self, book: Any, content: Content) -> None:
        self.book = book
        self.content = content
        self.language = Language(content["language"])
        self.say = self.language.say
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self.share = book.add_format({"num_format": "0.0%"})
        self.plain = book.add_format({"num_format": "#,##0.##"})
        self.wrap = book.add_format({"text_wrap": True, "valign": "top"})

    def write(self) -> None:
        for sheet in self.sheets():
            page = self.book.add_worksheet(sheet.name[:31])
            self._fill(page, sheet)
            self._chart(page, sheet)

    def sheets(self) -> Iterable[Sheet]:
        """Every table that has rows; the first sheet always."""
        yield self._summary()
        tables = (
            self._shares(),
            self._frequent(),
            self._costly(),
            self._dangerous(),
            self._findings(),
            self._warnings(),
            self._weekly(),
            self._outlook(),
            self._profile(),
            self._dissatisfaction(),
            self._words(),
            self._problems(),
            self._errors(),
            self._parameters(),
        )
        yield from (table for table in tables if table.rows)

    def _fill(self, page: Any, sheet: Sheet) -> None:
        for column, title in enumerate(sheet.header):
            page.write_string(0, column, _safe(title), self.head)
        for at, row in enumerate(sheet.rows, start=1):
            for column, value in enumerate(row):
                self._cell(page, at, column, value, column in sheet.shares)
        page.freeze_panes(1, 0)
        page.autofilter(0, 0, max(len(sheet.rows), 1), max(len(sheet.header) - 1, 0))
        for column, title in enumerate(sheet.header):
            values = [title, *(row[column] for row in sheet.rows if column < len(row))]
            page.set_column(column, column, _width(values))

    def _cell(self, page: Any, row: int, column: int, value: Any, share: bool) -> None:
        """A number as a number, anything else as a string: nothing is ever a formula."""
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            page.write_string(row, column, _safe(value), self.wrap)
        else:
            page.write_number(row, column, value, self.share if share else self.plain)

    def _chart(self, page: Any, sheet: Sheet) -> None:
        kinds = {
            self.say("frequent"): self._pareto,
            self.say("sheet_weekly"): self._weekly_chart,
            self.say("outlook"): self._outlook_chart,
        }
        draw = kinds.get(sheet.name)
        if draw:
            page.insert_chart(1, len(sheet.header) + 1, draw(sheet))

    def _series(self, sheet: Sheet, column: int, rows: int) -> dict[str, Any]:
        name = sheet.name[:31]
        first = 1 if sheet.name == self.say("frequent") else 0
        return {
            "name": [name, 0, column],
            "categories": [name, 1, first, rows, first],
            "values": [name, 1, column, rows, column],
        }

    def _pareto(self, sheet: Sheet) -> Any:
        rows = min(len(sheet.rows), 20)
        chart = self.book.add_chart({"type": "column"})
        chart.add_series(self._series(sheet, 2, rows))
        running = self.book.add_chart({"type": "line"})
        running.add_series({**self._series(sheet, 4, rows), "y2_axis": True})
        chart.combine(running)
        chart.set_title({"name": self.say("pareto")})
        running.set_y2_axis({"min": 0, "max": 1, "num_format": "0%"})
        chart.set_size({"width": 860, "height": 380})
        return chart

    def _weekly_chart(self, sheet: Sheet) -> Any:
        chart = self.book.add_chart({"type": "line"})
        for column in range(1, min(len(sheet.header), 13)):
            chart.add_series(self._series(sheet, column, len(sheet.rows)))
        chart.set_title({"name": self.say("trends")})
        chart.show_blanks_as("gap")
        chart.set_size({"width": 860, "height": 420})
        return chart

    def _outlook_chart(self, sheet: Sheet) -> Any:
        chart = self.book.add_chart({"type": "line"})
        for column in (1, 2, 3):
            chart.add_series(self._series(sheet, column, len(sheet.rows)))
        chart.set_title({"name": self.say("outlook")})
        chart.set_size({"width": 640, "height": 340})
        return chart

    def _summary(self) -> Sheet:
        rows = [[line] for line in self.content["at_a_glance"]]
        return Sheet(self.say("glance"), [self.content["title"]], rows)

    def _shares(self) -> Sheet:
        named = self.content["counts"]["by"].items()
        rows = [
            [
                self.language.column(name),
                self.language.value(row["value"]),
                row["count"],
                row["share"],
                *row["share_interval"],
            ]
            for name, table in named
            for row in table
        ]
        header = ["", "", self.say("complaints"), self.say("share"), "95% −", "95% +"]
        return Sheet(self.say("sheet_shares"), header, rows, frozenset({3, 4, 5}))

    def _frequent(self) -> Sheet:
        rows = [
            [
                row["code"],
                self.language.value(row["name"]),
                row["count"],
                row["share"],
                row["running_share"],
                *row["share_interval"],
                *(_ratio(row.get(name)) for name in ("last", "year")),
            ]
            for row in self.content["rankings"]["frequent"]
        ]
        header = [
            self.say("code"),
            self.say("issue"),
            self.say("complaints"),
            self.say("share"),
            self.say("running"),
            "95% −",
            "95% +",
            self.say("against_last"),
            self.say("against_year"),
        ]
        return Sheet(self.say("frequent"), header, rows, frozenset({3, 4, 5, 6}))

    def _costly(self) -> Sheet:
        keys = ("amount", "share", "compensation", "cost", "complaints", "per_complaint")
        header = [self.say("code"), self.say("issue"), *(self.say(key) for key in keys)]
        rows = [
            [row["code"], self.language.value(row["name"]), *(row[key] for key in keys)]
            for row in self.content["rankings"]["costly"]
        ]
        return Sheet(self.say("costly"), header, rows, frozenset({3}))

    def _dangerous(self) -> Sheet:
        keys = ("major", "escalated", "angry", "count", "share")
        titles = (*keys[:3], "complaints", "dangerous_share")
        header = [self.say("code"), self.say("issue"), *(self.say(key) for key in titles)]
        rows = [
            [row["code"], self.language.value(row["name"]), *(row[key] for key in keys)]
            for row in self.content["rankings"]["dangerous"]
        ]
        return Sheet(self.say("dangerous"), header, rows, frozenset({6}))

    def _findings(self) -> Sheet:
        keys = ("count", "antecedent_count", "consequent_count", "support", "confidence")
        more = ("lift", "leverage", "conviction", "zhang", "odds_ratio", "p_value", "q_value")
        tested = ("tested_count", "tested_antecedent", "tested_consequent", *keys[3:])
        first = ("rank", "sheet_kind", "leads_to", "issue", "complaints", "antecedent_filed")
        last = ("excess", "excess_low", "status", "explained_by", "ids")
        header = [
            *map(self.say, (*first, *tested)),
            f"{self.say('confidence')} −",
            f"{self.say('confidence')} +",
            *map(self.say, (*more, *last)),
        ]
        found = self.content["findings"]
        fresh = len(news(found))
        rows = [
            [at if at <= fresh else None, *self._finding(finding, keys, more)]
            for at, finding in enumerate(found, 1)
        ]
        return Sheet(self.say("findings"), header, rows, frozenset({9, 10, 11, 12}))

    def _finding(self, finding: Content, keys: Row, more: Row) -> Row:
        return [
            self.say(finding["kind"]),
            sides(finding["antecedents"], self.language),
            sides(finding["consequents"], self.language),
            *filings(finding),
            *(finding[key] for key in keys),
            *finding["confidence_interval"],
            *(finding[key] for key in more),
            finding["excess"],
            finding["excess_low"],
            self.say(str(_STATUS.get(finding["status"], finding["status"]))),
            self.say("list_joint").join(
                explanation(by, self.language) for by in finding["confounded_by"]
            ),
            " ".join(finding["complaints"][:200]),
        ]

    def _warnings(self) -> Sheet:
        header = [
            self.say("warnings"),
            self.say("sheet_since"),
            self.say("complaints"),
            self.say("sheet_expected"),
            self.say("times_expected"),
            self.say("p_value"),
            self.say("now"),
        ]
        rows = [
            [
                risen(warning, self.language),
                warning["from"],
                warning["observed"],
                warning["expected"],
                warning["ratio"],
                warning["p_value"],
                self.say("active" if warning["active"] else "over"),
            ]
            for warning in self.content["warnings"]
        ]
        return Sheet(self.say("warnings"), header, rows)

    def _weekly(self) -> Sheet:
        trends = self.content["trends"]
        groups = trends["categories"] or trends["issues"][:11]
        names = [self.language.value(row.get("value") or row["name"]) for row in groups]
        rows = [
            [week["week"], trends["total"][at], *(row["counts"][at] for row in groups)]
            for at, week in enumerate(trends["weeks"])
        ]
        header = [self.say("sheet_week"), self.say("all"), *names]
        return Sheet(self.say("sheet_weekly"), header, rows)

    def _outlook(self) -> Sheet:
        ahead = self.content["outlook"]
        header = [self.say("sheet_week"), self.say("sheet_expected"), "−", "+"]
        if ahead is None:
            return Sheet(self.say("outlook"), header, [])
        total = ahead["total"]
        rows = [
            [week["week"], total["mean"][at], total["low"][at], total["high"][at]]
            for at, week in enumerate(ahead["weeks"])
        ]
        return Sheet(self.say("outlook"), header, rows)

    def _profile(self) -> Sheet:
        rows = [
            [
                self.language.column(table["attribute"]),
                self.language.value(row["value"]),
                self.say("rest") if column == REST else self.language.value(column),
                cell,
            ]
            for table in self.content["profile"]["segments"]
            for row in table["rows"]
            for column, cell in zip(table["columns"], row["cells"], strict=True)
            if cell is not None
        ]
        header = ["", "", self.say("category"), self.say("complaints")]
        return Sheet(self.say("profile"), header, rows)

    def _dissatisfaction(self) -> Sheet:
        left = self.content["dissatisfaction"]
        header = ["", "", self.say("rated"), self.say("dissatisfied"), self.say("share")]
        rows = [
            [
                self.language.column(name),
                self.language.value(row["value"]),
                row["rated"],
                row["dissatisfied"],
                row["share"],
            ]
            for name, table in (left["by"] if left else {}).items()
            for row in table
        ]
        return Sheet(self.say("dissatisfaction"), header, rows, frozenset({4}))

    def _words(self) -> Sheet:
        keys = ("phrase", "complaints", "before", "times_before")
        header = [self.say(key) for key in keys]
        rows = [
            [
                row["phrase"],
                row["count"],
                row["before"],
                self.say("new_word") if row["new"] else row["ratio"],
            ]
            for row in self.content["words"]["rising"]
        ]
        return Sheet(self.say("words"), header, rows)

    def _problems(self) -> Sheet:
        rows: list[Row] = []
        for problem in self.content["problems"]:
            head = [problem["title"], self.say(f"problem_{problem['state']}"), problem["owner"],
                    problem["complaints"]]  # fmt: skip
            measures = problem["measures"] or [dict.fromkeys(_OF_MEASURE)]
            rows += [[*head, *(each[name] for name in _OF_MEASURE)] for each in measures]
        names = ("problem_head", "problem_state", "problem_owner", "problem_complaints",
                 "problem_measures", "sheet_due", "sheet_done", "sheet_effect", "sheet_ratio",
                 "sheet_why")  # fmt: skip
        return Sheet(self.say("problems"), [self.say(name) for name in names], rows)

    def _errors(self) -> Sheet:
        rows = [
            [error["row"], error["column"], error["reason"]]
            for error in self.content["snapshot"]["errors"]
        ]
        header = [self.say("sheet_row"), self.say("sheet_column"), self.say("why_missed")]
        return Sheet(self.say("row_errors"), header, rows)

    def _parameters(self) -> Sheet:
        snapshot = self.content["snapshot"]
        made = [
            [self.say("snapshot"), snapshot["digest"]],
            [self.say("rows"), snapshot["rows"]],
        ]
        made += [[name, value] for name, value in parameters_of(self.content, self.language)]
        made += [[name, version] for name, version in self.content["versions"].items()]
        made += [["", sentence] for sentence in self.content["method"]["text"]]
        return Sheet(self.say("method"), [self.say("parameters"), ""], made)


def _ratio(change: Content | None) -> float | None:
    return change["ratio"] if change else None


def _safe(value: Any) -> str:
    """What an XML cell can hold."""
    return _UNSTORABLE.sub("", str(value))[:_LONGEST_CELL]


def _width(values: Sequence[Any]) -> float:
    """Wide enough for the longest value; an ideograph takes two places."""
    shown = [f"{value:,.2f}" if isinstance(value, float) else str(value) for value in values[:200]]
    longest = max(sum(2 if ord(c) > 0x2E80 else 1 for c in text) for text in shown)
    return min(longest + 2.0, _WIDEST)
