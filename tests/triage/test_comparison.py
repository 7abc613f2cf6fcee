"""Tests of the comparison of two models: figures, intervals, tests, changed rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score, recall_score

from domain.errors import InputError, SettingRefused
from triage.comparison import Answers, TargetComparison, answers, compare, compare_sets, mcnemar
from triage.desk import Desk

LABELS = np.array(["普通", "紧急", "重大"])


def said(truth: NDArray[np.str_], right: float, seed: int) -> list[str]:
    """Answers of which a share is right, and the others drawn at random."""
    random = np.random.default_rng(seed)
    guessed = random.choice(LABELS, len(truth))
    return [str(t) if r < right else str(g)
            for t, g, r in zip(truth, guessed, random.random(len(truth)), strict=True)]  # fmt: skip


def truths(n: int, seed: int = 0) -> NDArray[np.str_]:
    return np.random.default_rng(seed).choice(LABELS, n, p=[0.6, 0.3, 0.1])


def of_two(n: int, old: float, new: float, seed: int) -> TargetComparison:
    truth = truths(n, seed)
    champion, challenger = said(truth, old, seed + 1), said(truth, new, seed + 2)
    pair = ({"tier": Answers(champion)}, {"tier": Answers(challenger)})
    return compare({"tier": truth.tolist()}, *pair, rounds=400)["tier"]


def test_figures_and_confusion_are_those_of_scikit_learn() -> None:
    """Accuracy, macro-F1, recall of each class and both tables."""
    truth = truths(300)
    old, new = said(truth, 0.7, 1), said(truth, 0.8, 2)
    found = compare({"tier": truth.tolist()}, {"tier": Answers(old)}, {"tier": Answers(new)})[
        "tier"
    ]
    for side, given in (("champion", old), ("challenger", new)):
        macro = f1_score(truth, given, average="macro")
        assert getattr(found.figures["macro_f1"], side) == pytest.approx(macro, abs=1e-6)
        right = np.mean([a == b for a, b in zip(truth, given, strict=True)])
        assert getattr(found.figures["accuracy"], side) == pytest.approx(right, abs=1e-6)
        recalls = recall_score(truth, given, average=None, labels=found.classes)
        for label, recall in zip(found.classes, recalls, strict=True):
            gap = found.per_class[label]["recall"]
            assert getattr(gap, side) == pytest.approx(recall, abs=1e-6)
        expected = confusion_matrix(truth, given, labels=found.classes).tolist()
        assert found.confusion[side] == expected
    assert found.counts["重大"] == int((truth == "重大").sum())


def test_intervals_hold_the_true_difference_as_often_as_they_say() -> None:
    """Of sixty pairs with a known difference in accuracy, the interval misses few."""
    true_gap = (0.85 - 0.75) * (1 - 1 / 3)
    found = [of_two(300, 0.75, 0.85, 100 + 3 * seed).figures["accuracy"] for seed in range(60)]
    held = [gap.low <= true_gap <= gap.high for gap in found]
    assert sum(held) >= 52


def test_equal_models_are_seldom_told_apart_and_better_ones_are() -> None:
    """Both tests keep to their level on equal models and see a gain of seven points."""
    equal = [of_two(200, 0.8, 0.8, 500 + 3 * seed) for seed in range(40)]
    for figure in ("accuracy", "macro_f1"):
        assert sum(found.figures[figure].p_value < 0.05 for found in equal) <= 6
    better = of_two(800, 0.75, 0.87, 7)
    assert better.figures["accuracy"].p_value < 0.01
    assert better.figures["macro_f1"].p_value < 0.01


def test_copies_are_drawn_together_and_widen_the_interval() -> None:
    """A hundred texts entered five times are no five hundred."""
    truth = truths(100)
    old, new = said(truth, 0.7, 1), said(truth, 0.8, 2)
    many = [np.repeat(each, 5).tolist() for each in (truth, old, new)]
    parts = ({"tier": many[0]}, {"tier": Answers(many[1])}, {"tier": Answers(many[2])})
    alone = compare(*parts)["tier"]
    together = compare(*parts, groups=np.repeat(np.arange(100), 5))["tier"]
    widths = [each.figures["accuracy"].high - each.figures["accuracy"].low
              for each in (alone, together)]  # fmt: skip
    assert (alone.n_groups, together.n_groups) == (500, 100)
    assert widths[1] > 1.7 * widths[0]


def test_mcnemar_is_exact() -> None:
    """One gained and nine lost: 2 · (1 + 10) / 2^10; nothing changed: 1."""
    old = np.array([True] * 9 + [False] + [True] * 5)
    new = np.array([False] * 9 + [True] + [True] * 5)
    assert mcnemar(old, new) == pytest.approx(22 / 1024)
    assert mcnemar(old, old) == 1.0


def test_changed_rows_say_who_was_right() -> None:
    """Each row with another answer is listed with the truth and which model it speaks for."""
    truth = ["重大", "普通", "紧急", "普通"]
    old, new = ["重大", "紧急", "普通", "普通"], ["普通", "普通", "重大", "普通"]
    found = compare({"tier": truth}, {"tier": Answers(old)}, {"tier": Answers(new)})["tier"]
    assert [(row["row"], row["better"]) for row in found.changed] == [(0, -1), (1, 1), (2, 0)]
    assert found.changed[0]["truth"] == "重大"


def test_issue_codes_are_compared_as_sets() -> None:
    """Micro-F1 leads, an answer is right when all codes are, and there is no confusion table."""
    truth = [["1001"], ["1002", "1003"], []] * 20
    old = [["1001"], ["1002"], ["1001"]] * 20
    new = [["1001"], ["1002", "1003"], []] * 20
    found = compare({"issues": truth}, {"issues": Answers(old)}, {"issues": Answers(new)})["issues"]
    assert found.figures["micro_f1"].challenger == 1.0
    assert found.figures["micro_f1"].champion == pytest.approx(2 * 40 / (60 + 60), abs=1e-6)
    assert found.figures["exact"].champion == pytest.approx(1 / 3, abs=1e-6)
    assert found.confusion == {}
    assert "accuracy" not in found.figures


def test_calibration_is_compared_where_confidence_is_given() -> None:
    """The same answers with boasting confidence have the larger error."""
    truth = truths(400)
    given = said(truth, 0.7, 3)
    right = np.mean([a == b for a, b in zip(truth, given, strict=True)])
    honest, boasting = Answers(given, [float(right)] * 400), Answers(given, [0.99] * 400)
    found = compare({"tier": truth.tolist()}, {"tier": honest}, {"tier": boasting})["tier"]
    assert found.figures["ece"].champion == pytest.approx(0, abs=1e-6)
    assert found.figures["ece"].low > 0.1


def test_named_sets_are_compared_apart_and_serve_as_json() -> None:
    """Frozen, recent and noisy texts have a comparison each, the same for the same seed."""
    truth = {"tier": truths(60).tolist()}
    old = {"tier": Answers(said(truths(60), 0.7, 1))}
    new = {"tier": Answers(said(truths(60), 0.8, 2))}
    sets = dict.fromkeys(("frozen", "noise"), (truth, old, new, None))
    found = compare_sets(sets, rounds=200)
    assert list(found) == ["frozen", "noise"]
    plain = {name: {t: c.to_plain() for t, c in each.items()} for name, each in found.items()}
    again = compare_sets(sets, rounds=200)
    assert json.dumps(plain) == json.dumps(
        {name: {t: c.to_plain() for t, c in each.items()} for name, each in again.items()}
    )


def test_a_desk_answers_on_every_target(desk: Desk) -> None:
    """The tier is the one that the service would decide."""
    found = answers(desk, ["充电时手机起火了，烫伤了手", "请问积分怎么换礼品？"])
    assert set(found) == {"category", "issues", "tier", "sentiment"}
    assert found["tier"].labels[0] == "重大"
    assert all(len(each.labels) == 2 for each in found.values())


def test_what_cannot_be_compared_is_refused() -> None:
    """Other lengths, no common target, too few rounds."""
    one = {"tier": Answers(["普通"])}
    with pytest.raises(InputError, match="1 champion for 2 texts"):
        compare({"tier": ["普通", "重大"]}, one, one)
    with pytest.raises(InputError, match="no target"):
        compare({"category": ["质量"]}, one, one)
    with pytest.raises(SettingRefused, match="rounds is 5"):
        compare({"tier": ["普通"]}, one, one, rounds=5)
    with pytest.raises(InputError, match="no labelled text"):
        compare({"tier": []}, {"tier": Answers([])}, {"tier": Answers([])})
