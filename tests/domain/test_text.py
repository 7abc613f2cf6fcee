import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import TextRefused
from domain.text import clean, code_points, fold, fold_table, has_chinese

SENTENCE = "手机用了三天屏幕一直闪，客服电话打不通"


@pytest.mark.parametrize(
    ("noisy", "plain"),
    [
        ("ＡＰＰ打不开", "app打不开"),
        ("屏\u200b幕\ufeff闪", "屏幕闪"),
        ("螢幕閃爍，賣家不退錢", "萤幕闪烁,卖家不退钱"),
        ("太差了😡👍🏽", "太差了"),
        ("充电\u3000器", "充电 器"),
        ("\uf900\u2f800"[:1] + "杰", "岂杰"),
        ("e\u0301店", "e店"),
        ("３天①次", "3天1次"),
    ],
)
def test_noise_folds_to_the_plain_text(noisy: str, plain: str) -> None:
    """Width, invisible characters, traditional forms, emoji and marks make no difference."""
    assert fold(noisy).text == plain


@given(st.text())
def test_a_fold_never_grows_and_its_map_points_back(text: str) -> None:
    """Each folded character stands where its original stood, in order."""
    folded = fold(text)
    assert len(folded.text) == len(folded.origin) <= len(text)
    assert np.all(np.diff(folded.origin) > 0)
    assert all(0 <= at < len(text) for at in folded.origin)


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    """The folded copy is its own fold."""
    once = fold(text).text
    assert fold(once).text == once


def test_a_span_of_the_fold_is_found_in_the_original() -> None:
    """Offsets survive dropped characters."""
    text = "屏\u200b幕\u200b一直闪"
    folded = fold(text)
    start = folded.text.index("幕一")
    first, last = folded.span(start, start + 2)
    assert text[first:last] == "幕\u200b一"


def test_code_points_of_astral_characters_are_whole() -> None:
    """An emoji is one code point, not a surrogate pair."""
    assert code_points("😡").tolist() == [0x1F621]


def test_the_fold_table_is_read_only() -> None:
    """Nobody can change what characters fold to while the service runs."""
    with pytest.raises(ValueError, match="read-only"):
        fold_table()[0] = 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (" \u3000\n", "is empty"),
        ("\x01\x02", "is empty"),
        ("屏\x00幕", r"U\+0000"),
        ("屏\ud800幕", "surrogate"),
        ("the screen flickers", "no Chinese"),
        ("😡😡！！", "no Chinese"),
        ("闪" * 10_001, "10,001 characters; at most 10,000"),
    ],
)
def test_texts_that_cannot_be_taken_are_refused_with_the_reason(text: str, reason: str) -> None:
    """Each refusal says what would be right."""
    with pytest.raises(TextRefused, match=reason):
        clean(text)


def test_clean_keeps_what_people_wrote() -> None:
    """Only controls, line ends and outer blanks are touched."""
    assert clean(f"\ufeff {SENTENCE}\x07\r\n再不退！ ") == f"{SENTENCE}\n再不退！"


def test_the_longest_text_is_taken() -> None:
    """Ten thousand code points are a complaint."""
    assert len(clean("闪" * 10_000)) == 10_000


def test_rare_ideographs_count_as_chinese() -> None:
    """Names in extension B are Chinese."""
    assert has_chinese("\U00020bb7")
