"""What report.json says: causes, warnings, periods, gaps, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from api.services.periods import Period, monday_of, week_label, week_of
from api.services.report import Judgement, Report, ReportOptions, build_report
from api.services.tables import read_table
from domain.errors import ColumnMissing, InputError, SettingRefused

SCHEMA = json.loads(
    (Path(__file__).parents[4] / "docs" / "report.schema.json").read_text(encoding="utf-8")
)
Make = Callable[..., Report]


def _rows(days: int = 70, a_day: int = 4, start: date = date(2026, 1, 5)) -> list[dict[str, Any]]:
    """Complaints without any cause, evenly spread."""
    return [
        {
            "id": f"c{day}-{n}",
            "text": f"第{day}天第{n}件，东西不好用，请处理一下。",
            "received_at": datetime.combine(start + timedelta(day), datetime.min.time())
            + timedelta(hours=8 + n % 12),
            "customer_id": f"u{day}-{n}",
            "product": f"产品{(day + n) % 3}",
            "region": f"地区{n % 2}",
            "issues": ("1001", "4001", "6001", "5002")[(day * 7 + n) % 4],
        }
        for day in range(days)
        for n in range(a_day)
    ]


def _said(finding: dict[str, Any]) -> tuple[dict[str, str], str]:
    antecedents = {item["attribute"]: item["value"] for item in finding["antecedents"]}
    return antecedents, finding["consequents"][0]["value"]


def test_every_planted_cause_is_found_and_nothing_else(report: Report, history: Path) -> None:
    """Causes of the truth are the unconfounded findings; no decoy is among them."""
    truth = json.loads((history / "planted.json").read_text(encoding="utf-8"))
    planted = [
        (plant["attributes"], plant["issue"])
        for plant in truth["plants"]
        if plant["kind"] in ("cause", "event")
    ]
    causes = [
        _said(finding)
        for finding in report.content["findings"]
        if finding["kind"] == "cause" and not finding["confounded_by"]
    ]
    assert all(cause in planted for cause in causes)
    lasting = [(p["attributes"], p["issue"]) for p in truth["plants"] if p["kind"] == "cause"]
    assert all(cause in causes for cause in lasting)


def test_the_bad_battery_batch_is_the_first_cause(report: Report) -> None:
    """In the findings, in the sentences at a glance and on the page; the popular batch is none."""
    first = report.content["findings"][0]
    assert _said(first) == ({"batch": "X5-B07"}, "1002")
    assert 0.8 < first["confidence"] < 0.9
    assert "批次 X5-B07" in report.content["at_a_glance"][3]
    causes = [f for f in report.content["findings"] if not f["confounded_by"]]
    assert "X5-B03" not in json.dumps([f["antecedents"] for f in causes])


def test_the_planted_rise_is_warned_of_within_two_weeks(report: Report, history: Path) -> None:
    """At most one warning in 26 weeks is of something that was not planted."""
    truth = json.loads((history / "planted.json").read_text(encoding="utf-8"))
    rise = next(plant for plant in truth["plants"] if plant["kind"] == "rise")
    risen = {plant["issue"] for plant in truth["plants"] if plant["kind"] in ("rise", "event")}
    warnings = report.content["warnings"]
    mine = [w for w in warnings if w["issue"] and w["issue"]["code"] == rise["issue"]]
    late = date.fromisoformat(mine[0]["from"]) - date.fromisoformat(rise["from"])
    assert timedelta(0) <= late <= timedelta(weeks=1)
    others = [w for w in warnings if not w["issue"] or w["issue"]["code"] not in risen]
    assert len(others) <= 1
    assert report.content["surveillance"]["false_alarms_per_26_weeks"] < 1


def test_a_warning_says_where_the_rise_is(report: Report) -> None:
    """The price cut of one product is placed at that product."""
    cut = next(w for w in report.content["warnings"] if w["issue"]["code"] == "3002")
    assert ("product", "砚台P11") in [(p["attribute"], p["value"]) for p in cut["where"]]


def test_one_person_filing_sixty_times_is_told_apart(report: Report) -> None:
    """一人多诉 names the filings, not the person."""
    filers = report.content["surveillance"]["signatures"]["一人多诉"]
    assert filers[0]["count"] >= 60
    assert "U0" not in json.dumps(filers)


def test_words_of_the_new_product_are_discovered(report: Report) -> None:
    """The name that came up in the last weeks is at the head of the new phrases."""
    phrases = [row["phrase"] for row in report.content["words"]["rising"] if row["new"]]
    assert "灵犀环" in phrases
    assert "悬浮投屏" in phrases


def test_the_report_keeps_its_published_schema(report: Report, small_report: Report) -> None:
    """Whole, small, public and read back from its bytes."""
    for each in (report, small_report, report.public(), Report.from_json(report.to_json())):
        jsonschema.validate(each.content, SCHEMA)


def test_complaints_of_a_finding_hold_both_sides(report: Report, history: Path) -> None:
    """Every id listed is a complaint with the issue and the attribute."""
    rows = read_table(history / "complaints.csv").frame.set_index("id")
    finding = next(f for f in report.content["findings"] if _said(f)[0] == {"batch": "X5-B07"})
    mine = rows.loc[finding["complaints"]]
    assert mine["issues"].str.split("|").map(lambda codes: "1002" in codes).all()
    assert mine["batch"].str.replace(r"\W", "", regex=True).str.upper().eq("X5B07").all()
    assert sum(count or 0 for count in finding["weekly"]) == len(mine) >= finding["count"]


def test_shares_and_counts_are_those_of_the_table(report: Report, history: Path) -> None:
    """Counted again with pandas alone."""
    frame = read_table(history / "complaints.csv").frame
    counts = report.content["counts"]
    assert counts["complaints"] == len(frame)
    tier = {row["value"]: row["count"] for row in counts["by"]["tier"]}
    assert tier == frame["tier"].value_counts().to_dict()
    top = report.content["rankings"]["frequent"][0]
    assert frame["issues"].str.contains(top["code"]).sum() == top["count"]
    spent = frame[["cost", "compensation"]].replace("", "0").astype(float).sum().sum()
    assert counts["spent"] == pytest.approx(spent, rel=1e-5)


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        ("2026-01-04 23:59:59.999999", "2026-W01"),
        ("2026-01-05 00:00:00", "2026-W02"),
        ("2026-01-04T16:00:00Z", "2026-W02"),
        ("2020-12-31 23:59:59", "2020-W53"),
        ("2021-01-03 12:00:00", "2020-W53"),
        ("2021-01-04 00:00:00", "2021-W01"),
    ],
)
def test_a_complaint_falls_into_one_week_of_china(report_of: Make, moment: str, week: str) -> None:
    """Sunday's last microsecond and Monday's first second are in different weeks."""
    row = {"id": 1, "text": "屏幕坏了", "received_at": moment, "issues": "1001", "product": "甲"}
    trends = report_of([row]).content["trends"]
    assert [w["week"] for w in trends["weeks"]] == [week]
    assert trends["total"] == [1]


def test_weeks_add_up_to_the_total(report: Report) -> None:
    """No complaint is in two weeks or in none."""
    trends = report.content["trends"]
    assert sum(trends["total"]) == report.content["counts"]["complaints"]
    by_category = zip(*(row["counts"] for row in trends["categories"]), strict=True)
    assert [sum(week) for week in by_category] == trends["total"]


def test_weeks_number_as_iso_does_over_ten_years() -> None:
    """Every day of ten years has the week that the calendar gives it."""
    for n in range(3653):
        day = date(2018, 1, 1) + timedelta(n)
        year, number, _ = day.isocalendar()
        assert week_label(week_of(day)) == f"{year}-W{number:02d}"
        assert monday_of(week_of(day)) <= day < monday_of(week_of(day) + 1)


def test_weeks_without_data_are_gaps_and_no_rise(report_of: Make) -> None:
    """After three silent weeks nothing has risen, and the gap is null, not zero."""
    rows = [row for row in _rows(140) if not 70 <= int(row["id"].split("-")[0][1:]) < 91]
    content = report_of(rows).content
    assert content["trends"]["total"][10:13] == [None, None, None]
    assert content["warnings"] == []
    assert content["surveillance"]["gaps"] == [["2026-W12", "2026-W14"]]


def test_a_day_has_as_many_complaints_as_days_with_data_bring(report_of: Make) -> None:
    """Three silent weeks lower no average, and the first sentence names them."""
    rows = [row for row in _rows(140) if not 70 <= int(row["id"].split("-")[0][1:]) < 91]
    content = report_of(rows).content
    assert content["counts"]["per_day"] == 4.0
    assert content["counts"]["weeks_without_data"] == 3
    assert "3 周没有数据，其余 119 天" in content["at_a_glance"][0]


def test_stragglers_stretch_no_period_and_end_no_alarm(report_of: Make) -> None:
    """Two rows of another year are left out, saying so, unless the period is asked for."""
    rows = _rows(140, 8)
    for row in rows[-100:]:
        row["issues"] = "7002"
    odd = [
        {**rows[0], "id": f"odd{n}", "received_at": f"20{year}-01-09"}
        for n, year in enumerate((24, 28))
    ]
    plain, made = report_of(rows).content, report_of(rows + odd).content
    assert any(warning["active"] for warning in plain["warnings"])
    for part in ("period", "warnings", "trends", "outlook"):
        assert made[part] == plain[part]
    assert made["snapshot"]["outside_period"] == 2
    assert "2 件离其余数据八周以上" in made["at_a_glance"][0]
    assert report_of(rows + odd, end=date(2028, 1, 9)).content["period"]["to"] == "2028-01-09"


def test_a_row_of_the_profile_adds_up_to_the_table(report: Report, history: Path) -> None:
    """The last category and complaints without one count too."""
    frame = read_table(history / "complaints.csv").frame
    for table in report.content["profile"]["segments"]:
        if table["attribute"] == "channel":
            found = frame["channel"][frame["channel"] != ""].value_counts()
            assert {row["value"]: row["count"] for row in table["rows"]} == found.to_dict()


def test_a_manager_finds_the_headline_by_a_filter(report: Report, history: Path) -> None:
    """Rows and hits are those of the table; where customers count once, both are said."""
    frame = read_table(history / "complaints.csv").frame
    rows = frame[frame["batch"].str.replace(r"\W", "", regex=True).str.upper() == "X5B07"]
    hits = rows["issues"].str.split("|").map(lambda codes: "1002" in codes).sum()
    first = report.content["findings"][0]
    assert (first["filed"], first["antecedent_filed"]) == (hits, len(rows))
    sentence = report.content["at_a_glance"][3]
    assert f"{len(rows)} 件投诉里有 {hits} 件" in sentence
    assert f"{first['antecedent_count']} 件里的 {first['count']} 件" in sentence


def test_without_customers_nothing_is_said_of_them(report_of: Make) -> None:
    """Neither at a glance nor in the method."""
    rows = [{k: v for k, v in row.items() if k != "customer_id"} for row in _rows()]
    for row in rows[::3]:
        row["issues"] = "7002" if row["product"] == "产品0" else row["issues"]
    assert "同一位客户" not in report_of(rows).to_html()
    assert "同一位客户" in report_of(_rows()).to_html()


def test_nothing_found_comes_with_the_reason(report_of: Make) -> None:
    """Evenly spread complaints have no cause, and the report says how it looked for one."""
    made = report_of(_rows())
    assert [f for f in made.content["findings"] if not f["confounded_by"]] == []
    assert made.content["mining"]["reason"] in made.to_html()
    assert made.content["mining"]["reason"] in made.content["at_a_glance"][3]
    jsonschema.validate(made.content, SCHEMA)


def test_the_nearest_misses_are_shown_where_nothing_was_found(report: Report) -> None:
    """As a table with the figures that fell short."""
    near = {k: v for k, v in report.content["findings"][0].items() if k != "complaints"}
    mining = {**report.content["mining"], "nearest_misses": [near], "reason": "太少"}
    page = Report({**report.content, "findings": [], "mining": mining}).to_html()
    assert "最接近的规则" in page
    assert near["antecedents"][0]["value"] in page


def test_a_table_without_times_has_no_period(report_of: Make) -> None:
    """Counts and causes stand, trends and warnings are left out."""
    rows = [{k: v for k, v in row.items() if k != "received_at"} for row in _rows()]
    made = report_of(rows)
    assert made.content["period"] is None
    assert made.content["trends"]["weeks"] == []
    assert "没有时间" in made.to_html()
    jsonschema.validate(made.content, SCHEMA)
    with pytest.raises(ColumnMissing, match="received_at"):
        report_of(rows, start=date(2026, 1, 1))


def test_a_table_without_issues_says_so(report_of: Make) -> None:
    """No issue, no ranking, no cause, and a word about what to do."""
    rows = [{k: v for k, v in row.items() if k != "issues"} for row in _rows(10)]
    made = report_of(rows)
    assert "--map issues" in made.content["mining"]["reason"]
    jsonschema.validate(made.content, SCHEMA)


def test_bad_periods_are_refused_with_the_days_that_are_there(report_of: Make) -> None:
    """Turned round, or where nothing was received."""
    with pytest.raises(SettingRefused, match="before it starts"):
        ReportOptions(start=date(2026, 2, 1), end=date(2026, 1, 1))
    with pytest.raises(SettingRefused, match="2026-01-05 to 2026-03-15"):
        report_of(_rows(), start=date(2030, 1, 1))
    with pytest.raises(InputError, match="no row has a time"):
        report_of([{"id": 1, "text": "屏幕坏了", "received_at": ""}])


def test_periods_between_complaints_are_refused_too(report_of: Make) -> None:
    """The newest whole year where the history is younger, and days in a pause."""
    with pytest.raises(SettingRefused, match="from 2025-01-01 to 2025-12-31"):
        report_of(_rows(), period="year")
    paused = [row for row in _rows() if row["received_at"].month != 2]
    with pytest.raises(SettingRefused, match="from 2026-02-03 to 2026-02-20"):
        report_of(paused, start=date(2026, 2, 3), end=date(2026, 2, 20))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"language": "fr"}, "zh, en"),
        ({"items": ()}, "no items"),
        ({"frequent_share": 0.0}, "share"),
        ({"small_group": 0}, "at least 1"),
        ({"examples": -1}, "0 or more"),
    ],
)
def test_wrong_options_name_what_would_be_right(options: dict[str, Any], word: str) -> None:
    """Refused when they are made, not when the report is."""
    with pytest.raises(SettingRefused, match=word):
        ReportOptions(**options)


def test_what_a_table_does_not_say_is_not_shown(report_of: Make) -> None:
    """No empty chart for tiers that no row has, no share of escalations that nobody noted."""
    content = report_of(_rows()).content
    assert list(content["counts"]["by"]) == ["category"]
    assert content["surveillance"]["escalation"] is None
    assert content["dissatisfaction"] is None
    assert "升级比例" not in Report(content).to_html()


def test_unknown_items_name_the_headers(report_of: Make) -> None:
    """A column that is not there, and one that can't be an item."""
    with pytest.raises(ColumnMissing, match="'batch'"):
        report_of(_rows(5), items=("batch",))
    with pytest.raises(SettingRefused, match="'text'"):
        report_of(_rows(5), items=("text",))


