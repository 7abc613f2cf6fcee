"""Frequent problems over HTTP: owned, acted on, measured, ended."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from api.store import delivery
from api.store.tables import deliveries
from tests.api.house import House

PUMP = [{"attribute": "product", "value": "清漪L10"}]
TEXT = "洗衣机排水泵又不转了，一直排不出水，要求上门维修！"


def fill(house: House, weeks: range, here: int, elsewhere: int = 6, prefix: str = "w") -> None:
    """Complaints of issue 1001, week after week from 2025-06-02 on, here and elsewhere."""
    start = datetime(2025, 6, 2, 3, tzinfo=UTC)
    lines = ["id,text,received_at,product,issues,category,customer_id,cost,compensation"]
    for week in weeks:
        for n in range(here + elsewhere):
            at = (start + timedelta(days=7 * week + n % 7)).isoformat()
            product = "清漪 L10" if n < here else "谷雨F3"
            name = f"{prefix}-{week}-{n}"
            lines.append(f"{name},{TEXT},{at},{product},1001,产品质量,C{week}-{n},20,30.5")
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
    found = eventually(house, problem["id"], complaints=6, counting=False)
    assert (found["spent"], found["first_received"][:10]) == (6 * 50.5, "2025-06-02")
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
    listed = house.get("/problems?state=watching", headers=admin).json()["items"]
    assert [each["verdict"] for each in listed] == ["有效"]
    owner = house.key("supervisor", name="质量 部")
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


def test_nobody_approves_what_he_suggested_and_an_edit_needs_approval_anew(
    sqlite_house: House,
) -> None:
    """Four eyes, over HTTP and again after a change."""
    house = sqlite_house
    boss, other = house.key("supervisor"), house.key("supervisor", name="other")
    path = f"/problems/{house.post('/problems', {'issue': '1001'}, headers=boss).json()['id']}"
    house.post(f"{path}/owner", {"owner": "质量部", "version": 1}, headers=boss)
    bare = house.post(f"{path}/measures", {"title": "换供应商"}, headers=boss).json()
    approve = f"/measures/{bare['measures'][0]['id']}/approve"
    own = house.post(approve, {"version": 1}, headers=boss)
    assert (own.status_code, "another person" in own.json()["detail"]) == (403, True)
    undated = house.post(approve, {"version": 1}, headers=other)
    assert (undated.status_code, "owner and a date" in undated.json()["detail"]) == (409, True)
    change = f"/measures/{bare['measures'][0]['id']}"
    told = {"version": 1, "owner": "采购部", "due_on": "2026-04-01"}
    assert house.call("PUT", change, json=told, headers=boss).status_code == 200
    assert house.post(approve, {"version": 2}, headers=other).json()["state"] == "acting"
    edited = house.call("PUT", change, json={"version": 3, "cost": 10.0}, headers=other).json()
    assert (edited["measures"][0]["state"], edited["state"]) == ("suggested", "owned")
    done = {"version": 4, "done_on": "2026-03-01", "evidence": "x"}
    undone = house.post(f"{change}/done", done, headers=boss)
    assert (undone.status_code, "approve" in undone.json()["detail"]) == (409, True)
    handler = house.key("handler")
    assert house.post(approve, {"version": 4}, headers=handler).status_code == 403


def test_a_stale_version_changes_nothing(house: House) -> None:
    """Two people edit; the second is told to read again."""
    problem = raised(house)
    path = f"/problems/{problem['id']}"
    first = {
        "version": 1,
        "containment": "停售",
        "causes": {"whys": ["停转"], "fishbone": {"料": ["叶轮"]}},
    }
    assert house.call("PUT", path, json=first).json()["version"] == 2
    second = house.call("PUT", path, json={"version": 1, "containment": "继续卖"})
    assert (second.status_code, "read it again" in second.json()["detail"]) == (409, True)
    found = house.get(path).json()
    assert (found["containment"], found["causes"]["fishbone"]["料"]) == ("停售", ["叶轮"])


def test_what_is_written_of_a_problem_is_masked(sqlite_house: House) -> None:
    """No telephone number reaches the database."""
    problem = raised(
        sqlite_house, containment="请联系 13800138000", title="王女士 13800138000 的水泵"
    )
    path = f"/problems/{problem['id']}"
    plan = {"title": "回电 13800138000", "detail": "13800138000", "owner": "陆工"}
    sqlite_house.post(f"{path}/measures", plan)
    assert "13800138000" not in sqlite_house.get(path).text


def test_problems_merge_and_split_with_their_complaints(house: House) -> None:
    """Merging joins the places of two, splitting takes one away again."""
    fill(house, range(2), here=3)
    pump, other = raised(house), raised(house, places=[{"attribute": "product", "value": "谷雨F3"}])
    eventually(house, other["id"], complaints=12, counting=False)
    path = f"/problems/{pump['id']}"
    wrong = house.post(f"{path}/merge", {"into": pump["id"], "version": 1})
    assert wrong.status_code == 422
    merged = house.post(f"/problems/{other['id']}/merge", {"into": pump["id"], "version": 1})
    assert merged.status_code == 200, merged.text
    assert len(merged.json()["places"]) == 2
    eventually(house, pump["id"], complaints=18, counting=False)
    assert house.get(f"/problems/{other['id']}").json()["merged_into"] == pump["id"]
    larger = {"places": [{"attribute": "region", "value": "四川"}], "version": 2}
    assert house.post(f"{path}/split", larger).status_code == 422
    smaller = {"places": [{"attribute": "product", "value": "谷雨F3"}], "version": 2}
    split = house.post(f"{path}/split", smaller)
    assert split.status_code == 201, split.text
    eventually(house, split.json()["id"], complaints=12, counting=False)
    assert house.get(path).json()["places"] == [{"attribute": "product", "value": "清漪L10"}]


def test_known_and_accepted_problems_come_back_on_their_day(house: House) -> None:
    """With a reason and a date; the worker takes them up when it has come."""
    problem = raised(house, owner="质量部")
    path = f"/problems/{problem['id']}"
    undated = {"ending": "accepted", "reason": "停产机型", "version": problem["version"]}
    assert house.post(f"{path}/end", undated).status_code == 422
    past = undated | {"review_on": "2026-01-01"}
    assert house.post(f"{path}/end", past).status_code == 422
    ended = house.post(f"{path}/end", undated | {"review_on": "2026-04-01"})
    assert ended.json()["state"] == "accepted", ended.text
    house.clock.move(days=31)
    again = eventually(house, problem["id"], state="owned")
    assert again["reopened"] == 1
    assert again["events"][-1]["by"] == "worker"


def test_measures_are_reminded_of_once_before_and_once_after_their_day(house: House) -> None:
    """As events of the problem and as messages that go out, and in the list of what is due."""
    house.stored(lambda c: delivery.add_webhook(c, _hook(house.clock())))
    problem = raised(house, owner="质量部")
    path = f"/problems/{problem['id']}"
    hand, boss = house.key("handler"), house.key("supervisor")
    plan = {"title": "换供应商", "owner": "采购部", "due_on": "2026-03-07"}
    measure_ = house.post(f"{path}/measures", plan, headers=hand).json()["measures"][0]
    house.post(f"/measures/{measure_['id']}/approve", {"version": 1}, headers=boss)
    for _ in range(100):
        kinds = [e["kind"] for e in house.get(path, headers=boss).json()["events"]]
        if "due" in kinds:
            break
        house.do(_pause())
    assert [each["id"] for each in house.get("/improvement/due", headers=boss).json()["due"]] == [
        measure_["id"]
    ]
    house.clock.move(days=7)
    for _ in range(100):
        kinds = [e["kind"] for e in house.get(path, headers=boss).json()["events"]]
        if "overdue" in kinds:
            break
        house.do(_pause())
    house.do(_pause())
    assert (kinds.count("due"), kinds.count("overdue")) == (1, 1)
    assert len(house.get("/improvement/due", headers=boss).json()["overdue"]) == 1
    sent = house.stored(lambda c: c.execute(select(deliveries.c.kind)).scalars().all())
    assert (sent.count("problem.due"), sent.count("problem.overdue")) == (1, 1)


def _hook(now: datetime) -> dict[str, Any]:
    """A subscriber of what happens to problems, at an address that nobody has."""
    return {"id": "whk_1", "url": "https://hooks.invalid/", "kinds": ["problem.*"],
            "secret": b"-", "active": True, "created_at": now, "by": "test"}  # fmt: skip


def test_departments_see_their_own_problems_only(house: House) -> None:
    """Those of another department are not there, for reading, changing or measuring."""
    mine = house.key("supervisor", departments=["家用电器部"])
    theirs = house.key("supervisor", departments=["物流部"])
    made = house.post("/problems", {"issue": "1001"}, headers=mine).json()
    assert made["department"] == "家用电器部"
    path = f"/problems/{made['id']}"
    measure_ = house.post(f"{path}/measures", {"title": "x"}, headers=mine).json()["measures"][0]
    assert house.get("/problems", headers=theirs).json()["items"] == []
    for method, address, body in (
        ("GET", path, None),
        ("GET", f"{path}/8d.html", None),
        ("GET", f"{path}/complaints", None),
        ("PUT", path, {"version": 1}),
        ("POST", f"{path}/owner", {"owner": "x", "version": 1}),
        ("POST", f"{path}/effects", None),
        ("POST", f"/measures/{measure_['id']}/approve", {"version": 1}),
    ):
        assert house.call(method, address, json=body, headers=theirs).status_code == 404, address


def test_sheet_report_chart_and_workbook_come_from_one_state(sqlite_house: House) -> None:
    """What is printed shows what is stored; a workbook holds no formula."""
    house = sqlite_house
    problem = raised(house, title="=1+1 水泵", owner="质量部")
    path = f"/problems/{problem['id']}"
    assert house.get(f"{path}/chart.svg").status_code == 404
    page = house.get(f"{path}/8d.html")
    assert "D8" in page.text
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    sheet = house.get("/improvement/sheet").json()
    assert [each["id"] for each in sheet["open"]] == [problem["id"]]
    assert "=1+1 水泵" in house.get("/improvement/sheet.html?month=2026-03").text
    book = openpyxl.load_workbook(io.BytesIO(house.get("/problems.xlsx").content))
    cell = book.active["B2"]
    assert (cell.value, cell.data_type) == ("=1+1 水泵", "s")
    assert house.get("/problems.html").status_code == 200


def test_a_report_and_the_white_paper_show_problems_and_what_measures_changed(
    sqlite_house: House,
) -> None:
    """With owners in the house's report, without names of places or people for the public."""
    house = sqlite_house
    fill(house, range(26), here=8)
    fill(house, range(26, 39), here=1)
    outlet = [{"attribute": "outlet", "value": "光谷店"}]
    raised(house, places=outlet, title="光谷店修不好")
    problem = raised(house)
    eventually(house, problem["id"], counting=False)
    acted(house, problem, "2025-12-01")
    admin = house.key("administrator")
    measure(house, problem["id"], admin)
    order = house.post("/reports", {"start": "2025-12-01"}, headers=admin).json()
    for _ in range(1_200):
        job = house.get(f"/jobs/{order['job']}", headers=admin).json()
        if job["state"] in {"done", "failed"}:
            break
        house.do(_pause())
    assert job["state"] == "done", job
    told = house.get(f"/reports/{order['id']}.json", headers=admin).json()["problems"]
    assert [each["title"] for each in told] == ["光谷店修不好", problem["title"]]
    assert told[1]["measures"][0]["verdict"] == "有效"
    page = house.get(f"/reports/{order['id']}.html", headers=admin).text
    assert "更换排水泵供应商" in page
    assert "质量部" in page
    book = house.get(f"/reports/{order['id']}.xlsx", headers=admin).content
    cells = openpyxl.load_workbook(io.BytesIO(book))["改进"]
    assert {row[0].value for row in cells.rows} == {"问题", "光谷店修不好", problem["title"]}
    source = {"report": order["id"], "kind": "frequent", "place": 0}
    frequent = house.post("/problems", {"raised_from": source}, headers=admin)
    assert (frequent.status_code, frequent.json()["issue"]) == (201, "1001")
    assert frequent.json()["source"]["evidence"]["code"] == "1001"
    beyond = house.post("/problems", {"raised_from": source | {"place": 9_999}}, headers=admin)
    assert (beyond.status_code, "count from 0" in beyond.json()["detail"]) == (404, True)
    public = house.get(f"/reports/{order['id']}/public.html", headers=admin).text
    assert "更换排水泵供应商" in public
    assert "光谷店" not in public
    assert "质量部" not in public


