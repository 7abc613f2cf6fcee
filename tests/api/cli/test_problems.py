"""``suyuan problems`` as a person or a program calls it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from api.services.example.history import write_history


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example history with its four measures."""
    folder = tmp_path_factory.mktemp("history")
    write_history(folder, complaints=20_000, weeks=26, seed=7)
    return folder


def run(*arguments: object) -> Result:
    """One call of the command line."""
    return CliRunner().invoke(app, ["problems", *map(str, arguments)])


def judged(*arguments: object) -> dict[str, dict[str, Any]]:
    """Effects by measure, as a program reads them."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return {each["id"]: each for each in json.loads(result.stdout)["measures"]}


@pytest.mark.parametrize("exposure", [False, True])
def test_the_measures_of_the_example_history_get_their_right_verdicts(
    history: Path, exposure: bool
) -> None:
    """The cure works, the leaflet does not, two weeks are too few, the season is no success."""
    planted = json.loads((history / "planted.json").read_text(encoding="utf-8"))
    more = ("--exposure", history / "sales.csv") if exposure else ()
    found = judged(history / "complaints.csv", "--measures", history / "measures.csv", *more)
    for measure in planted["measures"]:
        effect = found[measure["id"]]
        assert effect["verdict"] in measure["verdicts"], effect["sentence"]
        assert effect["over_exposure"] == exposure
    assert found["M04"]["season"] == "comparison"


def test_every_measure_gets_a_chart_where_a_folder_is_named(history: Path, tmp_path: Path) -> None:
    """As SVG, with the verdict in it."""
    charts = tmp_path / "charts"
    result = run(history / "complaints.csv", "--measures", history / "measures.csv",
                 "--charts", charts)  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "Measured effects" in result.stdout
    assert sorted(file.name for file in charts.iterdir()) == [
        "M01.svg", "M02.svg", "M03.svg", "M04.svg",
    ]  # fmt: skip
    assert "有效" in (charts / "M01.svg").read_text(encoding="utf-8")


def test_a_later_measure_does_not_blur_an_earlier_one(history: Path, tmp_path: Path) -> None:
    """The second one's baseline starts where the first one ended, and the first stops there."""
    table = tmp_path / "two.csv"
    table.write_text(
        "id,issue,product,done_on\nA,1001,清漪L10,2025-06-02\nB,1001,清漪L10,2025-07-14\n",
        encoding="utf-8",
    )
    found = judged(history / "complaints.csv", "--measures", table)
    assert (found["A"]["verdict"], found["A"]["after"]["weeks"]) == ("有效", 6)
    assert found["B"]["before"]["weeks"] == 6
    assert found["B"]["verdict"] != "有效"


def test_wrong_use_says_what_would_be_right(history: Path, tmp_path: Path) -> None:
    """Exit code 2 for wrong use, 1 for what is wrong in a file."""
    bad = tmp_path / "bad.csv"
    bad.write_text("id,issue,done_on\nA,1001,gestern\n", encoding="utf-8")
    lacking = tmp_path / "lacking.csv"
    lacking.write_text("id,done_on\nA,2025-06-02\n", encoding="utf-8")
    table = history / "complaints.csv"
    for arguments, code, word in (
        ((table,), 2, "--measures"),
        ((table, "--measures", bad), 2, "no day"),
        ((table, "--measures", lacking), 1, "issue"),
        ((table, "--measures", bad, "--exposure", history / "measures.csv"), 1, "units"),
        (("--measures", bad), 2, "table of complaints"),
        (("--close", "prb_x"), 2, "--reason"),
        (("--show", "prb_x"), 1, "no problem"),
    ):
        result = run(*arguments)
        assert result.exit_code == code, result.output
        assert word in " ".join(result.output.split())


def test_without_a_table_the_stored_problems_are_listed() -> None:
    """An empty installation says how a problem comes about."""
    assert json.loads(run("--json").stdout) == {"items": [], "next": None}
    assert "POST /problems" in run().stdout
    assert json.loads(run("--due", "--json").stdout) == {"due": [], "overdue": []}


def test_good_measures_are_judged_beside_a_bad_row(history: Path, tmp_path: Path) -> None:
    """The bad row is named, with what would be right."""
    table = tmp_path / "mixed.csv"
    rows = "A,1001,清漪L10,2025-06-02\nB,1001,清漪L10,soon\n"
    table.write_text(f"id,issue,product,done_on\n{rows}", encoding="utf-8")
    result = run(history / "complaints.csv", "--measures", table)
    assert result.exit_code == 0
    assert "有效" in result.stdout
    assert "row 3, column 'done_on': is no day" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("done_on", "lag"), [("0001-01-01", "0"), ("9999-12-31", "52"), ("2025-06-02", "²")]
)
def test_days_and_lags_beyond_reason_are_refused_by_their_row(
    history: Path, tmp_path: Path, done_on: str, lag: str
) -> None:
    """A day that no calendar arithmetic holds, and a digit that is no number."""
    table = tmp_path / "measures.csv"
    row = f"A,1001,清漪L10,{done_on},{lag}"
    table.write_text(f"id,issue,product,done_on,lag_weeks\n{row}\n", encoding="utf-8")
    result = run(history / "complaints.csv", "--measures", table)
    assert result.exit_code == 2
    assert "row 2" in result.output
