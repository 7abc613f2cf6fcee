"""The notebooks run as they stand, define nothing, and keep no output."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parents[2]
BOOKS = sorted((HERE / "notebooks").glob("*.ipynb"))
NAMES = [
    "01_explore_history",
    "02_retrain_and_compare",
    "03_mine_root_causes",
    "04_measure_an_improvement",
]
_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def test_the_four_notebooks_are_there() -> None:
    """One question each."""
    assert [book.stem for book in BOOKS] == NAMES


@pytest.mark.parametrize("book", BOOKS, ids=NAMES)
def test_a_notebook_imports_and_defines_nothing(book: Path) -> None:
    """What is worth defining belongs into a room, where it is tested; outputs stay out."""
    for cell in nbformat.read(book, as_version=4).cells:
        if cell.cell_type == "code":
            assert not any(isinstance(node, _DEFINES) for node in ast.walk(ast.parse(cell.source)))
            assert not cell.outputs
            assert cell.execution_count is None


def _run(notebook: nbformat.NotebookNode) -> list[str]:
    """What a notebook shows."""
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(HERE)}}).execute()
    return [
        str(output.get("data", {}).get("text/html", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    ]


@pytest.fixture(autouse=True)
def found_by_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel imports the same rooms as the tests."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def test_an_analyst_points_a_notebook_at_a_file_by_one_cell(tmp_path: Path) -> None:
    """A foreign table with other headers and fewer columns; what it lacks is decided."""
    rows = [f"{n},屏幕闪了第{n}次，退款也一直不到,2026-02-{n % 28 + 1:02}" for n in range(120)]
    file = tmp_path / "own.csv"
    file.write_text("\n".join(["单号,留言,日期", *rows]), "utf-8")
    notebook = nbformat.read(BOOKS[0], as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    mapping = {"id": "单号", "text": "留言", "received_at": "日期"}
    cell.source = f"from pathlib import Path\nfile, mapping = Path({str(file)!r}), {mapping!r}"
    kept = [each for each in notebook.cells if "suspected_labels" not in each.source]
    notebook.cells = [each for each in kept if "next_texts" not in each.source]
    assert sum("<svg" in html for html in _run(notebook)) >= 3


@pytest.mark.parametrize("book", BOOKS, ids=NAMES)
def test_a_notebook_runs_and_shows_pictures(book: Path) -> None:
    """Within two minutes, on the example history that it writes itself."""
    notebook = nbformat.read(book, as_version=4)
    assert sum("<svg" in html for html in _run(notebook)) >= 1
    if kept := os.environ.get("SUYUAN_KEEP_NOTEBOOKS"):
        nbformat.write(notebook, Path(kept) / book.name)