def test_wrong_cells_cost_themselves_and_wrong_ids_their_row(report_of: Make) -> None:
    """The rest is counted; each error names row, column and what would be right."""
    rows = _rows(3)
    rows[0]["tier"] = "非常急"
    rows[1]["cost"] = "很多"
    rows[2]["received_at"] = "昨天"
    rows[3]["id"] = ""
    rows[4]["id"] = rows[5]["id"]
    content = report_of(rows).content
    told = {(error["row"], error["column"]) for error in content["snapshot"]["errors"]}
    assert told == {(2, "tier"), (3, "cost"), (4, "received_at"), (7, "id")}
    assert content["counts"]["complaints"] == len(rows) - 2
    assert content["snapshot"]["without_time"] == 1


def test_spellings_of_one_value_count_together(report_of: Make) -> None:
    """浦东店 and 浦东 店 are one outlet in the profile."""
    rows = _rows()
    for at, row in enumerate(rows):
        row["region"] = ("浦东店", "浦东 店", "未知")[at % 3]
    segments = report_of(rows).content["profile"]["segments"]
    region = next(table for table in segments if table["attribute"] == "region")
    assert [row["value"] for row in region["rows"]] == ["浦东店"]


def test_groups_under_five_are_not_shown(report_of: Make) -> None:
    """Nor can a single hidden cell be told from its row's sum."""
    rows = _rows()
    for row in rows[:3]:
        row["product"] = "独一份"
    for table in report_of(rows).content["profile"]["segments"]:
        for row in table["rows"]:
            assert row["value"] != "独一份"
            assert all(cell is None or cell == 0 or cell >= 5 for cell in row["cells"])
            assert row["cells"].count(None) != 1 or not any(row["cells"])


