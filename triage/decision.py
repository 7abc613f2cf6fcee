"""A decision: what one complaint is and who must act by when."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

# A plain tuple of code, name and confidence: the collector need not watch it.
Graded = tuple[str | None, str, float]


class Alternative(NamedTuple):
    """A category that was not given, and how likely it is."""

    code: str | None
    name: str
    confidence: float


class Issue(NamedTuple):
    """One issue code; the first of a decision is the main one."""

    code: str
    name: str
    confidence: float


class Category(NamedTuple):
    """First level of the taxonomy; `others` are code, name, confidence of the next best."""

    code: str | None
    name: str
    confidence: float
    others: tuple[Graded, ...] = ()

    @property
    def alternatives(self) -> tuple[Alternative, ...]:
        """The next best categories, the most likely first."""
        return tuple(Alternative(*other) for other in self.others)


class TierDecision(NamedTuple):
    """How bad it is, and why, in Chinese sentences."""

    label: str
    confidence: float
    reasons: tuple[str, ...]


class SentimentDecision(NamedTuple):
    """The mood that the text shows most, with two scores in [0, 1]."""

    label: str
    confidence: float
    anger: float
    anxiety: float


class EscalationStep(NamedTuple):
    """Who is told when a step is still open."""

    at: datetime
    to: str
    reason: str


class Route(NamedTuple):
    """Who gets it and by when; `resolve_by` is None where a plan decides."""

    queue: str
    skills: tuple[str, ...]
    lane: str
    acknowledge_by: datetime
    resolve_by: datetime | None
    plan_by: datetime | None
    escalations: tuple[EscalationStep, ...]
    advice: str | None


class Evidence(NamedTuple):
    """A word of the original text that speaks for what was decided on one target."""

    text: str
    start: int
    end: int
    target: str
    weight: float


class Decision(NamedTuple):
    """All that is decided on one complaint.

    Parts are kept as plain tuples of names and numbers, which the collector need not watch when
    millions are decided, and become `Category`, `Issue` and so on when they are asked for.
    """

    id: str | None
    plain_category: tuple[str | None, str, float, tuple[Graded, ...]]
    codes: tuple[tuple[str, str, float], ...]
    plain_tier: tuple[str, float, tuple[str, ...]]
    plain_sentiment: tuple[str, float, float, float]
    route: Route
    abstained: bool
    abstained_because: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    model_name: str
    model_version: str
    taxonomy_version: str

    @property
    def category(self) -> Category:
        """First level of the taxonomy."""
        return Category(*self.plain_category)

    @property
    def issues(self) -> tuple[Issue, ...]:
        """The issue codes, the main one first."""
        return tuple(Issue(*code) for code in self.codes)

    @property
    def tier(self) -> TierDecision:
        """How bad it is, and why."""
        return TierDecision(*self.plain_tier)

    @property
    def sentiment(self) -> SentimentDecision:
        """The mood that the text shows most."""
        return SentimentDecision(*self.plain_sentiment)

    def to_dict(self) -> dict[str, Any]:
        """The decision as JSON values, in the form that all doors use."""
        category, tier, mood, route = self.category, self.tier, self.sentiment, self.route
        return {
            "id": self.id,
            "category": {
                "code": category.code,
                "name": category.name,
                "confidence": _share(category.confidence),
                "alternatives": [_graded(other) for other in category.others],
            },
            "issues": [_graded(code) for code in self.codes],
            "tier": {
                "label": tier.label,
                "confidence": _share(tier.confidence),
                "reasons": list(tier.reasons),
            },
            "sentiment": {
                "label": mood.label,
                "confidence": _share(mood.confidence),
                "anger": _share(mood.anger),
                "anxiety": _share(mood.anxiety),
            },
            "route": _route_dict(route),
            "abstained": self.abstained,
            "abstained_because": list(self.abstained_because),
            "evidence": [
                {**found._asdict(), "weight": _share(found.weight)} for found in self.evidence
            ],
            "model": {"name": self.model_name, "version": self.model_version},
            "taxonomy_version": self.taxonomy_version,
        }


def _share(number: float) -> float:
    return round(float(number), 6)


def _graded(part: Graded) -> dict[str, Any]:
    code, name, confidence = part
    return {"code": code, "name": name, "confidence": _share(confidence)}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _route_dict(route: Route) -> dict[str, Any]:
    return {
        "queue": route.queue,
        "skills": list(route.skills),
        "lane": route.lane,
        "acknowledge_by": _iso(route.acknowledge_by),
        "resolve_by": _iso(route.resolve_by),
        "plan_by": _iso(route.plan_by),
        "escalations": [
            {"at": _iso(step.at), "to": step.to, "reason": step.reason}
            for step in route.escalations
        ],
        "advice": route.advice,
    }
