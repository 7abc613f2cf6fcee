"""Which of the significant rules are causes, and which are shadows of other causes.

For every issue the rule with the strongest evidence is taken first, among complaints of the same
week; then the others are tested again among complaints that are alike in week and in the causes
already taken, and so on until nothing is left that chance does not explain. A product guilty only
through its bad batch, a region guilty only by what is sold there, and a channel guilty only
together with a region lose their evidence on the way. What survives is held against every other
attribute, against issues that come with it in the same complaint, and against the large causes of
other issues, which crowd issues out where they act and so make them look frequent elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mining.scene import Codes, Rule, Scene
from mining.strata import Division, Floats, Strata

_KEPT_INFORMATION = 0.3
_DOUBT_P = 1e-3
_FAINT_P = 0.05
_CLEAR_Z = 4.5
_SAME_COMPLAINTS = 0.5
_LARGE_SHARE = 0.01
_MOST_LARGE = 5
_FIRST_PART = 1 << 20


@dataclass(frozen=True)
class Confounder:
    """What explains a rule: a value, or an attribute as a whole (value None)."""

    attribute: str
    value: str | None = None


@dataclass(frozen=True)
class Bar:
    """What evidence has to reach.

    Attributes
    ----------
    p_value : float
        Largest p-value inside the strata.
    lift : float
        Least lower 95 % bound of the ratio of confidences inside the strata.
    """

    p_value: float
    lift: float


@dataclass
class Verdict:
    """What became of the rules.

    Attributes
    ----------
    causes : list of Rule
        Unconfounded, the strongest evidence first.
    confounded : dict of Rule to list of Confounder
        The others that are significant, with what explains them.
    weak : list of Rule
        Significant, but too small to matter.
    p_values : dict of Rule to float
        Of every cause, among complaints alike in the other causes of its issue.
    """

    causes: list[Rule] = field(default_factory=list)
    confounded: dict[Rule, list[Confounder]] = field(default_factory=dict)
    weak: list[Rule] = field(default_factory=list)
    p_values: dict[Rule, float] = field(default_factory=dict)

    def dismiss(self, rule: Rule, by: list[Confounder]) -> None:
        """Take a rule for a shadow of something, or for too weak where nothing is named."""
        if by:
            self.confounded[rule] = by
        else:
            self.weak.append(rule)


def judge(scene: Scene, rules: Sequence[Rule], bar: Bar) -> Verdict:
    """Tell causes from their shadows.

    Parameters
    ----------
    scene : Scene
        The complaints.
    rules : sequence of Rule
        Significant rules from attributes to issues.
    bar : Bar
        What evidence has to reach.

    Returns
    -------
    Verdict
    """
    verdict = Verdict()
    by_issue: dict[int, list[Rule]] = {}
    for rule in rules:
        by_issue.setdefault(rule.issue, []).append(rule)
    taken: list[tuple[float, Rule]] = []
    for issue, mine in by_issue.items():
        taken += _judge_issue(scene, issue, mine, bar, verdict)
    taken.sort(key=lambda pair: -pair[0])
    _across_issues(scene, [rule for _, rule in taken], bar, verdict)
    return verdict


def _judge_issue(
    scene: Scene, issue: int, rules: list[Rule], bar: Bar, verdict: Verdict
) -> list[tuple[float, Rule]]:
    strength = {rule: z for z, rule in _forward(scene, issue, rules, bar)}
    kept = list(strength)
    for rule in reversed(list(strength)):
        blame = _blame(scene, rule, kept, bar)
        if blame is not None:
            kept.remove(rule)
            verdict.dismiss(rule, blame)
    base = scene.strata(issue, scene.base(issue))
    for rule in rules:
        if rule not in strength:
            _dismiss(scene, rule, kept, base, bar, verdict)
    return [(strength[rule], rule) for rule in kept]


def _dismiss(
    scene: Scene, rule: Rule, causes: list[Rule], base: Strata, bar: Bar, verdict: Verdict
) -> None:
    rows = scene.rows(rule.antecedent)
    if base.p_value(rows) > _DOUBT_P:
        verdict.dismiss(rule, [Confounder("week")] if scene.weeks is not None else [])
    elif base.compare([rows]).risk_ratio_low[0] < bar.lift:
        verdict.dismiss(rule, [])
    else:
        verdict.dismiss(rule, _explained_by(scene, rule, causes))


def _forward(scene: Scene, issue: int, rules: list[Rule], bar: Bar) -> list[tuple[float, Rule]]:
    """Take rules one after the other, each the strongest among complaints alike in the rest."""
    division = Division.of(scene.base(issue))
    chosen: list[tuple[float, Rule]] = []
    left = list(rules)
    while left:
        strata = scene.strata(issue, division.codes)
        z = strata.compare([scene.rows(rule.antecedent) for rule in left]).z
        order = np.argsort(-z, kind="stable")
        best = next((int(at) for at in order if _passes(scene, strata, left[at], bar)), None)
        if best is None:
            break
        best = _broadest(scene, strata, left, z, best, bar)
        chosen.append((float(z[best]), left[best]))
        division = division.cross(scene.membership(left[best].antecedent), len(chosen))
        left = [rule for at, rule in enumerate(left) if at != best and z[at] > 1.0]
    return chosen


def _broadest(
    scene: Scene, strata: Strata, rules: list[Rule], z: Floats, best: int, bar: Bar
) -> int:
    """A wider rule instead, where the rest of it is guilty too and the narrower adds nothing."""
    narrow = scene.rows(rules[best].antecedent)
    inside = np.zeros(len(scene), dtype=np.int32)
    inside[narrow] = 1
    beyond = scene.strata(rules[best].issue, Division.of(strata.codes, inside).codes)
    for at in np.argsort(-z, kind="stable"):
        wide = scene.rows(rules[at].antecedent)
        if z[at] < _SAME_COMPLAINTS * z[best] or wide.size <= narrow.size:
            continue
        if inside[wide].sum() < narrow.size or beyond.p_value(wide) > _FAINT_P:
            continue
        within = np.full(len(scene), -1, dtype=np.int32)
        within[wide] = strata.codes[wide]
        if scene.strata(rules[best].issue, within).p_value(narrow) > bar.p_value:
            return int(at)
    return best


def _passes(scene: Scene, strata: Strata, rule: Rule, bar: Bar) -> bool:
    rows = scene.rows(rule.antecedent)
    low = strata.compare([rows]).risk_ratio_low[0]
    enough = not low < bar.lift
    return enough and strata.p_value(rows) <= bar.p_value


def _alike(scene: Scene, first: Codes, rule: Rule, causes: Sequence[Rule]) -> Division:
    """Complaints alike in a first part and in the other causes of the rule's issue."""
    others = [c.antecedent for c in causes if c.issue == rule.issue and c != rule]
    division = Division.of(first)
    for number, items in enumerate(others, start=1):
        division = division.cross(scene.membership(items), number)
    return division


