"""Frequent problems over HTTP: owned, acted on, measured, ended."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest


from tests.api.house import House

PUMP = [{"attribute": "product", "value": "清漪L10"}]
TEXT = "洗衣机排水泵又不转了，一直排不出水，要求上门维修！"


def fill(house: House, weeks: range, here: int, elsewhere: int = 6, prefix: str = "w") -> None:
    """Complaints of issue 1001, week after week from 2025-06-02 on, here and elsewhere."""
    start = datetime(2025, 6, 2, 3, tzinfo=UTC)
    lines = ["id,text,received_at,product,issues,category,customer_id"]
    for week in weeks:
        for n in range(here + elsewhere):
            at = (start + timedelta(days=7 * week + n % 7)).isoformat()
            product = "清漪 L10" if n < here else "谷雨F3"
            name = f"{prefix}-{week}-{n}"
            lines.append(f"{name},{TEXT},{at},{product},1001,产品质量,C{week}-{n}")
    content = "\n".join(lines).encode()
    sent = house.call("POST", "/imports", content=content, headers={"content-type": "text/csv"})
    job = house.finished(sent.json()["job"])
    found = house.get(f"/imports/{sent.json()['id']}").json()
    assert (job["state"], found["rows_rejected"]) == ("done", 0), found


def raised(house: House, **more: Any) -> dict[str, Any]:
    """A problem with the pump."""
    reply = house.post("/problems", {"issue": "1001", "places": PUMP, **more})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def eventually(house: House, identifier: str, **wanted: Any) -> dict[str, Any]:
    """A problem once the worker has brought it to what is wanted."""
    found: dict[str, Any] = {}
    for _ in range(400):
        found = house.get(f"/problems/{identifier}").json()
        if all(found[name] == value for name, value in wanted.items()):
            return found
        house.do(_pause())
    raise AssertionError({name: found[name] for name in wanted})


async def _pause() -> None:
    await asyncio.sleep(0.05)


def measure(house: House, identifier: str, headers: dict[str, str]) -> dict[str, Any]:
    """A problem once its measures' effects are measured anew."""
    job = house.post(f"/problems/{identifier}/effects", None, headers=headers)
    assert job.status_code == 202, job.text
    for _ in range(400):
        found = house.get(f"/jobs/{job.json()['job']}", headers=headers).json()
        if found["state"] in {"done", "failed"}:
            assert found["state"] == "done", found
            return dict(house.get(f"/problems/{identifier}", headers=headers).json())
        house.do(_pause())
    raise AssertionError("the effects were not measured in time")


def acted(house: House, problem: dict[str, Any], done_on: str) -> dict[str, Any]:
    """The problem with a measure that one suggested, another approved and somebody carried out."""
    path = f"/problems/{problem['id']}"
    boss, hand = house.key("supervisor"), house.key("handler")
    owned = house.post(f"{path}/owner", {"owner": "质量部", "version": problem["version"]},
                       headers=boss).json()  # fmt: skip
    plan = {"title": "更换排水泵供应商", "owner": "采购部", "due_on": "2026-03-20"}
    proposed = house.post(f"{path}/measures", plan, headers=hand)
    assert proposed.status_code == 201, proposed.text
    measure = proposed.json()["measures"][0]
    assert owned["state"] == "owned"
    approved = house.post(f"/measures/{measure['id']}/approve", {"version": 1}, headers=boss)
    assert approved.json()["state"] == "acting", approved.text
    done = {"done_on": done_on, "evidence": "变更单 2025-118", "version": 2}
    reply = house.post(f"/measures/{measure['id']}/done", done, headers=hand)
    assert reply.json()["state"] == "watching", reply.text
    return dict(reply.json())


def test_complaints_attach_themselves_by_issue_and_place(house: House) -> None:
    """Older ones, new ones, and those that a person relabels; spellings are one."""
    fill(house, range(2), here=3)
    problem = raised(house)
    eventually(house, problem["id"], complaints=6, counting=False)
    fill(house, range(2, 3), here=2)
    eventually(house, problem["id"], complaints=8)
    labels = {"issues": ["4001"], "category": "物流配送"}
    assert house.call("PUT", "/complaints/w-0-0/labels", json=labels).status_code == 200
    eventually(house, problem["id"], complaints=7)
    listed = house.get(f"/problems/{problem['id']}/complaints").json()["items"]
    assert {row["id"].split("-")[0] for row in listed} == {"w"}
    assert "w-0-0" not in {row["id"] for row in listed}


def test_a_measure_is_judged_and_its_problem_closed_by_another_than_its_owner(
    house: House,
) -> None:
    """The whole way from a suggestion to the verdict; no short cut is open."""
    fill(house, range(26), here=8)
    fill(house, range(26, 39), here=1)
    problem = raised(house, severity="严重")
    eventually(house, problem["id"], counting=False, complaints=26 * 8 + 13)
    path = f"/problems/{problem['id']}"
    early = house.post(f"{path}/end", {"ending": "closed", "reason": "好了", "version": 1})
    assert early.status_code == 409
    assert "assign an owner" in early.json()["detail"]
    watched = acted(house, problem, "2025-12-01")
    admin = house.key("administrator")
    ended = {"ending": "closed", "reason": "好了", "version": watched["version"]}
    unproven = house.post(f"{path}/end", ended, headers=admin)
    assert unproven.status_code == 409
    assert "no verdict yet" in unproven.json()["detail"]
    measured = measure(house, problem["id"], admin)
    effect = measured["measures"][0]["effect"]
    assert effect["verdict"] == "有效", effect["sentence"]
    assert effect["rate_ratio"] == pytest.approx(1 / 8, rel=0.05)
    assert effect["interval"][0] < 1 / 8 < effect["interval"][1] < 1
    assert (effect["before"]["weeks"], effect["after"]["weeks"]) == (26, 13)
    assert effect["season"] == "comparison"
    owner = house.key("supervisor", name="质量部")
    own = house.post(f"{path}/end", ended | {"version": measured["version"]}, headers=owner)
    assert own.status_code == 403
    assert "another person must" in own.json()["detail"]
    good = ended | {"version": measured["version"], "lesson": "来料加冲击检验"}
    closed = house.post(f"{path}/end", good, headers=admin)
    assert closed.json()["state"] == "closed", closed.text
    lessons = house.get("/improvement/lessons?issue=1001", headers=admin).json()["items"]
    assert [card["lesson"] for card in lessons] == ["来料加冲击检验"]


def test_what_is_no_problem_is_refused_with_what_would_be_right(sqlite_house: House) -> None:
    """Unknown issues, attributes and days; a second problem with the same pattern."""
    for asked, word in (
        ({"issue": "9999"}, "issue"),
        ({}, "issue"),
        ({"issue": "1001", "places": [{"attribute": "colour", "value": "x"}]}, "product, batch"),
        ({"issue": "1001", "since": "2026-02-31"}, "since"),
        ({"issue": "1001", "severity": "bad"}, "severity"),
        ({"issue": "1001", "surprise": 1}, "not known"),
    ):
        reply = sqlite_house.post("/problems", asked)
        assert reply.status_code == 422
        assert word in reply.json()["detail"]
    first = raised(sqlite_house)
    again = sqlite_house.post("/problems", {"issue": "1001", "places": [
        {"attribute": "product", "value": "清漪-l10"}]})  # fmt: skip
    assert again.status_code == 409
    assert first["id"] in again.json()["detail"]
