"""Tests of agreement between labellers, against examples worked by hand and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score

from domain.errors import InputError
from triage.agreement import alpha, fleiss, kappa, masi, pair, set_f1

LABELS = st.lists(st.sampled_from("甲乙丙"), min_size=2, max_size=40)
SETS = st.frozensets(st.sampled_from(["1001", "1002", "1003"]), max_size=3)


@given(LABELS, st.randoms(use_true_random=False))
def test_kappa_is_that_of_scikit_learn(a: list[str], random: object) -> None:
    """Whatever two people say, as long as they use two labels between them."""
    b = [random.choice("甲乙丙") for _ in a]  # type: ignore[attr-defined]
    if len({*a, *b}) > 1:
        assert kappa(a, b) == pytest.approx(cohen_kappa_score(a, b))


def test_kappa_of_one_label_alone_is_unknown() -> None:
    """Agreement says nothing where nothing else could be said."""
    assert math.isnan(kappa(["甲"] * 5, ["甲"] * 5))
    assert pair(["甲"], ["甲"]).to_plain()["kappa"] is None


def test_kappa_by_label_tells_which_one_is_understood_differently() -> None:
    """All agree on 甲; 乙 and 丙 are taken for one another at random."""
    a = ["甲"] * 20 + ["乙", "丙"] * 10
    b = ["甲"] * 20 + ["乙", "丙", "丙", "乙"] * 5
    found = pair(a, b)
    assert found.n == 40
    assert found.observed == 0.75
    assert found.per_class["甲"] == 1.0
    assert found.per_class["乙"] == pytest.approx(1 / 3)
    assert set(found.to_plain()["per_class"]) == {"甲", "乙", "丙"}


def test_fleiss_gives_the_figure_of_his_example() -> None:
    """Ten subjects, fourteen raters, five categories: kappa 0.210 (Fleiss, 1971; Wikipedia)."""
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    ratings = [np.repeat(np.arange(5), row).tolist() for row in table]
    assert fleiss(ratings) == pytest.approx(0.210, abs=5e-4)


def test_alpha_gives_the_figure_of_krippendorff_s_example() -> None:
    """Twelve units, four observers, values missing: nominal alpha 0.743 (Krippendorff, 2011)."""
    units = [
        [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
        [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
    ]  # fmt: skip
    assert alpha(units) == pytest.approx(0.743, abs=5e-4)


@given(SETS, SETS)
def test_masi_is_a_distance_between_0_and_1(a: frozenset[str], b: frozenset[str]) -> None:
    """It is 0 for equal sets only, 1 for disjoint ones, and the same both ways."""
    found = masi(a, b)
    assert 0 <= found <= 1
    assert found == masi(b, a)
    assert (found == 0) == (a == b)
    if not a & b and a != b:
        assert found == 1


@given(st.lists(st.tuples(SETS, SETS), min_size=2, max_size=15))
def test_alpha_of_sets_is_that_of_its_definition(pairs: list[tuple[frozenset[str], ...]]) -> None:
    """Mean distance within texts over that of all values, pair by pair."""
    values = [value for row in pairs for value in row]
    apart = [masi(x, y) for i, x in enumerate(values) for j, y in enumerate(values) if i != j]
    if sum(apart):
        seen = np.mean([masi(x, y) for x, y in pairs])
        assert alpha(pairs, masi) == pytest.approx(1 - seen / np.mean(apart))
    else:
        assert math.isnan(alpha(pairs, masi))


@given(st.lists(st.tuples(SETS, SETS), min_size=1, max_size=15))
def test_micro_f1_of_sets_is_that_of_scikit_learn(pairs: list[tuple[frozenset[str], ...]]) -> None:
    """And the same whoever counts as right."""
    codes = ["1001", "1002", "1003"]
    a, b = ([row[side] for row in pairs] for side in (0, 1))
    tables = [[[code in row for code in codes] for row in side] for side in (a, b)]
    if any(map(any, tables[0] + tables[1])):
        assert set_f1(a, b) == pytest.approx(f1_score(*tables, average="micro"))
    assert set_f1(a, b) == set_f1(b, a)


def test_what_cannot_be_compared_is_refused() -> None:
    """Nothing, different lengths, a text with one label."""
    with pytest.raises(InputError, match="no labelled text"):
        kappa([], [])
    with pytest.raises(InputError, match="1 labels of one and 2"):
        pair(["甲"], ["甲", "乙"])
    with pytest.raises(InputError, match="fewer than two"):
        fleiss([["甲"]])
    with pytest.raises(InputError, match="two people"):
        alpha([["甲"], ["乙"]])
