"""Old codes become new ones, or the reason why not is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import TableUnreadable, TaxonomyError
from domain.taxonomy import Code, Taxonomy
from triage.migration import migrated, read_migration, taxonomy_of

NEW = Taxonomy([Code("A1", ("甲", "一")), Code("A2", ("甲", "二")), Code("B1", ("乙", "一"))])


def written(directory: Path, lines: str) -> Path:
    """A migration map as a file."""
    path = directory / "map.csv"
    path.write_text(lines, encoding="utf-8")
    return path


def test_codes_follow_the_map_to_its_end(tmp_path: Path) -> None:
    """Two migrations in a row, a merger, and a code that stays."""
    moves = read_migration(written(tmp_path, "old,new\n1,1b\n1b,A1\n2,A1\n3,\n"))
    assert migrated(["1", "2", "B1"], moves, NEW) == ("A1", "B1")


def test_a_code_without_a_successor_is_dropped(tmp_path: Path) -> None:
    """The row keeps its other codes."""
    moves = read_migration(written(tmp_path, "old,new\n3,\n"))
    assert migrated(["3", "A2"], moves, NEW) == ("A2",)


def test_an_unmapped_code_is_named() -> None:
    """Nothing is guessed."""
    with pytest.raises(TaxonomyError, match="code '9' is not in the new taxonomy"):
        migrated(["9"], {}, NEW)


def test_a_map_out_of_the_taxonomy_is_named() -> None:
    """The end of the map must be a code of the new taxonomy."""
    with pytest.raises(TaxonomyError, match="code 'C1'"):
        migrated(["1"], {"1": "C1"}, NEW)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("old,new\n1,2\n2,1\n", "in a circle: 1 → 2 → 1"),
        ("from,to\n1,2\n", "needs the columns old and new"),
        ("old,new\n1,A1\n1,A2\n", "line 3"),
        ("old,new\n,A1\n", "line 2"),
        ("old,new\n", "at least one row"),
    ],
)
def test_a_map_that_cannot_work_is_refused(tmp_path: Path, lines: str, message: str) -> None:
    """The message names the line or the circle."""
    with pytest.raises(TaxonomyError, match=message):
        read_migration(written(tmp_path, lines))


def test_a_map_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """The message says what would be right."""
    path = tmp_path / "map.csv"
    path.write_bytes("old,new\n水压不足,A1\n".encode("gb18030"))
    with pytest.raises(TableUnreadable, match="save it as UTF-8"):
        read_migration(path)


def test_labels_alone_make_a_taxonomy_of_up_to_three_levels() -> None:
    """Levels are read off the label."""
    taxonomy = taxonomy_of(["供水/水压/不足", "供水 > 水质", "供电"])
    assert set(taxonomy.categories) == {"供水", "供电"}
    assert taxonomy.codes["供水/水压/不足"].path == ("供水", "水压", "不足")
    with pytest.raises(TaxonomyError, match="4 levels"):
        taxonomy_of(["a/b/c/d"])
