"""Problems as reports and the white paper show them: what was done, what it changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection

from api.services.improvement.register import issue_name
from api.services.improvement.states import DROPPED, MERGED, PLANNED, SUGGESTED
from api.store import problems
from api.store.problems import Wanted


def standing_problems(
    connection: Connection, department: str | None, language: str = "zh", today: date | None = None
) -> list[dict[str, Any]]:
    """Every problem that was not merged away, with its agreed measures and their newest effects.

    Without ``today`` nothing is called overdue.
    """
    wanted = Wanted(None if department is None else [department])
    rows = [row for row in problems.listed(connection, wanted) if row.state != MERGED]
    measures = problems.measures_of(connection, [row.id for row in rows])
    effects = problems.newest_effects(connection, [each.id for each in measures])
    return [
        {
            "id": row.id,
            "title": row.title,
            "issue": {"code": row.issue, "name": issue_name(row.issue)},
            "places": row.places,
            "state": row.state,
            "severity": row.severity,
            "owner": row.owner,
            "since": row.since.isoformat() if row.since else None,
            "complaints": row.complaints,
            "reopened": row.reopened,
            "measures": [
                _measure(each, effects.get(each.id), language, today)
                for each in measures
                if each.problem == row.id and each.state not in (SUGGESTED, DROPPED)
            ],
        }
        for row in rows
    ]


def _measure(row: Any, effect: Any, language: str, today: date | None) -> dict[str, Any]:
    late = row.state == PLANNED and today is not None and row.due_on < today
    told = {
        "title": row.title,
        "owner": row.owner,
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "done_on": row.done_on.isoformat() if row.done_on else None,
        "overdue": late,
    }
    return told | _effect(None if effect is None else effect.figures, language)


def _effect(figures: Mapping[str, Any] | None, language: str) -> dict[str, Any]:
    names = ("verdict", "rate_ratio", "interval")
    if figures is None:
        return dict.fromkeys((*names, "sentence"))
    said = figures["sentence" if language == "zh" else "sentence_en"]
    return {name: figures[name] for name in names} | {"sentence": said}