def test_rates_are_counted_over_units_where_every_week_has_some(sqlite_house: House) -> None:
    """Half the sales explain half the complaints: without them it looks like success."""
    house = sqlite_house
    fill(house, range(13), here=12)
    fill(house, range(13, 26), here=6)
    problem = raised(house)
    eventually(house, problem["id"], counting=False)
    start = datetime(2025, 6, 2, tzinfo=UTC).date()
    rows = [
        {"week_start": (start + timedelta(weeks=week)).isoformat(), "product": product, "units": n}
        for week in range(26)
        for product, n in (("清漪L10", 100.0 if week < 13 else 50.0), ("谷雨F3", 80.0))
    ]
    assert house.post("/improvement/exposure", {"rows": rows}).json() == {"rows": 52}
    assert house.post("/improvement/exposure", {"rows": rows}).json() == {"rows": 52}
    acted(house, problem, "2025-09-01")
    effect = measure(house, problem["id"], house.key("administrator"))["measures"][0]["effect"]
    assert effect["over_exposure"] is True
    assert effect["rate_ratio"] == pytest.approx(1.0, abs=0.1)
    assert effect["verdict"] != "有效"
    bad = {"rows": [{"week_start": "2025-02-31", "units": 1.0}]}
    refused = house.post("/improvement/exposure", bad, headers=house.key("analyst"))
    assert (refused.status_code, "week_start" in refused.json()["detail"]) == (422, True)


