"""From a corrected label to a better model: labels, candidates, promotion, shadow, drift."""

from __future__ import annotations

import csv
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api.services.desks import Desk
from api.services.example import write_history
from api.services.learning.drift import WeeklyLook
from api.services.learning.gathering import stored_labels
from api.services.learning.promotion import follow
from api.services.learning.shadow import Shadow
from api.services.learning.training import make_candidate
from api.services.models import load_desk
from api.settings import Settings
from api.store import learning
from tests.api.house import TEXT, House, open_house

LABELS = "/complaints/c-1/labels"


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A table of labelled complaints of categories and tiers."""
    folder = Path(tmp_path_factory.mktemp("history"))
    write_history(folder, complaints=800, weeks=20, seed=5, causes="none")
    with (folder / "complaints.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    kept = ("id", "text", "received_at", "product", "customer_id", "category", "tier")
    lines = [",".join(kept)]
    lines += [",".join(f'"{row[name]}"' for name in kept) for row in rows]
    return "\n".join(lines).encode()


@pytest.fixture
def school(sqlite_settings: Settings, desk: Desk, history: bytes) -> Iterator[House]:
    """A service with an imported, labelled history and a shelf of its own."""
    with open_house(sqlite_settings, desk) as house:
        house.office.desks._load = lambda version: load_desk(sqlite_settings, version)
        sent = house.call("POST", "/imports?name=history.csv", content=history,
                          headers={"content-type": "text/csv"})  # fmt: skip
        assert house.finished(sent.json()["job"])["state"] == "done"
        yield house


def ended(house: House, headers: dict[str, str], job: str) -> str:
    """The state of a job once it has ended."""
    for _ in range(1_200):
        state = house.get(f"/jobs/{job}", headers=headers).json()["state"]
        if state not in {"queued", "running"}:
            return str(state)
        threading.Event().wait(0.1)
    raise AssertionError("the job never ended")


def trained(house: House, headers: dict[str, str], **asked: Any) -> dict[str, Any]:
    """A candidate once its training is over."""
    body = {"targets": ["category", "tier"], "rare": "leave_out", **asked}
    sent = house.post("/models/complaints/candidates", body, headers=headers)
    assert sent.status_code == 202, sent.text
    assert ended(house, headers, sent.json()["job"]) == "done"
    path = f"/models/complaints/candidates/{sent.json()['version']}"
    return dict(house.get(path, headers=headers).json())


def accept(house: House, candidate: dict[str, Any]) -> None:
    """Let a candidate count as accepted, whatever the gate said of so small a history."""
    row = {"state": learning.ACCEPTED}
    house.stored(
        lambda c: learning.change_candidate(c, candidate["id"], ["refused", "accepted"], row)
    )


def test_who_labelled_what_and_why_is_kept(house: House) -> None:
    """Beside each label stands what had been said before, by which model."""
    house.post("/complaints", {"id": "c-1", "text": TEXT})
    before = house.get("/complaints/c-1").json()["decision"]
    given = {"tier": "重大", "reason": "客户13812345678称已起火"}
    assert house.call("PUT", LABELS, json=given).status_code == 200
    listed = house.get("/labels/of/c-1").json()["items"]
    assert [(row["target"], row["value"], row["source"]) for row in listed] == [
        ("tier", "重大", "handler")
    ]
    assert listed[0]["said"] == before["tier"]["label"]
    assert listed[0]["model"].startswith("complaints 1.")
    assert "13812345678" not in listed[0]["reason"]


def test_labels_of_an_import_have_its_name(house: House) -> None:
    """A row's own labels come from the import, once, however often it is sent."""
    table = f"id,text,tier\nc-1,{TEXT},紧急\n".encode()
    for _ in range(2):
        sent = house.call("POST", "/imports", content=table, headers={"content-type": "text/csv"})
        house.finished(sent.json()["job"])
    listed = house.get("/labels/of/c-1").json()["items"]
    assert [(row["value"], row["source"]) for row in listed] == [("紧急", "import")]


