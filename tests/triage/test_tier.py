"""Worked sentences: what the tier is and why."""

from __future__ import annotations

from datetime import datetime

import pytest

from domain.calendar import CHINA
from domain.errors import SettingRefused
from triage.desk import Desk
from triage.lexicon import shipped_lexicon
from triage.tier import TierPolicy, is_stated, is_taken_back, tier_reasons

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
        ("律师函已经寄出去了，法院见", "律师函"),
        ("今晚我就把视频发抖音曝光", "抖音曝光"),
        ("我要找媒体曝光", "找媒体"),
        ("钱包在店里被偷，已报警", "已报警"),
        ("充电宝在包里鼓包冒烟了，书都烧了个洞", "冒烟"),
        ("热水器一摸就麻，漏电，被打了", "漏电"),
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
    "text", ["手机相机的自动曝光不准，拍出来发白", "单反曝光过度，连拍时曝光时间不对"]
)
def test_a_camera_exposes_nobody(desk: Desk, text: str) -> None:
    """曝光 is the press only where it is no matter of light."""
    tier = desk.decide(text, NOON, explain=False).tier
    assert tier.label == "普通"
    assert not any("曝光" in reason for reason in tier.reasons)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("这点小事我不会起诉的，换一个新的就行", "起诉（已否认）"),
        ("可以起诉他们吗？", "起诉（属疑问）"),
        ("如果起诉要多少钱", "起诉（属假设）"),
        ("听说有人找媒体曝光过，我的快递还没到", "找媒体（属转述）"),
        ("店铺曝光太低，没有人看到", "曝光，单凭此不足以判为重大"),
        ("打过110报噪音，没人管", "打过110，单凭此不足以判为重大"),
    ],
)
def test_law_and_press_that_decide_nothing_are_named(desk: Desk, text: str, told: str) -> None:
    """Not 重大, and the reasons never say that nothing of law or press was seen."""
    tier = desk.decide(text, NOON, explain=False).tier
    assert tier.label != "重大"
    assert told in tier.reasons[0]
    assert not any("未见" in reason for reason in tier.reasons)


def test_words_that_are_all_taken_back_ask_for_a_higher_probability(desk: Desk) -> None:
    """Denied, heard of and asked about; one word stated or supposed beside them, and they don't."""
    texts = [
        "我不会起诉你们的",
        "听说有人找媒体曝光",
        "可以起诉他们吗？",
        "我不会起诉，可是已经报警了",
        "万一起火怎么办",
        "屏幕有亮线",
    ]
    found = shipped_lexicon().find(texts)
    assert is_taken_back(found).tolist() == [True, True, True, False, False, False]
    assert [desk.decide(text, NOON, explain=False).tier.label for text in texts[:3]] == ["普通"] * 3
    policy = TierPolicy()
    assert policy.high_threshold == pytest.approx(4 * policy.threshold)
    with pytest.raises(SettingRefused, match="taken_back_times"):
        TierPolicy(taken_back_times=0.5)


def test_the_police_called_over_noise_leave_the_tier_to_the_score() -> None:
    """The guide judges noise, parking and neighbours by the matter itself."""
    found = shipped_lexicon().find(["楼上噪音，已报警三次", "钱包被偷，已报警三次"])
    assert is_stated(found.counts).tolist() == [False, True]
    reasons = tier_reasons("普通", list(found.met(0)), 0.9, 0.03, False, TierPolicy())
    assert "为噪音、停车、邻里或退款报警不因此成为重大" in reasons[0]


def test_a_low_probability_is_a_reason_beside_its_threshold() -> None:
    """0.07 says little by itself."""
    (reason,) = tier_reasons("重大", [], 0.07, 0.07, False, TierPolicy())
    assert reason == "重大的概率 0.070，不低于由漏判代价得出的门槛 0.050"


def test_an_urgent_score_below_half_says_why_it_is_taken() -> None:
    """The rarer tier is given before it is the likelier one."""
    assert "不待过半" in tier_reasons("紧急", [], 0.36, 0.01, False, TierPolicy())[0]
    assert tier_reasons("紧急", [], 0.7, 0.01, False, TierPolicy()) == ("评分为紧急（0.70）",)


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
