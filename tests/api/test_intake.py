"""Taking complaints in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text

from api.store import complaints
from tests.api.house import TEXT, House


def _rows(house: House, table: str) -> int:
    counted = house.stored(lambda c: c.execute(text(f"SELECT count(*) FROM {table}")).scalar())
    return int(counted or 0)


def test_a_complaint_is_stored_with_event_audit_and_outbox_rows(house: House) -> None:
    """One commit leaves the complaint and everything that hangs on it."""
    reply = house.post("/complaints", {"id": "c-1", "text": TEXT})
    assert reply.status_code == 201
    assert reply.json()["id"] == "c-1"
    counts = [_rows(house, name) for name in ("complaints", "events", "outbox", "audit")]
    assert counts == [1, 1, 1, 1]


def test_deadlines_are_stored_beside_the_decision(house: House) -> None:
    """The stored deadlines are those of the reply."""
    said = house.post("/complaints", {"id": "c-1", "text": TEXT}).json()
    row: Any = house.stored(lambda c: complaints.find(c, "c-1"))
    assert row.acknowledge_by == datetime.fromisoformat(said["route"]["acknowledge_by"])
    assert row.tier == said["tier"]["label"]
    assert row.queue == said["route"]["queue"]


def test_a_missing_id_is_given(house: House) -> None:
    """A caller without ids gets one that can be read back."""
    identifier = house.post("/complaints", {"text": TEXT}).json()["id"]
    assert len(identifier) == 32
    assert house.get(f"/complaints/{identifier}").json()["text"] == TEXT


PRIVATE = "\r\n 我叫王小明，\x07电话13800138000，\r\n手机充电时爆炸起火，再不处理我就打12315投诉！"


def test_evidence_points_into_the_text_that_was_sent(house: House) -> None:
    """Past controls, line ends and masked pieces; repeated calls get the same reply."""
    replies = [house.post(path, {"id": "c-1", "text": PRIVATE})
               for path in ("/classify", "/complaints", "/complaints")]  # fmt: skip
    decided, first, again = (reply.json() for reply in replies)
    assert first == again
    assert decided["evidence"] == first["evidence"] != []
    for piece in first["evidence"]:
        assert PRIVATE[piece["start"] : piece["end"]] == piece["text"]
    stored = house.get("/complaints/c-1").json()
    for piece in stored["decision"]["evidence"]:
        assert stored["text"][piece["start"] : piece["end"]] == piece["text"]


def test_a_text_is_decided_alike_whether_it_is_stored_or_not(sqlite_house: House) -> None:
    """Personal data is masked before anybody decides, at every door."""
    texts = (PRIVATE, "吃了你们的药住院了身份证11010519491231002X")
    batch = sqlite_house.post("/classify/batch", {"complaints": [{"text": t} for t in texts]})
    for text_, result in zip(texts, batch.json()["results"], strict=True):
        alone = sqlite_house.post("/classify", {"text": text_}).json()
        stored = sqlite_house.post("/complaints", {"text": text_}).json()
        for name in ("category", "issues", "tier", "sentiment", "abstained"):
            assert stored[name] == alone[name] == result["decision"][name]


def test_personal_data_in_other_columns_is_masked(sqlite_house: House) -> None:
    """Free columns are masked as the text is; a key of a call is kept as a digest."""
    named = {"region": "13800138001", "batch": "13800138002", "channel": "13800138003"}
    key = {"Idempotency-Key": "13800138004"}
    sqlite_house.post("/complaints", {"id": "c-1", "text": TEXT, **named}, headers=key)
    row: Any = sqlite_house.stored(lambda c: complaints.find(c, "c-1"))
    keys = sqlite_house.stored(lambda c: c.execute(text("SELECT key FROM idempotency")).scalar())
    assert "1380013800" not in f"{row.columns} {keys}"


def test_a_complaint_from_the_future_and_an_id_without_address_are_refused(
    sqlite_house: House,
) -> None:
    """One far date would stretch every report; an id of two lines could never be read back."""
    for row in ({"received_at": "4500-01-01"}, {"id": "a\nb"}):
        reply = sqlite_house.post("/complaints", {"text": TEXT, **row})
        assert reply.status_code == 422
        assert next(iter(row)) in reply.json()["detail"]


def test_an_id_with_slashes_can_be_read_back(house: House) -> None:
    """Foreign systems number like 2026/001."""
    house.post("/complaints", {"id": "2026/001", "text": TEXT})
    assert house.get("/complaints/2026/001").json()["id"] == "2026/001"


def test_the_same_id_with_the_same_contents_is_one_complaint(house: House) -> None:
    """A retry gets what the first call got."""
    first = house.post("/complaints", {"id": "c-1", "text": TEXT})
    again = house.post("/complaints", {"text": TEXT, "id": "c-1"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert _rows(house, "complaints") == _rows(house, "events") == _rows(house, "outbox") == 1


def test_the_same_id_with_other_contents_is_a_conflict(house: House) -> None:
    """An id stands for one complaint."""
    house.post("/complaints", {"id": "c-1", "text": TEXT})
    assert house.post("/complaints", {"id": "c-1", "text": TEXT + "快！"}).status_code == 409


def test_a_key_repeats_the_first_reply(house: House) -> None:
    """The second call under an Idempotency-Key stores nothing."""
    key = {"Idempotency-Key": "k-1"}
    first = house.post("/complaints", {"text": TEXT}, headers=key)
    again = house.post("/complaints", {"text": TEXT}, headers=key)
    assert first.content == again.content
    assert first.status_code == again.status_code == 201
    assert _rows(house, "complaints") == 1


def test_a_key_with_another_payload_is_refused(house: House) -> None:
    """A key stands for one payload."""
    key = {"Idempotency-Key": "k-1"}
    house.post("/complaints", {"text": TEXT}, headers=key)
    assert house.post("/complaints", {"text": TEXT + "快！"}, headers=key).status_code == 422


def test_two_callers_use_the_same_key_independently(house: House) -> None:
    """Keys of one caller are nothing to another."""
    one, two = house.key("handler"), house.key("handler")
    for caller in (one, two):
        reply = house.post("/complaints", {"text": TEXT}, headers=caller | {"Idempotency-Key": "k"})
        assert reply.status_code == 201
    assert _rows(house, "complaints") == 2


def test_a_key_may_be_used_anew_after_a_day(house: House) -> None:
    """First replies are kept for 24 hours."""
    key = {"Idempotency-Key": "k-1"}
    house.post("/complaints", {"text": TEXT}, headers=key)
    house.clock.move(hours=24, seconds=1)
    assert house.post("/complaints", {"text": TEXT + "快！"}, headers=key).status_code == 201


def test_a_key_that_is_too_long_or_odd_is_refused(house: House) -> None:
    """256 characters, quotes and blanks are no key."""
    for key in ("k" * 256, '"k"', "a b", "键".encode()):
        reply = house.post("/complaints", {"text": TEXT}, headers={"Idempotency-Key": key})
        assert reply.status_code == 400, key


def test_fifty_calls_at_once_under_one_key_store_one_complaint(house: House) -> None:
    """Every reply is the first one, or says that there is too much to do."""
    call = ("POST", "/complaints", {"json": {"text": TEXT}, "headers": {"Idempotency-Key": "k"}})
    replies = house.at_once([call] * 50)
    taken = {reply.content for reply in replies if reply.status_code == 201}
    assert {reply.status_code for reply in replies} <= {201, 503}
    assert len(taken) == 1
    assert _rows(house, "complaints") == 1


def test_labels_need_the_import_scope(house: House) -> None:
    """Who may only take complaints in can't say what they are."""
    row = {"text": TEXT, "tier": "重大"}
    refused = house.post("/complaints", row, headers=house.key("handler"))
    assert refused.status_code == 403
    assert house.post("/complaints", row, headers=house.key("administrator")).status_code == 201


