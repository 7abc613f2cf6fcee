"""What the search for causes says of histories whose truth is known."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.errors import Cancelled, ColumnMissing, SettingRefused
from mining.causes import CauseReport, Demands, find_causes
from mining.findings import Finding

_spec = importlib.util.spec_from_file_location(
    "histories", Path(__file__).with_name("histories.py")
)
histories = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(histories)

ATTRIBUTES = ["product", "batch", "region", "outlet", "channel"]
CARS = Path(__file__).parents[3] / "shared/data/car_complaints.csv.gz"


def named(finding: Finding) -> tuple[dict[str, str], str]:
    left = {item.attribute: item.value for item in finding.antecedents}
    return left, finding.consequents[0].value


@pytest.fixture(scope="module")
def planted() -> tuple[pd.DataFrame, list, CauseReport]:
    table, causes = histories.write_history(5_000, seed=42)
    return table, causes, find_causes(table, ATTRIBUTES)


def test_every_planted_cause_is_found_and_hardly_anything_else() -> None:
    """Four histories with four causes and five traps each."""
    found = reported = planted = 0
    for seed in range(4):
        table, causes = histories.write_history(5_000, seed=seed)
        said = [named(finding) for finding in find_causes(table, ATTRIBUTES).unconfounded]
        planted += len(causes)
        reported += len(said)
        found += sum(cause in said for cause in causes)
    assert found == planted
    assert reported - found <= 1


def test_histories_with_nothing_planted_report_next_to_nothing() -> None:
    """Of forty, at most three (16 of 200 are allowed)."""
    reports = [
        find_causes(histories.write_history(900, seed, planted=False).table, ATTRIBUTES)
        for seed in range(40)
    ]
    assert sum(bool(report.unconfounded) for report in reports) <= 3
    quiet = next(report for report in reports if not report.unconfounded)
    assert "more than chance" in quiet.reason
    assert 0 < len(quiet.nearest) <= 5


def test_shadows_are_marked_with_what_explains_them(planted: tuple) -> None:
    """The bad batch's product, the bad outlet's region, and the region that only sells."""
    _, _, report = planted
    shadows = {
        str(named(finding)): [(by.attribute, by.value) for by in finding.confounded_by]
        for finding in report.findings
        if finding.is_confounded
    }
    assert shadows[str(({"region": "区2"}, "I07"))] == [("outlet", "区2店1")]
    assert shadows[str(({"region": "区5"}, "I11"))] == [("product", "P6")]
    assert shadows[str(({"region": "区4"}, "I09"))] == [("region", "区4"), ("channel", "网页")]


def test_one_furious_customer_is_no_finding_but_is_named(planted: tuple) -> None:
    """Sixty filings on one outlet: not in the findings, but in 一人多诉."""
    _, _, report = planted
    assert ({"outlet": "区1店3"}, "I03") not in [named(f) for f in report.findings]
    filer = report.repeat_filers[0]
    assert (filer.customer, len(filer.complaints)) == ("狂怒者", 60)
    assert "outlet=区1店3" in map(str, filer.commonest)


def test_a_complainant_counts_once_however_the_filings_vary() -> None:
    """Sixty filings by sixty people are a finding; by one person, however put, they aren't."""
    table, _ = histories.write_history(3_000, seed=5, planted=False)
    rows = np.arange(0, 3_000, 50)
    table.loc[rows, "outlet"] = "区1店3"
    table.loc[rows, "region"] = "区1"
    table.loc[rows, "issues"] = [f"I03|{histories.ISSUES[row % 12 + 4]}" for row in rows]
    table.loc[rows, "customer_id"] = [f"V{row}" for row in rows]
    wanted = ({"outlet": "区1店3"}, "I03")
    assert wanted in [named(f) for f in find_causes(table, ATTRIBUTES).unconfounded]
    table.loc[rows, "customer_id"] = "一个人"
    assert find_causes(table, ATTRIBUTES).unconfounded == []


def test_a_season_is_no_cause_of_what_is_sold_in_it(planted: tuple) -> None:
    """Late products stand beside the late issue; the weeks explain it."""
    _, _, report = planted
    assert all(issue != "I02" for _, issue in map(named, report.unconfounded))
    weeks = [f for f in report.findings if named(f)[1] == "I02"]
    assert weeks
    assert all(f.confounded_by[0].attribute == "week" for f in weeks)