def test_opinions_of_several_people_show_how_far_they_agree(sqlite_house: House) -> None:
    """The first opinion counts; a second one is kept beside it and makes a dispute."""
    first, second, analyst = (sqlite_house.key(role) for role in ("handler", "handler", "analyst"))
    for n in range(12):
        row = {"id": f"c-{n}", "text": TEXT}
        assert sqlite_house.post("/complaints", row, headers=first).status_code == 201
        for headers, tier in ((first, "紧急"), (second, "普通" if n < 3 else "紧急")):
            reply = sqlite_house.post(f"/labels/of/c-{n}", {"tier": tier}, headers=headers)
            assert reply.status_code == 200, reply.text
    assert sqlite_house.get("/complaints/c-0", headers=first).json()["labels"] == {"tier": "紧急"}
    found = sqlite_house.get("/labels/agreement", headers=analyst).json()["targets"]["tier"]
    assert found["complaints"] == 12
    assert sorted(found["disputed"]) == ["c-0", "c-1", "c-2"]
    assert found["pairs"][0]["observed"] == 0.75
    assert sqlite_house.get("/labels/agreement", headers=first).status_code == 403
    queue = sqlite_house.get("/labels/queue", headers=first).json()
    assert sorted(queue["disputed"]) == ["c-0", "c-1", "c-2"]


def test_the_queue_asks_for_what_nobody_labelled_within_the_department(house: House) -> None:
    """Each with its reasons, the most doubtful first."""
    north, south = (house.key("handler", departments=[name]) for name in ("北", "南"))
    texts = ("屏幕一直闪", "快递三天没到，还丢了一件", "客服态度很差，推来推去", "退款一直不到账")
    for n, said in enumerate(texts):
        house.post("/complaints", {"id": f"n-{n}", "text": said}, headers=north)
    house.call("PUT", "/complaints/n-0/labels", json={"tier": "普通"}, headers=north)
    asked = house.get("/labels/queue?limit=2", headers=north).json()
    assert len(asked["items"]) == 2
    assert all(item["reasons"] for item in asked["items"])
    assert "n-0" not in {item["complaint"] for item in asked["items"]}
    assert house.get("/labels/queue", headers=south).json()["items"] == []
    assert house.get("/labels/of/n-1", headers=south).status_code == 404
    assert house.get("/decisions/n-1", headers=south).status_code == 404


def test_a_candidate_is_trained_compared_and_judged(school: House) -> None:
    """All that is needed to make it again is recorded; the live model stays."""
    analyst = school.key("analyst")
    made = trained(school, analyst)
    assert made["version"] == "1.0.1"
    assert made["champion"] == "1.0.0"
    record = made["record"]
    assert record["frozen"] > 60
    assert record["recent"] > 60
    assert record["taught"] + record["frozen"] + record["recent"] <= record["rows"] == 800
    assert len(record["data_sha256"]) == len(record["code"]["sha256"]) == 64
    assert set(made["comparison"]) == {"frozen", "recent", "noise"}
    frozen = made["comparison"]["frozen"]["tier"]
    assert {"accuracy", "macro_f1", "ece"} <= set(frozen["figures"])
    assert all(row["id"] for row in frozen["changed"])
    assert made["card"].startswith("# complaints 1.0.1")
    assert school.get("/models", headers=analyst).json()["items"][0]["versions"] == ["1.0.0"]
    chart = school.get("/models/complaints/candidates/1.0.1/chart.svg", headers=analyst)
    assert chart.text.startswith("<svg")
    assert "固定测试集" in chart.text
    listed = school.get("/models/complaints/candidates", headers=analyst).json()["items"]
    assert [row["version"] for row in listed] == ["1.0.1"]


def test_the_same_rows_give_the_same_metrics_to_the_byte(school: House) -> None:
    """Two runs of the same seed agree; the digest says so."""
    settings = school.office.settings
    asked = {"targets": ["tier"], "rare": "leave_out", "words": ["青梧"]}
    told = {"name": "complaints", "version": "1.0.1", "champion": "1.0.0", "asked": asked}
    one, other = (make_candidate(settings, told, lambda *_: None) for _ in range(2))
    assert one["metrics"] == other["metrics"]
    assert one["record"]["metrics_sha256"] == other["record"]["metrics_sha256"]
    assert one["record"]["words_sha256"] == other["record"]["words_sha256"]


