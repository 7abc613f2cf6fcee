"""Issues that come together in one complaint more often than chance and their causes explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mining.candidates import Ints
from mining.confounding import Bar, Confounder
from mining.scene import Rule, Scene
from mining.significance import Floats, fisher_p_values
from mining.strata import Division, Strata

_KEPT_INFORMATION = 0.3
_DOUBT_P = 1e-3
_MOST_CAUSES = 6


@dataclass(frozen=True)
class Pairs:
    """Pairs of issues, each once, the rarer issue on the left.

    Attributes
    ----------
    left, right : ndarray of int64, shape (k,)
        Item columns.
    both, left_count, right_count : ndarray of int64, shape (k,)
        Complaints with both, and with each.
    p_values : ndarray of float64, shape (k,)
        One-sided Fisher tests.
    tests : int
        Pairs that were tested, found together or not.
    """

    left: Ints
    right: Ints
    both: Ints
    left_count: Ints
    right_count: Ints
    p_values: Floats
    tests: int

    def rule(self, at: int) -> Rule:
        """One pair as a rule, from the rarer issue to the other."""
        return Rule((int(self.left[at]),), int(self.right[at]))


def issue_pairs(scene: Scene, issues: Ints, min_count: int) -> Pairs:
    """Count and test every pair of issues.

    Parameters
    ----------
    scene : Scene
        n complaints.
    issues : ndarray of int64
        Item columns of the issues.
    min_count : int
        Fewest complaints for each issue and for the two together.

    Returns
    -------
    Pairs
    """
    counts = scene.baskets.counts
    frequent = issues[counts[issues] >= min_count]
    frequent = frequent[np.argsort(counts[frequent], kind="stable")]
    held = scene.baskets.matrix[:, frequent].astype(np.int32)
    together = np.triu((held.T @ held).toarray(), k=1)
    at, beside = np.nonzero(together >= max(min_count, 1))
    left, right = frequent[at], frequent[beside]
    both = together[at, beside].astype(np.int64)
    p_values = fisher_p_values(both, counts[left], counts[right], len(scene))
    tests = frequent.size * (frequent.size - 1) // 2
    return Pairs(left, right, both, counts[left], counts[right], p_values, tests)


def crowding(scene: Scene, issues: Ints) -> float:
    """Ratio in which all pairs are over-represented only because some complaints list many issues.

    Parameters
    ----------
    scene : Scene
        n complaints.
    issues : ndarray of int64
        Item columns of the issues.

    Returns
    -------
    float
        n sum(k (k - 1)) / sum(k)**2 over the numbers k of issues a complaint; 1 for Poisson.
    """
    numbers = np.diff(scene.baskets.matrix[:, issues].indptr).astype(np.float64)
    square = numbers.sum() ** 2
    return float(numbers.size * (numbers * (numbers - 1)).sum() / square) if square else 1.0


def judge_pairs(
    scene: Scene, rules: Sequence[Rule], causes: Sequence[Rule], bar: Bar
) -> tuple[list[Rule], dict[Rule, list[Confounder]]]:
    """Tell pairs that belong together from those that only share a cause, a product or a third.

    Parameters
    ----------
    scene : Scene
        The complaints.
    rules : sequence of Rule
        Significant pairs, the strongest first.
    causes : sequence of Rule
        Unconfounded causes.
    bar : Bar
        What evidence has to reach; its lift already allows for `crowding`.

    Returns
    -------
    kept : list of Rule
        Strongest first.
    confounded : dict of Rule to list of Confounder
    """
    kept: list[Rule] = []
    confounded: dict[Rule, list[Confounder]] = {}
    for rule in rules:
        blame = _blame(scene, rule, kept, causes, bar)
        if blame is None:
            kept.append(rule)
        elif blame:
            confounded[rule] = blame
    return kept, confounded


def _blame(
    scene: Scene, rule: Rule, kept: list[Rule], causes: Sequence[Rule], bar: Bar
) -> list[Confounder] | None:
    """What explains the pair; None where nothing does, an empty list where it is just weak."""
    rows = scene.rows(rule.antecedent)
    base = scene.strata(rule.issue, scene.base(rule.issue))
    if base.compare([rows]).risk_ratio_low[0] < bar.lift:
        return []
    if base.p_value(rows) > bar.p_value:
        return [Confounder("week")]
    involved = [c for c in causes if c.issue in (rule.antecedent[0], rule.issue)][:_MOST_CAUSES]
    parts = [scene.base(rule.issue), *(scene.membership(c.antecedent) for c in involved)]
    if involved and _fails(scene, rule, base, Division.of(*parts).codes, bar):
        return [_named(scene, item) for item in involved[0].antecedent]
    for attribute, values in scene.values.items():
        if not scene.might_confound(attribute, rule):
            continue
        if _fails(scene, rule, base, Division.of(parts[0], values + 1).codes, bar):
            return [Confounder(attribute)]
    for third in _neighbours(rule, kept):
        present = scene.held(third).astype(np.int32)
        if _fails(scene, rule, base, Division.of(parts[0], present).codes, bar):
            return [_named(scene, third)]
    return None


def _neighbours(rule: Rule, kept: list[Rule]) -> list[int]:
    """Issues already found beside one of the rule's two."""
    own = {rule.antecedent[0], rule.issue}
    beside = [{other.antecedent[0], other.issue} for other in kept]
    return [third for pair in beside if len(pair & own) == 1 for third in pair - own]


def _fails(scene: Scene, rule: Rule, base: Strata, codes: NDArray[np.int32], bar: Bar) -> bool:
    rows = [scene.rows(rule.antecedent)]
    finer = scene.strata(rule.issue, codes)
    coarse, fine = base.compare(rows), finer.compare(rows)
    if fine.variance[0] < _KEPT_INFORMATION * coarse.variance[0]:
        return fine.excludes(bar.lift)
    return bool(fine.risk_ratio_low[0] < bar.lift or finer.p_value(rows[0]) > _DOUBT_P)


def _named(scene: Scene, item: int) -> Confounder:
    named = scene.baskets.items[item]
    return Confounder(named.attribute, named.value)