def test_counts_and_p_value_fit_together_and_open_to_the_complaints(planted: tuple) -> None:
    """Anyone can check a finding from the table."""
    table, _, report = planted
    finding = next(f for f in report.unconfounded if named(f)[0] == {"batch": "P3-1"})
    has_issue = table["issues"].str.split("|").map(lambda codes: "I05" in codes)
    rows = table[(table["batch"] == "P3-1") & has_issue]
    assert sorted(finding.complaints) == sorted(rows["id"])
    first = rows[~table[has_issue].duplicated("customer_id").reindex(rows.index)]
    assert finding.count == len(first)
    assert finding.confidence == pytest.approx(finding.count / finding.antecedent_count)
    from scipy import stats

    exact = stats.hypergeom.sf(
        finding.count - 1, finding.total, finding.consequent_count, finding.antecedent_count
    )
    assert finding.p_value == pytest.approx(exact, rel=0.9)
    assert finding.p_value >= exact * (1 - 1e-9)
    assert finding.stability.held > 0.7


def test_findings_become_json_with_the_keys_of_the_contract(planted: tuple) -> None:
    """Also where conviction is infinite."""
    _, _, report = planted
    written = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    keys = [
        "antecedents",
        "consequents",
        "count",
        "antecedent_count",
        "consequent_count",
        "support",
        "confidence",
        "confidence_interval",
        "lift",
        "leverage",
        "conviction",
        "zhang",
        "odds_ratio",
        "odds_ratio_interval",
        "p_value",
        "q_value",
        "status",
        "confounded_by",
        "exposure",
        "complaints",
        "kind",
    ]
    assert all(set(keys) <= set(finding) for finding in written)
    assert written[0]["antecedents"][0].keys() == {"attribute", "value"}
    order = [(f["status"] == "confounded", -f["excess_low"]) for f in written]
    assert order == sorted(order)


def test_severity_weighs_the_order_and_nothing_else(planted: tuple) -> None:
    """The heaviest issue comes first."""
    table, _, report = planted
    heavy = find_causes(table, ATTRIBUTES, severity={"I05": 100.0})
    assert named(heavy.findings[0])[1] == "I05"
    assert {f.key for f in heavy.findings} == {f.key for f in report.findings}


def test_issues_that_come_together_are_a_finding_of_their_own_kind() -> None:
    """Beside each other in one complaint, and neither product nor batch explains it."""
    table, _ = histories.write_history(4_000, seed=8, planted=False)
    lists = table["issues"].str.split("|")
    hit = lists.map(lambda codes: "I06" in codes) & (np.arange(4_000) % 2 == 0)
    table.loc[hit, "issues"] = table.loc[hit, "issues"] + "|I10"
    report = find_causes(table, ATTRIBUTES)
    assert [(f.kind, {named(f)[1], f.antecedents[0].value}) for f in report.unconfounded] == [
        ("co-occurrence", {"I06", "I10"})
    ]


def test_issues_that_share_a_cause_are_no_pair() -> None:
    """One batch makes both; inside and outside of it they keep apart."""
    table, _ = histories.write_history(4_000, seed=9, planted=False)
    rng = np.random.default_rng(90)
    bad = (table["batch"] == "P1-0").to_numpy()
    for issue in ("I06", "I10"):
        hit = bad & (rng.random(4_000) < 0.6)
        table.loc[hit, "issues"] = table.loc[hit, "issues"] + "|" + issue
    found = find_causes(table, ATTRIBUTES).unconfounded
    assert {f.kind for f in found} == {"cause"}
    assert {str(named(f)) for f in found} == {
        str(({"batch": "P1-0"}, issue)) for issue in ("I06", "I10")
    }


def test_a_large_cause_crowds_others_out_and_makes_no_finding_elsewhere() -> None:
    """One product and issue make up a quarter of all; other issues look frequent elsewhere."""
    rng = np.random.default_rng(6)
    n = 20_000
    product = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    issue = rng.integers(0, 8, n)
    issue[(product == 0) & (rng.random(n) < 0.7)] = 0
    table = pd.DataFrame(
        {"product": [f"P{p}" for p in product], "issues": [f"I{i}" for i in issue]}
    )
    assert [named(f) for f in find_causes(table, ["product"]).unconfounded] == [
        ({"product": "P0"}, "I0")
    ]