def test_labels_that_a_row_brings_are_used_as_they_are(house: House) -> None:
    """A tier that is given sets the deadlines."""
    said = house.post("/complaints", {"text": "送货太慢了", "tier": "重大"}).json()
    assert said["tier"]["label"] == "重大"
    assert said["route"]["plan_by"] is not None


def test_columns_that_nobody_declared_are_not_stored(house: House) -> None:
    """What the settings do not name is dropped."""
    house.post("/complaints", {"id": "c-1", "text": TEXT, "is_admin": True, "colour": "红"})
    row: Any = house.stored(lambda c: complaints.find(c, "c-1"))
    assert row.columns == {}
    assert row.attributes == {}


def test_labels_that_no_taxonomy_has_are_refused_by_column(sqlite_house: House) -> None:
    """A typo in a code would otherwise be a category of its own in every report."""
    for column, value in (("issues", ["9999"]), ("category", "没有这一类")):
        refused = sqlite_house.post("/complaints", {"text": TEXT, column: value})
        assert refused.status_code == 422
        assert [error["place"] for error in refused.json()["errors"]] == [column]
    assert sqlite_house.get("/complaints").json()["items"] == []
    kept = sqlite_house.post("/complaints", {"text": TEXT, "category": "无投诉"})
    assert kept.status_code == 201