def test_a_desk_fills_only_what_rows_lack(report_of: Make, table_of: Callable[..., Any]) -> None:
    """Labels that a row brings stay; the number of rows asked about is stated."""

    class Said:
        category, issues, tier, sentiment = "物流配送", ("4001",), "紧急", "愤怒"

    rows = [{**row, "tier": "普通", "sentiment": "不满"} for row in _rows(5)]
    rows[0]["issues"] = ""
    made = build_report(table_of(rows), desk=lambda texts: [Said] * len(texts))
    assert made.content["snapshot"]["predicted"] == 1
    assert {row["value"] for row in made.content["counts"]["by"]["tier"]} == {"普通"}


@pytest.mark.parametrize(
    ("start", "end", "before", "year"),
    [
        ("2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28"), ("2025-03-01", "2025-03-31")),
        ("2026-01-01", "2026-03-31", ("2025-10-01", "2025-12-31"), ("2025-01-01", "2025-03-31")),
        ("2024-01-01", "2024-12-31", ("2023-01-01", "2023-12-31"), ("2023-01-01", "2023-12-31")),
        ("2026-03-02", "2026-03-08", ("2026-02-23", "2026-03-01"), ("2025-03-03", "2025-03-09")),
        ("2024-02-01", "2024-02-29", ("2024-01-01", "2024-01-31"), ("2023-02-01", "2023-02-28")),
    ],
)
def test_earlier_periods_are_those_that_people_mean(
    start: str, end: str, before: tuple[str, str], year: tuple[str, str]
) -> None:
    """Months against months, weeks against weeks, and the same of last year."""
    period = Period(date.fromisoformat(start), date.fromisoformat(end))
    said = [
        (p.start.isoformat(), p.end.isoformat()) for p in (period.before(), period.year_before())
    ]
    assert said == [before, year]


