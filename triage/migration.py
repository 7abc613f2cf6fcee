"""From the codes of an old taxonomy to those of a new one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from domain.errors import TableUnreadable, TaxonomyError
from domain.taxonomy import Code, Taxonomy

Map = Mapping[str, str]


def read_migration(path: Path) -> dict[str, str]:
    """Read a migration map from a CSV file with the columns ``old, new``.

    An empty ``new`` says that the old code has no successor: rows that carry it lose it.

    Parameters
    ----------
    path : Path
        UTF-8.

    Returns
    -------
    dict of str to str

    Raises
    ------
    TaxonomyError
        A column is missing, an old code stands twice, or the map leads in a circle.
    TableUnreadable
        The file is no UTF-8 text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except UnicodeDecodeError:
        raise TableUnreadable(f"{path.name} is no UTF-8 text; save it as UTF-8") from None
    if not rows or not {"old", "new"} <= set(rows[0]):
        raise TaxonomyError(f"{path.name} needs the columns old and new and at least one row")
    found: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        old = (row["old"] or "").strip()
        if not old or old in found:
            raise TaxonomyError(f"line {line} of {path.name} has no old code, or one seen before")
        found[old] = (row["new"] or "").strip()
    for old in found:
        _successor(old, found)
    return found


def migrated(codes: Iterable[str], migration: Map, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Codes of one row in the new taxonomy, each once, in their order.

    A code that the map names is replaced, along the map as far as it leads; any other must be
    one of the new taxonomy's.

    Parameters
    ----------
    codes : iterable of str
    migration : mapping of old code to new code
        The empty string for codes without a successor.
    taxonomy : Taxonomy
        The new one.

    Returns
    -------
    tuple of str

    Raises
    ------
    TaxonomyError
        A code is neither in the map nor in the taxonomy, or the map leads out of it.

    Examples
    --------
    >>> new = Taxonomy([Code("A1", ("甲",)), Code("B1", ("乙",))])
    >>> migrated(["01", "B1", "02"], {"01": "A1", "02": ""}, new)
    ('A1', 'B1')
    """
    successors = [_successor(code, migration) for code in codes]
    strange = [code for code in successors if code and code not in taxonomy]
    if strange:
        raise TaxonomyError(
            f"code {strange[0]!r} is not in the new taxonomy; add it to the migration map"
        )
    return tuple(dict.fromkeys(code for code in successors if code))


def taxonomy_of(labels: Sequence[str]) -> Taxonomy:
    """A taxonomy of one level, made of the labels that a table holds.

    Parameters
    ----------
    labels : sequence of str
        Also leaf names joined to their parents by ``/`` or ``>``, up to three levels.

    Returns
    -------
    Taxonomy
        The label is code and name alike.

    Examples
    --------
    >>> taxonomy_of(["供水/水压", "供电", "供水/水压"]).category("供水/水压")
    '供水'
    """
    return Taxonomy(Code(label, _path(label)) for label in sorted(set(labels)))


def _path(label: str) -> tuple[str, ...]:
    levels = tuple(level.strip() for level in label.replace(">", "/").split("/") if level.strip())
    if not 1 <= len(levels) <= 3:
        raise TaxonomyError(f"label {label[:40]!r} has {len(levels)} levels; one to three may be")
    return levels


def _successor(code: str, migration: Map) -> str:
    seen = [code]
    while code in migration and migration[code] != code:
        code = migration[code]
        if code in seen:
            raise TaxonomyError(f"the migration map leads in a circle: {' → '.join([*seen, code])}")
        seen.append(code)
    return code
