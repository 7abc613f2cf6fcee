"""Evidence: whole words where they stand."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import CHINA
from domain.errors import InputError
from tests.triage.sentences import COMPLAINTS
from triage.desk import Desk
from triage.explain import _best_words, _leads, _stated, _word_spans
from triage.words import Segmenter, read_words, segmenter

NOON = datetime(2026, 3, 10, 12, tzinfo=CHINA)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(COMPLAINTS),
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from("\u200b😡 　Ａ"))),
)
def test_offsets_lie_in_the_original(desk: Desk, text: str, noise: list[tuple[int, str]]) -> None:
    """Whatever is mixed in, a span is what the text says there."""
    for place, character in noise:
        text = text[:place] + character + text[place:]
    text = text.strip()
    for found in desk.decide(text, NOON).evidence:
        assert 0 <= found.start < found.end <= len(text)
        assert text[found.start : found.end] == found.text
        assert found.weight > 0


@pytest.mark.parametrize("text", COMPLAINTS)
def test_each_target_shows_at_most_three_words_the_weightiest_first(desk: Desk, text: str) -> None:
    """Few words, none twice, none across another."""
    evidence = desk.decide(text, NOON).evidence
    for target in ("category", "issues", "tier", "sentiment"):
        own = [found for found in evidence if found.target == target]
        assert len(own) <= 3
        assert [f.weight for f in own] == sorted((f.weight for f in own), reverse=True)
        assert len({f.text for f in own}) == len(own)


def test_the_word_that_decides_is_shown(desk: Desk) -> None:
    """What the rule saw is among the evidence for the tier."""
    evidence = desk.decide("烧水壶漏电，手被麻了一下", NOON).evidence
    assert "漏电" in [found.text for found in evidence if found.target == "tier"]


def test_no_evidence_is_looked_for_when_none_is_wanted(desk: Desk) -> None:
    """The hot path does not segment."""
    assert desk.decide(COMPLAINTS[0], NOON, explain=False).evidence == ()


def test_own_words_stay_whole(desk: Desk) -> None:
    """A user's dictionary, kept with the model, reaches the evidence."""
    own = Desk(replace(desk.model, own_words=("星河小蜜蜂坏",)))
    words = {found.text for found in own.decide("星河小蜜蜂坏", NOON).evidence}
    assert words == {"星河小蜜蜂坏"}


def test_a_user_dictionary_is_read_line_by_line(tmp_path: Path) -> None:
    """jieba's own form: word, and what follows it is left out."""
    path = tmp_path / "words.txt"
    path.write_text("# ours\n星河小蜜蜂 3 n\n\n云端会员\n", encoding="utf-8")
    assert read_words(path) == ["星河小蜜蜂", "云端会员"]


def test_a_dictionary_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """The message says what would be right."""
    path = tmp_path / "words.txt"
    path.write_bytes("云端会员".encode("gb18030"))
    with pytest.raises(InputError, match="save it as UTF-8"):
        read_words(path)


def test_the_shared_folder_for_temporary_files_is_not_read(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """A cache that somebody left there is never opened."""
    trap = tmp_path / "jieba.cache"
    trap.write_bytes(b"not a cache")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Segmenter()
    assert trap.read_bytes() == b"not a cache"
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]


@pytest.mark.parametrize("text", [*COMPLAINTS, "，".join(COMPLAINTS[:6])])
def test_what_is_shown_weighs_what_measuring_finds(desk: Desk, text: str) -> None:
    """Weights are measured; the first word is the weightiest of all, and few others are missed."""
    decision = desk.decide(text, NOON)
    words = _word_spans(segmenter(), text) if len(text) <= 600 else []
    if not words:
        return
    leads = _leads(desk.reader, [text, *(text[:a] + text[b:] for a, b in words)], decision)
    for target, lead in leads.items():
        first = _stated(desk.reader, text, decision) if target == "tier" else ()
        every = _best_words(text, target, words, lead[0] - lead[1:], first)
        shown = [found for found in decision.evidence if found.target == target]
        by_place = {(found.start, found.end): found.weight for found in every}
        for found in shown:
            assert by_place.get((found.start, found.end), found.weight) == found.weight
        assert [found.weight for found in shown[:1]] == [
            max(found.weight for found in every) for _ in every[:1]
        ]
        missed = {e.text for e in every} - {e.text for e in shown}
        assert len(missed) <= 1
