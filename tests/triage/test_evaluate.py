"""Figures against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from domain.errors import InputError
from tests.triage.sentences import written_table
from triage.calibration import best_cut, calibrate_one, doubt_cut, row_weights
from triage.desk import Desk
from triage.evaluate import evaluate, issue_figures, label_figures
from triage.train import Trained

pairs = st.lists(st.tuples(st.sampled_from("甲乙丙"), st.sampled_from("甲乙丙")), min_size=1)


@given(pairs)
def test_label_figures_are_scikit_learns(rows: list[tuple[str, str]]) -> None:
    """Macro-F1 and the figures of each class."""
    truth, given_ = map(list, zip(*rows, strict=True))
    figures = label_figures(truth, given_)
    macro = f1_score(truth, given_, average="macro", zero_division=0)
    assert figures["macro_f1"] == pytest.approx(macro, abs=1e-6)
    labels = sorted(figures["per_class"])
    table = precision_recall_fscore_support(truth, given_, labels=labels, zero_division=0)
    for i, label in enumerate(labels):
        own = figures["per_class"][label]
        assert own["precision"] == pytest.approx(table[0][i], abs=1e-6)
        assert own["recall"] == pytest.approx(table[1][i], abs=1e-6)
        assert own["n"] == table[3][i]


sets = st.lists(st.sampled_from(["1", "2", "3"]), unique=True)


@given(st.lists(st.tuples(sets, sets), min_size=1))
def test_issue_figures_are_scikit_learns(rows: list[tuple[list[str], list[str]]]) -> None:
    """Micro-F1 over all codes, macro-F1 over those of the truth."""
    truth, given_ = map(list, zip(*rows, strict=True))
    binarizer = MultiLabelBinarizer(classes=["1", "2", "3"])
    real, said = binarizer.fit_transform(truth), binarizer.transform(given_)
    figures = issue_figures(truth, given_)
    micro = f1_score(real, said, average="micro", zero_division=0)
    assert figures["micro_f1"] == pytest.approx(micro, abs=1e-6)
    there = np.flatnonzero(real.any(axis=0))
    if len(there):
        macro = f1_score(real, said, labels=there, average="macro", zero_division=0)
        assert figures["macro_f1"] == pytest.approx(macro, abs=1e-6)


def test_calibration_and_coverage_are_worked_by_hand() -> None:
    """Ten answers at 0.95 with nine right, ten at 0.55 with five right."""
    truth = ["甲"] * 20
    given_ = ["甲"] * 9 + ["乙"] + ["甲"] * 5 + ["乙"] * 5
    figures = label_figures(truth, given_, [0.95] * 10 + [0.55] * 10)
    assert figures["ece"] == pytest.approx(0.05)
    assert figures["accuracy_at_coverage"]["0.8"] == pytest.approx(14 / 16)


def test_nothing_labelled_is_refused() -> None:
    """No row, no figure."""
    with pytest.raises(InputError, match="no labelled row"):
        label_figures([], [])


def test_a_desk_is_measured_on_all_its_targets(trained: Trained) -> None:
    """Figures of each target that is labelled, the tier also as decided."""
    table = written_table()
    figures = evaluate(Desk(trained.model), table.texts, table.labels)
    assert set(figures) == {"category", "issues", "tier", "sentiment"}
    assert figures["category"]["macro_f1"] > 0.95
    assert figures["issues"]["micro_f1"] > 0.95
    assert figures["tier"]["decided"]["per_class"]["重大"]["recall"] == 1.0


def test_calibrated_shares_follow_the_truth() -> None:
    """Scores that are logits times three are scaled back."""
    random = np.random.default_rng(2)
    logits = random.standard_normal((4_000, 3)) * 2
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([random.choice(3, p=row) for row in shares])
    found = calibrate_one(logits / 3, truth, np.ones(4_000))
    assert found.scale[0] == pytest.approx(3, rel=0.1)
    assert np.ptp(found.shift) < 0.2


def test_shares_are_those_of_the_rows_drawn_at_random() -> None:
    """A label that was sought out counts less."""
    labels = np.eye(2, dtype=bool)[[0] * 90 + [1] * 10 + [1] * 100]
    drawn = np.arange(200) < 100
    weights = row_weights(labels, drawn)
    assert weights[labels[:, 1]].sum() / weights.sum() == pytest.approx(0.104, abs=0.01)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_doubt_never_exceeds_its_ceiling(rows: list[tuple[float, bool]]) -> None:
    """However bad the answers, no more than the ceiling go to a person."""
    sure, right = (np.array(column) for column in zip(*rows, strict=True))
    cut = doubt_cut(sure, right, 0.99, 0.15)
    assert (sure < cut).mean() <= 0.15 + 1 / len(sure)


def test_the_cut_for_codes_is_the_best_of_all() -> None:
    """No other cut has a larger micro-F1."""
    random = np.random.default_rng(4)
    shares = random.random((500, 4))
    truth = random.random((500, 4)) < shares
    cut = best_cut(shares, truth, np.ones(500))
    best = f1_score(truth, shares >= cut, average="micro")
    for other in (0.2, 0.4, 0.6, 0.8):
        assert best >= f1_score(truth, shares >= other, average="micro") - 1e-9