def test_exposure_acquits_a_value_whose_rate_is_no_higher() -> None:
    """Its share among complaints is high only because it has few others."""
    others = ["物流", "价格", "服务", "包装"] * 40
    table = pd.DataFrame(
        {
            "batch": np.repeat(["B1", "B2", "B3", "B4", "B5"], 200),
            "issues": ["闪屏"] * 150 + others[:50] + (["闪屏"] * 50 + others[:150]) * 4,
        }
    )
    exposed = {"attribute": ["batch"] * 5, "value": ["b-1", "B2", "B3", "B4", "B5"]}
    units = pd.DataFrame(exposed | {"units": [100] * 5})
    guilty = find_causes(table, ["batch"], exposure=units).findings[0]
    assert named(guilty) == ({"batch": "B1"}, "闪屏")
    assert not guilty.is_confounded
    assert guilty.exposure.rate_ratio == pytest.approx(3.0)
    units.loc[0, "units"] = 300
    acquitted = find_causes(table, ["batch"], exposure=units).findings[0]
    assert named(acquitted) == ({"batch": "B1"}, "闪屏")
    assert acquitted.confounded_by[0].attribute == "exposure"


def test_permutations_agree_that_the_findings_are_no_chance(planted: tuple) -> None:
    """None of 19 shuffled tables has evidence like that of the planted causes."""
    table, causes, _ = planted
    report = find_causes(table, ATTRIBUTES, permutations=19)
    shares = [f.permutation_p_value for f in report.unconfounded if named(f) in causes]
    assert shares == [0.05] * len(causes)


def test_periods_tell_new_stable_and_vanished_apart(planted: tuple) -> None:
    """Against its own report everything is stable; against a clean period it vanishes."""
    table, _, report = planted
    assert {f.status for f in report.unconfounded} == {"unknown"}
    again = find_causes(table, ATTRIBUTES, previous=report.findings)
    assert {f.status for f in again.unconfounded} == {"stable"}
    clean = histories.write_history(2_000, seed=3, planted=False).table
    after = find_causes(clean, ATTRIBUTES, previous=report.findings)
    assert {f.key for f in after.vanished} == {f.key for f in report.unconfounded}


def test_the_reason_for_nothing_names_what_is_missing() -> None:
    """Too few complaints, no attribute, or only chance."""
    few = pd.DataFrame({"batch": ["a", "b"], "issues": ["1", "2"]})
    assert find_causes(few, ["batch"]).reason.startswith("no issue was filed by 5 complainants")
    empty = few.iloc[:0]
    assert find_causes(empty, ["batch"]).findings == []
    rare = pd.DataFrame({"batch": [f"b{i % 20}" for i in range(60)], "issues": ["1"] * 60})
    assert "no attribute value stands in 5" in find_causes(rare, ["batch"]).reason


def test_progress_counts_the_steps_and_may_stop_them() -> None:
    """From 0 to the number of steps; what it raises comes out."""
    table, _ = histories.write_history(300, seed=1, planted=False)
    seen: list[tuple[str, int, int]] = []
    find_causes(table, ["product"], progress=lambda *step: seen.append(step))
    assert [at for _, at, _ in seen] == list(range(seen[0][2] + 1))

    def stop(*step: object) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        find_causes(table, ["product"], progress=stop)


@pytest.mark.parametrize(
    "wrong", [{"min_support": 2}, {"max_q": -1}, {"min_lift": 0.5}, {"max_antecedents": 0}]
)
def test_demands_that_can_not_work_are_refused(wrong: dict[str, float]) -> None:
    """The message names the setting and its value."""
    with pytest.raises(SettingRefused, match=next(iter(wrong))):
        Demands(**wrong)


def test_a_table_without_issues_is_refused() -> None:
    """There is nothing to seek causes for."""
    with pytest.raises(ColumnMissing, match="no column 'issues' of issues"):
        find_causes(pd.DataFrame({"batch": ["a"]}), ["batch"])


@pytest.mark.skipif(not CARS.exists(), reason=f"the real table is not at {CARS.name}")
def test_real_car_complaints_give_findings_that_open_to_their_complaints() -> None:
    """Brand, series and trim against the problems of 4,270 complaints."""
    names = {"complaint_id": "id", "complaint_date": "received_at", "problem_codes": "issues"}
    cars = pd.read_csv(CARS, dtype=str).rename(columns=names)
    report = find_causes(cars, ["brand", "car_series", "trim"])
    assert len(report.unconfounded) > 20
    for finding in report.findings:
        assert len(set(finding.complaints)) >= finding.count
        assert set(finding.complaints) <= set(cars["id"])
