"""Training on an organisation's own table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from domain.calendar import CHINA
from domain.errors import InputError, SettingRefused
from domain.taxonomy import Code, Taxonomy, shipped_taxonomy
from tests.triage.sentences import COMPLAINTS, written_table
from triage.desk import Desk
from triage.duplicates import group_folds, near_duplicates
from triage.lesson import Recipe, Table
from triage.registry import open_desk, open_model
from triage.train import Trained, train

NOON = datetime(2026, 3, 10, 12, tzinfo=CHINA)
SMALL = Recipe(features=2_000, folds=3, min_examples=3)
KEY = b"an organisation's own key"


def test_a_trained_model_decides_what_it_was_shown(trained: Trained) -> None:
    """All four targets of sentences of the same make."""
    decision = Desk(trained.model).decide("朋友送的音箱漏电，孩子被电到送医院了", NOON)
    assert decision.category.name == "安全卫生"
    assert [issue.code for issue in decision.issues] == ["7002"]
    assert (decision.tier.label, decision.sentiment.label) == ("重大", "愤怒")


def test_training_is_deterministic(trained: Trained) -> None:
    """The same table and recipe give the same bytes."""
    again = train(
        written_table(), name="own", version="1.0.0", taxonomy=shipped_taxonomy(), recipe=SMALL
    )
    assert again.facts == trained.facts
    assert np.array_equal(again.model.scorer.weights, trained.model.scorer.weights)
    assert np.array_equal(again.model.scorer.slots, trained.model.scorer.slots)


def test_a_published_model_decides_as_the_one_in_memory(trained: Trained, tmp_path: Path) -> None:
    """Through the file and back, to the last bit."""
    trained.publish(tmp_path, KEY)
    texts = list(COMPLAINTS)
    there = open_desk("own", root=tmp_path, key=KEY).decide_many(texts, NOON)
    assert there == Desk(trained.model).decide_many(texts, NOON)


def test_a_model_of_one_target_takes_the_others_from_the_shipped_one(tmp_path: Path) -> None:
    """Train categories alone, and the desk is whole."""
    table = written_table()
    table = replace(table, labels={"category": table.labels["category"]})
    own = train(table, name="mine", version="1.0.0", taxonomy=shipped_taxonomy(), recipe=SMALL)
    own.publish(tmp_path, KEY)
    decision = open_desk("mine", root=tmp_path, key=KEY).decide("新换的冰箱漏电，孩子被电到", NOON)
    assert decision.model_name == "mine"
    assert decision.tier.label == "重大"


def test_codes_of_three_levels_are_learned(tmp_path: Path) -> None:
    """Leaf codes, with the first level as category."""
    taxonomy = Taxonomy(
        [
            Code("010101", ("供水", "水压", "水压不足")),
            Code("010102", ("供水", "水压", "忽大忽小")),
            Code("010201", ("供水", "水质", "水浑")),
            Code("020101", ("供电", "停电", "突然停电")),
        ]
    )
    words = {
        "010101": "水流很小",
        "010102": "水一会大一会小",
        "010201": "水很黄很浑",
        "020101": "没电了",
    }
    places = [
        f"{street}{house}号" for street in ("东街", "西街", "南街", "北街") for house in range(5)
    ]
    rows = [(place + text, (code,)) for code, text in words.items() for place in places]
    labels = {
        "issues": [codes for _, codes in rows],
        "category": [taxonomy.category(codes[0]) for _, codes in rows],
    }
    table = Table([text for text, _ in rows], labels, None, "written")
    model = train(table, name="water", version="1.0.0", taxonomy=taxonomy, recipe=SMALL)
    model.publish(tmp_path, KEY)
    decision = open_desk("water", root=tmp_path, key=KEY).decide("河边9号水很黄很浑", NOON)
    assert decision.issues[0][:2] == ("010201", "水浑")
    assert decision.category.name == "供水"


def test_the_card_names_the_table_and_holds_no_text(trained: Trained) -> None:
    """Names, counts and figures only."""
    assert "sentences written for tests, 200 rows" in trained.card
    assert "重大 recall" in trained.card
    assert not any(text in trained.card for text in written_table().texts)


def test_no_word_of_a_text_is_in_the_files(trained: Trained, tmp_path: Path) -> None:
    """Hashed features: what was said can't be read back."""
    import zlib

    directory = trained.publish(tmp_path, KEY)
    plain = zlib.decompress((directory / "model.joblib").read_bytes())
    for word in ("屏幕", "漏电", "朋友送的", "洗衣机"):
        assert word.encode() not in plain


def test_progress_is_told_and_never_falls(trained: Trained) -> None:
    """From nothing to all, step by step."""
    told: list[float] = []
    train(
        written_table(), name="own", version="1.0.0", taxonomy=shipped_taxonomy(), recipe=SMALL,
        progress=lambda _step, share: told.append(share),
    )  # fmt: skip
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"category": ["产品质量"] * 199 + ["交通"]}, "category holds '交通'"),
        ({"category": ["产品质量"] * 198 + ["物流配送"] * 2}, r"物流配送 \(2\)"),
        ({"tier": ["普通"] * 5}, "5 labels of tier for 200 texts"),
        ({"category": ["产品质量"] * 200}, "at least two"),
        ({}, "has no labels"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(labels: dict, message: str) -> None:  # type: ignore[type-arg]
    """The message names the label, its count and the remedy."""
    table = replace(written_table(), labels=labels)
    with pytest.raises(InputError, match=message):
        train(table, name="x", version="1.0.0", taxonomy=shipped_taxonomy(), recipe=SMALL)


def test_a_table_of_copies_is_refused_by_what_it_lacks() -> None:
    """Near copies lie in one fold; without as many different texts nothing can be held out."""
    table = replace(written_table(), texts=[COMPLAINTS[0]] * 200)
    with pytest.raises(InputError, match="only 1 of 200 texts"):
        train(table, name="x", version="1.0.0", taxonomy=shipped_taxonomy(), recipe=SMALL)


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"min_examples": 2}, {"most_doubted": 0.4}])
def test_a_recipe_that_cannot_work_is_refused(wrong: dict) -> None:  # type: ignore[type-arg]
    """Settings are judged before any work."""
    with pytest.raises(SettingRefused):
        replace(SMALL, **wrong)


def test_near_duplicates_are_one_group_and_others_are_not() -> None:
    """A copy with another mark belongs to its original; another complaint does not."""
    texts = [COMPLAINTS[0], COMPLAINTS[0].replace("，", ","), COMPLAINTS[1], COMPLAINTS[0] + "！"]
    assert near_duplicates(texts).tolist() == [0, 0, 2, 0]


def test_groups_never_split_across_folds() -> None:
    """All of a group are in one fold, and folds are of nearly equal size."""
    groups = np.random.default_rng(1).integers(0, 40, 300)
    folds = group_folds(groups, 5, 1)
    assert all(len(set(folds[groups == group])) == 1 for group in np.unique(groups))
    sizes = np.bincount(folds)
    assert sizes.max() - sizes.min() <= 15


def test_a_shipped_model_opens_without_a_key() -> None:
    """Its manifest is pinned in the code."""
    assert open_model("complaints").heads.keys() == {"category", "issues", "tier", "sentiment"}
