"""The desk as its callers see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import CHINA
from domain.complaint import Sentiment, Tier
from domain.errors import ModelRefused, SettingRefused, TextRefused
from domain.taxonomy import NO_COMPLAINT, shipped_taxonomy
from tests.triage.sentences import COMPLAINTS
from triage.desk import Desk
from triage.model import Model
from triage.registry import open_model
from triage.tier import TierPolicy

NOON = datetime(2026, 3, 10, 12, tzinfo=CHINA)


@pytest.mark.parametrize("text", COMPLAINTS)
def test_a_decision_has_all_its_parts(desk: Desk, text: str) -> None:
    """Every part is there, of the right kind and in its range."""
    told = desk.decide(text, NOON, {"id": "a-1"}).to_dict()
    assert list(told) == [
        "id", "category", "issues", "tier", "sentiment", "route", "abstained",
        "abstained_because", "evidence", "model", "taxonomy_version",
    ]  # fmt: skip
    assert told["id"] == "a-1"
    assert told["tier"]["label"] in set(Tier)
    assert told["tier"]["reasons"]
    assert told["sentiment"]["label"] in set(Sentiment)
    assert len(told["category"]["alternatives"]) == 3
    assert 0 <= len(told["issues"]) <= 4
    shares = [told["category"], *told["category"]["alternatives"], *told["issues"], told["tier"]]
    assert all(0 <= part["confidence"] <= 1 for part in shares)
    assert all(0 <= told["sentiment"][mood] <= 1 for mood in ("anger", "anxiety"))
    assert told["model"] == {"name": "complaints", "version": desk.version}


@pytest.mark.parametrize("text", COMPLAINTS)
def test_the_main_issue_gives_the_category(desk: Desk, text: str) -> None:
    """Code and category never contradict each other; 无投诉 has no code."""
    decision = desk.decide(text, NOON, explain=False)
    codes = [issue.code for issue in decision.issues]
    assert shipped_taxonomy().category_of(codes) == decision.category.name
    assert (decision.category.name == NO_COMPLAINT) == (not codes)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(COMPLAINTS), min_size=1, max_size=40), st.randoms())
def test_a_batch_decides_as_each_text_alone(desk: Desk, texts: list[str], chance: object) -> None:
    """No decision depends on its neighbours or their order."""
    together = desk.decide_many(texts, NOON)
    assert together == [desk.decide(text, NOON, explain=False) for text in texts]


def test_batches_longer_than_a_chunk_keep_their_order(desk: Desk) -> None:
    """The inner chunks leave no seam."""
    texts = [f"{i}号柜台{COMPLAINTS[i % len(COMPLAINTS)]}" for i in range(1_100)]
    outcomes = desk.decide_many(texts, NOON, [{"id": str(i)} for i in range(1_100)])
    assert [decision.id for decision in outcomes] == [str(i) for i in range(1_100)]
    assert outcomes[777] == desk.decide(texts[777], NOON, {"id": "777"}, explain=False)


def test_a_bad_text_has_its_error_in_its_place(desk: Desk) -> None:
    """The others keep their decisions."""
    good = COMPLAINTS[0]
    outcomes = desk.decide_many([good, "", "abc", "闪" * 10_001, "屏\x00闪", good], NOON)
    assert [isinstance(outcome, TextRefused) for outcome in outcomes] == [
        False, True, True, True, True, False,
    ]  # fmt: skip
    assert outcomes[0] == outcomes[5]


def test_a_bad_text_alone_raises(desk: Desk) -> None:
    """One text, one error."""
    with pytest.raises(TextRefused, match="holds no Chinese character"):
        desk.decide("hello", NOON)


def test_no_texts_are_no_decisions(desk: Desk) -> None:
    """An empty batch is a batch."""
    assert desk.decide_many([], NOON) == []


def test_labels_that_a_row_brings_are_kept(desk: Desk) -> None:
    """A person's word goes before the model's."""
    row = {"issues": ("6002", "3003"), "tier": "重大", "sentiment": "中性"}
    decision = desk.decide(COMPLAINTS[0], NOON, row, explain=False)
    assert [issue.code for issue in decision.issues] == ["6002", "3003"]
    assert decision.category.name == "售后服务"
    assert decision.tier.label == "重大"
    assert decision.sentiment.label == "中性"
    assert decision.route.acknowledge_by == NOON + timedelta(hours=1)
    assert not decision.abstained


def test_a_category_that_a_row_brings_sends_it_there(desk: Desk) -> None:
    """The queue follows the category that is given."""
    decision = desk.decide(COMPLAINTS[0], NOON, {"category": "物流配送"}, explain=False)
    assert (decision.category.code, decision.route.queue) == ("4", "物流组")


def test_a_row_that_brings_no_complaint_has_no_issue(desk: Desk) -> None:
    """无投诉 and an issue would contradict each other; issues that the row brings are kept."""
    text = "手机屏幕碎了，没法用"
    assert desk.decide(text, NOON, explain=False).issues
    assert desk.decide(text, NOON, {"category": NO_COMPLAINT}, explain=False).issues == ()
    both = {"category": NO_COMPLAINT, "issues": ["1001"]}
    assert [i.code for i in desk.decide(text, NOON, both, explain=False).issues] == ["1001"]


def test_customer_value_chooses_the_lane(desk: Desk) -> None:
    """High value and risk of leaving have lanes of their own."""
    text = "空调装好才一个星期就不制冷了"
    lanes = [
        desk.decide(text, NOON, {"customer_value": value}, explain=False).route.lane
        for value in ("高价值", "潜在风险", "普通")
    ]
    assert lanes == ["专席通道", "挽留通道", "标准通道"]


def test_anger_and_demands_bring_a_supervisor_with_advice(desk: Desk) -> None:
    """Something of substance first."""
    text = "你们这些骗子！必须马上退钱，否则我天天投诉，不给说法决不罢休！！！"
    decision = desk.decide(text, NOON, explain=False)
    assert decision.route.lane == "主管通道"
    assert decision.route.advice is not None
    assert "先给出实质性方案" in decision.route.advice


def test_anger_and_anxiety_rank_sensibly(desk: Desk) -> None:
    """Praise below calm below fury; worry above calm."""
    texts = (
        "客服很耐心，问题解决了，谢谢",
        "想问一下会员积分怎么兑换",
        "垃圾商家，骗子，太可恶了，必须给我退钱！！！",
        "孩子明天就要考试了，求求你们帮帮忙，急死人了，怎么办",
    )
    praise, calm, fury, worry = (desk.decide(t, NOON, explain=False).sentiment for t in texts)
    assert praise.anger < fury.anger
    assert calm.anger < fury.anger
    assert max(praise.anxiety, calm.anxiety, fury.anxiety) < worry.anxiety


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_text_too_short_goes_to_a_person(desk: Desk, length: int) -> None:
    """Three characters are no basis."""
    decision = desk.decide("差" * length, NOON)
    assert decision.abstained
    assert decision.route.queue == "人工分诊组"
    assert decision.abstained_because == (f"文字只有 {length} 个字，不足以判断",)


def test_a_doubtful_text_goes_to_a_person_unless_it_is_grave(desk: Desk) -> None:
    """A 重大 loses no time in the queue of doubt."""
    doubtful = [o for o in desk.decide_many(COMPLAINTS, NOON) if o.abstained]  # type: ignore[union-attr]
    for decision in doubtful:
        grave = decision.tier.label == "重大"  # type: ignore[union-attr]
        assert (decision.route.queue == "人工分诊组") is not grave  # type: ignore[union-attr]


def test_the_hotline_desk_decides_categories_and_leaves_the_rest(hotline_desk: Desk) -> None:
    """Targets that a model was not trained for come from the shipped complaints model."""
    decision = hotline_desk.decide("公司拖欠我三个月工资，也不给交社保", NOON, explain=False)
    assert decision.category.name == "劳动和社会保障"
    assert decision.model_name == "hotline"
    assert decision.tier.label in set(Tier)
    assert all(issue.code in shipped_taxonomy() for issue in decision.issues)


def test_a_naive_time_is_refused(desk: Desk) -> None:
    """Deadlines need a zone."""
    with pytest.raises(SettingRefused, match="has no zone"):
        desk.decide(COMPLAINTS[0], datetime(2026, 3, 10, 12))  # noqa: DTZ001


def test_times_and_texts_must_pair(desk: Desk) -> None:
    """One time for each, or one for all."""
    with pytest.raises(SettingRefused, match="1 times for 2 texts"):
        desk.decide_many(list(COMPLAINTS[:2]), [NOON])


def test_a_model_without_a_base_must_decide_everything() -> None:
    """The hotline model alone is no desk."""
    with pytest.raises(ModelRefused, match="does not decide issues"):
        Desk(open_model("hotline"))


def test_a_dearer_miss_makes_more_complaints_grave(desk: Desk) -> None:
    """The threshold follows from the stated cost."""
    texts = [
        f"{text}，{more}" for text in COMPLAINTS for more in ("请处理", "有老人受惊", "要报警")
    ]
    grave = []
    for cost in (1, 9, 99):
        costly = Desk(desk.model, policy=TierPolicy(cost_of_miss=cost))
        outcomes = costly.decide_many(texts, NOON)
        grave.append(sum(o.tier.label == "重大" for o in outcomes))  # type: ignore[union-attr]
    assert grave[0] <= grave[1] <= grave[2]
    assert grave[0] < grave[2]


def test_a_stated_danger_is_not_out_voted(desk: Desk) -> None:
    """Even a model that is sure of 普通 can't overrule what the words say."""
    head = desk.model.heads["tier"]
    sure = replace(head, shift=np.array([50, 0, 0], np.float32))
    stubborn: Model = replace(desk.model, heads={**desk.model.heads, "tier": sure})
    decision = Desk(stubborn).decide("插座漏电，孩子被电到，送医院抢救了", NOON)
    assert decision.tier.label == "重大"
    assert "文中已写明，不再由评分否决" in decision.tier.reasons


def test_repeats_give_the_same_decision(desk: Desk) -> None:
    """A hundred times the same."""
    first = desk.decide(COMPLAINTS[3], NOON)
    assert all(desk.decide(COMPLAINTS[3], NOON) == first for _ in range(20))


@pytest.mark.parametrize("length", [20, 200, 2_000, 10_000])
def test_long_texts_are_decided(desk: Desk, length: int) -> None:
    """Up to the longest that is taken, with evidence."""
    text = ("空调不制冷，师傅来了三次都没修好，客服电话也打不通。" * 400)[:length]
    decision = desk.decide(text, NOON)
    assert decision.evidence
    assert all(text[e.start : e.end] == e.text for e in decision.evidence)