def test_a_finding_is_held_against_the_last_period(report_of: Make) -> None:
    """New where the last period did not have it, unknown where no data reach back."""
    rows = _rows(56, 20)
    for at, row in enumerate(rows):
        if row["received_at"].date() >= date(2026, 2, 2) and row["product"] == "产品1":
            row["issues"] = "7002" if at % 3 else row["issues"]
    later = {"start": date(2026, 2, 2), "end": date(2026, 3, 1)}
    content = report_of(rows, **later).content
    first = content["findings"][0]
    assert (_said(first), first["status"]) == (({"product": "产品1"}, "7002"), "new")
    assert content["counts"]["against"]["last"]["complaints"] == 20 * 28
    alone = [row for row in rows if row["received_at"].date() >= date(2026, 2, 2)]
    assert report_of(alone, **later).content["findings"][0]["status"] == "unknown"


def test_a_judged_finding_is_no_news_until_its_day(small_history: Path) -> None:
    """It stands apart with verdict, reason and name, and comes back when the day is over."""
    table = read_table(small_history / "complaints.csv")
    first = build_report(table).content["findings"][0]
    said, issue = _said(first)
    pairs = frozenset((name, value.lower()) for name, value in said.items())
    for until, judged in ((None, True), (date(2030, 1, 1), True), (date(2020, 1, 1), False)):
        known = Judgement(pairs, issue, "known", "已换供应商", "陆工", until)
        made = build_report(table, ReportOptions(judgements=(known,)))
        again = next(f for f in made.content["findings"] if _said(f) == (said, issue))
        assert (again["judgement"] is not None) is judged
        assert ("已判定的线索" in made.to_html()) is judged
        assert (made.content["findings"][0] is again) is not judged
    with pytest.raises(SettingRefused, match="not a cause"):
        Judgement(pairs, issue, "maybe", "x", "y")
    with pytest.raises(SettingRefused, match="reason"):
        Judgement(pairs, issue, "known", " ", "y")


