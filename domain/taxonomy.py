"""Issue codes and the categories above them."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from domain.errors import TaxonomyError

NO_COMPLAINT = "无投诉"
MAX_ISSUES = 4


@dataclass(frozen=True)
class Code:
    """One leaf of a taxonomy.

    Attributes
    ----------
    code : str
        What tables and decisions carry.
    path : tuple of str, length 1 to 3
        Names from the category down to the leaf.
    definition : str
        What belongs here, in a sentence.
    """

    code: str
    path: tuple[str, ...]
    definition: str = ""

    @property
    def name(self) -> str:
        """The leaf's own name."""
        return self.path[-1]

    @property
    def category(self) -> str:
        """Name of the first level."""
        return self.path[0]


class Taxonomy:
    """Codes in one to three levels.

    Parameters
    ----------
    codes : iterable of Code
        The leaves, each code once.

    Raises
    ------
    TaxonomyError
        A code stands twice or none is given.

    Examples
    --------
    >>> taxonomy = shipped_taxonomy()
    >>> taxonomy.name("1002"), taxonomy.category("1002"), taxonomy.category_code("产品质量")
    ('性能不稳', '产品质量', '1')
    """

    def __init__(self, codes: Iterable[Code]) -> None:
        self.codes: dict[str, Code] = {}
        for code in codes:
            if code.code in self.codes:
                raise TaxonomyError(f"code {code.code!r} stands twice; each may stand once")
            self.codes[code.code] = code
        if not self.codes:
            raise TaxonomyError("the taxonomy is empty; give at least one code")

    def __contains__(self, code: object) -> bool:
        return code in self.codes

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def categories(self) -> list[str]:
        """Names of the first level, in the order of the codes."""
        return list(dict.fromkeys(code.category for code in self.codes.values()))

    @cached_property
    def version(self) -> str:
        """Twelve hexadecimal digits that change with any code, name or level."""
        lines = ("\t".join((code.code, *code.path)) for code in self.codes.values())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]

    def name(self, code: str) -> str:
        """Name of a leaf; `TaxonomyError` when the code is unknown."""
        return self._leaf(code).name

    def category(self, code: str) -> str:
        """Name of the category that a leaf belongs to."""
        return self._leaf(code).category

    def category_of(self, issues: Sequence[str]) -> str:
        """Category of a complaint: that of its main issue, 无投诉 when it has none."""
        return self.category(issues[0]) if issues else NO_COMPLAINT

    def category_code(self, category: str) -> str | None:
        """What a category's codes start with, its name where they don't nest; None if unknown."""
        return self._category_codes.get(category)

    @cached_property
    def _category_codes(self) -> dict[str, str]:
        longest = max(map(len, self.codes))
        for length in range(1, longest + 1):
            owners = {(code.code[:length], code.category) for code in self.codes.values()}
            if len(owners) == len({stem for stem, _ in owners}) == len(self.categories):
                return {category: stem for stem, category in owners}
        return {category: category for category in self.categories}

    def _leaf(self, code: str) -> Code:
        try:
            return self.codes[code]
        except KeyError:
            known = ", ".join(list(self.codes)[:5])
            raise TaxonomyError(f"code {code!r} is unknown; known are {known}, …") from None


def read_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy from a CSV file.

    Parameters
    ----------
    path : Path
        UTF-8; columns ``code``, then either ``category, issue`` or ``level1, level2, level3``
        (deeper levels may be empty), and optionally ``definition``.

    Returns
    -------
    Taxonomy

    Raises
    ------
    TaxonomyError
        It is not UTF-8, a column is missing, a code is empty or stands twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise TaxonomyError(f"{path.name} is no UTF-8 text; save it as UTF-8") from None
    with io.StringIO(text, newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        levels = [
            name for name in ("category", "issue", "level1", "level2", "level3") if name in columns
        ]
        if "code" not in columns or not levels:
            raise TaxonomyError(
                f"columns are {', '.join(columns) or 'none'}; "
                "needed are code and category, issue (or level1, level2, level3)"
            )
        return Taxonomy(_code(row, levels, line) for line, row in enumerate(reader, start=2))


def _code(row: dict[str, str], levels: Sequence[str], line: int) -> Code:
    path = tuple(row[level].strip() for level in levels if (row[level] or "").strip())
    code = (row["code"] or "").strip()
    if not code or not path:
        raise TaxonomyError(f"line {line} has no code or no name; both are needed")
    return Code(code, path, (row.get("definition") or "").strip())


@cache
def shipped_taxonomy() -> Taxonomy:
    """The 33 codes in ten categories that Suyuan comes with."""
    return read_taxonomy(Path(__file__).with_name("taxonomy.csv"))
