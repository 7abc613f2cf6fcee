from pathlib import Path

import pytest

from domain.errors import TaxonomyError
from domain.taxonomy import NO_COMPLAINT, Code, Taxonomy, read_taxonomy, shipped_taxonomy


def test_the_shipped_taxonomy_has_its_33_codes_in_ten_categories() -> None:
    """Nine of trade, and 其他."""
    taxonomy = shipped_taxonomy()
    assert len(taxonomy) == 33
    assert len(taxonomy.categories) == 10


def test_the_main_issue_gives_the_category() -> None:
    """The first code decides; no code means no complaint."""
    taxonomy = shipped_taxonomy()
    assert taxonomy.category_of(["4001", "5001"]) == "物流配送"
    assert taxonomy.category_of([]) == NO_COMPLAINT


def test_category_codes_are_the_common_start_of_their_leaves() -> None:
    """产品质量 is 1, 其他 is 0, and no complaint has none."""
    taxonomy = shipped_taxonomy()
    assert taxonomy.category_code("产品质量") == "1"
    assert taxonomy.category_code("其他") == "0"
    assert taxonomy.category_code(NO_COMPLAINT) is None


def test_a_category_whose_codes_do_not_nest_is_its_own_code() -> None:
    """Names serve where numbers can't."""
    taxonomy = Taxonomy(
        [Code("A1", ("甲", "一")), Code("A2", ("乙", "二")), Code("B1", ("甲", "三"))]
    )
    assert taxonomy.category_code("甲") == "甲"


def test_the_version_changes_with_a_name() -> None:
    """A renamed leaf is another taxonomy."""
    before = Taxonomy([Code("1001", ("产品", "故障"))])
    after = Taxonomy([Code("1001", ("产品", "缺陷"))])
    assert before.version != after.version


def test_a_code_may_stand_only_once() -> None:
    """The error names the code."""
    with pytest.raises(TaxonomyError, match="'1001' stands twice"):
        Taxonomy([Code("1001", ("甲",)), Code("1001", ("乙",))])


def test_an_unknown_code_is_named() -> None:
    """The error shows what is known."""
    with pytest.raises(TaxonomyError, match="'9999' is unknown; known are 1001"):
        shipped_taxonomy().name("9999")


def test_three_levels_are_read(tmp_path: Path) -> None:
    """Deeper levels may be empty."""
    file = tmp_path / "codes.csv"
    file.write_text(
        "code,level1,level2,level3\n010101,城建,道路,路灯\n0102,城建,绿化,\n", encoding="utf-8"
    )
    taxonomy = read_taxonomy(file)
    assert taxonomy.codes["010101"].path == ("城建", "道路", "路灯")
    assert taxonomy.name("0102") == "绿化"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("name\n甲\n", "needed are code and category"),
        ("code,category,issue\n,甲,乙\n", "line 2 has no code"),
        ("code,category,issue\n", "is empty"),
    ],
)
def test_a_broken_taxonomy_file_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    """The error says which line and what would be right."""
    file = tmp_path / "codes.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(TaxonomyError, match=reason):
        read_taxonomy(file)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are no reason to break."""
    file = tmp_path / "codes.csv"
    file.write_bytes("code,category\n1,质量\n".encode("gb18030"))
    with pytest.raises(TaxonomyError, match="is no UTF-8 text"):
        read_taxonomy(file)
