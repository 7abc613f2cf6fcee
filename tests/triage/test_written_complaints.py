"""The complaints written for this project are fit to be taught and to be given away."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.written_complaints import written_complaints
from domain.complaint import Sentiment, Tier
from domain.privacy import Kind, mask
from domain.taxonomy import MAX_ISSUES, shipped_taxonomy
from domain.text import clean
from triage.duplicates import near_duplicates


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return written_complaints()


def test_every_label_is_one_of_the_guide(rows: pd.DataFrame) -> None:
    """Codes of the taxonomy, none twice and not too many; tiers and moods as the house has them."""
    taxonomy = shipped_taxonomy()
    for told in rows["issues"]:
        codes = told.split("|") if told else []
        assert len(codes) == len(set(codes)) <= MAX_ISSUES
        assert all(code in taxonomy for code in codes)
    assert set(rows["tier"]) == {tier.value for tier in Tier}
    assert set(rows["sentiment"]) == {mood.value for mood in Sentiment}


def test_every_code_and_nearly_every_pair_of_tier_and_mood_is_there(rows: pd.DataFrame) -> None:
    """No corner of the guide is left to the real rows alone."""
    main = rows["issues"].str.split("|").str[0].value_counts()
    assert all(main.get(code, 0) >= 5 for code in shipped_taxonomy().codes)
    pairs = rows.groupby(["tier", "sentiment"]).size()
    assert len(pairs) >= 13
    assert (rows["issues"] == "").sum() >= 200


def test_texts_are_clean_and_no_two_are_copies(rows: pd.DataFrame) -> None:
    """As a desk would take them; pairs differ in a fact, so few are near copies."""
    assert all(clean(text) == text for text in rows["text"])
    groups = near_duplicates(rows["text"].tolist(), 7)
    assert len(set(groups.tolist())) > 0.98 * len(rows)


def test_nobody_can_be_reached_through_them(rows: pd.DataFrame) -> None:
    """No phone, identity card, bank card, e-mail or plate; names and addresses are invented."""
    kinds = set(Kind) - {Kind.NAME, Kind.ADDRESS}
    assert [text for text in rows["text"] if mask(text, bytes(32), kinds).text != text] == []
