"""Models and labels at the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.services.example import write_history


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Rows of an example history."""
    folder = Path(tmp_path_factory.mktemp("rows"))
    write_history(folder, complaints=1_400, weeks=12, seed=5, causes="none")
    with (folder / "complaints.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def written(file: Path, rows: list[dict[str, str]], *columns: str) -> str:
    """A table of some columns."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return str(file)


def run(*words: str) -> tuple[int, str]:
    """Exit code and standard output of a command."""
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.stdout


def answer(*words: str) -> Any:
    """What a command answers programs."""
    code, said = run(*words, "--json")
    assert code == 0, said
    return json.loads(said)


def test_a_further_version_is_judged_on_rows_that_neither_model_learnt_from(
    rows: list[dict[str, str]], tmp_path: Path
) -> None:
    """The gate sees no row, and no near copy of one, that the first model was trained on."""
    columns = ("id", "text", "received_at", "tier")
    first = written(tmp_path / "first.csv", rows[:500], *columns)
    assert run("train", first, "--name", "ours")[0] == 0
    second = written(tmp_path / "second.csv", rows, *columns)
    code, said = run("train", second, "--name", "ours", "--json", "--force")
    assert code == 0, said
    told = json.loads(said)
    assert set(told["comparison"]) == {"frozen", "recent", "noise"}
    assert told["comparison"]["frozen"]["tier"]["n"] < 0.2 * 900
    assert {model["version"] for model in answer("models", "list") if model["name"] == "ours"} == {
        "1.0.0", "1.1.0",
    }  # fmt: skip
    code, said = run("train", first, "--name", "ours")
    assert code == 1
    assert "refuses it" in said
    assert ("ours", "1.2.0", "candidate") in {
        (model["name"], model["version"], model["origin"]) for model in answer("models")
    }
    assert "# ours 1.1.0" in run("models", "show", "ours", "--version", "1.1.0")[1]
    compared = answer("models", "compare", "ours", "1.1.0", first, "--against", "1.2.0")
    assert 0 < compared["targets"]["tier"]["n"] < 0.3 * 500


def test_the_queue_names_rows_without_a_label(rows: list[dict[str, str]], tmp_path: Path) -> None:
    """As many as were asked for, with reasons."""
    some = [{**row, "category": row["category"] if n < 200 else ""}
            for n, row in enumerate(rows[:400])]  # fmt: skip
    file = written(tmp_path / "open.csv", some, "id", "text", "category")
    found = answer("labels", "queue", file, "--count", "15")
    open_ids = {row["id"] for row in some[200:]}
    assert len(found) == 15
    assert all(row["id"] in open_ids and row["reasons"] for row in found)
    assert run("labels", "queue", file, "--target", "issues")[0] == 2


def test_suspects_are_ranked(rows: list[dict[str, str]], tmp_path: Path) -> None:
    """A few flipped tiers stand among the doubted."""
    some = [dict(row) for row in rows[:600]]
    flipped = [row for row in some if row["tier"] == "普通"][:6]
    for row in flipped:
        row["tier"] = "重大"
    file = written(tmp_path / "flipped.csv", some, "id", "text", "tier")
    found = answer("labels", "suspects", file, "--target", "tier", "--below", "0.5")
    doubted = {row["id"] for row in found}
    assert sum(row["id"] in doubted for row in flipped) >= 4


def test_agreement_is_measured_between_rows_of_one_id(
    rows: list[dict[str, str]], tmp_path: Path
) -> None:
    """Two people, one of whom sees one case in four otherwise."""
    said = [
        {**row, "handler": who, "tier": "紧急" if who == "b" and n % 4 == 0 else "普通"}
        for n, row in enumerate(rows[:40])
        for who in "ab"
    ]
    file = written(tmp_path / "twice.csv", said, "id", "text", "handler", "tier")
    found = answer("labels", "agreement", file)["targets"]["tier"]
    assert (found["complaints"], found["disputed_count"]) == (40, 10)
    assert found["pairs"][0]["observed"] == 0.75
    assert run("labels", "agreement", file, "--labeller", "team")[0] == 1


def test_nothing_can_be_rolled_back_that_was_never_promoted() -> None:
    """History is empty, the refusal says so, and a promotion needs a reason."""
    assert answer("models", "history", "complaints") == {"items": [], "floor": None}
    assert run("models", "rollback", "complaints", "--by", "anna", "--reason", "x")[0] == 1
    assert run("models", "promote", "complaints", "1.0.1", "--by", "anna")[0] == 2
    assert run("models", "promote", "complaints", "1.0.1", "--by", "a", "--reason", "x")[0] == 1


def test_rows_without_a_tier_are_left_out_and_the_others_are_learnt(
    rows: list[dict[str, str]], tmp_path: Path
) -> None:
    """A blank cell is a label that nobody gave, and no tier of its own."""
    some = [{**row, "tier": "" if n % 10 == 0 else row["tier"]} for n, row in enumerate(rows)]
    table = written(tmp_path / "table.csv", some[:500], "id", "text", "received_at", "tier")
    assert run("train", table, "--name", "ours", "--target", "tier")[0] == 0
    table = written(tmp_path / "more.csv", some, "id", "text", "received_at", "tier")
    code, said = run("train", table, "--name", "ours", "--target", "tier", "--json", "--force")
    assert code == 0, said
    assert json.loads(said)["model"]["version"] == "1.1.0"
