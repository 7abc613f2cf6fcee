"""The example history is what its truth says: planted causes, innocent decoys, honest dirt."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from datetime import date, datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import numpy as np
import pandas as pd
import pytest
from mlxtend.frequent_patterns import apriori, association_rules
from scipy.stats import chi2_contingency, fisher_exact

from api.services.example import write_history
from api.services.example.history import CAUSES, COLUMNS
from api.services.example.truth import judge
from domain.complaint import Complaint, Sentiment, Tier, parse_complaint
from domain.errors import SettingRefused
from domain.taxonomy import shipped_taxonomy

ATTRIBUTES = ("product", "batch", "region", "outlet", "channel", "courier")
FILES = ("complaints.csv", "sales.csv", "served.csv", "measures.csv", "examples.csv", "README.md")
SCHEMA = Path(__file__).parents[3] / "docs" / "planted.schema.json"


class Written(NamedTuple):
    """A history as a reader of its files sees it, spellings folded in `table`."""

    out: Path
    raw: list[dict[str, str]]
    table: pd.DataFrame
    truth: dict[str, Any]

    def plant(self, name: str) -> dict[str, Any]:
        """One plant or decoy of the truth."""
        return next(p for p in self.truth["plants"] + self.truth["decoys"] if p["name"] == name)

    def within(self, name: str) -> pd.Series:
        """Rows of the weeks of a plant."""
        first, last = self.plant(name)["weeks"]
        return self.table["week"].between(first, last)

    def having(self, name: str) -> pd.Series:
        """Rows with all attributes of a plant, of all weeks."""
        mask = pd.Series(True, index=self.table.index)
        for column, value in self.plant(name)["attributes"].items():
            mask &= self.table[column] == value
        return mask

    def about(self, code: str) -> pd.Series:
        """Rows with an issue code."""
        return self.table["issues"].str.contains(code, regex=False)


def read(out: Path) -> Written:
    """Read a history back from its files."""
    with (out / "complaints.csv").open(encoding="utf-8", newline="") as file:
        raw = list(csv.DictReader(file))
    truth = json.loads((out / "planted.json").read_text("utf-8"))
    table = pd.DataFrame(raw)
    table["outlet"] = table["outlet"].str.replace("[ -]", "", regex=True)
    names = {batch.replace("-", ""): batch for batch in truth["ties"]["batch"]}
    folded = table["batch"].str.replace("-", "").str.upper()
    table["batch"] = folded.map(names).fillna("")
    table["time"] = pd.to_datetime(table["received_at"])
    table["week"] = (table["time"] - pd.Timestamp(truth["start"])).dt.days // 7 + 1
    return Written(out, raw, table, truth)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The history of the demo."""
    out = tmp_path_factory.mktemp("history")
    write_history(out)
    return read(out)


