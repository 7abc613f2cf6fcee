"""The warnings that stand in a report, each under a name that it keeps from week to week."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from api.services.periods import week_label, week_of

_MOST_COMPLAINTS = 200
_SHOWN_WEEKS = 26
_DRAWN = ("weeks", "weekly", "weekly_expected", "weekly_upper", "weekly_alarm")
_LEFT_OUT = {*_DRAWN, "examples", "complaints", "signature", "kind", "first_week", "last_week",
             "active"}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A warning as one report sees it; `key` is the same for the same thing next week."""

    key: str
    signature: str
    kind: str
    first_week: str
    last_week: str
    active: bool
    content: Mapping[str, Any]


def scope_of(department: str | None, only: Mapping[str, str]) -> str:
    """What warnings are about: reports of one scope follow the same warnings."""
    return _digest([department, sorted(only.items())])


def found_in(content: Mapping[str, Any]) -> list[Found]:
    """Every warning of a report: 异动, 高频, 一人多诉, 多人同诉."""
    period = content["period"]
    if period is None:
        return []
    last = week_label(week_of(date.fromisoformat(period["to"])))
    signatures = content["surveillance"]["signatures"]
    crowds = signatures.get("多人同诉", ())
    found = [*(_rise(warning) for warning in content["warnings"])]
    found += _frequent(signatures.get("高频", ()), content, last)
    found += [_filer(filer, last) for filer in signatures.get("一人多诉", ())]
    found += [_crowd(crowd, last) for crowd in crowds]
    return found


def _rise(warning: Mapping[str, Any]) -> Found:
    issue = warning["issue"]
    kept = {name: value for name, value in warning.items() if name not in _LEFT_OUT}
    kept |= {name: warning[name][-_SHOWN_WEEKS:] for name in _DRAWN}
    return Found(
        _digest(["异动", warning["kind"], issue["code"] if issue else None]),
        "异动",
        warning["kind"],
        warning["first_week"],
        warning["last_week"],
        warning["active"],
        {**kept, **_behind(warning["complaints"])},
    )


def _frequent(
    issues: Sequence[Mapping[str, Any]], content: Mapping[str, Any], last: str
) -> Iterator[Found]:
    ranked = {row["code"]: row for row in content["rankings"]["frequent"]}
    for issue in issues:
        row = ranked.get(issue["code"], {})
        told = {"issue": dict(issue), "count": row.get("count"), "share": row.get("share")}
        yield Found(_digest(["高频", issue["code"]]), "高频", "issue", last, last, True, told)


def _filer(filer: Mapping[str, Any], last: str) -> Found:
    told = {"count": filer["count"], "items": filer["items"], **_behind(filer["complaints"])}
    key = _digest(["一人多诉", min(filer["complaints"])])
    return Found(key, "一人多诉", "filer", last, last, True, told)


def _crowd(crowd: Mapping[str, Any], last: str) -> Found:
    key = _digest(["多人同诉", crowd["attribute"], crowd["value"], crowd["issue"]["code"]])
    weeks = crowd["weeks"]
    return Found(key, "多人同诉", "crowd", weeks[0], weeks[-1], weeks[-1] == last, dict(crowd))


def _behind(complaints: Sequence[str]) -> dict[str, Any]:
    return {"complaints": list(complaints[:_MOST_COMPLAINTS]), "complaints_total": len(complaints)}


def _digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()
