"""Measures: suggested by anybody, approved by another, carried out with evidence."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.improvement.hands import Hand, by_hand
from api.services.improvement.patterns import Pattern
from api.services.improvement.progress import settle
from api.services.improvement.register import (
    issue_name,
    masked_places,
    out_measure,
    shown,
)
from api.services.improvement.states import (
    MEASURE,
    PLANNED,
    PROBLEM,
    SUGGESTED,
    step,
)
from api.services.office import Office
from api.services.queries import day_of
from api.store import problems
from domain.errors import Conflict, RoleRefused, RowRefused

ORIGINS = ("own", "front line", "solved problem")
WORKED = "有效"
_CARDS = 20
_SOON = timedelta(days=7)


async def propose(
    office: Office, caller: Caller, identifier: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Suggest a measure for a problem."""
    await by_hand(office, caller, partial(_propose, identifier=identifier, asked=asked))
    return await shown(office, caller, identifier)


def _propose(hand: Hand, identifier: str, asked: Mapping[str, Any]) -> None:
    row = hand.problem(identifier)
    step(PROBLEM, "propose a measure", row.state)
    values = {
        "id": f"msr_{secrets.token_hex(12)}",
        "problem": row.id,
        "state": SUGGESTED,
        "origin": asked.get("origin") or "own",
        "lag_weeks": asked.get("lag_weeks") or 0,
        "proposed_by": hand.caller.id,
        "version": 1,
        "created_at": hand.now,
        **_written(hand, row, {**asked, "places": asked.get("places") or []}),
    }
    problems.add_measure(hand.connection, values)
    hand.note(row.id, "measure suggested", measure=values["id"])


