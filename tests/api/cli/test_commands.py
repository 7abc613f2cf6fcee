"""The commands as a person or a program calls them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from api.cli import COMMANDS, app
from api.services.example.history import write_history
from domain.taxonomy import shipped_taxonomy

TEXTS = (
    "id,text,received_at,note\n"
    "1,手机用了三天屏幕一直闪，客服电话打不通，再不解决我就去12315投诉！,2026-11-23 09:30:00,=1+1\n"
    "2,充电宝在包里鼓包冒烟了，书都烧了个洞,2026-11-23 09:30:00,\n"
    "3,only english,2026-11-23 09:30:00,\n"
    "4,快递盒压扁了，杯子碎了两个,昨天,\n"
    "5,店员态度很好，教我妈用手表,2026-11-23 09:30:00,\n"
)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small example history."""
    folder = tmp_path_factory.mktemp("history")
    write_history(folder, complaints=4000, weeks=26, seed=7)
    return folder


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Five rows, two of them bad."""
    file = tmp_path / "texts.csv"
    file.write_text(TEXTS, encoding="utf-8")
    return file


def run(*arguments: object) -> Result:
    """One call of the command line."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def answer(*arguments: object) -> Any:
    """What a program reads."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("command", [*COMMANDS, "keys"])
def test_every_command_explains_itself(command: str) -> None:
    """--help is there and names the command."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert command in result.stdout


def test_classify_adds_its_columns_to_every_row_in_order(texts: Path, tmp_path: Path) -> None:
    """Bad rows keep their place and say why; a formula is defused."""
    target = tmp_path / "out.csv"
    result = run("classify", texts, "--out", target)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(target.read_text("utf-8-sig"))))
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[1]["tier"] == "重大"
    taxonomy = shipped_taxonomy()
    assert rows[1]["category_code"] == taxonomy.category_code(rows[1]["category"])
    assert 0 <= float(rows[0]["anger"]) <= 1
    assert rows[0]["note"] == "'=1+1"
    assert rows[2]["tier"] == ""
    assert "no Chinese" in rows[2]["error"]
    assert "'昨天' is no time" in rows[3]["error"]


def test_classify_prints_decisions_for_programs(texts: Path) -> None:
    """In the form of the API, with evidence that lies in the text."""
    decisions = answer("classify", texts)
    assert [decision["id"] for decision in decisions] == ["1", "2", "5"]
    for evidence in decisions[0]["evidence"]:
        text = TEXTS.splitlines()[1].split(",")[1]
        assert text[evidence["start"] : evidence["end"]] == evidence["text"]


def test_labels_that_a_row_brings_are_used_as_they_are(tmp_path: Path) -> None:
    """The model fills only what is missing."""
    file = tmp_path / "labelled.csv"
    file.write_text("id,text,tier,issues\n1,电池鼓包冒烟了,普通,1002\n", encoding="utf-8")
    [decision] = answer("classify", file)
    assert decision["tier"]["label"] == "普通"
    assert [issue["code"] for issue in decision["issues"]] == ["1002"]
    assert decision["category"]["name"] == "产品质量"


def test_labels_can_be_set_aside_and_keeping_them_is_said(tmp_path: Path) -> None:
    """Nobody takes a kept label for a decision."""
    file = tmp_path / "labelled.csv"
    file.write_text("id,text,tier\n1,电池鼓包冒烟了，烧了个洞,普通\n", encoding="utf-8")
    kept = run("classify", file)
    assert "brings tier: kept as they are" in " ".join(kept.stderr.split())
    [decision] = answer("classify", file, "--ignore-labels")
    assert decision["tier"]["label"] == "重大"


def test_personal_data_decides_nothing_and_moves_no_offset(tmp_path: Path) -> None:
    """The same complaint with and without a phone number is decided alike."""
    texts = ("屏幕一直闪，客服打不通", "13812345678屏幕一直闪，客服打不通")
    file = tmp_path / "two.csv"
    file.write_text("id,text\n" + "".join(f"{i},{t}\n" for i, t in enumerate(texts)), "utf-8")
    plain, personal = answer("classify", file)
    assert plain["issues"] == personal["issues"]
    assert plain["tier"] == personal["tier"]
    for evidence in personal["evidence"]:
        assert texts[1][evidence["start"] : evidence["end"]] == evidence["text"]


def test_a_model_judged_on_rows_it_learnt_from_is_told_apart(history: Path) -> None:
    """Flattering figures come with a warning."""
    table = history / "complaints.csv"
    assert run("train", table, "--name", "own", "--target", "category").exit_code == 0
    columns = "id,text,category"
    frame = pd.read_csv(table, dtype=str, keep_default_na=False)[columns.split(",")]
    same, fresh = history / "same.csv", history / "fresh.csv"
    frame.to_csv(same, index=False)
    frame.head(300).to_csv(fresh, index=False)
    assert "learnt from these very rows" in run("evaluate", "own", same).stderr
    assert "learnt from these very rows" not in run("evaluate", "own", fresh).stderr


def test_a_table_without_ids_is_classified_by_row_number(tmp_path: Path) -> None:
    """Nobody has to number rows to ask a question."""
    file = tmp_path / "plain.csv"
    file.write_text("text\n屏幕一直闪\n", encoding="utf-8")
    assert [decision["id"] for decision in answer("classify", file)] == ["row 2"]


