"""What issue codes mean where they are not Suyuan's own: from a table of codes, or row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from api.services.tables import read_table
from domain.errors import ColumnMissing
from domain.taxonomy import Taxonomy

NAMES_COLUMN = "issue_names"
_CODES = ("code", "issue_code", "issue", "问题编码", "编码", "代码")
_NAMES = ("name", "issue_name", "issue_name_zh", "问题名称", "名称")
_GROUPS = ("category", "system_zh", "类别", "一级分类")


def read_issue_names(path: Path) -> dict[str, str]:
    """Names by code; where the table tells a code's category, it stands before the name."""
    frame = read_table(path).frame
    code, name = _column(frame, _CODES, path), _column(frame, _NAMES, path)
    group = next((column for column in _GROUPS if column in frame.columns), None)
    names: dict[str, str] = {}
    for _, row in frame.iterrows():
        key, said = str(row[code]).strip(), str(row[name]).strip()
        over = str(row[group]).strip() if group else ""
        if key and said:
            names[key] = said if not over or said.startswith(over) else f"{over}-{said}"
    return names


def _column(frame: pd.DataFrame, known: tuple[str, ...], path: Path) -> str:
    found = next((column for column in known if column in frame.columns), None)
    if found is None:
        raise ColumnMissing(
            f"{path.name} has the columns {', '.join(frame.columns[:12])}; needed are "
            f"{_CODES[0]} and {_NAMES[0]}"
        )
    return found


def names_beside(frame: pd.DataFrame, taxonomy: Taxonomy) -> Mapping[str, str]:
    """Names of foreign codes from a column ``issue_names`` that goes along with ``issues``.

    A row counts where both hold equally many parts; of several names the commonest holds.
    """
    if NAMES_COLUMN not in frame.columns or "issues" not in frame.columns:
        return {}
    seen: dict[str, Counter[str]] = {}
    pairs = Counter(zip(frame["issues"], frame[NAMES_COLUMN], strict=True))
    for (codes, names), rows in pairs.items():
        left, right = _parts(str(codes)), _parts(str(names))
        if len(left) != len(right):
            continue
        for code, name in zip(left, right, strict=True):
            if code and name and code not in taxonomy:
                seen.setdefault(code, Counter())[name] += rows
    return {code: max(sorted(found), key=found.__getitem__) for code, found in seen.items()}


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.replace("｜", "|").split("|")]