def _blame(scene: Scene, rule: Rule, causes: list[Rule], bar: Bar) -> list[Confounder] | None:
    """What explains a chosen rule after all: the other causes, or an attribute as a whole."""
    base = scene.base(rule.issue)
    alike = _alike(scene, np.minimum(base, 0), rule, causes)
    weekly = alike.cross(np.maximum(base, 0), _FIRST_PART)
    strata = scene.strata(rule.issue, weekly.codes)
    if not _passes(scene, strata, rule, bar):
        return _explained_by(scene, rule, [other for other in causes if other != rule])
    for attribute, values in scene.values.items():
        tied = scene.is_tied(attribute, rule.antecedent)
        if tied or not scene.might_confound(attribute, rule):
            continue
        finer = scene.strata(rule.issue, alike.cross(values + 1, _FIRST_PART).codes)
        if _vanishes(scene, rule, strata, finer):
            return [Confounder(attribute)]
    return None


def _vanishes(scene: Scene, rule: Rule, strata: Strata, finer: Strata) -> bool:
    """Whether finer strata, while still able to tell, take the rule's evidence away."""
    rows = [scene.rows(rule.antecedent)]
    coarse, fine = strata.compare(rows), finer.compare(rows)
    information = fine.variance[0] / coarse.variance[0]
    least = 1 + (coarse.risk_ratio[0] - 1) / 3
    if information < _KEPT_INFORMATION:
        return fine.excludes(least)
    clear = coarse.z[0] * math.sqrt(information) > _CLEAR_Z
    weak = finer.p_value(rows[0]) > (_DOUBT_P if clear else _FAINT_P)
    return bool(fine.risk_ratio[0] < least or weak)


