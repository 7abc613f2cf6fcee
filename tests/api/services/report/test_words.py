"""New phrases are names of things, not pieces of sentences."""

from __future__ import annotations

from api.services.report.words import _candidates, _stands_free


def test_a_piece_of_a_longer_name_does_not_stand_free() -> None:
    """The same character beside it nearly always; ends and punctuation bind nothing."""
    texts = ["睡眠心率不准", "这个睡眠心率一直跳", "睡眠心率", "看睡眠心率，没有"]
    assert not _stands_free("眠心率", texts)
    assert _stands_free("睡眠心率", texts)
    assert _stands_free("灵犀环", ["灵犀环坏了", "灵犀环太贵", "买了灵犀环"])


def test_words_joined_by_a_particle_are_no_phrase() -> None:
    """售后的电话 is said in a sentence; 售后电话 is a name, 目的 a word of its own."""
    found = _candidates(["售后", "的", "电话"])
    assert found == {"售后", "电话"}
    assert "售后电话" in _candidates(["售后", "电话"])
    assert "目的" not in _candidates(["到", "的"])
