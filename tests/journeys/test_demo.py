"""The first thing that anybody does with Suyuan."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app


def test_the_demo_names_the_planted_batch_first_and_not_the_false_friend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nothing to a report whose first cause is true, and that says how to go on."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 0, result.output
    out = tmp_path / "out" / "demo"
    planted = json.loads((out / "planted.json").read_text(encoding="utf-8"))
    battery = next(plant for plant in planted["plants"] if plant["name"] == "battery_batch")
    friend = next(decoy for decoy in planted["decoys"] if decoy["name"] == "popular_batch")
    causes = [
        finding
        for finding in json.loads((out / "report.json").read_text(encoding="utf-8"))["findings"]
        if not finding["confounded_by"]
    ]
    first = {item["value"] for item in causes[0]["antecedents"]}
    assert first == set(battery["attributes"].values())
    assert causes[0]["consequents"][0]["value"] == battery["issue"]
    innocent = set(friend["attributes"].values())
    assert not any(innocent & {item["value"] for item in f["antecedents"]} for f in causes)
    assert battery["attributes"]["batch"] in (out / "report.html").read_text(encoding="utf-8")
    for words in ("Example complaints, decided", "Root causes", "report.html", "make serve"):
        assert words in result.output
