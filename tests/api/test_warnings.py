"""Warnings and judgements: kept from report to report, answered by people; volumes by week."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from api.services.warnings.found import Found, found_in, scope_of
from api.services.warnings.keeping import Sighting, keep
from api.store import delivery
from tests.api.house import TEXT, House

WEEK = "2026-W08"


def _found(key: str = "k", first: str = "2026-W06", last: str = WEEK, **more: Any) -> Found:
    given: dict[str, Any] = {"signature": "异动", "kind": "issue", "active": True} | more
    content = {"issue": {"code": "Q01", "name": "屏幕", "category": "质量"}, "observed": 9}
    return Found(key, given["signature"], given["kind"], first, last, given["active"], content)


def _keep(
    house: House, *found: Found, department: str | None = None, last: str = WEEK
) -> list[str]:
    sighting = Sighting(scope_of(department, {}), department, "rep_1", last, house.clock())
    return house.stored(lambda c: keep(c, found, sighting))


def test_the_same_rise_stays_one_warning_from_week_to_week(house: House) -> None:
    """Seen again a week later it is no news; once it is not seen any more, it is over."""
    first = _keep(house, _found())
    assert len(first) == 1
    assert _keep(house, _found(last="2026-W09"), last="2026-W09") == []
    shown = house.get("/warnings").json()["items"]
    assert [(w["id"], w["last_week"], w["active"]) for w in shown] == [(first[0], "2026-W09", True)]
    assert _keep(house, last="2026-W10") == []
    assert not house.get(f"/warnings/{first[0]}").json()["active"]
    later = _keep(house, _found(first="2026-W30", last="2026-W31"), last="2026-W31")
    assert len(later) == 1
    assert later != first


def test_the_table_takes_a_warning_once_even_without_a_look_before(house: House) -> None:
    """UNIQUE(scope, key, first week) holds where two reports end at once."""
    _keep(house, _found())

    def again(connection: Connection) -> bool:
        from api.store import warnings

        row = warnings.alike(connection, scope_of(None, {}), "k")[0]
        values = dict(row._mapping) | {"id": "wrn_other"}
        values.pop("number")
        return warnings.add(connection, values)

    assert house.stored(again) is False


def test_people_acknowledge_mute_and_merge(house: House) -> None:
    """Each changes the state, is audited, and is refused where it makes no sense."""
    (one,) = _keep(house, _found("a"))
    (two,) = _keep(house, _found("a"), _found("b"))
    done = house.post(f"/warnings/{one}/acknowledge", {"note": "请张伟 13812345678 核查"})
    assert done.json()["state"] == "acknowledged"
    assert "13812345678" not in done.text
    assert (
        house.post(f"/warnings/{one}/mute", {"until": "2026-01-01", "reason": "x"}).status_code
        == 422
    )
    muted = house.post(f"/warnings/{one}/mute", {"until": "2026-03-31", "reason": "促销季"})
    assert (muted.json()["state"], muted.json()["muted_until"]) == ("muted", "2026-03-31")
    house.clock.move(days=40)
    assert house.get(f"/warnings/{one}").json()["state"] == "acknowledged"
    assert house.post(f"/warnings/{two}/merge", {"into": two}).status_code == 409
    assert house.post(f"/warnings/{two}/merge", {"into": "wrn_no"}).status_code == 422
    merged = house.post(f"/warnings/{two}/merge", {"into": one}).json()
    assert (merged["state"], merged["merged_into"]) == ("merged", one)
    assert house.post(f"/warnings/{two}/acknowledge", {}).status_code == 409
    assert house.get("/warnings", params={"state": "merged"}).json()["items"][0]["id"] == two
    actions = house.stored(lambda c: c.execute(text("SELECT action FROM audit")).scalars().all())
    assert {"warning.acknowledge", "warning.mute", "warning.merge"} <= set(actions)


def test_a_muted_thing_stays_quiet_when_it_comes_anew(house: House) -> None:
    """Until the day that was said; after it, it is news again."""
    (one,) = _keep(house, _found())
    house.post(f"/warnings/{one}/mute", {"until": "2027-01-01", "reason": "每年如此"})
    assert _keep(house, _found(first="2026-W40", last="2026-W40"), last="2026-W40") == []
    shown = house.get("/warnings", params={"state": "muted"}).json()["items"]
    assert len(shown) == 2
    house.clock.move(days=400)
    assert len(_keep(house, _found(first="2027-W20", last="2027-W20"), last="2027-W20")) == 1


def test_warnings_of_another_department_are_not_there(house: House) -> None:
    """404 by id, nothing in the list, and no merging across."""
    (mine,) = _keep(house, _found(), department="物流部")
    (other,) = _keep(house, _found(), department="客服部")
    key = house.key("supervisor", departments=("物流部",))
    shown = house.get("/warnings", headers=key).json()["items"]
    assert [warning["id"] for warning in shown] == [mine]
    for path in (f"/warnings/{other}", "/warnings/none"):
        assert house.get(path, headers=key).status_code == 404
    refused = house.call("POST", f"/warnings/{mine}/merge", json={"into": other}, headers=key)
    assert refused.status_code == 422


def test_pages_of_warnings_follow_each_other(sqlite_house: House) -> None:
    """Newest first, each once."""
    for at in range(5):
        _keep(sqlite_house, *(_found(f"k{n}") for n in range(at + 1)))
    seen, cursor = [], None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = sqlite_house.get("/warnings", params=asked).json()
        seen += [warning["id"] for warning in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5
    for wrong in ("x", "-1", "١", "9" * 30):
        assert sqlite_house.get("/warnings", params={"cursor": wrong}).status_code == 422


@pytest.fixture
def told(house: House) -> House:
    """A house that has judged a finding."""
    said = {
        "antecedents": [{"attribute": "batch", "value": "b-07"}],
        "issue": "Q01",
        "verdict": "known",
        "reason": "供应商已召回，联系 13812345678",
        "until": "2026-09-30",
    }
    reply = house.post("/judgements", said)
    assert reply.status_code == 201, reply.text
    return house


def test_a_judgement_stands_until_it_is_taken_back(told: House) -> None:
    """Masked, listed, heeded by reports, and gone once it is withdrawn."""
    from api.services.judgements import standing

    shown = told.get("/judgements").json()["items"][0]
    assert shown["verdict"] == "known"
    assert "13812345678" not in json.dumps(shown, ensure_ascii=False)
    heeded = told.stored(lambda c: standing(c, "物流部"))
    assert heeded[0].antecedents == frozenset({("batch", "b-07")})
    assert told.call("DELETE", f"/judgements/{shown['id']}").status_code == 204
    assert told.call("DELETE", f"/judgements/{shown['id']}").status_code == 404
    assert told.stored(lambda c: standing(c, None)) == ()


def test_judgements_refuse_what_says_nothing(sqlite_house: House) -> None:
    """A reason and a day that there is."""
    good = {
        "antecedents": [{"attribute": "batch", "value": "B07"}],
        "issue": "Q01",
        "verdict": "not a cause",
        "reason": "季节",
    }
    changes: tuple[dict[str, object], ...] = (
        {"reason": " "},
        {"until": "2026-02-31"},
        {"verdict": "maybe"},
        {"antecedents": []},
        {"antecedents": [{"attribute": "batch"}]},
    )
    for change in changes:
        assert sqlite_house.post("/judgements", good | change).status_code == 422, change
    key = sqlite_house.key("viewer")
    assert sqlite_house.call("POST", "/judgements", json=good, headers=key).status_code == 403


def test_every_signature_of_a_report_becomes_a_warning() -> None:
    """The four of them, each under a key that the next report gives again."""
    rise = {
        "signature": "异动", "kind": "issue", "issue": {"code": "Q01"}, "first_week": "2026-W06",
        "last_week": WEEK, "active": True, "complaints": [f"c{n}" for n in range(300)],
        "weeks": [], "weekly": [], "weekly_expected": [], "weekly_upper": [], "weekly_alarm": [],
        "examples": [{"text": "…"}], "observed": 300,
    }  # fmt: skip
    crowd = {"attribute": "outlet", "value": "浦东店", "issue": {"code": "S01"}, "people": 9,
             "weeks": ["2026-W07", WEEK]}  # fmt: skip
    content: dict[str, Any] = {
        "period": {"from": "2026-02-02", "to": "2026-02-22"},
        "warnings": [rise],
        "rankings": {"frequent": [{"code": "Q01", "count": 40, "share": 0.4}]},
        "surveillance": {
            "signatures": {
                "高频": [{"code": "Q01", "name": "屏幕", "category": "质量"}],
                "一人多诉": [{"count": 4, "items": [], "complaints": ["c9", "c1"]}],
                "多人同诉": [crowd],
            }
        },
    }
    found = found_in(content)
    assert [one.signature for one in found] == ["异动", "高频", "一人多诉", "多人同诉"]
    assert len(found[0].content["complaints"]) == 200
    assert found[0].content["complaints_total"] == 300
    assert "examples" not in found[0].content
    assert found[1].content["share"] == 0.4
    assert [one.key for one in found] == [one.key for one in found_in(content)]
    assert found_in({"period": None}) == []


def test_trends_count_weeks_in_chinese_time(house: House) -> None:
    """Sunday evening in London is Monday in Shanghai; silent weeks are gaps."""
    base = datetime(2025, 11, 3, 4, tzinfo=UTC)
    for week in (*range(12), 13, 14):
        for n in range(3):
            when = base + timedelta(weeks=week, hours=n)
            row = {"id": f"c-{week}-{n}", "text": TEXT, "received_at": when.isoformat()}
            assert house.post("/complaints", row).status_code == 201
    late = {"id": "late", "text": TEXT, "received_at": "2025-11-09T17:00:00+00:00"}
    assert house.post("/complaints", late).status_code == 201
    shown = house.get("/trends", params={"weeks": 20, "to": "2026-02-15"}).json()
    at = {week["week"]: total for week, total in zip(shown["weeks"], shown["total"], strict=True)}
    assert at["2025-W45"] == 3
    assert at["2025-W46"] == 4
    assert at["2026-W05"] is None
    assert shown["gaps"] == 1
    assert sum(filter(None, shown["groups"][0]["counts"])) == 43
    forecast = shown["forecast"]
    assert forecast["weeks"][0] == "2026-W08"
    assert forecast["low"][0] <= 3 <= forecast["high"][0]
    assert house.get("/trends", params={"to": "2026-02-31"}).status_code == 422
    assert house.get("/trends", params={"by": "text"}).status_code == 422


def test_trends_of_another_department_are_refused(sqlite_house: House) -> None:
    """A key that belongs to one department counts that one only."""
    for name in ("物流部", "客服部"):
        row = {"id": name, "text": TEXT, "department": name}
        assert sqlite_house.post("/complaints", row).status_code == 201
    key = sqlite_house.key("viewer", departments=("物流部",))
    shown = sqlite_house.get("/trends", params={"by": "department"}, headers=key).json()
    assert [group["value"] for group in shown["groups"]] == ["物流部"]
    refused = sqlite_house.get("/trends", params={"department": "客服部"}, headers=key)
    assert refused.status_code == 403


def test_a_new_warning_is_told_to_whoever_subscribed(house: House) -> None:
    """In the transaction that stores it, and only while it is news."""
    values = {
        "id": "whk_1", "url": "https://example.com/x", "department": None, "kinds": ["warning.*"],
        "secret": b"s", "active": True, "created_at": house.clock(), "by": "test",
    }  # fmt: skip
    house.stored(lambda c: delivery.add_webhook(c, values))
    (one,) = _keep(house, _found())
    _keep(house, _found(last="2026-W09"), last="2026-W09")
    queued = house.stored(lambda c: delivery.listed(c, None, 10))
    assert [(row.kind, row.subject) for row in queued] == [("warning.raised", one)]
    assert json.loads(queued[0].payload)["data"]["issue"]["code"] == "Q01"


def test_a_rise_is_drawn_and_the_page_asks_for_it(sqlite_house: House) -> None:
    """The weeks as an image made here; other signatures have none; the page runs no inline code."""
    drawn = Found("d", "异动", "issue", "2026-W07", WEEK, True, {
        "issue": {"code": "Q01", "name": "屏幕"},
        "weeks": ["2026-02-09", "2026-02-16"], "weekly": [3, None],
        "weekly_expected": [2.0, 2.5], "weekly_upper": [6.0, None], "weekly_alarm": [True, False],
    })  # fmt: skip
    (with_chart,) = _keep(sqlite_house, drawn)
    (without,) = _keep(sqlite_house, drawn, _found("k", last="2026-W08", active=True))
    image = sqlite_house.get(f"/warnings/{with_chart}/chart.svg")
    assert image.headers["content-type"] == "image/svg+xml"
    assert "2月9日: 3" in image.text
    assert sqlite_house.get(f"/warnings/{without}/chart.svg").status_code == 404
    page = sqlite_house.get("/warnings.html")
    assert "/static/warnings.js" in page.text
    assert "<script>" not in page.text
    assert len(sqlite_house.get("/warnings", params={"active": "true"}).json()["items"]) == 2
    assert sqlite_house.get("/warnings", params={"active": "false"}).json()["items"] == []
