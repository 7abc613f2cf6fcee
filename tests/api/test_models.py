"""Models that are missing, break, or take each other's place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.services.desks import Desk
from api.services.keyfiles import secret
from api.services.models import follow, load_desk
from api.services.worker import Worker
from api.settings import Settings
from api.store import learning
from domain.errors import ModelRefused
from tests.api.house import TEXT, House, open_house
from triage import artefact
from triage.registry import SHIPPED, open_model


@pytest.fixture
def empty_house(settings: Settings) -> Iterator[House]:
    """A service without a model and without a worker."""
    with open_house(settings.model_copy(update={"embedded_worker": False}), None) as opened:
        yield opened


class Breaking:
    """A desk that breaks on some texts."""

    def __init__(self, desk: Desk, word: str) -> None:
        self._desk = desk
        self._word = word
        self.model = desk.model

    def decide(self, text: str, *more: Any, **options: Any) -> Any:
        """Break on the word."""
        if self._word in text:
            raise ZeroDivisionError(text)
        return self._desk.decide(text, *more, **options)

    def decide_many(self, texts: list[str], *more: Any, **options: Any) -> Any:
        """Break on the word in any of them."""
        if any(self._word in text for text in texts):
            raise ZeroDivisionError
        return self._desk.decide_many(texts, *more, **options)


def test_without_a_model_intake_stores_and_says_pending(empty_house: House, desk: Desk) -> None:
    """The backlog is decided when a model comes; nothing is lost."""
    replies = [empty_house.post("/complaints", {"id": f"c-{n}", "text": TEXT}) for n in range(20)]
    assert {reply.status_code for reply in replies} == {202}
    assert replies[0].json() == {"id": "c-0", "state": "pending", "reason": "no model"}
    ready = empty_house.get("/readyz")
    assert ready.status_code == 503
    assert "model" in ready.json()["checks"]["model"]
    empty_house.office.desks.take(desk)
    Worker(empty_house.office, {}).step()
    states = [row["state"] for row in empty_house.get("/complaints").json()["items"]]
    assert states == ["decided"] * 20
    assert empty_house.get("/readyz").status_code == 200


def test_a_pending_complaint_has_deadlines_by_rule(empty_house: House) -> None:
    """A stated danger is 重大 although no model says so."""
    empty_house.post("/complaints", {"id": "c", "text": "充电时手机起火了，烫伤了手"})
    row = empty_house.get("/complaints/c").json()
    assert row["state"] == "pending"
    assert row["deadlines"]["acknowledge_by"] == "2026-03-02T10:00:00+00:00"


def test_classify_without_a_model_says_so(empty_house: House) -> None:
    """503 with a time to come back."""
    reply = empty_house.post("/classify", {"text": TEXT})
    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "1"


def test_complaints_that_break_the_classifier_end_in_a_list(empty_house: House, desk: Desk) -> None:
    """Stored, tried five times, then shown with the reason; others are not held up."""
    empty_house.office.desks.take(Breaking(desk, "坏"))
    bad = empty_house.post("/complaints", {"id": "bad", "text": "手机坏了"})
    assert bad.status_code == 202
    assert empty_house.post("/complaints", {"id": "good", "text": TEXT}).status_code == 201
    worker = Worker(empty_house.office, {})
    for _ in range(8):
        worker.step()
    listed = empty_house.get("/complaints?state=failed").json()["items"]
    assert [(row["id"], row["reason"]) for row in listed] == [
        ("bad", "the classifier broke: ZeroDivisionError")
    ]
    events = empty_house.get("/complaints/bad").json()["events"]
    assert [event["kind"] for event in events] == ["received", *["retried"] * 3, "failed"]
    assert "坏" not in empty_house.log.getvalue()


def _shelf(settings: Settings, root: Path, *versions: str) -> Settings:
    """Signed copies of the shipped model under other versions."""
    model = open_model("complaints")
    for version in versions:
        artefact.publish(
            root, "complaints", version, model.to_payload(), {}, "card",
            key=secret(settings.data_dir, "models"),
        )  # fmt: skip
    return settings.model_copy(update={"models_dir": root})


def test_a_version_is_activated_and_followed(
    sqlite_settings: Settings, tmp_path: Path, desk: Desk
) -> None:
    """The route swaps here; the table makes other processes follow."""
    shelf = _shelf(sqlite_settings, tmp_path / "models", "2.0.0", "2.1.0")
    with open_house(shelf, desk) as house:
        house.office.desks._load = lambda version: load_desk(shelf, version)
        body = {"version": "2.0.0"}
        reply = house.post("/models/complaints/activate", body)
        assert reply.json()["version"] == "2.0.0"
        assert house.post("/classify", {"text": TEXT}).json()["model"]["version"] == "2.0.0"
        house.office.desks.take(desk)
        follow(house.office)
        assert house.office.desks.current().model.version == "2.0.0"
        assert house.post("/models/complaints/activate", {"version": "9.9.9"}).status_code == 404
        assert house.post("/models/other/activate", body).status_code == 404
        assert house.get("/models").json()["items"][0]["versions"] == ["2.0.0", "2.1.0"]


def test_a_changed_model_is_refused_and_the_old_one_serves_on(
    sqlite_settings: Settings, tmp_path: Path, desk: Desk
) -> None:
    """One flipped bit; readyz tells of it."""
    shelf = _shelf(sqlite_settings, tmp_path / "models", "2.0.0")
    file = tmp_path / "models" / "complaints" / "2.0.0" / "model.joblib"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with open_house(shelf, desk) as house:
        house.office.desks._load = lambda version: load_desk(shelf, version)
        reply = house.post("/models/complaints/activate", {"version": "2.0.0"})
        assert reply.status_code == 422
        said = house.post("/classify", {"text": TEXT}).json()
        assert said["model"]["version"] == desk.model.version
        assert "2.0.0" in house.get("/healthz").json()["warnings"][-1]


def _forged(root: Path, version: str, key: bytes) -> None:
    """A model of the attacker's own, signed with the attacker's key."""
    shutil.rmtree(root / "complaints" / version, ignore_errors=True)
    payload = open_model("complaints").to_payload()
    artefact.publish(root, "complaints", version, payload, {"by": "attacker"}, "card", key=key)


def test_who_can_write_the_shelf_but_lacks_the_key_gains_nothing(
    sqlite_settings: Settings, tmp_path: Path, desk: Desk
) -> None:
    """New manifest and hashes, an older signed model, the signature of another file: refused."""
    root = tmp_path / "models"
    shelf = _shelf(sqlite_settings, root, "2.0.0", "2.1.0", "2.2.0")
    with open_house(shelf, desk) as house:
        house.office.desks._load = lambda version: load_desk(shelf, version)
        for version in ("2.1.0", "2.2.0"):
            body = {"version": version}
            assert house.post("/models/complaints/activate", body).status_code == 200
        house.stored(lambda c: learning.raise_floor(c, "complaints", "2.1.0"))
        _forged(root, "2.3.0", b"another key of thirty-two bytes.")
        shutil.copytree(root / "complaints" / "2.1.0", root / "complaints" / "2.4.0")
        tried = {
            version: house.post("/models/complaints/activate", {"version": version}).status_code
            for version in ("2.3.0", "2.0.0", "2.4.0")
        }
        assert tried == {"2.3.0": 422, "2.0.0": 422, "2.4.0": 422}
        said = house.post("/classify", {"text": TEXT}).json()
        assert said["model"]["version"] == "2.2.0"
        house.office.desks.take(None)
        follow(house.office)
        assert house.office.desks.current().model.version == "2.2.0"


def test_a_restart_goes_on_with_what_was_live(
    sqlite_settings: Settings, tmp_path: Path, desk: Desk
) -> None:
    """A newer version on the shelf does not go live by a restart."""
    root = tmp_path / "models"
    shelf = _shelf(sqlite_settings, root, "2.0.0")
    with open_house(shelf, desk) as house:
        house.office.desks._load = lambda version: load_desk(shelf, version)
        house.post("/models/complaints/activate", {"version": "2.0.0"})
        _shelf(sqlite_settings, root, "2.1.0")
        house.office.desks.take(None)
        follow(house.office)
        assert house.office.desks.current().model.version == "2.0.0"
        items = house.get("/models/complaints/history").json()["items"]
        assert [row["how"] for row in items] == ["activation", "start"]


def test_an_unsigned_model_is_refused(sqlite_settings: Settings, tmp_path: Path) -> None:
    """Only pinned or signed files are opened."""
    model = open_model("complaints")
    artefact.publish(tmp_path, "complaints", "2.0.0", model.to_payload(), {}, "card")
    settings = sqlite_settings.model_copy(update={"models_dir": tmp_path})
    with pytest.raises(ModelRefused):
        load_desk(settings, None)


def test_swaps_under_load_lose_no_request(
    sqlite_settings: Settings, tmp_path: Path, desk: Desk
) -> None:
    """Each reply names one version."""
    shelf = _shelf(sqlite_settings, tmp_path / "models", "2.0.0", "2.1.0")
    with open_house(shelf, desk) as house:
        house.office.desks._load = lambda version: load_desk(shelf, version)
        calls: list[tuple[str, str, dict[str, Any]]] = []
        for n in range(6):
            calls += [("POST", "/complaints", {"json": {"text": TEXT}})] * 2
            body = {"version": f"2.{n % 2}.0"}
            calls.append(("POST", "/models/complaints/activate", {"json": body}))
        replies = house.at_once(calls[:12])
    assert {reply.status_code for reply in replies} <= {200, 201}


def test_the_shipped_model_is_loaded_by_default(sqlite_settings: Settings) -> None:
    """Without a directory of one's own."""
    assert load_desk(sqlite_settings, None).model.name == "complaints"
    assert SHIPPED.is_dir()
