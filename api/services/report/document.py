"""The report as one HTML file that needs no script, no network and no other file."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.services.report.drawings.bars import Share, clock, share_bars
from api.services.report.drawings.canvas import number, percent
from api.services.report.drawings.columns import (
    forecast_columns,
    pareto,
    rise_columns,
    small_columns,
    sparkline,
    weekly_columns,
)
from api.services.report.drawings.rules import Heads, Link, rule_drawing
from api.services.report.glance import (
    before_period,
    explanation,
    filings,
    is_thinned,
    news,
    risen,
    sides,
)
from api.services.report.language import Language
from api.services.report.parameters import parameters_of
from api.services.report.profile import REST
from mining.significance import wilson_interval

Content = dict[str, Any]

_PAGES = Path(__file__).with_name("pages")
_MOST_CARDS = 30
_MOST_LINKS = 14
_MOST_ROWS = 12
_MOST_IDS = 200
_MOST_WEEKS = 53
_KNOWN_WEEKS = 26
_MOST_COLUMNS = 18
_FEWEST_COLUMNS = 8
_VITAL = 0.8
_EFFECTS = {"有效": "worked", "无效": "failed", "不确定": "unsure", "过早": "early"}
_LIVE_STATES = frozenset({"open", "owned", "acting", "watching"})
_LIFTS = (1.0, 1.25, 1.5, 2.0, 3.0)


@cache
def _style() -> str:
    return (_PAGES / "report.css").read_text(encoding="utf-8")


def content_security_policy() -> str:
    """What a browser may do with the report: show it and its one style sheet, nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
    )


def html_of(content: Content, *, paper: bool = False) -> str:
    """The whole page; on paper every fold is open."""
    page = Page(content)
    template = _environment().get_template("report.html.j2")
    return template.render(page.names(paper))


