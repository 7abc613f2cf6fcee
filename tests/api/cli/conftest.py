"""Commands are tried in folders of their own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command has a data directory of its own."""
    monkeypatch.setenv("SUYUAN_DATA_DIR", str(tmp_path / "data"))