def test_measures_apply_within_their_problem_and_worked_ones_are_suggested_elsewhere(
    sqlite_house: House,
) -> None:
    """A lesson of one product is offered to another one with the same issue."""
    house = sqlite_house
    fill(house, range(26), here=8)
    fill(house, range(26, 39), here=1)
    problem = raised(house)
    eventually(house, problem["id"], counting=False)
    wide = {"title": "x", "places": [{"attribute": "region", "value": "四川"}]}
    refused = house.post(f"/problems/{problem['id']}/measures", wide)
    assert (refused.status_code, "within" in refused.json()["detail"]) == (422, True)
    other = raised(house, places=[{"attribute": "product", "value": "谷雨F3"}])
    acted(house, problem, "2025-12-01")
    admin = house.key("administrator")
    measure(house, problem["id"], admin)
    offered = house.get(f"/problems/{other['id']}/suggestions", headers=admin).json()["items"]
    assert [card["title"] for card in offered] == ["更换排水泵供应商"]
    own = house.get(f"/problems/{problem['id']}/suggestions", headers=admin).json()["items"]
    assert own == []


def test_a_person_decides_on_single_complaints(sqlite_house: House) -> None:
    """What somebody took off stays off, what somebody hung on stays on."""
    house = sqlite_house
    fill(house, range(1), here=3)
    problem = raised(house)
    eventually(house, problem["id"], counting=False, complaints=3)
    path = f"/problems/{problem['id']}/complaints"
    off = house.post(path, {"complaint": "w-0-0", "belongs": False})
    assert off.json()["complaints"] == 2
    assert house.post(path, {"complaint": "w-0-5", "belongs": True}).json()["complaints"] == 3
    labels = {"issues": ["1001"], "category": "产品质量", "tier": "紧急"}
    house.call("PUT", "/complaints/w-0-0/labels", json=labels)
    fill(house, range(1, 2), here=1)
    eventually(house, problem["id"], complaints=4)
    assert house.post(path, {"complaint": "nobody", "belongs": True}).status_code == 404


def test_one_pattern_is_raised_once_by_many_at_once(house: House) -> None:
    """Of ten at the same time one is made, the others are told so."""
    request = ("POST", "/problems", {"json": {"issue": "1001", "places": PUMP}})
    statuses = sorted(reply.status_code for reply in house.at_once([request] * 10))
    assert statuses == [201] + [409] * 9