def test_a_training_can_be_cancelled_by_who_ordered_it(school: House) -> None:
    """Its process ends, nothing of it can go live, others may not end it."""
    analyst, other = school.key("analyst"), school.key("analyst")
    sent = school.post("/models/complaints/candidates", {}, headers=analyst).json()
    path = f"/jobs/{sent['job']}"
    assert school.call("DELETE", path, headers=other).status_code == 403
    assert school.call("DELETE", path, headers=analyst).json()["state"] == "cancelled"
    assert school.call("DELETE", path, headers=analyst).status_code == 409
    row = school.get("/models/complaints/candidates", headers=analyst).json()["items"][0]
    assert row["state"] == "cancelled"
    asked = {"reason": "bitte"}
    promote = f"/models/complaints/candidates/{row['version']}/promotion"
    assert school.post(promote, asked, headers=analyst).status_code == 409


def test_what_nobody_labelled_can_not_be_trained(sqlite_house: House) -> None:
    """The job says which labels there are."""
    sqlite_house.post("/complaints", {"id": "c-1", "text": TEXT})
    sent = sqlite_house.post("/models/complaints/candidates", {"targets": ["tier"]}).json()
    job = sqlite_house.finished(sent["job"])
    assert job["state"] == "failed"
    assert "tier: 0" in job["reason"]


def test_a_promotion_takes_two_people_and_is_taken_back_in_one_step(school: House) -> None:
    """What was live when is written down, with who asked and who agreed."""
    analyst, chief, second = (school.key(r) for r in ("analyst", "administrator", "administrator"))
    made = trained(school, analyst)
    accept(school, made)
    path = f"/models/complaints/candidates/{made['version']}/promotion"
    assert school.post(f"{path}/confirm", {}, headers=second).status_code == 409
    assert school.post(path, {"reason": "更准"}, headers=chief).json()["state"] == "asked"
    assert school.post(f"{path}/confirm", {}, headers=chief).status_code == 403
    assert school.post(f"{path}/confirm", {}, headers=analyst).status_code == 403
    assert school.post(f"{path}/confirm", {}, headers=second).json()["state"] == "live"
    said = school.post("/classify", {"text": TEXT}, headers=analyst).json()
    assert said["model"]["version"] == made["version"]
    history = school.get("/models/complaints/history", headers=analyst).json()
    assert [(row["version"], row["how"]) for row in history["items"]] == [
        (made["version"], "promotion"), ("1.0.0", "start"),
    ]  # fmt: skip
    assert history["floor"] == "1.0.0"
    back = school.post("/models/complaints/rollback", {"reason": "投诉增多"}, headers=chief)
    assert back.status_code == 200, back.text
    said = school.post("/classify", {"text": TEXT}, headers=analyst).json()
    assert said["model"]["version"] == "1.0.0"
    again = school.post("/models/complaints/rollback", {"reason": "再退"}, headers=chief)
    assert again.status_code == 409


def test_a_model_that_breaks_is_taken_back_by_itself(school: House) -> None:
    """More than one decision in a hundred broke within a minute."""
    chief = school.key("administrator")
    made = trained(school, chief)
    accept(school, made)
    path = f"/models/complaints/candidates/{made['version']}/promotion"
    school.post(path, {"reason": "更准"}, headers=chief)
    school.post(f"{path}/confirm", {}, headers=school.key("administrator"))
    school.office.desks.note(600)
    for _ in range(5):
        school.office.desks.note(1, broke=True)
    follow(school.office)
    assert school.office.desks.current().model.version == made["version"]
    school.office.desks.note(2, broke=True)
    for _ in range(3):
        school.office.desks.note(1, broke=True)
    follow(school.office)
    assert school.office.desks.current().model.version == "1.0.0"
    newest = school.get("/models/complaints/history", headers=chief).json()["items"][0]
    assert (newest["how"], newest["by"]) == ("automatic", "service")
    audited = school.stored(
        lambda c: c.execute(
            text("SELECT count(*) FROM audit WHERE action = 'model.automatic'")
        ).scalar()
    )
    assert audited == 1