@pytest.fixture(scope="module")
def null(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A history with nothing planted."""
    out = tmp_path_factory.mktemp("null")
    write_history(out, 20_000, seed=11, causes="none")
    return read(out)


def digest(out: Path) -> str:
    """One hash over all files of a directory."""
    whole = hashlib.sha256()
    for path in sorted(out.iterdir()):
        whole.update(path.name.encode() + path.read_bytes())
    return whole.hexdigest()


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    """Everything that is written repeats, and another seed changes it."""
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_history(tmp_path / name, 1_000, seed=seed)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_every_file_is_there_and_lines_end_alike_everywhere(history: Written) -> None:
    """A platform's own line ends would change the bytes."""
    assert {path.name for path in history.out.iterdir()} == {*FILES, "planted.json"}
    assert not any(b"\r" in path.read_bytes() for path in history.out.iterdir())


@pytest.mark.parametrize(("complaints", "weeks"), [(1, 1), (300, 3), (1_000, 8), (2_000, 130)])
def test_size_and_period_are_what_was_asked_for(
    tmp_path: Path, complaints: int, weeks: int
) -> None:
    """As many rows as asked, none outside the weeks, and all end on one day."""
    summary = write_history(tmp_path, complaints, weeks)
    written = read(tmp_path)
    assert len(written.raw) == complaints == summary.complaints
    assert written.table["week"].between(1, weeks).all()
    assert date.fromisoformat(written.truth["end"]) == date(2025, 8, 31)
    assert summary.start == date(2025, 9, 1) - timedelta(days=7 * weeks)


def test_a_start_of_ones_own_moves_everything(tmp_path: Path) -> None:
    """The weeks count from the day that was given."""
    write_history(tmp_path, 500, 4, start=date(2024, 10, 30))
    truth = read(tmp_path).truth
    assert (truth["start"], truth["end"]) == ("2024-10-30", "2024-11-26")


def test_columns_are_those_of_the_design_and_every_row_becomes_a_complaint(
    history: Written,
) -> None:
    """The table passes the door that real tables pass; only `courier` is an extra attribute."""
    assert tuple(history.raw[0]) == COLUMNS
    complaints = [parse_complaint(row) for row in history.raw[:3000]]
    assert all(isinstance(complaint, Complaint) for complaint in complaints)
    assert {name for c in complaints for name in c.attributes} == {"courier"}


def test_labels_are_codes_and_words_of_the_taxonomy(history: Written) -> None:
    """Issues are known and at most four, and the category follows from the first."""
    taxonomy = shipped_taxonomy()
    for issues, category in zip(history.table["issues"], history.table["category"], strict=True):
        codes = issues.split("|") if issues else []
        assert len(codes) == len(set(codes)) <= 4
        assert category == taxonomy.category_of(codes)
    assert set(history.table["tier"]) == {tier.value for tier in Tier}
    assert set(history.table["sentiment"]) == {mood.value for mood in Sentiment}
    assert {c for issues in history.table["issues"] for c in issues.split("|") if c} == set(
        taxonomy.codes
    )


def test_tier_follows_what_the_text_threatens(history: Written) -> None:
    """12315 is at least 紧急, court and media 重大, unless the words deny it."""
    denied = history.table["text"].str.contains("不会起诉|不用上升|闹到法院去|也不想曝光|不想告谁")
    text, tier = history.table["text"][~denied], history.table["tier"][~denied]
    assert set(tier[text.str.contains("12315|消协|工商")]) <= {"紧急", "重大"}
    assert set(tier[text.str.contains("起诉|法院|曝光|报警|维权群|冒烟|漏电|鼓包")]) == {"重大"}
    assert "普通" in set(history.table["tier"][denied])


def test_texts_are_many_and_of_all_lengths(history: Written) -> None:
    """Next to nothing is said twice in the same words."""
    lengths = history.table["text"].str.len()
    assert history.table["text"].duplicated().mean() < 0.05
    assert (lengths <= 20).mean() > 0.02
    assert (lengths >= 150).mean() > 0.02
    assert 5 <= lengths.min() < lengths.max() <= 400


def test_no_text_holds_a_number_that_could_be_a_persons(history: Written) -> None:
    """No mobile, landline, ID or bank card number, no e-mail address."""
    personal = re.compile(
        r"(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)0\d{2,3}-?\d{7,8}|\d{15,}|\d{17}[\dXx]|[\w.]+@[\w.]+"
    )
    assert not [row["id"] for row in history.raw if personal.search(row["text"])]


def test_the_truth_keeps_its_schema(history: Written, null: Written) -> None:
    """`planted.json` is as docs/planted.schema.json publishes it."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    for written in (history, null):
        jsonschema.validate(written.truth, schema)
    assert {p["name"] for p in history.truth["plants"] + history.truth["decoys"]} == set(CAUSES)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("battery_batch", 0.78, 0.92),
        ("courier_delay", 0.28, 0.46),
        ("courier_damage", 0.18, 0.36),
        ("rude_outlet", 0.27, 0.45),
        ("price_cut", 0.4, 0.75),
        ("region_channel", 0.3, 0.5),
        ("pump_cured", 0.24, 0.42),
        ("coating_uncured", 0.12, 0.24),
        ("queue_early", 0.27, 0.45),
        ("tv_claims", 0.15, 0.3),
    ],
)
def test_a_planted_cause_can_be_measured_back_from_the_table(
    history: Written, name: str, low: float, high: float
) -> None:
    """Confidence in the dirty table is the truth's within sampling error, far above elsewhere."""
    plant, within = history.plant(name), history.within(name)
    guilty, affected = history.having(name), history.about(plant["issue"])
    confidence = affected[within & guilty].mean()
    elsewhere = affected[within & ~guilty].mean()
    assert low < confidence < high
    assert confidence == pytest.approx(plant["strength"]["confidence"], abs=0.06)
    assert elsewhere == pytest.approx(plant["strength"]["confidence_elsewhere"], abs=0.02)
    assert confidence > 2.5 * elsewhere


def test_the_battery_batch_makes_the_largest_excess(history: Written) -> None:
    """The first cause of the demo is first by complaints beyond independence."""
    excess = {
        p["name"]: history.about(p["issue"])[history.having(p["name"])].sum()
        - history.about(p["issue"]).mean() * history.having(p["name"]).sum()
        for p in history.truth["plants"]
        if p["attributes"]
    }
    assert excess.pop("battery_batch") > 1.2 * max(excess.values())


def test_a_pair_is_guilty_only_together(history: Written) -> None:
    """Neither the courier elsewhere, nor the region's other couriers; the channel alike."""
    for name in ("courier_delay", "courier_damage", "region_channel"):
        plant = history.plant(name)
        affected, both = history.about(plant["issue"]), history.having(name)
        usual = affected[~both].mean()
        for column, value in plant["attributes"].items():
            alone = (history.table[column] == value) & ~both
            assert affected[alone].mean() < 1.35 * usual


def test_two_issues_go_together_and_no_others(history: Written, null: Written) -> None:
    """Billing errors are mishandled; by chance alone issues rather shut each other out."""
    both = history.about("3003")
    assert history.about("5003")[both].mean() > 4 * history.about("5003")[~both].mean()
    rows = len(null.table)
    masks = {code: null.about(code).to_numpy() for code in shipped_taxonomy().codes}
    for a, b in combinations(masks, 2):
        expected = masks[a].sum() * masks[b].sum() / rows
        assert (masks[a] & masks[b]).sum() < expected + 4.5 * expected**0.5 + 3


def test_the_popular_batch_is_everywhere_and_causes_nothing(history: Written) -> None:
    """Most complaints of all batches, and the same issues as its sister batches."""
    table = history.table
    assert table["batch"][table["batch"] != ""].mode()[0] == "X5-B03"
    sisters = (table["product"] == "青梧X5") & ~table["batch"].isin(["", "X5-B07"])
    main = table["issues"][sisters].str[:4]
    popular = table["batch"][sisters] == "X5-B03"
    assert chi2_contingency(pd.crosstab(main, popular)).pvalue > 0.001
    assert history.having("popular_batch").sum() > 5 * history.having("battery_batch").sum()


def test_the_region_is_guilty_only_by_what_is_sold_there(history: Written) -> None:
    """Twice the complaints of a kind, and no more than others once the product is fixed."""
    region, affected = history.having("tv_region"), history.about("2001")
    television = history.having("tv_claims")
    assert affected[region].mean() > 1.6 * affected[~region].mean()
    for stratum in (television, ~television):
        table = pd.crosstab(region[stratum], affected[stratum])
        assert fisher_exact(table.to_numpy()).pvalue > 0.001


def test_the_season_raises_one_issue_everywhere_alike(history: Written) -> None:
    """Deliveries are late in every region then, and the share of no other issue moves as much."""
    on, late = history.within("summer_season"), history.about("4001")
    assert late[on].mean() > 1.2 * late[~on].mean()
    usual = history.table["region"].isin(["四川", "未知"])
    shares = pd.crosstab(history.table["region"][on & ~usual], late[on & ~usual])
    assert chi2_contingency(shares).pvalue > 0.001


def test_one_customer_files_sixty_times_about_one_thing(history: Written) -> None:
    """Nobody else comes near, and without them the outlet is like any other."""
    counts = history.table["customer_id"][history.table["customer_id"] != ""].value_counts()
    furious = history.plant("furious_customer")
    assert counts.index[0] == furious["customer_id"]
    assert 57 <= counts.iloc[0] <= 60 == furious["strength"]["planted_complaints"]
    assert counts.iloc[1] < 25
    others = history.table["customer_id"] != furious["customer_id"]
    here, handled = history.table["outlet"] == "中关村店", history.about("5003")
    assert handled[here & others].mean() < 1.5 * handled[~here].mean()


def test_a_new_product_brings_its_words_late(history: Written) -> None:
    """Nobody says them before, many say them after, and its issues are the usual ones."""
    plant = history.plant("new_product")
    words = history.table["text"].str.contains("|".join(plant["words"]))
    first = plant["weeks"][0]
    assert not words[history.table["week"] < first].any()
    assert words[history.table["week"] >= first].sum() > 50
    assert not history.having("new_product")[history.table["week"] < first].any()
    categories = set(history.table["issues"][history.having("new_product")].str[:1])
    assert categories >= set("1234568")


def test_one_issue_rises_from_its_week_on(history: Written) -> None:
    """Twice as many a week, whatever the product or region, and not in the new product."""
    weekly = history.table["week"][history.about("8002")].value_counts().sort_index()
    assert weekly.loc[18:].mean() > 1.8 * weekly.loc[:17].mean()
    new = history.having("new_product")
    assert history.about("8002")[new].sum() <= 12


def test_measures_change_what_the_truth_says(history: Written) -> None:
    """The cured problem is gone, the other stays; the early one has two weeks of after."""

    def share(name: str, code: str, weeks: range) -> float:
        chosen = history.having(name) & history.table["week"].isin(weeks)
        return float(history.about(code)[chosen].mean())

    assert (
        share("pump_cured", "1001", range(15, 27)) < share("pump_cured", "1001", range(1, 14)) / 2
    )
    after, before = range(13, 27), range(1, 12)
    assert share("coating_uncured", "1005", after) > 0.7 * share("coating_uncured", "1005", before)
    with (history.out / "measures.csv").open(encoding="utf-8", newline="") as file:
        done = {row["id"]: date.fromisoformat(row["done_on"]) for row in csv.DictReader(file)}
    assert done["M01"] == date.fromisoformat(history.truth["start"]) + timedelta(weeks=13)
    assert date.fromisoformat(history.truth["end"]) - done["M03"] == timedelta(days=13)
    assert set(done) == {measure["id"] for measure in history.truth["measures"]}


def test_complaints_are_in_proportion_to_what_is_sold_unless_something_is_wrong(
    history: Written,
) -> None:
    """Per unit the popular batch is as its sisters are; the battery batch is far above."""
    sales = pd.read_csv(history.out / "sales.csv").groupby("batch")["units"].sum()
    rate = history.table["batch"].value_counts() / sales
    sisters = rate[["X5-B01", "X5-B02", "X5-B04", "X5-B05"]].mean()
    assert rate["X5-B03"] == pytest.approx(sisters, rel=0.2)
    assert rate["X5-B07"] > 3 * sisters
    served = pd.read_csv(history.out / "served.csv")
    assert len(served) == 26 * 60
    assert served["customers_served"].min() > 0


def test_the_dirt_is_there_and_falls_on_all_alike(history: Written) -> None:
    """Three spellings, batches missing or unknown, rows out of order, one entered twice."""
    raw = pd.DataFrame(history.raw)
    for outlet, spellings in history.truth["spellings"].items():
        assert set(spellings) <= set(raw["outlet"])
        assert {re.sub("[ -]", "", spelling) for spelling in spellings} == {outlet}
    missing = raw["batch"].isin(["", "未知"])
    assert 0.15 < missing.mean() < 0.2
    assert chi2_contingency(pd.crosstab(history.table["product"], missing)).pvalue > 0.001
    assert 0.005 < (history.table["time"].diff().dt.total_seconds() < 0).mean() < 0.03
    twice = history.table.duplicated(["text", "customer_id", "product", "issues"])
    assert 20 < (twice & (history.table["customer_id"] != "")).sum() < 400


def test_the_work_on_a_case_has_an_order_and_an_end(history: Written) -> None:
    """Times follow one another, nothing is known after the end, later is less liked."""
    order = ["received_at", "acknowledged_at", "resolved_at", "answered_at", "followed_up_at"]
    times = history.table[order].apply(pd.to_datetime)
    for earlier, later in pairwise(order):
        both = times[earlier].notna() & times[later].notna()
        assert (times[later][both] >= times[earlier][both]).all()
    end = datetime.fromisoformat(history.truth["end"]) + timedelta(days=1)
    assert times.max().max() < end
    assert times["resolved_at"].isna().any()
    hours = (times["resolved_at"] - times["received_at"]).dt.total_seconds() / 3600
    ordinary = history.table["tier"] == "普通"
    liked = pd.to_numeric(history.table["satisfaction"])
    assert liked[ordinary & (hours > 72)].mean() < liked[ordinary & (hours <= 72)].mean() - 0.5
    assert 0.01 < (history.table["escalated_to"] != "").mean() < 0.06
    repeats = history.table[history.table["repeat_of"] != ""]
    assert 0.01 < len(repeats) / len(history.table) < 0.04
    assert set(repeats["repeat_of"]) <= set(history.table["id"])


def test_a_history_with_nothing_planted_is_null(null: Written) -> None:
    """No issue depends on an attribute or on the week beyond what chance allows."""
    assert (null.truth["plants"], null.truth["decoys"], null.truth["measures"]) == ([], [], [])
    assert "灵犀环G1" not in set(null.table["product"])
    main = null.table["issues"].str[:4]
    for column in (*ATTRIBUTES, "week", "customer_value", "department"):
        known = ~null.table[column].isin(["", "未知"])
        table = pd.crosstab(null.table[column][known], main[known])
        assert chi2_contingency(table).pvalue > 1e-4, column
    weekly = null.table["week"].value_counts()
    assert ((weekly - weekly.mean()) ** 2).sum() / weekly.mean() < 60


def test_only_the_named_causes_are_planted(tmp_path: Path) -> None:
    """A decoy that hangs on a cause is left out without it, and the truth says why."""
    summary = write_history(tmp_path, 3_000, causes=["rude_outlet", "tv_region"])
    assert (summary.planted, summary.decoys) == (("rude_outlet",), ())
    assert summary.left_out == {"tv_region": "needs tv_claims"}


def test_a_short_history_keeps_what_fits_and_names_the_rest(tmp_path: Path) -> None:
    """Eight weeks have the lasting causes; the late ones are left out with a reason."""
    summary = write_history(tmp_path, 4_000, 8)
    assert {"battery_batch", "rude_outlet", "region_channel"} <= set(summary.planted)
    assert summary.left_out["new_product"] == "needs week 26; there are 8"
    assert summary.left_out["summer_season"].startswith("no sales season")
    assert set(summary.planted) | set(summary.decoys) | set(summary.left_out) >= set(CAUSES)


def test_a_small_history_leaves_out_what_would_be_a_handful(tmp_path: Path) -> None:
    """A plant of fewer than five complaints can't be found and is not promised."""
    summary = write_history(tmp_path, 200)
    assert "at least 5" in summary.left_out["battery_batch"]
    assert "needs 1,200 complaints" in summary.left_out["furious_customer"]


def test_a_long_history_has_a_last_year_without_causes(tmp_path: Path) -> None:
    """The plants lie in the last 26 of 130 weeks; the season comes every year."""
    write_history(tmp_path, 26_000, 130)
    written = read(tmp_path)
    assert written.plant("pump_cured")["weeks"] == [105, 117]
    assert written.plant("price_cut")["from"] == "2025-04-28"
    rude = written.about("5001") & written.having("rude_outlet")
    weekly = written.table["week"][rude].value_counts().sort_index()
    assert weekly.loc[105:].sum() > 1.5 * weekly.loc[:104].sum()
    late, year = written.about("4001"), written.table["time"].dt.year
    april, june = (
        year[late & (written.table["time"].dt.month == month)].value_counts().sort_index()
        for month in (4, 6)
    )
    assert (june > 1.2 * april).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"complaints": 0}, "complaints is 0"),
        ({"weeks": 0}, "weeks is 0"),
        ({"causes": ["batery"]}, "batery.*battery_batch"),
    ],
)
def test_what_can_not_be_written_is_refused(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    """The error names the value and what there is; nothing is written."""
    with pytest.raises(SettingRefused, match=message):
        write_history(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    """A bar that is told of every couple of thousand rows ends full."""
    steps: list[tuple[int, int]] = []
    write_history(tmp_path, 4_500, progress=lambda done, whole: steps.append((done, whole)))
    assert steps == [(2000, 4500), (4000, 4500), (4500, 4500)]


@pytest.mark.parametrize(
    ("attributes", "issue", "verdict"),
    [
        ({"batch": "X5-B07"}, "1002", ("planted", "battery_batch")),
        ({"batch": "X5-B07", "region": "上海"}, "1002", ("refined", "battery_batch")),
        ({"product": "青梧X5"}, "1002", ("implied", "battery_batch")),
        ({"batch": "L10-M02"}, "1001", ("refined", "pump_cured")),
        ({"region": "四川"}, "4001", ("implied", "courier_delay")),
        ({"outlet": "春熙路店"}, "4002", ("implied", "courier_damage")),
        ({"batch": "X5-B07"}, "4001", ("false", "")),
        ({"batch": "X5-B03"}, "1002", ("decoy", "popular_batch")),
        ({"outlet": "小寨店"}, "2001", ("decoy", "tv_region")),
        ({"region": "北京"}, "5003", ("decoy", "furious_customer")),
        ({"product": "灵犀环G1"}, "1001", ("decoy", "new_product")),
        ({"region": "广东"}, "3001", ("false", "")),
    ],
)
def test_findings_are_judged_by_the_truth(
    history: Written, attributes: dict[str, str], issue: str, verdict: tuple[str, str]
) -> None:
    """Exact, refined, implied, decoy or false, through what lies in what."""
    assert judge(attributes, issue, history.truth) == verdict


@pytest.fixture(scope="module")
def naive(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Attributes ⇒ issue as mlxtend gives them on 5,000 complaints, with the truth's verdict."""
    out = tmp_path_factory.mktemp("naive")
    write_history(out, 5_000)
    written = read(out)
    items: dict[str, np.ndarray] = {}
    for column in ATTRIBUTES:
        for value in set(written.table[column]) - {"", "未知"}:
            items[f"{column}={value}"] = (written.table[column] == value).to_numpy()
    items |= {f"issue={c}": written.about(c).to_numpy() for c in shipped_taxonomy().codes}
    frame = pd.DataFrame(dict(sorted(items.items())))
    frequent = apriori(frame, min_support=0.001, use_colnames=True, max_len=3)
    rules = association_rules(frequent, metric="lift", min_threshold=1.0)
    about = rules["consequents"].map(lambda c: len(c) == 1 and min(c).startswith("issue="))
    plain = rules["antecedents"].map(lambda a: not any(item.startswith("issue=") for item in a))
    rules = pd.DataFrame(rules[about & plain])
    rules[["verdict", "plant"]] = [verdict_of(rule, written.truth) for rule in rules.itertuples()]
    return rules


def verdict_of(rule: Any, truth: dict[str, Any]) -> tuple[str, str]:
    """What the truth says to one of mlxtend's rules."""
    attributes = dict(item.split("=", 1) for item in rule.antecedents)
    return judge(attributes, min(rule.consequents).removeprefix("issue="), truth)


def test_most_of_what_a_naive_miner_reports_is_false(naive: pd.DataFrame) -> None:
    """All plants are among its rules of lift 1.5 and more, and under ten times as many others."""
    reported = naive[naive["lift"] >= 1.5]
    assert reported["plant"][reported["verdict"] == "planted"].nunique() == 10
    assert reported["verdict"].isin(["false", "decoy"]).mean() > 0.6


def test_sorted_by_support_a_naive_miner_leads_with_false_causes(naive: pd.DataFrame) -> None:
    """What is frequent is not what is wrong: among batches the false friend leads."""
    first = naive.sort_values("support", ascending=False, kind="stable").reset_index(drop=True)
    assert first["verdict"][:30].isin(["false", "decoy"]).sum() >= 20
    batches = first[first["antecedents"].map(lambda a: len(a) == 1 and min(a)[:6] == "batch=")]
    leading = batches["plant"][:30].value_counts().drop("", errors="ignore")
    assert leading.index[0] == "popular_batch"
    assert leading.iloc[0] >= 5


def test_sorted_by_confidence_one_customer_looks_like_a_cause(naive: pd.DataFrame) -> None:
    """The furious customer's outlet stands among the first thirty in several guises."""
    first = naive.sort_values("confidence", ascending=False, kind="stable")[:30]
    assert (first["plant"] == "furious_customer").sum() >= 5


def test_sorted_by_lift_a_naive_miner_repeats_itself(naive: pd.DataFrame) -> None:
    """Thirty rules name fewer than half of the ten causes, over and over with trimmings."""
    first = naive.sort_values("lift", ascending=False, kind="stable")[:30]
    assert first["plant"][first["verdict"] == "planted"].nunique() < 5
    assert (first["verdict"] != "planted").sum() >= 24
