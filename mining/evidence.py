"""The evidence for every rule that was tested, corrected for all that were."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mining.candidates import Candidates, Ints
from mining.confounding import Bar, Verdict
from mining.cooccurrence import Pairs
from mining.scene import Rule, Scene
from mining.significance import (
    Floats,
    benjamini_hochberg,
    bonferroni_holm,
    fisher_p_values,
)

_LEAST_RATIO = 1.1
_LOOSEST = 0.005
_SINGLE_ATTENTION = 0.5
_PAIRS_ATTENTION = 0.25


class Evidence:
    """P-values of all tests, weighted and corrected.

    Single attribute values get half of the attention, combinations of values a quarter, pairs of
    issues a quarter: there are a hundred times more combinations than single values, and without
    weights the causes that matter most would pay for all of them.

    Parameters
    ----------
    scene : Scene
        n complaints.
    candidates : Candidates
        Attributes against issues.
    pairs : Pairs
        Issues against issues.
    max_q : float
        False discovery rate.

    Attributes
    ----------
    tests : int
        Everything that was tested.
    weights_by_length : ndarray of float64, shape (longest antecedent,)
        Weight of a test of attributes, 1 on average over all tests.
    limit : float
        What the rules that are tested again have to reach.
    places, pair_places : dict of Rule to int
        The significant rules, and where they stand in `candidates` and `pairs`.
    """

    def __init__(self, scene: Scene, candidates: Candidates, pairs: Pairs, max_q: float) -> None:
        self.candidates = candidates
        self.pairs = pairs
        self.tests = int(candidates.tests.sum()) + pairs.tests
        self._max_q = max_q
        self._weigh()
        self._correct(scene)

    def _weigh(self) -> None:
        tests = np.append(self.candidates.tests, self.pairs.tests)
        longest = self.candidates.tests.size
        rest = (1 - _SINGLE_ATTENTION - _PAIRS_ATTENTION) / max(longest - 1, 1)
        shares = np.array([_SINGLE_ATTENTION, *[rest] * (longest - 1), _PAIRS_ATTENTION])
        shares = np.where(tests > 0, shares, 0.0)
        weights = shares / max(shares.sum(), 1e-9) * self.tests / np.maximum(tests, 1)
        self.weights_by_length: Floats = weights[:-1]
        lengths = self.candidates.antecedents.lengths[self.candidates.antecedent]
        of_pairs = np.full(self.pairs.both.size, weights[-1])
        self._weights: Floats = np.append(weights[lengths - 1], of_pairs)

    def _correct(self, scene: Scene) -> None:
        """Correct once for a choice, recount the chosen by complainant, and correct again."""
        candidates = self.candidates
        q = self._q(candidates.p_values, self.pairs.p_values)[: len(candidates)]
        passed = q <= self._max_q
        self.limit = min(_LOOSEST, self._max_q / max(1, int(passed.sum())))
        lift = candidates.both * candidates.total
        lift = lift / (candidates.antecedent_count * candidates.consequent)
        promising = passed & (lift >= _LEAST_RATIO) & (candidates.gain_p <= self.limit)
        self._p_values = self._recounted(scene, np.flatnonzero(promising))
        both = np.append(self._p_values, self.pairs.p_values)
        corrected = self._q(self._p_values, self.pairs.p_values)
        self._q_values, self._pair_q = np.split(corrected, [len(candidates)])
        family = bonferroni_holm(both, self.tests, self._weights)
        self._family, self._pair_family = np.split(family, [len(candidates)])
        kept = np.flatnonzero(promising & (self._q_values <= self._max_q))
        self.places = {self._rule(int(at)): int(at) for at in kept}
        found = np.flatnonzero(self._pair_q <= self._max_q)
        self.pair_places = {self.pairs.rule(int(at)): int(at) for at in found}

    def _q(self, causes: Floats, pairs: Floats) -> Floats:
        return benjamini_hochberg(np.append(causes, pairs), self.tests, self._weights)

    def _recounted(self, scene: Scene, chosen: Ints) -> Floats:
        """The p-values, those chosen with each complainant counted once with the issue."""
        p_values = self.candidates.p_values.copy()
        if chosen.size:
            counts = np.array([scene.counts(self._rule(int(at))) for at in chosen])
            p_values[chosen] = np.maximum(p_values[chosen], fisher_p_values(*counts.T))
        return p_values

    def _rule(self, at: int) -> Rule:
        number = int(self.candidates.antecedent[at])
        return Rule(self.candidates.antecedents.items(number), int(self.candidates.issue[at]))

    def bar(self, lift: float) -> Bar:
        """What the rules have to reach when they are tested again."""
        return Bar(self.limit, lift)

    def confirm(self, verdict: Verdict, pairs: Iterable[Rule]) -> None:
        """Correct once more, by the evidence that is left and without the shadows.

        A cause drags dozens of significant shadows behind it; they would make room in Benjamini
        and Hochberg's step for as many more chance findings beside it. Because the same
        complaints told causes from shadows before, every q-value is doubled.
        """
        alone, beside = np.ones(len(self.candidates)), np.ones(self.pairs.both.size)
        causes = [self.places[rule] for rule in verdict.causes]
        kept = [self.pair_places[rule] for rule in pairs]
        left = np.array([verdict.p_values[rule] for rule in verdict.causes])
        alone[causes] = np.maximum(self._p_values[causes], left)
        beside[kept] = self.pairs.p_values[kept]
        q = np.minimum(2 * self._q(alone, beside), 1.0)
        self._q_values[causes] = q[causes]
        self._pair_q[kept] = q[len(self.candidates) :][kept]

    def of_cause(self, rule: Rule) -> tuple[float, float, float]:
        """P-value, q-value and family-wise error rate of a rule from attributes."""
        at = self.places[rule]
        return float(self._p_values[at]), float(self._q_values[at]), float(self._family[at])

    def of_pair(self, rule: Rule) -> tuple[float, float, float]:
        """P-value, q-value and family-wise error rate of a pair of issues."""
        at = self.pair_places[rule]
        return float(self.pairs.p_values[at]), float(self._pair_q[at]), float(self._pair_family[at])

    def improvement(self, rule: Rule) -> float:
        """Confidence of a rule from attributes less that of the best simpler rule."""
        return float(self.candidates.improvement[self.places[rule]])

    def weighted(self, rule: Rule) -> float:
        """P-value of a rule from attributes over the weight of its test."""
        at = self.places[rule]
        return float(self._p_values[at] / self._weights[at])

    def strongest(self, most: int) -> list[Rule]:
        """Rules from attributes with the smallest weighted p-values, significant or not."""
        order = np.argsort(self._p_values / self._weights[: len(self.candidates)], kind="stable")
        rules = {self._rule(int(at)): int(at) for at in order[:most]}
        self.places = rules | self.places
        return list(rules)