def test_evaluate_prints_the_figures_of_the_contract(history: Path) -> None:
    """All four targets, the tier also as decided."""
    found = answer("evaluate", "complaints", history / "examples.csv")
    assert found["model"]["name"] == "complaints"
    assert set(found["targets"]) == {"category", "issues", "tier", "sentiment"}
    tier = found["targets"]["tier"]
    assert {"n", "accuracy", "macro_f1", "per_class", "ece", "accuracy_at_coverage"} <= set(tier)
    assert set(tier["accuracy_at_coverage"]) == {"0.8", "0.9", "0.95"}
    assert tier["decided"]["n"] == tier["n"]
    assert {"n", "micro_f1", "macro_f1", "jaccard"} <= set(found["targets"]["issues"])


def test_a_tier_that_a_row_lacks_is_not_held_against_the_model(tmp_path: Path) -> None:
    """Blank tiers and moods are labels not given; a blank category is “no complaint”."""
    path = tmp_path / "some.csv"
    rows = [("客服一直不回复", "普通", "", "服务态度"), ("酒店很干净，谢谢", "", "正面", "")]
    pd.DataFrame(rows, columns=["text", "tier", "sentiment", "category"]).to_csv(path, index=False)
    found = answer("evaluate", "complaints", path)["targets"]
    assert {name: figures["n"] for name, figures in found.items()} == {
        "category": 2,
        "tier": 1,
        "sentiment": 1,
    }
    assert list(found["tier"]["per_class"]) == ["普通"]


def test_mine_finds_the_planted_batch(history: Path) -> None:
    """The findings carry what the report's do."""
    findings = answer("mine", history / "complaints.csv")
    causes = [f for f in findings if not f["confounded_by"]]
    sides = [(f["antecedents"][0]["value"], f["consequents"][0]["value"]) for f in causes]
    assert ("X5-B07", "1002") in sides
    assert {"p_value", "q_value", "lift", "complaints", "kind", "status"} <= set(causes[0])


def test_mine_counts_as_mlxtend_does(history: Path) -> None:
    """The reference engine agrees, itemset by itemset."""
    items = "product,region,channel"
    result = run("mine", history / "complaints.csv", "--items", items, "--engine", "mlxtend")
    assert result.exit_code == 0, result.output
    assert "counts the same" in result.output


def test_report_writes_its_files(history: Path, tmp_path: Path) -> None:
    """HTML for people, JSON for programs."""
    result = run("report", history / "complaints.csv", "--out", tmp_path / "r")
    assert result.exit_code == 0, result.output
    assert "X5-B07" in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    content = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))
    assert content["findings"]


def test_train_evaluate_and_list_ones_own_model(history: Path) -> None:
    """A model of one's own labels is signed, judged and found again."""
    table = history / "complaints.csv"
    trained = answer("train", table, "--name", "mine", "--target", "category")
    assert trained["model"] == {"name": "mine", "version": "1.0.0"}
    found = answer("evaluate", "mine", history / "examples.csv")
    assert found["targets"]["category"]["n"] > 30
    names = {(model["name"], model["origin"]) for model in answer("models")}
    assert ("mine", "trained here") in names
    assert ("hotline", "shipped") in names


def test_import_stores_each_row_once(texts: Path) -> None:
    """A second import adds nothing; refused rows are named."""
    first = answer("import", texts)
    assert (first["rows_in"], first["rows_ok"], first["rows_added"]) == (5, 3, 3)
    assert first["rows_rejected"] == 2
    assert answer("import", texts)["rows_added"] == 0


def test_keys_are_shown_once(tmp_path: Path) -> None:
    """The list never shows the key itself."""
    key = answer("keys", "create", "crm", "--role", "handler")["key"]
    [listed] = answer("keys", "list")
    assert listed["name"] == "crm"
    assert key not in json.dumps(listed)
    assert run("keys", "revoke", listed["id"]).exit_code == 0
    assert answer("keys", "list")[0]["revoked_at"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["classify", "none.csv"], 1, "there is no file"),
        (["evaluate", "nobody", "none.csv"], 1, "there is no file"),
        (["classify", "{texts}", "--map", "text"], 2, "is no COLUMN=HEADER"),
        (["classify", "{texts}", "--map", "text=body"], 1, "'body' (for text) is not there"),
        (["classify", "{texts}", "--model", "nobody"], 1, "there is no model 'nobody'"),
        (["evaluate", "complaints", "{texts}"], 1, "has no labels"),
        (["mine", "{texts}"], 1, "has no column 'issues'"),
        (["report", "{texts}", "--from", "soon", "--out", "r"], 2, "write 2026-01-31"),
        (["train", "{texts}", "--name", "hotline"], 2, "name of a shipped model"),
        (["classify", "{texts}", "--map", "id=id", "--map", "id=note"], 2, "names 'id' twice"),
        (["classify", "{texts}", "--out", "/"], 2, "is a folder"),
        (["keys", "create", "x", "--role", "king"], 2, "king"),
        (["classify"], 2, "Missing argument"),
        (["example", "--out", "x", "--weeks", "0"], 2, "weeks is 0"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(
    arguments: list[str], code: int, words: str, texts: Path
) -> None:
    """Exit code 1 for what failed, 2 for wrong use, never a stack trace."""
    result = run(*(argument.replace("{texts}", str(texts)) for argument in arguments))
    flat = " ".join(result.output.replace("│", " ").split())
    assert result.exit_code == code, result.output
    assert words in flat
    assert "Traceback" not in result.output