def _written(hand: Hand, problem: Row[Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a person wrote of a measure, masked; only what is given."""
    values: dict[str, Any] = {
        name: hand.named(asked[name]) for name in ("title", "owner") if asked.get(name) is not None
    }
    if asked.get("detail") is not None:
        values["detail"] = hand.masked(asked["detail"])
    values |= {name: asked[name] for name in ("cost", "lag_weeks") if asked.get(name) is not None}
    if asked.get("due_on") is not None:
        values["due_on"] = day_of(asked["due_on"], "due_on")
    if asked.get("places") is not None:
        values["places"] = _within(hand, problem, asked)
    return values


def _within(hand: Hand, problem: Row[Any], asked: Mapping[str, Any]) -> list[dict[str, str]]:
    places = masked_places(hand, asked["places"]) or problem.places
    if not Pattern.of(places).lies_within(Pattern.of(problem.places)):
        raise RowRefused("a measure applies within its problem's places; name those too", "places")
    return list(places)


async def edit(
    office: Office, caller: Caller, identifier: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Change a measure that is not yet carried out; it then needs to be approved again."""
    work = partial(_edit, identifier=identifier, asked=asked)
    return await shown(office, caller, await by_hand(office, caller, work))


def _edit(hand: Hand, identifier: str, asked: Mapping[str, Any]) -> str:
    row, problem = hand.measure(identifier, asked["version"])
    state = step(MEASURE, "edit", row.state, "measure")
    values = _written(hand, problem, asked) | {"state": state, "proposed_by": hand.caller.id}
    values |= {"decided_by": None, "decided_at": None}
    hand.change_measure(row, values, "measure edited")
    settle(hand, problem)
    return str(problem.id)


async def approve(office: Office, caller: Caller, identifier: str, version: int) -> dict[str, Any]:
    """Agree to what another person suggested."""
    work = partial(_approve, identifier=identifier, version=version)
    return await shown(office, caller, await by_hand(office, caller, work))


def _approve(hand: Hand, identifier: str, version: int) -> str:
    row, problem = hand.measure(identifier, version)
    state = step(MEASURE, "approve", row.state, "measure")
    step(PROBLEM, "approve a measure", problem.state)
    if row.proposed_by == hand.caller.id:
        raise RoleRefused("who suggested a measure can't approve it; another person must")
    if row.owner is None or row.due_on is None:
        raise Conflict("a measure needs an owner and a date before it is approved; edit it first")
    values = {"state": state, "decided_by": hand.caller.id, "decided_at": hand.now}
    hand.change_measure(row, values, "measure approved")
    settle(hand, problem)
    return str(problem.id)


async def carry_out(
    office: Office, caller: Caller, identifier: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Say on which day a measure was carried out, and what shows it."""
    work = partial(_carry_out, identifier=identifier, asked=asked)
    return await shown(office, caller, await by_hand(office, caller, work))


def _carry_out(hand: Hand, identifier: str, asked: Mapping[str, Any]) -> str:
    row, problem = hand.measure(identifier, asked["version"])
    done_on = day_of(asked["done_on"], "done_on")
    if done_on is not None and done_on > hand.today:
        raise RowRefused("lies in the future; give the day on which it was carried out", "done_on")
    values = {
        "state": step(MEASURE, "carry out", row.state, "measure"),
        "done_on": done_on,
        "evidence": hand.masked(asked["evidence"]),
    }
    if asked.get("cost") is not None:
        values["cost"] = asked["cost"]
    hand.change_measure(row, values, "measure carried out")
    settle(hand, problem)
    return str(problem.id)


async def drop(
    office: Office, caller: Caller, identifier: str, reason: str, version: int
) -> dict[str, Any]:
    """Give a measure up, for a reason."""
    work = partial(_drop, identifier=identifier, reason=reason, version=version)
    return await shown(office, caller, await by_hand(office, caller, work))


def _drop(hand: Hand, identifier: str, reason: str, version: int) -> str:
    row, problem = hand.measure(identifier, version)
    values = {
        "state": step(MEASURE, "drop", row.state, "measure"),
        "reason": hand.masked(reason),
        "decided_by": hand.caller.id,
        "decided_at": hand.now,
    }
    hand.change_measure(row, values, "measure dropped")
    settle(hand, problem)
    return str(problem.id)


async def suggestions(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """Measures that worked on the same issue elsewhere."""
    work = partial(_suggestions, office=office, caller=caller, identifier=identifier)
    return await office.read(work)


def _suggestions(
    connection: Connection, office: Office, caller: Caller, identifier: str
) -> dict[str, Any]:
    row = Hand.of(connection, office, caller).problem(identifier)
    cards = _cards(connection, caller, row.issue)
    return {"items": [card for card in cards if card["problem"] != row.id]}


async def lessons(office: Office, caller: Caller, issue: str) -> dict[str, Any]:
    """What worked against an issue, as cards."""
    work = partial(_cards, caller=caller, issue=issue)
    return {"items": await office.read(work)}


def _cards(connection: Connection, caller: Caller, issue: str) -> list[dict[str, Any]]:
    rows = problems.solved(connection, issue, WORKED, caller.departments, _CARDS)
    return [
        {
            "issue": issue,
            "issue_name": issue_name(issue),
            "problem": row.problem,
            "problem_title": row.problem_title,
            "measure": row.id,
            "title": row.title,
            "detail": row.detail,
            "places": row.places,
            "cost": row.cost,
            "done_on": row.done_on.isoformat(),
            "root_cause": row.causes.get("root"),
            "lesson": row.lesson,
            "sentence": row.sentence,
            "rate_ratio": row.figures["rate_ratio"],
        }
        for row in rows
    ]


async def due(office: Office, caller: Caller) -> dict[str, Any]:
    """Measures that are due within a week, and those whose day has passed."""
    return await office.read(partial(_due, office=office, caller=caller))


def _due(connection: Connection, office: Office, caller: Caller) -> dict[str, Any]:
    hand = Hand.of(connection, office, caller)
    rows = problems.planned_until(connection, PLANNED, hand.today + _SOON, caller.departments)
    told = [out_measure(row, None) | {"problem_title": row.problem_title} for row in rows]
    today = hand.today.isoformat()
    return {
        "due": [each for each in told if each["due_on"] >= today],
        "overdue": [each for each in told if each["due_on"] < today],
    }
