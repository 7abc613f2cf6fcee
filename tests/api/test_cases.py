"""Stored complaints: listed, followed, corrected, exported, unmasked."""

from __future__ import annotations

import csv
import io
from typing import Any

import openpyxl
import pytest

from api.settings import Settings
from tests.api.house import TEXT, House, open_house
from triage.registry import open_desk

PHONE = "13812345678"


def _fill(house: House, number: int) -> None:
    for n in range(number):
        assert house.post("/complaints", {"id": f"c-{n}", "text": TEXT}).status_code == 201


def test_pages_hold_every_complaint_once(house: House) -> None:
    """The cursor walks from the newest to the oldest."""
    _fill(house, 7)
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page = house.get(f"/complaints?limit=2{cursor}").json()
        seen += [row["id"] for row in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert seen == [f"c-{n}" for n in reversed(range(7))]
    assert page["next"] is None


def test_changes_are_followed_by_a_cursor(house: House) -> None:
    """Each change comes once, in order, and a corrected complaint comes again."""
    _fill(house, 3)
    first = house.get("/complaints?changed_since=0").json()
    assert [row["id"] for row in first["items"]] == ["c-0", "c-1", "c-2"]
    assert house.get(f"/complaints?changed_since={first['next']}").json()["items"] == []
    house.call("PUT", "/complaints/c-1/labels", json={"tier": "重大"})
    second = house.get(f"/complaints?changed_since={first['next']}").json()
    assert [row["id"] for row in second["items"]] == ["c-1"]
    assert second["items"][0]["decision"]["tier"]["label"] == "重大"


def test_labels_of_a_person_move_route_and_deadlines(house: House) -> None:
    """The history says who changed what."""
    _fill(house, 1)
    reply = house.call("PUT", "/complaints/c-0/labels", json={"tier": "重大", "issues": ["1001"]})
    said = reply.json()
    assert said["labels"] == {"tier": "重大", "issues": ["1001"]}
    assert said["decision"]["route"]["plan_by"] is not None
    assert said["decision"]["category"]["name"] == "产品质量"
    assert [event["kind"] for event in said["events"]] == ["received", "labelled"]
    assert said["events"][1]["by"] == "local"


@pytest.mark.parametrize(
    "labels", [{}, {"issues": ["0000"]}, {"category": "没有"}, {"tier": "x"}, {"role": "admin"}]
)
def test_labels_that_do_not_exist_are_refused(sqlite_house: House, labels: dict[str, Any]) -> None:
    """Codes and categories come from the taxonomy."""
    _fill(sqlite_house, 1)
    assert sqlite_house.call("PUT", "/complaints/c-0/labels", json=labels).status_code == 422


def test_filters_narrow_a_list(house: House) -> None:
    """By tier, state and time."""
    _fill(house, 1)
    house.clock.move(days=1)
    house.post("/complaints", {"id": "late", "text": TEXT, "tier": "重大"})
    assert _ids(house, "tier=重大") == ["late"]
    assert _ids(house, "state=pending") == []
    assert _ids(house, "received_from=2026-03-03") == ["late"]
    assert _ids(house, "received_to=2026-03-03") == ["c-0"]


def _ids(house: House, query: str) -> list[str]:
    return [row["id"] for row in house.get(f"/complaints?{query}").json()["items"]]


def test_personal_data_is_masked_before_it_is_stored(house: House) -> None:
    """In texts, free columns and customers' numbers, alike for one person."""
    row = {"text": f"我的电话{PHONE}，屏幕一直闪", "customer_id": PHONE, "cause": f"回电{PHONE}"}
    house.post("/complaints", {"id": "a", **row})
    house.post("/complaints", {"id": "b", **row})
    a, b = (house.get(f"/complaints/{name}").json() for name in "ab")
    assert PHONE not in str(a)
    assert a["columns"] == b["columns"]
    assert a["columns"]["customer_id"] in a["text"]


def test_the_original_is_kept_only_if_wanted_and_shown_for_a_reason(settings: Settings) -> None:
    """Encrypted under the complaint's id; who looked is written down."""
    keeping = settings.model_copy(update={"keep_original": True})
    with open_house(keeping, open_desk()) as house:
        house.post("/complaints", {"id": "a", "text": f"电话{PHONE}屏幕闪"})
        body = {"reason": "客户来电核实"}
        supervisor, handler = house.key("supervisor"), house.key("handler")
        refused = house.post("/complaints/a/unmask", body, headers=handler)
        assert refused.status_code == 403
        assert house.post("/complaints/a/unmask", {}, headers=supervisor).status_code == 422
        shown = house.post("/complaints/a/unmask", body, headers=supervisor)
        assert shown.json() == {"id": "a", "text": f"电话{PHONE}屏幕闪"}
        from sqlalchemy import text

        asked = "SELECT subject FROM audit WHERE action = 'complaint.unmask'"
        assert house.stored(lambda c: c.execute(text(asked)).scalars().all()) == ["a"]


def test_without_originals_there_is_nothing_to_unmask(sqlite_house: House) -> None:
    """By default the original is gone for good."""
    _fill(sqlite_house, 1)
    reply = sqlite_house.post("/complaints/c-0/unmask", {"reason": "核实一下"})
    assert reply.status_code == 404


def test_exports_hold_no_formula(house: House) -> None:
    """CSV cells get an apostrophe, XLSX cells are typed as text."""
    house.post("/complaints", {"id": "=1+1", "text": '=HYPERLINK("x")屏幕闪'})
    plain = house.get("/complaints.csv")
    rows = list(csv.DictReader(io.StringIO(plain.content.decode("utf-8-sig"))))
    assert rows[0]["id"] == "'=1+1"
    assert rows[0]["text"].startswith("'=HYPERLINK")
    assert "attachment" in plain.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(house.get("/complaints.xlsx").content))
    cells = [cell for row in book.active.iter_rows(min_row=2) for cell in row]
    assert cells[0].value == "=1+1"
    assert {cell.data_type for cell in cells} <= {"s", "n"}


def test_a_complaint_that_is_not_there_is_not_found(sqlite_house: House) -> None:
    """404, as for one of another department."""
    assert sqlite_house.get("/complaints/none").status_code == 404
