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


@pytest.mark.parametrize("book", BOOKS, ids=NAMES)
def test_a_notebook_runs_and_shows_pictures(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within two minutes, on the example history that it writes itself."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(book, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(HERE)}}).execute()
    shown = [
        str(output.get("data", {}).get("text/html", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    ]
    assert sum("<svg" in html for html in shown) >= 1
    if kept := os.environ.get("SUYUAN_KEEP_NOTEBOOKS"):
        nbformat.write(notebook, Path(kept) / book.name)
