"""From labelled history to a better model that decides, and back again."""

from __future__ import annotations

import csv
import threading
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.services.example import write_history
from api.services.learning.shadow import Shadow
from api.services.models import load_desk
from api.settings import Settings
from tests.api.house import House, open_house

COLUMNS = ("id", "text", "received_at", "category")
SAID = "冰箱买来就不制冷，客服让我等了两周还没有人上门"


def _table(file: Path, rows: list[dict[str, str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return file


def _ended(house: House, headers: dict[str, str], job: str) -> None:
    state = "queued"
    while state in {"queued", "running"}:
        threading.Event().wait(0.1)
        found = house.get(f"/jobs/{job}", headers=headers).json()
        state = found["state"]
    assert state == "done", found


def test_more_labels_make_a_model_that_passes_the_gate_and_is_promoted_by_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing here is forced: the candidate is better, and the gate finds that out."""
    write_history(tmp_path, complaints=2_800, weeks=20, seed=5, causes="none")
    with (tmp_path / "complaints.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    counted = Counter(row["category"] for row in rows[:600])
    rows = [row for row in rows if counted[row["category"]] >= 12]
    data = tmp_path / "data"
    monkeypatch.setenv("SUYUAN_DATA_DIR", str(data))
    few = str(_table(tmp_path / "few.csv", rows[:600]))
    first = CliRunner().invoke(app, ["train", few, "--name", "ours", "--json"])
    assert first.exit_code == 0, first.output
    monkeypatch.setenv("SUYUAN_MODEL", "ours")
    settings = Settings(data_dir=data, worker_poll_seconds=0.05)
    with open_house(settings, load_desk(settings, None)) as house:
        house.office.desks._load = lambda version: load_desk(settings, version)
        analyst, chief = house.key("analyst"), house.key("administrator")
        content = _table(tmp_path / "all.csv", rows).read_bytes()
        sent = house.call("POST", "/imports?name=all.csv", content=content,
                          headers={"content-type": "text/csv", **analyst})  # fmt: skip
        _ended(house, analyst, sent.json()["job"])
        body = {"targets": ["category"], "rare": "leave_out"}
        made = house.post("/models/ours/candidates", body, headers=analyst).json()
        _ended(house, analyst, made["job"])
        path = f"/models/ours/candidates/{made['version']}"
        candidate = house.get(path, headers=analyst).json()
        assert candidate["state"] == "accepted", candidate["refusals"]
        figures = candidate["comparison"]["frozen"]["category"]["figures"]
        assert figures["macro_f1"]["low"] > 0
        assert house.post(f"{path}/shadow", {"on": True}, headers=analyst).is_success
        handler = house.key("handler")
        house.post("/complaints", {"id": "c-1", "text": SAID}, headers=handler)
        Shadow().tend(house.office)
        assert house.get(path, headers=analyst).json()["shadow"]["answers"] == 1
        house.post(f"{path}/promotion", {"reason": "更准"}, headers=analyst)
        assert house.post(f"{path}/promotion/confirm", {}, headers=chief).is_success
        told = house.get("/decisions/c-1", headers=handler).json()
        assert (told["decided_by"], told["today"]) == ("ours 1.0.0", f"ours {made['version']}")
        listed = CliRunner().invoke(app, ["models", "history", "ours"])
        assert "promotion" in listed.output
        back = ["models", "rollback", "ours", "--by", "anna", "--reason", "试一下"]
        assert CliRunner().invoke(app, back).exit_code == 0
        for _ in range(100):
            said = house.post("/classify", {"text": SAID}, headers=handler).json()
            if said["model"]["version"] == "1.0.0":
                break
            threading.Event().wait(0.1)
        assert said["model"]["version"] == "1.0.0"
