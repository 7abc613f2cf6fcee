"""A finding's whole life: mined, owned, acted on, measured, closed, and back again."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.services.desks import Desk
from api.services.example.history import write_history
from api.settings import Settings
from tests.api.conftest import backend, desk, postgres, settings  # noqa: F401
from tests.api.house import House, open_house

CURED = {"product": "清漪L10"}
DONE_ON = "2025-06-02"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The example history's complaints of one department, in which a measure cured a pump."""
    folder: Path = tmp_path_factory.mktemp("history")
    write_history(folder, complaints=8000, weeks=26, seed=7, causes=["pump_cured"])
    text = (folder / "complaints.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    return [row for row in rows if row["department"] == "家用电器部"]


def imported(house: House, rows: list[dict[str, str]]) -> None:
    """Store rows of a history."""
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    sent = house.call(
        "POST",
        "/imports",
        content=written.getvalue().encode(),
        headers=KEY | {"content-type": "text/csv"},
    )
    assert sent.status_code == 202, sent.text
    assert ended(house, sent.json()["job"])["state"] == "done"


KEY: dict[str, str] = {}


def ended(house: House, job: str) -> dict[str, Any]:
    """A job once it has ended."""
    for _ in range(3_000):
        found = house.get(f"/jobs/{job}", headers=KEY).json()
        if found["state"] in {"done", "failed"}:
            return dict(found)
        house.do(asyncio.sleep(0.05))
    raise AssertionError("the job did not end")


def until(house: House, path: str, **wanted: Any) -> dict[str, Any]:
    """What stands at a path once it is as wanted."""
    for _ in range(1_200):
        found = house.get(path, headers=KEY).json()
        if all(found[name] == value for name, value in wanted.items()):
            return dict(found)
        house.do(asyncio.sleep(0.05))
    raise AssertionError(found)


def test_a_finding_becomes_a_problem_is_cured_and_comes_back(
    settings: Settings,  # noqa: F811
    desk: Desk,  # noqa: F811
    history: list[dict[str, str]],
) -> None:
    """Nobody but the data says that the measure worked, and that the pump is broken again."""
    with open_house(settings, desk) as house:
        house.clock.now = datetime(2025, 6, 2, 1, tzinfo=UTC)
        before = [row for row in history if row["received_at"] < DONE_ON]
        imported(house, before)
        order = house.post("/reports", {"items": ["product", "region"]}).json()
        assert ended(house, order["job"])["state"] == "done"
        findings = house.get(f"/reports/{order['id']}.json").json()["findings"]
        place = next(at for at, each in enumerate(findings) if _is_pump(each))
        source = {"report": order["id"], "kind": "finding", "place": place}
        made = house.post("/problems", {"raised_from": source, "severity": "严重"})
        assert made.status_code == 201, made.text
        assert made.json()["source"]["evidence"]["count"] == findings[place]["count"]
        path = f"/problems/{made.json()['id']}"
        until(house, path, counting=False)
        watched = _acted(house, path)
        assert watched["complaints"] >= findings[place]["count"]
        KEY.update(house.key("administrator"))
        early = house.post(f"{path}/end", _closing(watched["version"]), headers=KEY)
        assert early.status_code == 409
        house.clock.now = datetime(2025, 9, 1, 1, tzinfo=UTC)
        imported(house, [row for row in history if row["received_at"] >= DONE_ON])
        job = house.post(f"{path}/effects", None, headers=KEY).json()["job"]
        assert ended(house, job)["state"] == "done"
        measured = house.get(path, headers=KEY).json()
        effect = measured["measures"][0]["effect"]
        assert effect["verdict"] == "有效", effect["sentence"]
        closed = house.post(f"{path}/end", _closing(measured["version"]), headers=KEY)
        assert closed.json()["state"] == "closed", closed.text
        house.clock.now = datetime(2025, 9, 30, 1, tzinfo=UTC)
        imported(house, [_again(row) for row in before if _shows(row)])
        house.clock.move(days=1)
        again = until(house, path, state="owned")
        assert again["reopened"] == 1
        assert again["events"][-1]["detail"]["reason"] == "the pattern returned"
        chart = house.get(f"{path}/chart.svg", headers=KEY)
        assert "有效" in chart.text
    KEY.clear()


def _is_pump(finding: dict[str, Any]) -> bool:
    named = {item["attribute"]: item["value"] for item in finding["antecedents"]}
    return named == CURED and finding["consequents"][0]["value"] == "1001"


def _shows(row: dict[str, str]) -> bool:
    return row["product"] == CURED["product"] and "1001" in row["issues"].split("|")


def _closing(version: int) -> dict[str, Any]:
    return {"ending": "closed", "reason": "连续 13 周低于预计", "version": version}


def _acted(house: House, path: str) -> dict[str, Any]:
    """An owner, and a measure that two people agree on and that was carried out."""
    boss, hand = house.key("supervisor"), house.key("handler")
    house.post(f"{path}/owner", {"owner": "陆工", "version": 1}, headers=boss)
    plan = {"title": "更换排水泵供应商", "owner": "采购部", "due_on": DONE_ON}
    measure = house.post(f"{path}/measures", plan, headers=hand).json()["measures"][0]
    change = f"/measures/{measure['id']}"
    house.post(f"{change}/approve", {"version": 1}, headers=boss)
    done = {"done_on": DONE_ON, "evidence": "变更单 118", "version": 2}
    reply = house.post(f"{change}/done", done, headers=hand)
    assert reply.json()["state"] == "watching", reply.text
    return dict(reply.json())


_EMPTY = dict.fromkeys(
    ("repeat_of", "acknowledged_at", "plan_at", "resolved_at", "answered_at", "followed_up_at"), ""
)


def _again(row: dict[str, str]) -> dict[str, str]:
    """The same complaint of another customer, in the four weeks after the problem was closed."""
    at = datetime(2025, 9, 1 + int(row["id"][1:]) % 28, 4, tzinfo=UTC)
    told = {"id": f"B{row['id']}", "customer_id": f"N{row['customer_id']}"}
    return row | told | _EMPTY | {"received_at": at.isoformat()}
