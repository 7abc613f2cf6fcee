"""What the desk says of a masked complaint, labels that it brings put above it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api.services.desks import Decision, Desks
from api.store.complaints import DECIDED, PENDING
from domain.calendar import parse_time
from domain.complaint import Complaint, Tier
from domain.errors import ModelMissing, SuyuanError
from domain.privacy import blanked
from domain.text import has_chinese

NO_MODEL = "no model"


@dataclass(frozen=True)
class Judgement:
    """A decision, or why there is none yet."""

    decision: Mapping[str, Any] | None
    failure: str | None = None
    by_rule: Mapping[str, Any] = field(default_factory=dict)

    def columns(self, identifier: str) -> dict[str, Any]:
        """What is stored of it beside the complaint."""
        if self.decision is None:
            attempts = int(self.failure != NO_MODEL)
            return {"state": PENDING, "attempts": attempts, "failure": self.failure, **self.by_rule}
        said = self.decision
        route = said["route"]
        return {
            "state": DECIDED,
            "failure": None,
            "decision": dumps({**said, "id": identifier, "state": DECIDED}),
            "category": said["category"]["name"],
            "tier": said["tier"]["label"],
            "queue": route["queue"],
            "abstained": said["abstained"],
            "acknowledge_by": _time(route.get("acknowledge_by")),
            "plan_by": _time(route.get("plan_by")),
            "resolve_by": _time(route.get("resolve_by")),
            "model": f"{said['model']['name']} {said['model']['version']}",
        }


def dumps(value: Mapping[str, Any]) -> str:
    """JSON as the service writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def judge(desks: Desks, complaint: Complaint, received_at: datetime) -> Judgement:
    """One judgement; a desk that is missing or breaks leaves the complaint pending."""
    try:
        desk = desks.current()
        decision = desk.decide(readable(complaint.text), received_at, complaint.values)
    except ModelMissing:
        return Judgement(None, NO_MODEL, by_rule(complaint, received_at))
    except Exception as error:
        desks.note(1, broke=True)
        broke = f"the classifier broke: {type(error).__name__}"
        return Judgement(None, broke, by_rule(complaint, received_at))
    desks.note(1)
    return Judgement(decision.to_dict())


def by_rule(complaint: Complaint, received_at: datetime) -> dict[str, Any]:
    """Tier, queue and deadlines from the words alone, until a model has decided."""
    from triage.lexicon import shipped_lexicon
    from triage.routing import local_time, shipped_routing
    from triage.tier import is_stated

    stated = bool(is_stated(shipped_lexicon().find([complaint.text]).counts)[0])
    tier = str(complaint.values.get("tier") or (Tier.MAJOR if stated else Tier.ORDINARY))
    value = complaint.values.get("customer_value")
    lane = value if isinstance(value, str) else None
    route = shipped_routing().route("", tier, lane, local_time(received_at), doubtful=True)
    return {
        "tier": tier,
        "queue": route.queue,
        "acknowledge_by": route.acknowledge_by,
        "plan_by": route.plan_by,
        "resolve_by": route.resolve_by,
    }


def judge_many(
    desks: Desks, masked: Sequence[Complaint], received_at: Sequence[datetime]
) -> list[Judgement]:
    """Judgements in order; where the desk breaks on all, each is tried alone."""
    try:
        desk = desks.current()
        rows = [complaint.values for complaint in masked]
        texts = [readable(complaint.text) for complaint in masked]
        outcomes = desk.decide_many(texts, list(received_at), rows)
    except Exception:
        return [judge(desks, one, at) for one, at in zip(masked, received_at, strict=True)]
    desks.note(len(outcomes))
    return [_judgement(outcome) for outcome in outcomes]


def readable(masked: str) -> str:
    """The text without its tags, which are no words of the complaint; offsets stay."""
    read = blanked(masked)
    return read if has_chinese(read) else masked


def _judgement(outcome: Decision | SuyuanError) -> Judgement:
    if isinstance(outcome, SuyuanError):
        return Judgement(None, f"the classifier refused: {type(outcome).__name__}")
    return Judgement(outcome.to_dict())


def _time(value: Any) -> datetime | None:
    return None if value is None else parse_time(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
