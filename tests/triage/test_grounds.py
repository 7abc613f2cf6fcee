"""What readers pointed at teaches clauses, and is checked before it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.tier_grounds import TIER, tier_by, tier_grounds
from benchmarks.written_complaints import written_complaints
from domain.errors import InputError
from domain.taxonomy import shipped_taxonomy
from domain.text import clean
from tests.triage.sentences import COMPLAINTS, written_table
from tests.triage.test_clauses import cut
from triage.alphabet import alphabet, breaks, joined, parted
from triage.clauses import cut_clauses
from triage.grounds import RAISED, Clauses
from triage.lesson import Ground, Recipe, Table
from triage.train import train

SMALL = Recipe(features=2_000, folds=3, min_examples=3)
LONG = (
    "上周买的热水器昨天晚上突然漏电，孩子洗澡时被电到送了医院，现在还在输液。客服只说会有人联系。"
)
SHOCK = "孩子洗澡时被电到送了医院"


def ground(text: str, passage: str, tier: str = "重大") -> Ground:
    start = text.index(passage)
    return Ground(tier, start, start + len(passage))


def table_of(rows: list[tuple[str, str, list[Ground] | None]]) -> Table:
    texts, tiers, grounds = map(list, zip(*rows, strict=True))
    return Table(texts, {"tier": tiers}, grounds=grounds)


def clauses_of(rows: list[tuple[str, str, list[Ground] | None]]) -> Clauses:
    found = Clauses.of(table_of(rows), None, SMALL)
    assert found is not None
    return found


def test_clauses_are_those_that_are_scored_and_know_their_place() -> None:
    """Also behind what folds to nothing, and in a text of nothing else."""
    texts = ["".join(COMPLAINTS[:6]), "🙂🙂", "🙂 " + LONG, *COMPLAINTS]
    letters, bounds, owner, spans = cut_clauses(*joined(texts), alphabet(), breaks())
    found = parted(letters, bounds)
    for i, text in enumerate(texts):
        folded = "".join(chr(c) for c in alphabet()[[ord(c) for c in text]] if c)
        assert [found[c] for c in np.flatnonzero(owner == i)] == (cut(folded) if folded else [])
    for clause, text, (start, end) in zip(found, owner, spans, strict=True):
        letter = alphabet()[[ord(c) for c in texts[text][start:end]]]
        assert clause == "".join(chr(c) for c in letter if c)


def test_a_clause_shows_what_most_of_a_passage_lies_in() -> None:
    """The other clauses of the text show nothing that anyone knows of."""
    found = clauses_of([(LONG, "重大", [ground(LONG, SHOCK)]), (COMPLAINTS[0], "普通", None)])
    held = ["送了医院" in clause for clause in found.texts]
    assert sum(held) == 1
    assert found.shown[:, 1].tolist() == held
    assert not found.shown[:, 0].any()
    own = found.owner == 0
    assert (found.costs[own, 1] > 0).tolist() == held[: own.sum()]
    assert (found.costs[own, 0] > 0).all()
    assert (found.costs[~own] > 0).all()
    assert found.of_texts.tolist() == [[False, True], [False, False]]


def test_where_nobody_looked_the_label_says_that_something_is_there() -> None:
    """But not where, so that none of its clauses teaches that tier."""
    found = clauses_of([(LONG, "重大", None), (LONG, "重大", []), (COMPLAINTS[0], "普通", [])])
    assert found.of_texts.tolist() == [[False, True], [False, False], [False, False]]
    assert not found.costs[found.owner == 0, 1].any()
    assert found.costs[found.owner == 1, 1].all()


def test_more_texts_cost_less() -> None:
    table = table_of([(COMPLAINTS[0], "普通", [])])
    found = Clauses.of(
        table, table_of([(COMPLAINTS[1], "普通", [])]), replace(SMALL, more_weight=0.25)
    )
    assert found is not None
    assert np.unique(found.costs[found.owner == 1]) == pytest.approx(0.25 * SMALL.ground_cost)


@pytest.mark.parametrize(
    ("grounds", "said"),
    [
        ([None, None], "2 grounds for 1 texts"),
        ([[Ground("普通", 0, 4)]], "普通"),
        ([[Ground("紧急", 3, 3)]], "from 3 to 3"),
        ([[Ground("紧急", 0, 1_000)]], "to 1000 in a text of"),
    ],
)
def test_grounds_that_fit_no_text_are_refused(
    grounds: list[list[Ground] | None], said: str
) -> None:
    table = Table([LONG], {"tier": ["重大"]}, grounds=grounds)
    with pytest.raises(InputError, match=said):
        Clauses.of(table, None, SMALL)


def test_without_grounds_or_tiers_nothing_is_taught() -> None:
    assert Clauses.of(written_table(), None, SMALL) is None
    bare = Table([LONG], {"category": ["安全卫生"]}, grounds=[[]])
    assert Clauses.of(bare, None, SMALL) is None


@pytest.mark.parametrize("hidden", [0, 8])
def test_training_hears_them(hidden: int) -> None:
    """The last outputs tell the clause that was pointed at from the others."""
    plain = written_table()
    grounds = [
        [ground(text, "孩子被电到送医院了")] if tier == "重大" else []
        for text, tier in zip(plain.texts, plain.labels["tier"], strict=True)
    ]
    recipe = replace(SMALL, hidden=hidden)
    made = [
        train(table, name="own", version="1.0.0", taxonomy=shipped_taxonomy(), recipe=recipe)
        for table in (plain, replace(plain, grounds=grounds))
    ]
    assert made[0].facts["data"]["sha256"] != made[1].facts["data"]["sha256"]
    assert made[1].facts["grounds"] == len(plain.texts)
    assert "pointed at" in made[1].card
    assert "pointed at" not in made[0].card
    if hidden:
        scorer = made[1].model.scorer.first
        assert scorer.outputs == made[0].model.scorer.first.outputs + len(RAISED)
        scores = scorer.views(*joined(["昨天被电到送医院了", "屏幕一直闪看不清楚"]))[0][:, 0, -1]
        assert scores[0] > 0 > scores[1]
    assert made[1].model.scorer.outputs == made[0].model.scorer.outputs


def test_the_repositorys_grounds_lie_in_its_written_texts() -> None:
    """Every written complaint that is not 普通 was read, and nearly all raise it to its tier."""
    rows = written_complaints()
    raised = rows[rows["tier"] != "普通"]
    texts = [clean(text) for text in raised["text"]]
    grounds = tier_grounds(texts)
    assert all(said is not None for said in grounds)
    for text, said in zip(texts, grounds, strict=True):
        assert all(
            0 <= one.start < one.end <= len(text) and one.tier in RAISED for one in said or ()
        )
    agree = np.mean(raised["tier"] == [tier_by(said or ()) for said in grounds])
    assert agree > 0.95
    assert set(TIER.values()) == set(RAISED)
