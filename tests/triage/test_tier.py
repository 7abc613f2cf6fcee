"""Worked sentences: what the tier is and why."""

from __future__ import annotations

from datetime import datetime

import pytest

from domain.calendar import CHINA
from domain.errors import SettingRefused
from triage.desk import Desk
from triage.tier import TierPolicy

NOON = datetime(2026, 3, 10, 12, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("热水器漏电，洗澡的时候我触电了，胳膊现在还是麻的", "触电"),
        ("充电宝充电时起火，把沙发烧了一个大洞", "起火"),
        ("电动车刹车失灵，差点撞到墙上", "刹车失灵"),
        ("家里燃气泄漏两个小时了没人来", "燃气泄漏"),
        ("吃了他家的凉菜，全家食物中毒，正在医院抢救", "食物中毒"),
        ("电梯突然下坠，我妈被困电梯四十分钟", "被困电梯"),
        ("保安把我打伤了，头上缝了五针", "打伤"),
        ("他们以投资为名诈骗老人养老钱，受害人有上百个", "诈骗"),
        ("我已经向法院起诉，等着收传票吧", "起诉"),
        ("我们三十多户业主联名要求退房", "联名"),
        ("几十名农民工被拖欠工资，过年都回不了家", "农民工"),
    ],
)
def test_what_is_stated_is_grave_and_says_why(desk: Desk, text: str, word: str) -> None:
    """重大 with the words that did it."""
    tier = desk.decide(text, NOON, explain=False).tier
    assert tier.label == "重大"
    assert any(word in reason for reason in tier.reasons)


@pytest.mark.parametrize(
    "text",
    [
        "没有安全隐患，就是声音有点大",
        "这点小事我不会起诉的，换一个新的就行",
        "裙子颜色和图片不一样，有点失望",
        "等了二十分钟才上菜，味道一般",
        "建议小区门口多装几盏灯",
        "快递比预计晚到了一天",
        "价格有点贵，性价比不高",
    ],
)
def test_what_is_denied_or_slight_is_ordinary(desk: Desk, text: str) -> None:
    """普通, and the reasons say that nothing else was seen."""
    tier = desk.decide(text, NOON, explain=False).tier
    assert tier.label == "普通"
    assert "未见人身危险" in tier.reasons[0]


@pytest.mark.parametrize(
    "text", ["没有起火也没有人受伤，就是插头有点松", "听说别的型号起火过，我这台就是慢"]
)
def test_denial_and_hearsay_state_no_danger(desk: Desk, text: str) -> None:
    """Words alone never decide here."""
    reasons = desk.decide(text, NOON, explain=False).tier.reasons
    assert "文中已写明，不再由评分否决" not in reasons


def test_every_tier_gives_a_reason(desk: Desk) -> None:
    """Whatever it is."""
    texts = ["停水两天了，家里有老人小孩", "冰箱不制冷，菜都坏了", "谢谢", "我要上访"]
    assert all(d.tier.reasons for d in desk.decide_many(texts, NOON))  # type: ignore[union-attr]


@pytest.mark.parametrize("cost", [0.5, 0, -1, 1001])
def test_a_cost_that_makes_no_sense_is_refused(cost: float) -> None:
    """A miss costs at least as much as a false alarm."""
    with pytest.raises(SettingRefused, match="from 1 to 1000"):
        TierPolicy(cost_of_miss=cost)


def test_the_threshold_follows_from_the_cost() -> None:
    """Elkan's rule: act where the expected cost of acting is the smaller one."""
    for cost in (1, 4, 19):
        threshold = TierPolicy(cost_of_miss=cost).threshold
        assert threshold * cost == pytest.approx(1 - threshold)
