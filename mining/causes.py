"""From a complaint table to its root causes: the one door of this room's rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from domain.errors import SettingRefused
from mining.candidates import mine_candidates
from mining.cases import Cases, read_cases
from mining.complainants import RepeatFiler
from mining.confounding import Confounder, Verdict, judge
from mining.cooccurrence import crowding, issue_pairs, judge_pairs
from mining.evidence import Evidence
from mining.exposure import Exposure, ExposureTable, exposure_table
from mining.findings import Finding, Kind, compare_periods
from mining.permutation import family_wise_share, smallest_p_values
from mining.scene import Rule
from mining.significance import rule_measures
from mining.spelling import Aliases

Progress = Callable[[str, int, int], None]

_FEWEST = 5
_SMALLEST_SHARE = 0.0005
_STEPS = 6
_MOST_JUDGED = 100_000
_NEAREST = 5


@dataclass(frozen=True)
class Demands:
    """What a rule has to reach to be a finding.

    Attributes
    ----------
    min_support : float, optional
        Share of all complaints; None asks for 5 complainants or one in two thousand complaints,
        whichever is more.
    min_confidence : float
        Least share of the antecedent's complaints; by default the lift alone decides.
    min_lift : float
        Least lower 95 % bound of the ratio of confidences with and without the antecedent,
        among complaints that are otherwise alike.
    max_q : float
        False discovery rate.
    max_antecedents : int
        Most attribute values on the left.
    """

    min_support: float | None = None
    min_confidence: float = 0.0
    min_lift: float = 1.2
    max_q: float = 0.05
    max_antecedents: int = 2

    def __post_init__(self) -> None:
        """Refuse what can't work."""
        for name in ("min_support", "min_confidence", "max_q"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                raise SettingRefused(f"{name}={share!r}; give a share from 0 to 1")
        if self.min_lift < 1:
            raise SettingRefused(f"min_lift={self.min_lift!r}; give at least 1")
        if self.max_antecedents < 1:
            raise SettingRefused(f"max_antecedents={self.max_antecedents!r}; give at least 1")

    def min_count(self, total: int) -> int:
        """Fewest complainants behind a finding, of this many complaints."""
        if self.min_support is None:
            return max(_FEWEST, math.ceil(_SMALLEST_SHARE * total))
        return max(1, math.ceil(self.min_support * total - 1e-9))


@dataclass(frozen=True)
class CauseReport:
    """What was found, and what was looked at.

    Attributes
    ----------
    findings : list of Finding
        Not confounded before the others, then by the lower 95 % bound of the excess.
    vanished : list of Finding
        Findings of the last period that this one does not show.
    repeat_filers : list of RepeatFiler
        People whose own filings are no finding (一人多诉).
    nearest : list of Finding
        Best rules that fell short, where nothing was found.
    reason : str, optional
        Why nothing was found.
    tests : int
        Rules tested; the q-values are over all of them.
    total, counted : int
        Complaints, and those left when each complainant counts once on a matter.
    min_count : int
        Fewest complainants a finding needed.
    messages : list of str
        What was left out, and why.
    """

    findings: list[Finding]
    vanished: list[Finding]
    repeat_filers: list[RepeatFiler]
    nearest: list[Finding]
    reason: str | None
    tests: int
    total: int
    counted: int
    min_count: int
    messages: list[str] = field(default_factory=list)

    @property
    def unconfounded(self) -> list[Finding]:
        """Findings that nothing known explains."""
        return [finding for finding in self.findings if not finding.is_confounded]

    def to_dict(self) -> list[dict[str, Any]]:
        """The findings as ``report.json`` holds them."""
        return [finding.to_dict() for finding in self.findings]


def find_causes(
    table: pd.DataFrame,
    items: Sequence[str],
    *,
    issues: str = "issues",
    demands: Demands | None = None,
    aliases: Aliases | None = None,
    exposure: pd.DataFrame | None = None,
    severity: Mapping[str, float] | None = None,
    previous: Iterable[Finding] | None = None,
    max_confounded: int = 100,
    permutations: int = 0,
    progress: Progress | None = None,
) -> CauseReport:
    """Find what causes complaints, and which issues come together.

    Every attribute value, alone and in combination, is tested against every issue, each pair of
    issues against the other, and all of it is corrected together. One complainant counts once in
    every test. What survives is told apart into causes and shadows of causes (`confounding`).

    Parameters
    ----------
    table : pandas.DataFrame, n rows
        One complaint a row; columns ``id``, ``customer_id`` and ``received_at`` are used where
        they are there.
    items : sequence of str
        Attribute columns to mine.
    issues : str, default "issues"
        Column of issue codes joined by ``|``: what causes are sought for.
    demands : Demands, optional
        What a rule has to reach.
    aliases : mapping of attribute to mapping of spelling to name, optional
        Spellings that can't be seen to be the same.
    exposure : pandas.DataFrame, optional
        Columns ``attribute, value, units``: units sold, customers served.
    severity : mapping of issue to float, optional
        Weight of an issue's excess in the order of the findings; 1 where not named.
    previous : iterable of Finding, optional
        Findings of the last period; without them a finding's status is unknown.
    max_confounded : int, default 100
        Most confounded findings reported.
    permutations : int, default 0
        Shuffled tables to hold the findings against; 0 for none.
    progress : callable, optional
        Called with a step's name, its number and the number of steps; may raise to cancel.

    Returns
    -------
    CauseReport

    Raises
    ------
    ColumnMissing
        The table lacks a named column.
    SettingRefused
        A demand can't work.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "batch": ["B07"] * 30 + ["B08"] * 70,
    ...     "issues": ["闪屏"] * 25 + ["物流"] * 5 + ["闪屏"] * 7 + ["物流"] * 63})
    >>> report = find_causes(table, ["batch"])
    >>> [str(item) for item in report.findings[0].antecedents], report.findings[0].count
    (['batch=B07'], 25)
    """
    demands = demands or Demands()
    say = _steps(progress)
    say("baskets")
    cases = read_cases(table, [name for name in items if name != issues], issues, aliases)
    say("itemsets")
    min_count = demands.min_count(len(cases.scene))
    longest = demands.max_antecedents
    candidates = mine_candidates(
        cases.scene.baskets, cases.issues, min_count, longest, cases.scene.tied
    )
    say("tests")
    pairs = issue_pairs(cases.scene, cases.issues, min_count)
    evidence = Evidence(cases.scene, candidates, pairs, demands.max_q)
    say("confounding")
    ruling = _rule_on(cases, evidence, demands)
    say("findings")
    known = exposure_table(exposure) if exposure is not None else None
    clerk = _Clerk(cases, evidence, demands, min_count, known, severity or {})
    findings = clerk.findings(ruling, max_confounded)
    if permutations:
        findings = _permuted(cases, evidence, findings, clerk, permutations)
    findings, vanished = compare_periods(findings, previous)
    say("done")
    found = any(not finding.is_confounded for finding in findings)
    reason = None if found else _reason(cases, evidence, ruling, min_count, demands)
    return CauseReport(
        findings,
        vanished,
        cases.filers,
        [] if found else clerk.nearest(findings),
        reason,
        evidence.tests,
        len(table),
        len(cases.scene),
        min_count,
        cases.baskets.messages,
    )


def _steps(progress: Progress | None) -> Callable[[str], None]:
    done = iter(range(_STEPS))

    def say(step: str) -> None:
        if progress is not None:
            progress(step, next(done), _STEPS - 1)

    return say


@dataclass(frozen=True)
class _Ruling:
    """What became of the significant rules: causes and their shadows, pairs and theirs."""

    verdict: Verdict
    pairs: list[Rule]
    explained: dict[Rule, list[Confounder]]


def _rule_on(cases: Cases, evidence: Evidence, demands: Demands) -> _Ruling:
    court = cases.scene.sample(_MOST_JUDGED)
    verdict = judge(court, list(evidence.places), evidence.bar(demands.min_lift))
    lift = max(1.0, crowding(cases.scene, cases.issues)) * demands.min_lift
    significant = sorted(evidence.pair_places, key=lambda rule: evidence.of_pair(rule)[0])
    kept, explained = judge_pairs(court, significant, verdict.causes, evidence.bar(lift))
    evidence.confirm(verdict, kept)
    return _Ruling(verdict, kept, explained)


@dataclass
class _Clerk:
    """Writes findings down: rules with their counts, measures, evidence and complaints."""

    cases: Cases
    evidence: Evidence
    demands: Demands
    min_count: int
    exposure: ExposureTable | None
    severity: Mapping[str, float]
    rules: dict[tuple[Any, ...], Rule] = field(default_factory=dict)

    def findings(self, ruling: _Ruling, most_confounded: int) -> list[Finding]:
        """All that reach the demands, in the order of the report."""
        found = [self.write("cause", rule, ()) for rule in ruling.verdict.causes]
        found += [self.write("co-occurrence", rule, ()) for rule in ruling.pairs]
        shadows = self._shadows(ruling.verdict, most_confounded)
        found += [self.write("cause", rule, by) for rule, by in shadows.items()]
        found += [self.write("co-occurrence", rule, by) for rule, by in ruling.explained.items()]
        return sorted(filter(self._reaches, found), key=self._order)

    def _shadows(self, verdict: Verdict, most: int) -> dict[Rule, list[Confounder]]:
        """The confounded ones that are not just a cause with something added, strongest first."""
        causes = [(set(cause.antecedent), cause.issue) for cause in verdict.causes]
        shadows = {
            rule: by
            for rule, by in verdict.confounded.items()
            if not any(
                issue == rule.issue and items < set(rule.antecedent) for items, issue in causes
            )
        }
        order = sorted(shadows, key=lambda rule: self.evidence.of_cause(rule)[0])
        return {rule: shadows[rule] for rule in order[:most]}

    def _reaches(self, finding: Finding) -> bool:
        return (
            finding.confidence >= self.demands.min_confidence
            and finding.count >= self.min_count
            and finding.q_value <= self.demands.max_q
        )

    def _order(self, finding: Finding) -> tuple[bool, float]:
        weight = self.severity.get(finding.consequents[0].value, 1.0)
        return finding.is_confounded, -weight * finding.excess_low

    def nearest(self, findings: Sequence[Finding]) -> list[Finding]:
        """The rules that came closest, where nothing was found."""
        written = {finding.key for finding in findings}
        rules = self.evidence.strongest(_NEAREST + len(written))
        close = [self.write("cause", rule, ()) for rule in rules]
        return [finding for finding in close if finding.key not in written][:_NEAREST]

    def write(self, kind: Kind, rule: Rule, by: Sequence[Confounder]) -> Finding:
        """One rule as a finding."""
        cause = kind == "cause"
        p, q, family = self.evidence.of_cause(rule) if cause else self.evidence.of_pair(rule)
        both, antecedent, consequent, total = counts = self.cases.scene.counts(rule)
        arrays = vars(rule_measures(*([count] for count in counts)))
        value = {name: float(array[0]) for name, array in arrays.items()}
        exposure = self._exposed(rule)
        if exposure is not None and not exposure.is_excess and not by:
            by = [Confounder("exposure")]
        gain = value["confidence"] - consequent / total
        finding = Finding(
            kind=kind,
            antecedents=tuple(self.cases.baskets.items[item] for item in rule.antecedent),
            consequents=(self.cases.baskets.items[rule.issue],),
            count=both,
            antecedent_count=antecedent,
            consequent_count=consequent,
            total=total,
            support=value["support"],
            confidence=value["confidence"],
            confidence_interval=(value["confidence_low"], value["confidence_high"]),
            lift=value["lift"],
            leverage=value["leverage"],
            conviction=value["conviction"],
            zhang=value["zhang"],
            odds_ratio=value["odds_ratio"],
            odds_ratio_interval=(value["odds_ratio_low"], value["odds_ratio_high"]),
            p_value=p,
            q_value=q,
            family_wise=family,
            improvement=self.evidence.improvement(rule) if cause else gain,
            excess=value["excess"],
            excess_low=value["excess_low"],
            status="confounded" if by else "unknown",
            confounded_by=tuple(by),
            exposure=exposure,
            stability=self.cases.stability(rule),
            complaints=self.cases.complaints(rule),
            antecedent_filed=self.cases.filed(rule),
        )
        self.rules[finding.key] = rule
        return finding

    def _exposed(self, rule: Rule) -> Exposure | None:
        items = [self.cases.baskets.items[item] for item in rule.antecedent]
        if self.exposure is None or len(items) != 1:
            return None
        attribute, value = items[0].attribute, items[0].value
        if not self.exposure.knows(attribute, value):
            return None
        scene = self.cases.scene
        held = scene.held(rule.issue) & scene.counted(rule.issue)
        counts = {
            scene.baskets.items[item].value: int(held[scene.item_rows(item)].sum())
            for item in scene.baskets.of({attribute}).tolist()
        }
        return self.exposure.compare(attribute, value, counts)


def _permuted(
    cases: Cases, evidence: Evidence, findings: list[Finding], clerk: _Clerk, shuffles: int
) -> list[Finding]:
    """Hold the causes against shuffled tables."""
    smallest = smallest_p_values(
        cases.scene,
        evidence.candidates.antecedents,
        cases.issues,
        evidence.weights_by_length,
        shuffles=shuffles,
    )
    return [
        replace(
            finding,
            permutation_p_value=family_wise_share(
                smallest, evidence.weighted(clerk.rules[finding.key])
            ),
        )
        if finding.kind == "cause"
        else finding
        for finding in findings
    ]


def _reason(
    cases: Cases, evidence: Evidence, ruling: _Ruling, min_count: int, demands: Demands
) -> str:
    """Why nothing was found."""
    counts = cases.scene.baskets.counts
    if not (counts[cases.issues] >= min_count).any():
        return (
            f"no issue was filed by {min_count} complainants "
            f"({len(cases.scene):,} of {len(cases.table):,} complaints count)"
        )
    if len(evidence.candidates.antecedents) == 0:
        return f"no attribute value stands in {min_count} complaints"
    if len(evidence.candidates) == 0:
        return f"no attribute value and issue stand together in {min_count} complaints"
    if not evidence.places and not evidence.pair_places:
        return (
            f"none of {evidence.tests:,} rules tested is more than chance at a false discovery "
            f"rate of {demands.max_q:g}"
        )
    shadows = len(ruling.verdict.confounded) + len(ruling.explained)
    return (
        f"of {evidence.tests:,} rules tested {len(evidence.places)} are more than chance by "
        f"themselves; {shadows} of them something else explains, the rest is too small, too "
        "rare or no longer sure once like is compared with like"
    )
