"""Reports that come by themselves: once each, caught up after a pause, sent to their readers."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, text

from api.services.delivery.courier import Courier
from api.services.desks import Desk
from api.services.periods import last_whole, period_name, period_with
from api.services.schedule import _queue_due, missed, queue_due
from api.services.worker import Worker
from api.settings import Settings
from api.store import delivery, schedules
from domain.errors import InputError
from tests.api.house import TEXT, House, open_house
from tests.api.receivers import MailServer


def _plan(house: House, **more: Any) -> dict[str, Any]:
    reply = house.post("/schedules", {"name": "每周根因", "period": "week", **more})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def _still(settings: Settings, **more: Any) -> Settings:
    return settings.model_copy(update={"embedded_worker": False, **more})


def _runs(house: House) -> list[str]:
    read = "SELECT period FROM runs ORDER BY number"
    return list(house.stored(lambda c: c.execute(text(read)).scalars().all()))


def test_eight_workers_over_fifty_weeks_make_fifty_reports(settings: Settings, desk: Desk) -> None:
    """All at the second when the week is over, week after week: one report each."""
    with open_house(_still(settings), desk) as house:
        _plan(house)
        barrier = threading.Barrier(8, action=lambda: house.clock.move(weeks=1))

        def work() -> None:
            for _ in range(50):
                barrier.wait()
                queue_due(house.office)

        together = [threading.Thread(target=work) for _ in range(8)]
        for one in together:
            one.start()
        for one in together:
            one.join()
        made = _runs(house)
        assert len(made) == len(set(made)) == 50
        jobs = house.stored(lambda c: c.execute(text("SELECT count(*) FROM jobs")).scalar_one())
        assert jobs == 50


def test_the_table_holds_once_where_the_code_does_not(settings: Settings, desk: Desk) -> None:
    """A period that was moved back is not made again; a second run row is refused."""
    with open_house(_still(settings), desk) as house:
        made = _plan(house)
        house.clock.move(weeks=1)
        assert queue_due(house.office) == 1
        house.stored(lambda c: schedules.advance(c, made["id"], "2026-03-02"))
        assert queue_due(house.office) == 0
        report = house.get("/reports").json()["items"][0]["id"]
        from sqlalchemy.exc import IntegrityError

        with pytest.raises(IntegrityError):
            house.stored(lambda c: schedules.add_run(c, made["id"], "2026-W10", report))


def test_a_crash_between_report_and_period_leaves_neither(settings: Settings, desk: Desk) -> None:
    """Both change in one transaction."""
    with open_house(_still(settings), desk) as house:
        _plan(house)
        house.clock.move(weeks=1)

        def crash(connection: Connection) -> None:
            assert _queue_due(connection, house.office, "2026-03-09") == 1
            raise RuntimeError("killed")

        with pytest.raises(RuntimeError):
            house.stored(crash)
        assert _runs(house) == []
        assert queue_due(house.office) == 1
        assert _runs(house) == ["2026-W10"]


def test_what_a_pause_left_out_is_caught_up_once_each(settings: Settings, desk: Desk) -> None:
    """Five weeks without a service: five reports, in order, then none."""
    with open_house(_still(settings), desk) as house:
        _plan(house)
        house.clock.move(weeks=5)
        assert queue_due(house.office) == 5
        assert _runs(house) == [f"2026-W{number:02d}" for number in range(10, 15)]
        assert queue_due(house.office) == 0


def test_schedules_of_one_scope_exist_once(sqlite_house: House) -> None:
    """The same report twice is a conflict; another product line, period or department is not."""
    first = _plan(sqlite_house)
    again = sqlite_house.post("/schedules", {"name": "又一份", "period": "week"})
    assert again.status_code == 409
    _plan(sqlite_house, only=[{"attribute": "product", "value": "手机"}])
    _plan(sqlite_house, period="quarter")
    _plan(sqlite_house, department="物流部")
    assert len(sqlite_house.get("/schedules").json()["items"]) == 4
    key = sqlite_house.key("supervisor", departments=("物流部",))
    shown = sqlite_house.get("/schedules", headers=key).json()["items"]
    assert [one["department"] for one in shown] == ["物流部"]
    refused = sqlite_house.call("DELETE", f"/schedules/{first['id']}", headers=key)
    assert refused.status_code == 404
    boss = sqlite_house.key("administrator")
    gone = sqlite_house.call("DELETE", f"/schedules/{first['id']}", headers=boss)
    assert gone.status_code == 204
    body = {"name": "每周根因", "period": "week"}
    assert sqlite_house.call("POST", "/schedules", json=body, headers=boss).status_code == 201


def test_schedules_refuse_what_can_not_be(sqlite_house: House) -> None:
    """With a word on what would be right."""
    good = {"name": "每周根因", "period": "week"}
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"period": "day"}, "period"),
        ({"recipients": ["a@example.com"]}, "mail server"),
        ({"recipients": ["not an address"]}, "recipients"),
        ({"only": [{"attribute": "text", "value": "x"}]}, "only"),
        ({"since": "2020-01-01"}, "since"),
        ({"since": "2026-02-31"}, "since"),
        ({"formats": ["exe"]}, "formats"),
        ({"language": "fr"}, "language"),
    )
    for change, word in wrong:
        reply = sqlite_house.post("/schedules", good | change)
        assert reply.status_code == 422, change
        assert word in reply.json()["detail"]


def test_periods_are_those_of_the_calendar() -> None:
    """The newest whole one, its name, and what a pause left out."""
    day = date(2026, 3, 2)
    names = {kind: period_name(kind, last_whole(kind, day)) for kind in
             ("week", "month", "quarter", "year")}  # fmt: skip
    assert names == {"week": "2026-W09", "month": "2026-02", "quarter": "2025-Q4", "year": "2025"}
    quarter = period_with("quarter", day)
    assert (quarter.start, quarter.end) == (date(2026, 1, 1), date(2026, 3, 31))
    months = [period_name("month", one) for one in missed("month", date(2025, 11, 1), day)]
    assert months == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert len(missed("week", day - timedelta(weeks=500), day)) == 60


def test_a_weekly_report_of_a_product_line_is_made_and_mailed(
    sqlite_settings: Settings, desk: Desk, post_office: MailServer
) -> None:
    """From the complaints of the week to the reader's letter box, with page and paper."""
    mailed = {
        "smtp_host": "127.0.0.1", "smtp_port": post_office.port, "smtp_security": "none",
        "public_url": "https://suyuan.example.com/",
    }  # fmt: skip
    with open_house(_still(sqlite_settings, **mailed), desk) as house:
        for n in range(30):
            product = "手机" if n % 3 else "耳机"
            row = {"id": f"c-{n}", "text": TEXT, "product": product, "handler": "王小明"}
            assert house.post("/complaints", row).status_code == 201
        _plan(
            house,
            only=[{"attribute": "product", "value": "手机"}],
            recipients=["quality@example.com"],
            formats=["html", "xlsx"],
        )
        house.clock.move(weeks=1)
        courier, worker = Courier(house.office), Worker(house.office, _handlers())
        courier.step()
        while worker.step():
            pass
        while courier.step():
            pass
        made = house.get("/schedules").json()["items"][0]["reports"]
        assert [one["period"] for one in made] == ["2026-W10"]
        identifier = made[0]["report"]
        content = house.get(f"/reports/{identifier}.json").json()
        assert content["snapshot"]["used"] == 20
        assert content["period"]["from"] == "2026-03-02"
        assert "王小明" not in house.get(f"/reports/{identifier}.json").text
        _formats_are_served(house, identifier)
        ((reader, raw),) = post_office.letters
        assert reader == "quality@example.com"
        assert b"report.html" in raw
        assert b"report.xlsx" in raw
        sent = house.stored(partial(delivery.listed, state="sent", limit=10))
        assert [(row.kind, row.way) for row in sent] == [("report.finished", "mail")]


