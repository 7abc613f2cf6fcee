"""The same complaint in other code points, and texts that are no complaint."""

from __future__ import annotations

import unicodedata
from datetime import datetime

import pytest
from opencc import OpenCC

from domain.calendar import CHINA
from domain.taxonomy import NO_COMPLAINT
from tests.triage.sentences import COMPLAINTS
from triage.desk import Desk

NOON = datetime(2026, 3, 10, 12, tzinfo=CHINA)


def full_width(text: str) -> str:
    """ASCII as full-width forms."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def zero_width(text: str) -> str:
    """A zero-width space after every third character."""
    return "".join(c + "\u200b" if i % 3 == 2 else c for i, c in enumerate(text))


def emoji(text: str) -> str:
    """Emoji sprinkled in, one of several code points among them."""
    return "".join(
        c + ("😡", "👨‍👩‍👧", "❗️")[i % 3] if i % 5 == 4 else c for i, c in enumerate(text)
    )


def compatibility(text: str) -> str:
    """Compatibility ideographs where there are any."""
    table = {unicodedata.normalize("NFKC", chr(p)): chr(p) for p in range(0xF900, 0xFA6E)}
    return "".join(table.get(c, c) for c in text)


def blanks(text: str) -> str:
    """Blanks of three kinds between the characters."""
    return "".join(c + (" ", "\u3000", "\n")[i % 3] for i, c in enumerate(text)).strip()


def traditional(text: str) -> str:
    """Traditional forms."""
    return OpenCC("s2t").convert(text)


def canonical(text: str) -> str:
    """Canonically decomposed."""
    return unicodedata.normalize("NFD", text)


def labels(desk: Desk, text: str) -> tuple[object, ...]:
    """All that is decided by labels."""
    decision = desk.decide(text, NOON, explain=False)
    codes = tuple(issue.code for issue in decision.issues)
    return decision.category.name, codes, decision.tier.label, decision.sentiment.label


@pytest.mark.parametrize(
    "noise", [full_width, zero_width, emoji, compatibility, blanks, traditional, canonical]
)
@pytest.mark.parametrize("text", COMPLAINTS)
def test_noise_changes_no_label(desk: Desk, text: str, noise: object) -> None:
    """Width, marks, emoji, traditional and compatibility forms are one complaint."""
    assert labels(desk, noise(text)) == labels(desk, text)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("slip", "plain"),
    [
        ("手机屏慕一直闪，看不清楚", "手机屏幕一直闪，看不清楚"),
        ("kuaidi三天了还没送到", "快递三天了还没送到"),
        ("退款申情半个月了还没到帐", "退款申请半个月了还没到账"),
        ("啥破空调，一点都不制冷，咋整啊", "什么破空调，一点都不制冷，怎么办啊"),
        ("客服态渡很差，说话很冲", "客服态度很差，说话很冲"),
    ],
)
def test_slips_of_the_pen_keep_the_category(desk: Desk, slip: str, plain: str) -> None:
    """Typos, pinyin and dialect leave enough to go by."""
    assert labels(desk, slip)[0] == labels(desk, plain)[0]


def test_mixed_english_is_read(desk: Desk) -> None:
    """Latin letters beside Chinese ones."""
    category = labels(desk, "Airpods左耳no sound，客服just say sorry，质量太poor了")[0]
    assert category == "产品质量"


@pytest.mark.parametrize(
    "text", ["客服态度非常好，问题当天就解决了，谢谢你们！", "东西很不错，非常满意，下次还来"]
)
def test_praise_is_no_complaint(desk: Desk, text: str) -> None:
    """Thanks have no issue code and a good mood."""
    category, codes, tier, mood = labels(desk, text)
    assert (category, codes, tier, mood) == (NO_COMPLAINT, (), "普通", "正面")


@pytest.mark.parametrize(
    "text",
    ["请问会员积分怎么兑换礼品？", "请问你们周末几点开门？", "加微信领红包，低价代购各种名牌包包"],
)
def test_questions_and_spam_are_ordinary(desk: Desk, text: str) -> None:
    """Nothing of them is urgent."""
    assert labels(desk, text)[2] == "普通"
