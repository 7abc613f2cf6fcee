"""From a complaint table to its root causes: the one door of this room's rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import ColumnMissing, SettingRefused
from mining.baskets import Baskets, Item, baskets_from_table
from mining.candidates import Candidates, Ints, mine_candidates
from mining.complainants import (
    RepeatFiler,
    customer_codes,
    first_filings,
    issue_signatures,
    repeat_filers,
)
from mining.confounding import Bar, Confounder, Verdict, judge
from mining.cooccurrence import Pairs, crowding, issue_pairs, judge_pairs
from mining.exposure import Exposure, ExposureTable, exposure_table
from mining.findings import Finding, Kind, compare_periods
from mining.hierarchy import attribute_codes, tied_attributes
from mining.scene import Rule, Scene
from mining.significance import (
    Floats,
    benjamini_hochberg,
    bonferroni_holm,
    fisher_p_values,
    rule_measures,
)
from mining.spelling import Aliases
from mining.stability import Stability, Weeks, stability, weeks_of

Progress = Callable[[str, int, int], None]

_FEWEST = 5
_SMALLEST_SHARE = 0.0005
_STEPS = 6
_LEAST_RATIO = 1.1
_LOOSEST = 0.005
_MOST_JUDGED = 120_000
_SINGLE_ATTENTION = 0.5
_PAIRS_ATTENTION = 0.25


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
    previous: Iterable[Finding] = (),
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
        Findings of the last period.
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
    return _Search(
        table,
        [name for name in items if name != issues],
        issues,
        demands or Demands(),
        aliases,
        exposure_table(exposure) if exposure is not None else None,
        severity or {},
        list(previous),
        max_confounded,
        permutations,
        progress,
    ).run()


def _attention(longest: int) -> Floats:
    """Share of the attention for antecedents of each length."""
    rest = 1 - _SINGLE_ATTENTION - _PAIRS_ATTENTION
    return np.array([_SINGLE_ATTENTION, *[rest / max(longest - 1, 1)] * (longest - 1)])


@dataclass
class _Search:
    """One run: holds what the steps hand on to each other."""

    table: pd.DataFrame
    items: list[str]
    issue_column: str
    demands: Demands
    aliases: Aliases | None
    exposure: ExposureTable | None
    severity: Mapping[str, float]
    previous: list[Finding]
    max_confounded: int
    permutations: int
    progress: Progress | None
    _step: int = 0

    def run(self) -> CauseReport:
        self._say("baskets")
        self._read()
        self._say("itemsets")
        self.min_count = self.demands.min_count(len(self.scene))
        self.candidates = mine_candidates(
            self.scene.baskets,
            self.issues,
            self.min_count,
            self.demands.max_antecedents,
            self.scene.tied,
        )
        self._say("tests")
        self.pairs = issue_pairs(self.scene, self.issues, self.min_count)
        self.tests = int(self.candidates.tests.sum()) + self.pairs.tests
        self._test()
        self._say("confounding")
        self.court = self.scene.sample(_MOST_JUDGED)
        verdict = judge(self.court, self._significant_rules(), self.bar)
        kept, explained = self._judge_pairs(verdict.causes)
        self._confirm(verdict, kept)
        self._say("findings")
        findings = self._report(verdict, kept, explained)
        self._say("done")
        return self._close(findings)

    def _say(self, step: str) -> None:
        if self.progress is not None:
            self.progress(step, self._step, _STEPS)
        self._step += 1

    def _read(self) -> None:
        table, issues = self.table, self.issue_column
        if issues not in table.columns:
            raise ColumnMissing(f"no column {issues!r} of issues in the table; name the right one")
        self.all = baskets_from_table(
            table, [*self.items, issues], several=(issues,), aliases=self.aliases
        )
        self.issues = self.all.of({issues})
        names = table["customer_id"] if "customer_id" in table.columns else None
        customers = customer_codes(names, len(table))
        self.filers = repeat_filers(self.all, customers, names)
        self.first = first_filings(customers, issue_signatures(self.all, self.issues))
        times = table["received_at"] if "received_at" in table.columns else None
        self.weeks = weeks_of(times)
        self.scene = self._scene(customers)

    def _scene(self, customers: NDArray[np.int64]) -> Scene:
        baskets = self.all if self.first.all() else self.all.rows(self.first)
        values = attribute_codes(baskets, self.items)
        weeks = self.weeks.codes[self.first] if self.weeks is not None else None
        return Scene(baskets, values, weeks, customers[self.first], tied_attributes(values))

    def _test(self) -> None:
        """Correct for everything tested; recount by complainant what would be significant."""
        candidates = self.candidates
        self._weigh()
        q = self._q(candidates.p_values, self.pairs.p_values)[: len(candidates)]
        lift = candidates.both * candidates.total
        lift = lift / (candidates.antecedent_count * candidates.consequent)
        promising = (q <= self.demands.max_q) & (lift >= _LEAST_RATIO)
        limit = self._limit(q)
        promising &= candidates.gain_p <= limit
        self._recount(np.flatnonzero(promising))
        corrected = self._q(self.p_values, self.pairs.p_values)
        self.q_values = corrected[: len(candidates)]
        self.pair_q = corrected[len(candidates) :]
        both = np.concatenate([self.p_values, self.pairs.p_values])
        self.family_wise = bonferroni_holm(both, self.tests, self.weights)
        self.significant = promising & (self.q_values <= self.demands.max_q)
        self.bar = Bar(limit, self.demands.min_lift)

    def _weigh(self) -> None:
        """Give single values half of the attention, combinations and issue pairs the rest.

        There are a hundred times more combinations than single values; without weights the
        causes that matter most would have to pay for all of them.
        """
        tests = np.append(self.candidates.tests, self.pairs.tests)
        shares = np.append(_attention(self.candidates.tests.size), _PAIRS_ATTENTION)
        shares = np.where(tests > 0, shares, 0.0)
        each = shares / max(shares.sum(), 1e-9) * self.tests / np.maximum(tests, 1)
        lengths = self.candidates.antecedents.lengths[self.candidates.antecedent]
        self.weights = np.append(each[lengths - 1], np.full(self.pairs.both.size, each[-1]))

    def _q(self, causes: Floats, pairs: Floats) -> Floats:
        return benjamini_hochberg(np.append(causes, pairs), self.tests, self.weights)

    def _limit(self, q: Floats) -> float:
        """What the rules tested again have to reach: Bonferroni's bound over those that are."""
        return min(_LOOSEST, self.demands.max_q / max(1, int((q <= self.demands.max_q).sum())))

    def _recount(self, rows: Ints) -> None:
        candidates = self.candidates
        self.p_values = candidates.p_values.copy()
        self.counts: dict[Rule, tuple[int, int, int, int]] = {}
        for at in rows:
            rule = self._rule(at)
            counts = self._counts(rule)
            fresh = fisher_p_values(*([count] for count in counts))[0]
            self.p_values[at] = max(self.p_values[at], fresh)

    def _rule(self, at: int) -> Rule:
        number = int(self.candidates.antecedent[at])
        return Rule(self.candidates.antecedents.items(number), int(self.candidates.issue[at]))

    def _counts(self, rule: Rule) -> tuple[int, int, int, int]:
        """Both, antecedent, consequent and all, each complainant once with the issue."""
        if rule not in self.counts:
            kept, held = self.scene.counted(rule.issue), self.scene.held(rule.issue)
            rows = self.scene.rows(rule.antecedent)
            rows = rows[kept[rows]]
            both = int(held[rows].sum())
            self.counts[rule] = both, rows.size, int((held & kept).sum()), int(kept.sum())
        return self.counts[rule]

    def _significant_rules(self) -> list[Rule]:
        self.place = {self._rule(at): int(at) for at in np.flatnonzero(self.significant)}
        return list(self.place)

    def _judge_pairs(self, causes: list[Rule]) -> tuple[list[Rule], dict[Rule, list[Confounder]]]:
        lift = max(1.0, crowding(self.scene, self.issues)) * self.demands.min_lift
        chosen = self.pair_q <= self.demands.max_q
        self.pair_place = {
            Rule((int(self.pairs.left[at]),), int(self.pairs.right[at])): int(at)
            for at in np.flatnonzero(chosen)
        }
        return judge_pairs(self.court, self.pairs, chosen, causes, Bar(self.bar.p_value, lift))

    def _confirm(self, verdict: Verdict, pairs: list[Rule]) -> None:
        """Correct once more, by the evidence that is left and with shadows not as discoveries.

        A cause drags dozens of significant shadows behind it; they would make room in Benjamini
        and Hochberg's step for as many more chance findings beside it. Because the same
        complaints told causes from shadows before, every q-value is doubled.
        """
        alone, beside = np.ones(len(self.candidates)), np.ones(self.pairs.both.size)
        for rule in verdict.causes:
            at = self.place[rule]
            alone[at] = max(self.p_values[at], verdict.p_values[rule])
        for rule in pairs:
            beside[self.pair_place[rule]] = self.pairs.p_values[self.pair_place[rule]]
        q = np.minimum(2 * self._q(alone, beside), 1.0)
        for rule in verdict.causes:
            self.q_values[self.place[rule]] = q[self.place[rule]]
        for rule in pairs:
            self.pair_q[self.pair_place[rule]] = q[len(self.candidates) + self.pair_place[rule]]

    def _report(
        self,
        verdict: Verdict,
        kept: list[Rule],
        explained: dict[Rule, list[Confounder]],
    ) -> list[Finding]:
        found = [self._finding("cause", rule, []) for rule in verdict.causes]
        found += [self._finding("co-occurrence", rule, []) for rule in kept]
        shadows = [self._finding("cause", rule, by) for rule, by in self._shadows(verdict).items()]
        shadows += [self._finding("co-occurrence", rule, by) for rule, by in explained.items()]
        found = [finding for finding in found + shadows if self._reaches(finding)]
        return sorted(found, key=self._order)

    def _shadows(self, verdict: Verdict) -> dict[Rule, list[Confounder]]:
        """The confounded ones that are not just a cause with something added, strongest first."""
        causes = [(set(cause.antecedent), cause.issue) for cause in verdict.causes]
        shadows = {
            rule: by
            for rule, by in verdict.confounded.items()
            if not any(
                issue == rule.issue and items < set(rule.antecedent) for items, issue in causes
            )
        }
        order = sorted(shadows, key=lambda rule: self.p_values[self.place[rule]])
        return {rule: shadows[rule] for rule in order[: self.max_confounded]}

    def _reaches(self, finding: Finding) -> bool:
        return (
            finding.confidence >= self.demands.min_confidence
            and finding.count >= self.min_count
            and finding.q_value <= self.demands.max_q
        )

    def _order(self, finding: Finding) -> tuple[bool, float]:
        weight = self.severity.get(finding.consequents[0].value, 1.0)
        return finding.is_confounded, -weight * finding.excess_low

    def _finding(self, kind: Kind, rule: Rule, by: list[Confounder]) -> Finding:
        place = self.place[rule] if kind == "cause" else self.pair_place[rule]
        p, q, holm = self._evidence(kind, place)
        counts = self._counts(rule)
        exposure = self._exposed(rule)
        if exposure is not None and not exposure.is_excess and not by:
            by = [Confounder("exposure")]
        measures = rule_measures(*([count] for count in counts))
        value = {name: float(array[0]) for name, array in vars(measures).items()}
        rows = self._all_rows(rule)
        simpler = counts[2] / counts[3]
        gain = self.candidates.improvement[place] if kind == "cause" else None
        return Finding(
            kind=kind,
            antecedents=tuple(self.all.items[item] for item in rule.antecedent),
            consequents=(self.all.items[rule.issue],),
            count=counts[0],
            antecedent_count=counts[1],
            consequent_count=counts[2],
            total=counts[3],
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
            family_wise=holm,
            improvement=float(gain) if gain is not None else value["confidence"] - simpler,
            excess=value["excess"],
            excess_low=value["excess_low"],
            status="confounded" if by else "new",
            confounded_by=tuple(by),
            exposure=exposure,
            stability=self._stability(rule),
            complaints=self._ids(rows),
        )

    def _evidence(self, kind: Kind, place: int) -> tuple[float, float, float]:
        if kind == "cause":
            p, q, family = self.p_values, self.q_values, self.family_wise
        else:
            p, q = self.pairs.p_values, self.pair_q
            family = self.family_wise[len(self.candidates) :]
        return float(p[place]), float(q[place]), float(family[place])

    def _all_rows(self, rule: Rule) -> Ints:
        columns = self.all.columns
        rows: Ints | None = None
        for item in (*rule.antecedent, rule.issue):
            held = columns.indices[columns.indptr[item] : columns.indptr[item + 1]]
            rows = held if rows is None else np.intersect1d(rows, held, assume_unique=True)
        assert rows is not None
        return rows

    def _ids(self, rows: Ints) -> tuple[str, ...]:
        return tuple(map(str, self._names[rows].tolist()))

    @cached_property
    def _names(self) -> NDArray[np.object_]:
        if "id" not in self.table.columns:
            return np.arange(len(self.table)).astype(object)
        return self.table["id"].to_numpy(dtype=object)

    @cached_property
    def _counted_weeks(self) -> Weeks | None:
        if self.weeks is None:
            return None
        return Weeks(self.weeks.codes[self.first], self.weeks.monday)

    def _stability(self, rule: Rule) -> Stability | None:
        if self._counted_weeks is None:
            return None
        rows = self.scene.rows(rule.antecedent)
        return stability(self._counted_weeks, rows, self.scene.held(rule.issue))

    def _exposed(self, rule: Rule) -> Exposure | None:
        items = [self.all.items[item] for item in rule.antecedent]
        if self.exposure is None or len(items) != 1:
            return None
        attribute, value = items[0].attribute, items[0].value
        if not self.exposure.knows(attribute, value):
            return None
        held = self.scene.held(rule.issue) & self.scene.counted(rule.issue)
        columns = self.scene.baskets.of({attribute})
        counts = {
            self.all.items[c].value: int(held[self.scene.item_rows(int(c))].sum()) for c in columns
        }
        return self.exposure.compare(attribute, value, counts)

    def _close(self, findings: list[Finding]) -> CauseReport:
        judged, vanished = compare_periods(findings, self.previous)
        return CauseReport(
            judged,
            vanished,
            self.filers,
            [],
            None,
            self.tests,
            len(self.table),
            len(self.scene),
            self.min_count,
            self.all.messages,
        )