def _handlers() -> Any:
    from api.app.assembly import HANDLERS

    return HANDLERS


def _formats_are_served(house: House, identifier: str) -> None:
    starts = {"xlsx": b"PK", "pdf": b"%PDF", "md": b"# ", "html": b"<!"}
    for kind, start in starts.items():
        reply = house.get(f"/reports/{identifier}.{kind}")
        assert reply.status_code == 200, kind
        assert reply.content.lstrip().lower().startswith(start.lower()), kind
    public = house.get(f"/reports/{identifier}/public.html")
    assert public.status_code == 200
    assert TEXT[:8] not in public.text
    assert house.get(f"/reports/{identifier}/public.pdf").content.startswith(b"%PDF")


def test_a_judgement_and_a_period_reach_the_next_report(
    sqlite_settings: Settings, desk: Desk
) -> None:
    """The last whole week is read, the finding is shown as judged, and rare rows are left out."""
    with open_house(_still(sqlite_settings), desk) as house:
        for n in range(120):
            bad = n % 2
            row = {
                "id": f"c-{n}",
                "text": TEXT if bad else "外卖送晚了两个小时，骑手还态度不好",
                "batch": "B07" if bad else f"B{10 + n % 5}",
                "customer_id": f"k-{n}",
                "received_at": "2026-02-25T10:00:00+08:00",
            }
            assert house.post("/complaints", row).status_code == 201
        house.post("/complaints", {"id": "now", "text": TEXT})
        worker = Worker(house.office, _handlers())
        first = _report(house, worker)
        cause = next(f for f in first["findings"] if f["antecedents"][0]["value"] == "B07")
        said = {
            "antecedents": [{"attribute": "batch", "value": "b-07"}],
            "issue": cause["consequents"][0]["value"],
            "verdict": "known",
            "reason": "供应商已召回",
        }
        assert house.post("/judgements", said).status_code == 201
        second = _report(house, worker)
        assert second["snapshot"]["used"] == 120
        judged = next(f for f in second["findings"] if f["antecedents"][0]["value"] == "B07")
        assert judged["judgement"]["reason"] == "供应商已召回"


