"""Where a label comes from: who gave it, when, why, and what stood there before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.store.complaints import NewComplaint
from domain.complaint import LABELS

HANDLER, IMPORT, REVIEW = "handler", "import", "review"


def label_rows(
    complaint: str,
    given: Mapping[str, Any],
    *,
    by: str,
    at: datetime,
    source: str,
    reason: str | None = None,
    decision: str | None = None,
) -> list[dict[str, Any]]:
    """One row for each target that somebody labelled, beside what the model had said."""
    said = json.loads(decision) if decision else None
    return [
        {
            "complaint": complaint,
            "target": target,
            "value": list(value) if isinstance(value, (list, tuple)) else value,
            "said": said_of(said, target) if said else None,
            "by": by,
            "at": at,
            "source": source,
            "reason": reason,
            "model": f"{said['model']['name']} {said['model']['version']}" if said else None,
        }
        for target, value in given.items()
        if target in LABELS
    ]


def said_of(decision: Mapping[str, Any], target: str) -> Any:
    """The label in a decision."""
    if target == "issues":
        return [issue["code"] for issue in decision["issues"]]
    return decision["category"]["name"] if target == "category" else decision[target]["label"]


def brought(new: NewComplaint, by: str) -> list[dict[str, Any]]:
    """The labels that a row brought with it when it was stored."""
    return label_rows(new.id, new.labels or {}, by=by, at=new.stored_at, source=IMPORT)
