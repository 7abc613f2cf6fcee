"""``suyuan report`` and ``mine``: periods, product lines, judgements, names of foreign codes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.services.codes import names_beside, read_issue_names
from api.services.judgements import read_judgements
from api.services.tables import read_table
from domain.errors import ColumnMissing, SettingRefused
from domain.taxonomy import shipped_taxonomy


def _table(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Nine weeks in which batch B07 keeps raising X1, told by a foreign code table."""
    rows = []
    for n in range(360):
        bad = n % 4 == 0
        rows.append(
            {
                "id": f"c-{n}",
                "received_at": f"2026-{1 + n // 180:02d}-{1 + n % 27:02d} 10:00:00",
                "batch": "B07" if bad else f"B{10 + n % 9}",
                "product": "手机" if n % 8 < 5 else "耳机",
                "handler": ("李娜", "王小明")[n % 2],
                "issues": "X1" if bad else f"X{2 + n % 5}",
                "issue_names": "屏幕-闪烁" if bad else f"其他-{n % 5}",
            }
        )
    return _table(tmp_path / "history.csv", rows)


def _report(history: Path, out: Path, *more: str) -> dict[str, Any]:
    asked = ["report", str(history), "--out", str(out), "--formats", "json", *more]
    ran = CliRunner().invoke(app, asked)
    assert ran.exit_code == 0, ran.output
    return dict(json.loads((out / "report.json").read_text(encoding="utf-8")))


def test_the_newest_whole_month_is_reported_with_what_was_judged(
    history: Path, tmp_path: Path
) -> None:
    """A period of the calendar, a judgement from a file, names from the column beside."""
    said = {"antecedents": "batch=b-07", "issue": "X1", "verdict": "已知", "reason": "已召回",
            "by": "质量部", "until": "2026-12-31"}  # fmt: skip
    file = _table(tmp_path / "said.csv", [said])
    content = _report(history, tmp_path / "a", "--period", "month", "--judgements", str(file))
    assert content["period"]["from"] == "2026-01-01"
    assert content["period"]["to"] == "2026-01-31"
    cause = next(f for f in content["findings"] if f["antecedents"][0]["value"] == "B07")
    assert cause["consequents"][0]["name"] == "屏幕-闪烁"
    assert cause["judgement"]["by"] == "质量部"
    assert "王小明" not in json.dumps(content, ensure_ascii=False)


def test_one_product_line_and_people_by_number(history: Path, tmp_path: Path) -> None:
    """`--only` narrows, handlers as items are numbered, unless nobody is to be."""
    line = _report(history, tmp_path / "b", "--only", "product=手机", "--items", "batch,handler")
    assert line["snapshot"]["used"] == 225
    assert "李娜" not in json.dumps(line, ensure_ascii=False)
    assert line["parameters"]["personal"] == ["handler"]
    wrong = ["report", str(history), "--out", str(tmp_path / "c"), "--only", "手机"]
    assert CliRunner().invoke(app, wrong).exit_code == 2
    wrong = ["report", str(history), "--out", str(tmp_path / "c"), "--period", "day"]
    assert CliRunner().invoke(app, wrong).exit_code == 2


def test_what_is_stored_is_reported_without_a_file(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation without complaints says so."""
    monkeypatch.setenv("SUYUAN_DATA_DIR", str(tmp_path / "data"))
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    ran = CliRunner().invoke(app, ["report", "--out", str(tmp_path / "d")])
    assert ran.exit_code == 1
    assert "no complaint is stored yet" in ran.output


def test_mining_names_foreign_codes(history: Path, tmp_path: Path) -> None:
    """From a table of codes, the category before the name."""
    codes = _table(
        tmp_path / "codes.csv",
        [
            {"code": "X1", "system_zh": "屏幕", "issue_name_zh": "闪烁"},
            {"code": "X2", "system_zh": "电池", "issue_name_zh": "电池-鼓包"},
        ],
    )
    assert read_issue_names(codes) == {"X1": "屏幕-闪烁", "X2": "电池-鼓包"}
    asked = ["mine", str(history), "--items", "batch", "--issue-names", str(codes)]
    assert "屏幕-闪烁" in CliRunner().invoke(app, asked).output
    told = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert told[0]["consequents"][0]["name"] == "屏幕-闪烁"
    with pytest.raises(ColumnMissing, match="needed are code and name"):
        read_issue_names(_table(tmp_path / "no.csv", [{"a": "1", "b": "2"}]))


def test_names_beside_codes_count_where_both_have_as_many_parts(tmp_path: Path) -> None:
    """The commonest name holds; rows that don't fit say nothing."""
    rows = [{"issues": "X1|X2", "issue_names": "甲|乙"}] * 2
    rows += [{"issues": "X1", "issue_names": "丙"}, {"issues": "X2|X3", "issue_names": "丁"}]
    frame = read_table(_table(tmp_path / "t.csv", rows)).frame
    assert dict(names_beside(frame, shipped_taxonomy())) == {"X1": "甲", "X2": "乙"}


def test_judgements_that_say_nothing_are_refused_by_row(tmp_path: Path) -> None:
    """With the row's number and what would be right."""
    good = {"antecedents": "batch=B07", "issue": "X1", "verdict": "known", "reason": "r", "by": "b",
            "until": ""}  # fmt: skip
    for change, word in (
        ({"antecedents": "B07"}, "batch=B07"),
        ({"verdict": "maybe"}, "known"),
        ({"reason": " "}, "reason"),
        ({"until": "soon"}, "row 2"),
    ):
        file = _table(tmp_path / "said.csv", [good | change])
        with pytest.raises(SettingRefused, match=word):
            read_judgements(file)
