"""A finding: a rule that survived, with everything it has to carry."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from scipy import stats

from mining.baskets import Item
from mining.confounding import Confounder
from mining.exposure import Exposure
from mining.stability import Stability

Status = Literal["unknown", "new", "grown", "stable", "vanished", "confounded"]
Kind = Literal["cause", "co-occurrence"]

CAVEAT = "共现线索，不等于因果证明"
_GROWTH_P = 0.05


@dataclass(frozen=True)
class Finding:
    """One rule and the evidence for it.

    The counts are those of the tests: each complainant's first filing with the issue. The
    complaints themselves are all of them, repeated filings included.

    Attributes
    ----------
    kind : {"cause", "co-occurrence"}
        Attributes to issue, or issue to issue.
    antecedents, consequents : tuple of Item
        Left and right side.
    count, antecedent_count, consequent_count, total : int
        Complaints with both, with each side, and all.
    support, confidence, lift, leverage, conviction, zhang, odds_ratio : float
        Measures; conviction may be infinite.
    confidence_interval, odds_ratio_interval : tuple of float
        95 % (Wilson; Woolf).
    p_value, q_value, family_wise : float
        Fisher's one-sided test; Benjamini and Hochberg's and Holm's corrections over all tests.
    improvement : float
        Confidence less that of the best simpler rule.
    excess, excess_low : float
        Complaints in excess of independence, and the lower end of their 95 % interval.
    status : {"unknown", "new", "grown", "stable", "vanished", "confounded"}
        Against the last period, unknown where none was given; confounded where `confounded_by`
        explains the rule.
    confounded_by : tuple of Confounder
        Empty for a finding that nothing known explains.
    exposure : Exposure, optional
        Where units are known.
    stability : Stability, optional
        Where times are known.
    permutation_p_value : float, optional
        Where permutations were asked for: share of shuffled tables with evidence this strong
        anywhere.
    complaints : tuple of str
        Ids of all complaints behind the rule.
    antecedent_filed : int
        All complaints with the left side, repeated filings included.
    """

    kind: Kind
    antecedents: tuple[Item, ...]
    consequents: tuple[Item, ...]
    count: int
    antecedent_count: int
    consequent_count: int
    total: int
    support: float
    confidence: float
    confidence_interval: tuple[float, float]
    lift: float
    leverage: float
    conviction: float
    zhang: float
    odds_ratio: float
    odds_ratio_interval: tuple[float, float]
    p_value: float
    q_value: float
    family_wise: float
    improvement: float
    excess: float
    excess_low: float
    status: Status = "unknown"
    confounded_by: tuple[Confounder, ...] = ()
    exposure: Exposure | None = None
    stability: Stability | None = None
    permutation_p_value: float | None = None
    complaints: tuple[str, ...] = ()
    antecedent_filed: int = 0

    @property
    def key(self) -> tuple[str, frozenset[Item], frozenset[Item]]:
        """What makes it the same finding in another period."""
        return self.kind, frozenset(self.antecedents), frozenset(self.consequents)

    @property
    def is_confounded(self) -> bool:
        """Whether something else explains it."""
        return bool(self.confounded_by)

    def to_dict(self) -> dict[str, Any]:
        """The finding as ``report.json`` holds it; what is infinite becomes None."""
        return {
            "kind": self.kind,
            "antecedents": [_item(item) for item in self.antecedents],
            "consequents": [_item(item) for item in self.consequents],
            "count": self.count,
            "antecedent_count": self.antecedent_count,
            "consequent_count": self.consequent_count,
            "total": self.total,
            "support": self.support,
            "confidence": self.confidence,
            "confidence_interval": list(self.confidence_interval),
            "lift": self.lift,
            "leverage": self.leverage,
            "conviction": _finite(self.conviction),
            "zhang": self.zhang,
            "odds_ratio": self.odds_ratio,
            "odds_ratio_interval": list(self.odds_ratio_interval),
            "p_value": self.p_value,
            "q_value": self.q_value,
            "family_wise": self.family_wise,
            "permutation_p_value": self.permutation_p_value,
            "improvement": self.improvement,
            "excess": self.excess,
            "excess_low": self.excess_low,
            "status": self.status,
            "confounded_by": [
                {"attribute": by.attribute, "value": by.value} for by in self.confounded_by
            ],
            "exposure": _exposure(self.exposure),
            "stability": vars(self.stability) if self.stability else None,
            "filed": len(self.complaints),
            "antecedent_filed": self.antecedent_filed,
            "complaints": list(self.complaints),
            "caveat": CAVEAT,
        }


def _item(item: Item) -> dict[str, str]:
    return {"attribute": item.attribute, "value": item.value}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _exposure(exposure: Exposure | None) -> dict[str, Any] | None:
    if exposure is None:
        return None
    return {
        "units": exposure.units,
        "other_units": exposure.other_units,
        "complaints": exposure.complaints,
        "other_complaints": exposure.other_complaints,
        "rate_ratio": _finite(exposure.rate_ratio),
        "rate_ratio_interval": [_finite(end) for end in exposure.rate_ratio_interval],
        "p_value": exposure.p_value,
        "is_excess": exposure.is_excess,
    }


def compare_periods(
    current: Sequence[Finding], previous: Iterable[Finding] | None
) -> tuple[list[Finding], list[Finding]]:
    """Say of each finding whether it is new, grown or stable, and which have vanished.

    Grown: its complaints make up a surely larger share of all than in the last period
    (Fisher's one-sided test at 5 %).

    Parameters
    ----------
    current, previous : iterable of Finding
        Of this period and of the last; None where there is no last period, of which nothing can
        then be said.

    Returns
    -------
    findings : list of Finding
        The current ones in their order; those confounded keep that status.
    vanished : list of Finding
        Unconfounded ones of the last period that this period does not show.
    """
    if previous is None:
        return list(current), []
    before = {finding.key: finding for finding in previous if not finding.is_confounded}
    keys = {finding.key for finding in current if not finding.is_confounded}
    judged = [
        finding
        if finding.is_confounded
        else replace(finding, status=_status(finding, before.get(finding.key)))
        for finding in current
    ]
    gone = [
        replace(finding, status="vanished") for key, finding in before.items() if key not in keys
    ]
    return judged, gone


def _status(now: Finding, before: Finding | None) -> Status:
    if before is None:
        return "new"
    others = now.total + before.total
    grown = stats.hypergeom.sf(now.count - 1, others, now.count + before.count, now.total)
    return "grown" if grown < _GROWTH_P else "stable"