def _explained_by(scene: Scene, rule: Rule, causes: Sequence[Rule]) -> list[Confounder]:
    """The causes among whose complaints most of the rule's lie; else the weeks."""
    rows = scene.rows(rule.antecedent)
    mine = rows[scene.held(rule.issue)[rows]]
    best, share = None, 0.0
    for cause in causes:
        common = float((scene.membership(cause.antecedent)[mine] == 1).mean())
        if common > share:
            best, share = cause, common
    if best is not None:
        return [_named(scene, item) for item in best.antecedent]
    return [Confounder("week")] if scene.weeks is not None else []


def _named(scene: Scene, item: int) -> Confounder:
    named = scene.baskets.items[item]
    return Confounder(named.attribute, named.value)


def _across_issues(scene: Scene, rules: list[Rule], bar: Bar, verdict: Verdict) -> None:
    """Hold every cause, the strongest first, against the causes of other issues before it."""
    for rule in rules:
        base = scene.base(rule.issue)
        alike = _alike(scene, np.minimum(base, 0), rule, rules)
        weekly = alike.cross(np.maximum(base, 0), _FIRST_PART)
        elsewhere = [cause for cause in verdict.causes if cause.issue != rule.issue]
        blame = _mediated(scene, rule, elsewhere, weekly)
        blame = blame or _crowded_out(scene, rule, elsewhere, weekly, bar)
        if blame:
            verdict.confounded[rule] = blame
        else:
            verdict.causes.append(rule)
            strata = scene.strata(rule.issue, alike.codes)
            verdict.p_values[rule] = strata.p_value(scene.rows(rule.antecedent))


def _share_complaints(scene: Scene, one: Rule, other: Rule) -> bool:
    first, second = scene.rows(one.antecedent), scene.rows(other.antecedent)
    common = (scene.membership(one.antecedent)[second] == 1).sum()
    return bool(common >= _SAME_COMPLAINTS * min(first.size, second.size))


def _mediated(scene: Scene, rule: Rule, causes: list[Rule], alike: Division) -> list[Confounder]:
    """The issue that the rule's own comes with in the same complaint, if it holds by that only."""
    coarse = scene.strata(rule.issue, alike.codes)
    rows = [scene.rows(rule.antecedent)]
    least = 1 + (coarse.compare(rows).risk_ratio[0] - 1) / 3
    for cause in causes:
        if not _share_complaints(scene, cause, rule):
            continue
        present = scene.held(cause.issue).astype(np.int32)
        beside = scene.strata(rule.issue, alike.cross(present, _FIRST_PART + 1).codes)
        left = beside.compare(rows).risk_ratio[0]
        if not left >= least or beside.p_value(rows[0]) > _DOUBT_P:
            return [_named(scene, cause.issue)]
    return []


def _crowded_out(
    scene: Scene, rule: Rule, causes: list[Rule], alike: Division, bar: Bar
) -> list[Confounder]:
    """The largest cause of another issue, if only its complaints make this one look frequent."""
    large = [
        cause for cause in _large_causes(scene, causes) if not _share_complaints(scene, cause, rule)
    ]
    if not large:
        return []
    coarse = scene.strata(rule.issue, alike.codes)
    apart = alike
    for number, cause in enumerate(large, start=_FIRST_PART + 1):
        apart = apart.cross(scene.membership(cause.antecedent), number)
    finer = scene.strata(rule.issue, apart.codes)
    low = finer.compare([scene.rows(rule.antecedent)]).risk_ratio_low[0]
    if low >= bar.lift and not _vanishes(scene, rule, coarse, finer):
        return []
    return [_named(scene, item) for item in large[0].antecedent]


def _large_causes(scene: Scene, causes: list[Rule]) -> list[Rule]:
    """The few causes that hold so many complaints that other issues' shares depend on them."""
    sizes = [int(scene.held(cause.issue)[scene.rows(cause.antecedent)].sum()) for cause in causes]
    order = np.argsort(-np.array(sizes, dtype=np.int64), kind="stable")[:_MOST_LARGE]
    return [causes[at] for at in order if sizes[at] >= _LARGE_SHARE * len(scene)]