def _report(house: House, worker: Worker) -> dict[str, Any]:
    accepted = house.post("/reports", {"period": "week"}).json()
    while worker.step():
        pass
    assert house.get(f"/jobs/{accepted['job']}").json()["state"] == "done"
    return dict(house.get(f"/reports/{accepted['id']}.json").json())


def test_a_report_reads_its_period_and_as_much_before_as_may_be_held(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two years before the period, less where that is too much, refused where the period is."""
    from api.services import analysis

    for n, day in enumerate(("2022-01-05", "2024-06-05", "2025-11-05", "2026-02-25", "2026-02-26")):
        row = {"id": f"c-{n}", "text": TEXT, "received_at": f"{day}T10:00:00+08:00"}
        assert house.post("/complaints", row).status_code == 201

    def read(most: int, *days: str) -> list[str]:
        monkeypatch.setattr(analysis, "_MOST", most)
        asked = dict(zip(("start", "end"), days, strict=False))
        stored = analysis.read_stored(house.office.settings, {"asked": asked, "department": None})
        return list(stored.table.frame["id"])

    week = ("2026-02-23", "2026-03-01")
    assert read(5, *week) == ["c-1", "c-2", "c-3", "c-4"]
    assert read(3, *week) == ["c-2", "c-3", "c-4"]
    assert read(2, *week) == ["c-3", "c-4"]
    assert len(read(5)) == 5
    with pytest.raises(InputError, match="narrow the period"):
        read(1, *week)
    with pytest.raises(InputError, match="narrow the period"):
        read(4)