def test_a_report_of_one_unit_counts_its_complaints_alone(report_of: Make) -> None:
    """However the unit is spelt; one that is not there is answered with those that are."""
    rows = _rows()
    for at, row in enumerate(rows):
        row["department"] = ("物流部", "售后部")[at % 2]
    made = report_of(rows, only={"department": "物流 部"})
    assert made.content["counts"]["complaints"] == len(rows) / 2
    assert made.content["parameters"]["only"] == {"department": "物流 部"}
    with pytest.raises(SettingRefused, match="售后部, 物流部"):
        report_of(rows, only={"department": "采购部"})
    with pytest.raises(ColumnMissing, match="'unit'"):
        report_of(rows, only={"unit": "甲"})


def test_exposure_is_the_denominator_where_it_is_known(report_of: Make) -> None:
    """A product that is only sold more is explained by its sales."""
    import pandas as pd

    rows = _rows(56, 20)
    for at, row in enumerate(rows):
        row["product"] = "大卖" if at % 2 else f"小众{at % 6}"
        row["issues"] = "1001" if at % 2 and at % 3 else row["issues"]
    units = {"大卖": 100_000.0, **{f"小众{n}": 100.0 for n in (0, 2, 4)}}
    exposure = pd.DataFrame(
        {"attribute": "product", "value": list(units), "units": list(units.values())}
    )
    findings = report_of(rows, items=("product",), exposure=exposure).content["findings"]
    sold = next(f for f in findings if _said(f) == ({"product": "大卖"}, "1001"))
    assert sold["confounded_by"] == [{"attribute": "exposure", "value": None}]


def test_real_complaints_give_a_report_in_foreign_codes(shared: Path) -> None:
    """The car complaints through a map: codes that no taxonomy of ours has."""
    table = read_table(
        shared / "data" / "car_complaints.csv.gz",
        mapping={
            "id": "complaint_id",
            "received_at": "complaint_date",
            "issues": "problem_codes",
        },
    )
    made = build_report(table, ReportOptions(items=("brand", "car_series", "trim")))
    jsonschema.validate(made.content, SCHEMA)
    assert made.content["counts"]["complaints"] == 4270
    assert all(f["complaints"] and f["examples"] for f in made.content["findings"])
