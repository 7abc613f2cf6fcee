"""Words that matter: found, denied, supposed, heard of, or hidden in harmless ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SettingRefused
from triage.lexicon import COUNTED, Entry, Lexicon, read_lexicon, shipped_lexicon


def stated(text: str) -> set[str]:
    """Kinds of words that a text states."""
    counts = shipped_lexicon().find([text]).counts[0]
    return {kind for kind, count in zip(COUNTED, counts, strict=True) if count}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("热水器漏电，我被电到了", "harm"),
        ("插座冒火花，很危险", "danger"),
        ("我已经起诉他们了", "court"),
        ("如果不退款我就起诉", "court"),
        ("已报警，等警察来", "police"),
        ("律师函已经寄出去了", "certain_major"),
        ("今晚我就把视频发抖音曝光", "certain_major"),
        ("我要找媒体曝光", "certain_major"),
        ("东西被偷，已报警", "certain_major"),
        ("一摸就麻", "certain_major"),
        ("如果再不处理，我就起诉", "court"),
        ("不得不报警处理", "police"),
        ("对方就是诈骗团伙", "crime"),
        ("我们已经联名写信", "group"),
        ("再不解决就找记者曝光", "media"),
        ("几十户居民停水三天", "collective_loss"),
        ("开不了机，完全不能用", "outage"),
        ("押金不退，电话不接", "money"),
        ("吵得我整夜睡不着", "sleep"),
        ("菜里有头发", "foreign"),
        ("我要去消协投诉", "authority"),
        ("刹车失灵可能出车祸", "danger"),
    ],
)
def test_a_stated_word_is_found(text: str, kind: str) -> None:
    """What a text says outright counts."""
    assert kind in stated(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("没有起火，只是有点热", "harm"),
        ("我不会起诉的，放心", "court"),
        ("不想报警，只想退钱", "police"),
        ("不想找媒体曝光", "media"),
        ("可以起诉他们吗？", "court"),
        ("如何起诉商家", "court"),
        ("要不要报警", "police"),
        ("如果起诉要准备什么", "court"),
        ("听说有人找媒体曝光", "media"),
        ("网上有曝光", "certain_major"),
        ("打过110报噪音", "certain_major"),
        ("晚上噪音太大，已报警三次", "certain_major"),
        ("没有人受伤", "harm"),
        ("并没有触电", "harm"),
        ("万一失火怎么办", "harm"),
        ("如果爆炸了谁负责", "harm"),
        ("担心会触电", "harm"),
        ("可能出车祸", "harm"),
        ("听说别的小区有人触电", "harm"),
        ("据说他们诈骗过老人", "crime"),
        ("报警器一直响", "police"),
        ("消防员来检查过", "harm"),
        ("这款手机是爆款", "harm"),
        ("防触电插座质量一般", "harm"),
        ("不是诈骗，是我看错了", "crime"),
    ],
)
def test_a_denied_supposed_heard_or_harmless_word_is_not(text: str, kind: str) -> None:
    """Denial, supposition, hearsay and longer words take the force of a word."""
    assert kind not in stated(text)


def test_what_softens_a_word_is_told() -> None:
    """A word that is not stated is met all the same, with what takes its force."""
    found = shipped_lexicon().find(["我不会起诉", "如果起诉", "听说要起诉", "起诉吗", "已经起诉"])
    told = [next(hit.softened for hit in found.met(i) if hit.word == "起诉") for i in range(5)]
    assert told == ["已否认", "属假设", "属转述", "属疑问", ""]
    assert not any(hit.kind == "court" for i in range(4) for hit in found.hits(i))


def test_a_question_takes_no_force_from_another_clause() -> None:
    """One may announce and ask in one breath."""
    assert "certain_major" in stated("我已经起诉了，你们管吗")


def test_denial_ends_with_its_clause() -> None:
    """A denial in one clause does not reach into the next."""
    assert "harm" in stated("没有人管，孩子触电了")


def test_a_denial_reaches_only_some_letters() -> None:
    """Single letters of denial carry two letters far and no farther."""
    assert "harm" in stated("他不听劝阻结果触电了")


def test_supposition_does_not_touch_what_stands_before_it() -> None:
    """What is stated first stays stated."""
    assert "harm" in stated("已经触电一次了可能还会有")


def test_a_crowd_and_a_loss_count_together_only_within_a_sentence() -> None:
    """People in one sentence and a loss in another are no collective loss."""
    assert "collective_loss" not in stated("几十户居民很热情。昨天停水了。")


def test_hits_point_into_the_original_text() -> None:
    """Offsets are those of the text as written, with what folding drops."""
    text = "家里 漏\u200b电😡，真的"
    hit = next(iter(shipped_lexicon().find([text]).hits(0)))
    assert text[hit.start : hit.end] == "漏\u200b电"
    assert hit.word == "漏电"


def test_traditional_and_full_width_forms_are_found() -> None:
    """Folding comes before the words."""
    assert "danger" in stated("瓦斯洩漏？不，是燃氣洩漏！")


@given(st.lists(st.text(max_size=60), max_size=5))
def test_texts_do_not_disturb_each_other(texts: list[str]) -> None:
    """A batch finds what each text alone holds."""
    lexicon = shipped_lexicon()
    together = lexicon.find(texts)
    for i, text in enumerate(texts):
        alone = lexicon.find([text])
        assert together.counts[i].tolist() == alone.counts[0].tolist()
        assert list(together.hits(i)) == list(alone.hits(0))


def test_many_more_hits_than_texts_are_kept() -> None:
    """The table of hits grows as it must."""
    text = "触电" * 5_000
    assert sum(1 for _ in shipped_lexicon().find([text]).hits(0)) == 5_000


@given(st.text(alphabet="甲乙丙不，。", max_size=40))
def test_the_automaton_finds_what_a_plain_search_finds(text: str) -> None:
    """Every occurrence of every word, overlapping ones too."""
    words = ("甲", "甲乙", "乙甲", "乙丙", "丙丙丙")
    lexicon = Lexicon([Entry(word, "harm") for word in words])
    found = sorted((hit.start, hit.end) for hit in lexicon.find([text]).hits(0))
    plain = [
        (i, i + len(word))
        for word in words
        for i in range(len(text))
        if text[i : i + len(word)] == word
    ]
    assert found == sorted(plain)


def test_an_unknown_kind_is_refused_by_name() -> None:
    """A slip in the file does not pass in silence."""
    with pytest.raises(SettingRefused, match="'damage' of '坏' is unknown"):
        Lexicon([Entry("坏", "damage")])


def test_a_word_with_a_blank_is_refused() -> None:
    """It could never be found."""
    with pytest.raises(SettingRefused, match="holds a blank"):
        Lexicon([Entry("漏 电", "danger")])


def test_a_lexicon_is_read_from_a_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Columns word, kind, certain, reach."""
    path = tmp_path / "own.csv"
    path.write_text("word,kind,certain,reach\n跳闸,danger,重大,\n没:,no,,\n", encoding="utf-8")
    assert read_lexicon(path).entries[0] == Entry("跳闸", "danger", "重大", 0)