class Page:
    """What the templates ask for: phrases, figures as words, charts."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.language = Language(content["language"])
        self.say = self.language.say

    def names(self, paper: bool) -> Content:
        """Every name that a template may use."""
        found = self.content["findings"]
        clear = news(found)
        return {
            "report": self.content,
            "language": self.language,
            "paper": paper,
            "policy": content_security_policy(),
            "style": Markup(_style()),  # noqa: S704  (our own file)
            "sections": self.sections(),
            "causes": [finding for finding in clear if finding["kind"] == "cause"],
            "joint": [finding for finding in clear if finding["kind"] == "co-occurrence"],
            "confounded": [finding for finding in found if finding["confounded_by"]],
            "judged": [f for f in found if f["judgement"] and not f["confounded_by"]],
            "vanished": self.content["mining"]["vanished"],
            "earlier": list(self.content["counts"].get("against", {})),
            "most_cards": _MOST_CARDS,
            "most_rows": _MOST_ROWS,
            "most_ids": _MOST_IDS,
            **self._words(),
            **self._charts(),
        }

    def _words(self) -> dict[str, Callable[..., Any]]:
        return {
            "say": self.say,
            "value": self.language.value,
            "column": self.language.column,
            "number": number,
            "percent": percent,
            "p_value": p_value,
            "sides": lambda items: sides(items, self.language),
            "explained": self.explained,
            "risen": lambda warning: risen(warning, self.language),
            "where": self.where,
            "house_only": self.house_only,
            "peaks": self.peaks,
            "gaps": self.gaps,
            "day": self.language.day,
            "escalation_line": self.escalation_line,
            "findings_lead": self.findings_lead,
            "share_note": self.share_note,
            "shade": shade,
            "parameters": lambda: parameters_of(self.content, self.language),
            "filed": self.filed,
            "is_thinned": is_thinned,
            "thinned": lambda found: any(map(is_thinned, found)),
            "before_period": lambda warning: before_period(warning, self.content, self.language),
            "category_name": self.category_name,
            "weeks_said": self.weeks_said,
        }

    def _charts(self) -> dict[str, Callable[..., Any]]:
        return {
            "volume_chart": self.volume_chart,
            "share_chart": self.share_chart,
            "pareto_chart": self.pareto_chart,
            "rules_chart": self.rules_chart,
            "spark": self.spark,
            "warning_chart": self.warning_chart,
            "small_multiples": self.small_multiples,
            "clock_chart": self.clock_chart,
            "outlook_chart": self.outlook_chart,
            "dissatisfied_chart": self.dissatisfied_chart,
            "problems_lead": self.problems_lead,
            "effect": self.effect,
        }

    def sections(self) -> list[str]:
        """The sections that have something to show, in order."""
        content = self.content
        shown = {
            "warnings": content["period"] is not None,
            "outlook": content["outlook"] is not None,
            "dissatisfaction": content["dissatisfaction"] is not None,
            "words": bool(content["words"]["rising"] or content["words"]["alike"]),
            "trends": bool(content["trends"]["categories"] or content["trends"]["issues"]),
            "profile": bool(content["profile"]["segments"] or content["profile"]["clock"]),
            "problems": bool(content["problems"]),
        }
        order = (
            "glance",
            "volume",
            "warnings",
            "findings",
            "rankings",
            "trends",
            "outlook",
            "profile",
            "dissatisfaction",
            "words",
            "problems",
            "method",
        )
        return [name for name in order if shown.get(name, True)]

    def days(self) -> list[str]:
        """The first day of each week, for an axis."""
        weeks = self.content["trends"]["weeks"]
        if len(weeks) > _MOST_WEEKS + 1:
            return [week["from"] for week in weeks]
        return [self.language.day(week["from"]) for week in weeks]

    def volume_chart(self) -> Markup:
        """Weekly volume."""
        trends = self.content["trends"]
        whole = [week["whole"] for week in trends["weeks"]]
        title, gap = self.say("weekly_volume"), self.say("no_data")
        return weekly_columns(self.days(), trends["total"], whole, title, gap)

    def share_chart(self, name: str, rows: list[Content]) -> Markup:
        """Shares of the values of one column."""
        before = self._before()
        bars = [
            Share(
                self.language.value(row["value"]),
                row["share"],
                row["share_interval"][0],
                row["share_interval"][1],
                row["count"],
                (row.get(before) or {}).get("share") if before else None,
            )
            for row in rows[:_MOST_ROWS]
        ]
        return share_bars(bars, self.language.column(name))

    def _before(self) -> str | None:
        against = self.content["counts"].get("against", {})
        return next((name for name in ("last", "year") if name in against), None)

    def share_note(self) -> str:
        """What the marks of the share charts mean."""
        before = self._before()
        tick = self.say("share_tick", which=self.say(before)) if before else ""
        return self.say("share_note", tick=tick)

    def pareto_chart(self) -> Markup:
        """Issues in falling order."""
        ranked = self.content["rankings"]["frequent"]
        needed = sum(row["running_share"] < _VITAL for row in ranked) + 1
        rows = ranked[: max(min(needed, _MOST_COLUMNS), _FEWEST_COLUMNS)]
        return pareto(
            [self.language.value(row["name"]) for row in rows],
            [row["count"] for row in rows],
            [row["running_share"] for row in rows],
            self.say("pareto"),
        )

    def rules_chart(self) -> Markup:
        """The first causes drawn."""
        causes = [f for f in news(self.content["findings"]) if f["kind"] == "cause"]
        heads = Heads(self.say("leads_to"), self.say("then_issue"), self.say("confidence_axis"))
        links = [self._link(finding) for finding in causes[:_MOST_LINKS]]
        return rule_drawing(links, heads, self.say("drawing"))

    def _link(self, finding: Content) -> Link:
        return Link(
            sides(finding["antecedents"], self.language),
            sides(finding["consequents"], self.language),
            finding["excess"],
            finding["confidence"],
            finding["confidence_interval"][0],
            finding["confidence_interval"][1],
            finding["consequent_count"] / finding["total"],
        )

    def spark(self, finding: Content) -> Markup:
        """The weeks in which a finding held."""
        return sparkline(self.days(), finding["weekly"], self.say("held"))

    def warning_chart(self, warning: Content) -> Markup:
        """A rise beside what was to be expected."""
        shown = slice(max(len(warning["weekly"]) - _MOST_WEEKS, 0), None)
        return rise_columns(
            [self.language.day(day) for day in warning["weeks"][shown]],
            warning["weekly"][shown],
            warning["weekly_expected"][shown],
            warning["weekly_upper"][shown],
            warning["weekly_alarm"][shown],
            risen(warning, self.language),
        )

    def where(self, warning: Content) -> str:
        """Where a rise is concentrated, in words."""
        if not warning["where"]:
            return self.say("where_general")
        places = [
            self.say(
                "where_place",
                place=sides([place], self.language),
                share=percent(place["share"], 0),
                usual=percent(place["usual_share"], 0),
            )
            for place in warning["where"]
        ]
        return self.say("where_local", places=self.say("list_joint").join(places))

    def house_only(self) -> str:
        """Issues that only the plain rule of the house calls a surge."""
        warned = {(w["issue"] or {}).get("code") for w in self.content["warnings"]}
        table = self.content["surveillance"]["house_rule"]
        names = [self.language.value(row["name"]) for row in table if row["code"] not in warned]
        more = "…" if len(names) > _MOST_ROWS else ""
        return self.say("list_joint").join(names[:_MOST_ROWS]) + more

    def gaps(self) -> str:
        """Weeks without data, neighbouring ones as one span."""
        spans = self.content["surveillance"]["gaps"]
        return ", ".join(a if a == b else f"{a} – {b}" for a, b in spans)

    def filed(self, finding: Content) -> str:
        """Rows with both sides, of those with the left one."""
        both, left = filings(finding)
        return self.say("counted", count=number(both), total=number(left))

    def category_name(self, name: str) -> str:
        """A category, or what holds those that have no column of their own."""
        return self.say("rest") if name == REST else self.language.value(name)

    def weeks_said(self, weeks: int) -> str:
        """A number of weeks in words."""
        return self.say("one_week") if weeks == 1 else self.say("some_weeks", weeks=weeks)

    def escalation_line(self) -> str:
        """The share that escalated beside its threshold."""
        watched = self.content["surveillance"]["escalation"]
        return self.say(
            "escalation_line",
            share=percent(watched["share"]),
            low=percent(watched["share_interval"][0]),
            high=percent(watched["share_interval"][1]),
            threshold=percent(watched["threshold"]),
            verdict=self.say("over_threshold" if watched["over"] else "under_threshold"),
        )

    def small_multiples(self) -> list[Content]:
        """A small chart of each category, or of each of the first issues."""
        trends = self.content["trends"]
        rows = trends["categories"] or trends["issues"]
        rows = rows[:_MOST_ROWS]
        days = self.days()
        named = [(self.language.value(row.get("value") or row["name"]), row) for row in rows]
        return [
            {"name": name, "chart": small_columns(days, row["counts"], name)} for name, row in named
        ]

    def clock_chart(self) -> Markup:
        """Weekday by hour."""
        days = self.say("weekdays").split(",")
        hidden = self.say("hidden", small=self.content["profile"]["small_group"])
        return clock(self.content["profile"]["clock"], days, self.say("clock"), hidden)

    def outlook_chart(self) -> Markup:
        """Known weeks and the weeks ahead."""
        trends, ahead = self.content["trends"], self.content["outlook"]
        known = [
            (self.language.day(week["from"]), count)
            for week, count in zip(trends["weeks"], trends["total"], strict=True)
        ][-_KNOWN_WEEKS:]
        days = [self.language.day(week["from"]) for week in ahead["weeks"]]
        return forecast_columns(
            known, list(zip(days, *ahead["total"].values(), strict=True)), self.say("outlook")
        )

    def peaks(self) -> str:
        """Weeks ahead that stand out, in words."""
        peaks = [
            self.say(
                "peak",
                day=self.language.day(peak["from"]),
                expected=number(round(peak["expected"])),
                usual=number(round(peak["usual"])),
            )
            for peak in self.content["outlook"]["peaks"]
        ]
        if not peaks:
            return self.say("peaks_none")
        return self.say("peaks", weeks=self.say("list_joint").join(peaks))

    def dissatisfied_chart(self, name: str, rows: list[Content]) -> Markup:
        """Shares that stayed dissatisfied."""
        bars = [
            Share(
                self.language.value(row["value"]),
                row["share"],
                row["share_interval"][0],
                row["share_interval"][1],
                row["dissatisfied"],
            )
            for row in rows
        ]
        return share_bars(bars, self.language.column(name))

    def explained(self, confounders: list[Content]) -> str:
        """What explains a confounded finding, in words."""
        return self.say("list_joint").join(explanation(by, self.language) for by in confounders)

    def effect(self, verdict: str) -> str:
        """A verdict in the report's language."""
        return self.say(f"effect_{_EFFECTS[verdict]}")

    def problems_lead(self) -> str:
        """How many problems are open, and what the measures came to."""
        rows = self.content["problems"]
        measures = [measure for row in rows for measure in row["measures"]]
        done = [measure for measure in measures if measure["done_on"]]
        return self.say(
            "problems_lead",
            open=number(sum(row["state"] in _LIVE_STATES for row in rows)),
            total=number(len(rows)),
            done=number(len(done)),
            due=number(len(measures) - len(done)),
            overdue=number(sum(bool(measure["overdue"]) for measure in measures)),
            effective=number(sum(measure["verdict"] == "有效" for measure in done)),
            judged=number(sum(measure["verdict"] is not None for measure in done)),
        )

    def findings_lead(self) -> str:
        """How many findings there are and of which kind, of how many tests."""
        found = self.content["findings"]
        kinds = [finding["kind"] for finding in news(found)]
        explained = sum(bool(finding["confounded_by"]) for finding in found)
        judged = len(found) - len(kinds) - explained
        return self.say(
            "findings_lead",
            count=number(len(found)),
            causes=number(kinds.count("cause")),
            joint=number(kinds.count("co-occurrence")),
            explained=number(explained),
            judged=self.say("findings_judged", judged=judged) if judged else "",
            tested=number(self.content["mining"]["tests"]),
            q=self.content["parameters"]["max_q"],
        )


def p_value(p: float) -> str:
    """A probability as people read it."""
    if p >= 0.0001:
        return f"{p:.4f}"
    if p <= 0:
        return "< 1e−300"
    exponent = math.floor(math.log10(p)) + 1
    return f"< 1e{exponent}".replace("-", "−")


def shade(cell: int | None, row: Content, usual: float) -> str:
    """Class of a heat table's cell that surely lies above the usual share, by how far."""
    if not cell:
        return ""
    low, _ = wilson_interval(cell, row["count"])
    if low <= usual:
        return ""
    lift = cell / row["count"] / usual
    return f"h{sum(lift >= step for step in _LIFTS)}"