def test_a_candidate_in_the_shadow_decides_nothing(school: House) -> None:
    """It answers what comes in from then on; each answer is kept once."""
    analyst = school.key("analyst")
    made = trained(school, analyst)
    accept(school, made)
    path = f"/models/complaints/candidates/{made['version']}/shadow"
    assert school.post(path, {"on": True}, headers=analyst).json()["shadowed"] is True
    handler = school.key("handler")
    for n in range(7):
        body = {"id": f"s-{n}", "text": f"第{n}次：{TEXT}"}
        said = school.post("/complaints", body, headers=handler).json()
        assert said["model"]["version"] == "1.0.0"
    for _ in range(2):
        Shadow().tend(school.office)
    whole = school.get(path.removesuffix("/shadow"), headers=analyst).json()
    assert whole["shadow"]["answers"] == 7
    assert set(whole["shadow"]["same"]) == {"category", "issues", "tier", "sentiment"}
    differ = school.get(path, headers=analyst).json()["items"]
    assert all(row["live"] != row["shadow"] for row in differ)


def test_which_model_decided_is_known_afterwards(house: House) -> None:
    """And whether today's would agree, person's labels or not."""
    house.post("/complaints", {"id": "c-1", "text": TEXT})
    found = house.get("/decisions/c-1").json()
    assert found["decided_by"] == "complaints 1.0.0"
    assert found["agrees"] is True
    tier = found["targets"]["tier"]["today"]
    other = next(each for each in ("普通", "紧急", "重大") if each != tier)
    house.call("PUT", LABELS, json={"tier": other})
    found = house.get("/decisions/c-1").json()
    assert found["targets"]["tier"] == {
        "stands": other, "today": tier, "by_person": True, "agrees": False,
    }  # fmt: skip
    assert [event["kind"] for event in found["events"]] == ["received", "labelled"]
    assert found["events"][0]["model"] == "complaints 1.0.0"


def test_wrong_labels_are_suspected(school: House) -> None:
    """A job ranks them; the newest search is shown."""
    analyst = school.key("analyst")
    held = stored_labels(school.office.settings, ["category"])
    names = Counter(held.labels["category"]).most_common(2)
    (common, _), (other, _) = names
    flipped = [i for i, given in enumerate(held.labels["category"]) if given == common][:5]
    for i in flipped:
        path = f"/complaints/{held.ids[i]}/labels"
        assert school.call("PUT", path, json={"category": other}, headers=analyst).is_success
    sent = school.post("/labels/suspects", {}, headers=analyst).json()
    assert ended(school, analyst, sent["job"]) == "done"
    found = school.get("/labels/suspects?target=category", headers=analyst).json()
    assert found["labelled"] == len(held.ids)
    suspected = {item["complaint"] for item in found["items"]}
    assert sum(held.ids[i] in suspected for i in flipped) >= 3
    scores = [item["score"] for item in found["items"]]
    assert scores == sorted(scores, reverse=True)


def test_a_week_is_looked_at_once_and_drift_is_named(school: House) -> None:
    """However many workers there are; an analyst may look at any time."""
    analyst = school.key("analyst")
    for _ in range(3):
        WeeklyLook().tend(school.office)
    jobs = school.stored(
        lambda c: c.execute(text("SELECT count(*) FROM jobs WHERE kind = 'drift'")).scalar()
    )
    assert jobs == 1
    newest = school.get("/complaints?limit=1", headers=analyst).json()["items"][0]["received_at"]
    for n in range(30):
        row = {"id": f"new-{n}", "text": f"灵犀环用了{n}天就不充电", "received_at": newest}
        assert school.post("/complaints", row, headers=school.key("handler")).is_success
    sent = school.post("/drift", {}, headers=analyst).json()
    assert ended(school, analyst, sent["job"]) == "done"
    found = school.get("/drift", headers=analyst).json()
    assert found["at"] is not None
    words = [alarm for alarm in found["alarms"] if alarm["kind"] == "word"]
    assert words
    assert all(identifier.startswith("new-") for identifier in words[0]["complaints"])
    assert any(identifier.startswith("new-") for identifier in found["label_next"])


def test_a_page_shows_models_to_who_types_a_key(sqlite_house: House) -> None:
    """The page is open and holds nothing; what it fetches is not."""
    sqlite_house.key("analyst")
    page = sqlite_house.get("/models.html")
    assert page.status_code == 200
    assert "/static/models.js" in page.text
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert sqlite_house.get("/models").status_code == 401
    assert 'href="/models.html"' in sqlite_house.get("/").text
