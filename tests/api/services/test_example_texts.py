"""The phrases of the example history, and the single complaints of the demo."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files

import pytest

from api.services.example.retailer import read_retailer, read_toml
from api.services.example.storyteller import SLOTS, phrase
from domain.complaint import Sentiment, Tier, parse_complaint
from domain.taxonomy import shipped_taxonomy

PACKAGE = files("api.services.example")


def lines(name: str) -> Iterator[tuple[str, str, str]]:
    """Section, key and phrase of a phrase file."""
    for section, pools in read_toml(name).items():
        for key, phrases in pools.items():
            if isinstance(phrases, list):
                yield from ((section, key, raw) for raw in phrases)


def examples() -> list[dict[str, str]]:
    """The single complaints."""
    return list(csv.DictReader(PACKAGE.joinpath("examples.csv").read_text("utf-8").splitlines()))


def test_there_are_hundreds_of_phrases_and_every_issue_has_its_own() -> None:
    """At least six for each issue, over six hundred for all, none said twice of one issue."""
    said = list(lines("issues.toml"))
    counts = Counter(code for code, _, _ in said)
    assert set(counts) == set(shipped_taxonomy().codes)
    assert min(counts.values()) >= 6
    assert len(said) + len(list(lines("speech.toml"))) + len(list(lines("plants.toml"))) > 600
    assert max(Counter((code, raw) for code, _, raw in said).values()) == 1


@pytest.mark.parametrize("name", ["issues.toml", "speech.toml", "plants.toml"])
def test_every_slot_is_known(name: str) -> None:
    """A phrase with an unknown slot would break the text that draws it."""
    slots = {slot for _, _, raw in lines(name) for slot in re.findall(r"\{(.*?)\}", raw)}
    assert slots <= set(SLOTS)


def test_sections_of_an_issue_are_kinds_of_product() -> None:
    """A misspelt kind would never be drawn."""
    kinds = {product.kind for product in read_retailer().products}
    assert {key for _, key, _ in lines("issues.toml")} <= kinds | {
        "any",
        *read_toml("retailer.toml")["groups"],
    }


def test_a_mark_in_front_of_a_phrase_is_its_tier() -> None:
    """No mark 普通, one 紧急, two 重大; the mark is not said."""
    assert [phrase(raw).tier for raw in ("慢", "^停了", "^^冒烟")] == [0, 1, 2]
    assert phrase("^^{我}被烫了").parts == ("", "我", "被烫了")


def test_danger_is_always_marked() -> None:
    """Whatever may hurt a person is 重大 by the guide."""
    assert all(raw.startswith("^^") for code, _, raw in lines("issues.toml") if code == "7002")


def test_the_examples_cover_what_the_classifier_must_tell_apart() -> None:
    """Forty and more texts: every tier and mood, every category, praise, dialect, traditional."""
    rows = examples()
    assert len(rows) >= 40
    assert {row["tier"] for row in rows} == {tier.value for tier in Tier}
    assert {row["sentiment"] for row in rows} == {mood.value for mood in Sentiment}
    taxonomy = shipped_taxonomy()
    assert {row["category"] for row in rows} == {*taxonomy.categories, "无投诉"}
    assert "手机用了三天屏幕一直闪，客服电话打不通，再不解决我就去12315投诉！" in {
        row["text"] for row in rows
    }
    for row in rows:
        issues = parse_complaint(row).values.get("issues", ())
        assert row["category"] == taxonomy.category_of([str(code) for code in tuple(issues)])
