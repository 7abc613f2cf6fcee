"""How a problem ends: proven, known, accepted, merged, split; and how it comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.improvement.hands import Hand, by_hand
from api.services.improvement.patterns import Pattern, Place, slot_of
from api.services.improvement.progress import settle
from api.services.improvement.register import masked_places, new_problem, shown
from api.services.improvement.states import ACCEPTED, CLOSED, DONE, KNOWN, PROBLEM, step
from api.services.office import Office
from api.services.queries import day_of
from api.store import problems
from domain.errors import Conflict, RoleRefused, RowRefused

_ENDINGS = {CLOSED: "close", KNOWN: "know", ACCEPTED: "accept"}
TOO_EARLY = "过早"


async def end(
    office: Office, caller: Caller, identifier: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Close a problem by its proof, or say that it is known or accepted."""
    await by_hand(office, caller, partial(_end, identifier=identifier, asked=asked))
    return await shown(office, caller, identifier)


def _end(hand: Hand, identifier: str, asked: Mapping[str, Any]) -> None:
    row = hand.problem(identifier, asked["version"])
    state = step(PROBLEM, _ENDINGS[asked["ending"]], row.state)
    review_on = day_of(asked.get("review_on"), "review_on")
    if state == CLOSED:
        _refuse_unproven(hand.connection, row)
    elif review_on is None:
        raise RowRefused("give the day on which this is looked at again", "review_on")
    if review_on is not None and review_on <= hand.today:
        raise RowRefused("has passed; give a day to come", "review_on")
    _refuse_owner(hand, row)
    values = {
        "state": state,
        "reason": hand.masked(asked["reason"]),
        "review_on": review_on,
        "ended_at": hand.now,
        "ended_by": hand.caller.id,
    }
    if asked.get("lesson") is not None:
        values["lesson"] = hand.masked(asked["lesson"])
    hand.change(row, values, state)


def _refuse_unproven(connection: Connection, row: Row[Any]) -> None:
    """Raise `Conflict` while a measure that was carried out has no verdict, or one too early."""
    done = [each for each in problems.measures_of(connection, [row.id]) if each.state == DONE]
    effects = problems.newest_effects(connection, [each.id for each in done])
    for each in done:
        if each.id not in effects:
            raise Conflict(f"the measure {each.id} has no verdict yet; have its effect measured")
        if effects[each.id].verdict == TOO_EARLY:
            needed = effects[each.id].figures["sample_needed"]
            wait = f" in {needed} weeks" if needed else " later"
            raise Conflict(f"it is too early to judge the measure {each.id}; measure again{wait}")


def _refuse_owner(hand: Hand, row: Row[Any]) -> None:
    """Raise `RoleRefused` for who owns the problem or has owned it."""
    events = problems.history(hand.connection, row.id)
    owners = [event.detail.get("owner") for event in events if event.kind == "assigned"]
    name = problems.key_name(hand.connection, hand.caller.id)
    mine = [hand.caller.id, name, hand.named(name)]
    if _alike(mine) & _alike([*owners, row.owner]):
        raise RoleRefused("who owns a problem can't end it; another person must")


def _alike(names: Sequence[str | None]) -> set[str]:
    """Names without what people write differently."""
    return {"".join(name.casefold().split()) for name in names if name}


async def reopen(
    office: Office, caller: Caller, identifier: str, reason: str, version: int
) -> dict[str, Any]:
    """Take an ended problem up again."""
    await by_hand(
        office, caller, partial(_reopen, identifier=identifier, reason=reason, version=version)
    )
    return await shown(office, caller, identifier)


def _reopen(hand: Hand, identifier: str, reason: str, version: int) -> None:
    row = hand.problem(identifier, version)
    hand.change(row, reopened(row), "reopened", reason=hand.office.masker.text(reason))


def reopened(row: Row[Any]) -> dict[str, Any]:
    """What an ended problem is changed to when it comes back."""
    state = step(PROBLEM, "reopen", row.state)
    return {
        "state": state if row.owner else "open",
        "reopened": row.reopened + 1,
        "reason": None,
        "ended_at": None,
        "ended_by": None,
        "review_on": None,
    }


async def merge(
    office: Office, caller: Caller, identifier: str, into: str, version: int
) -> dict[str, Any]:
    """Make two problems one: measures and complaints move over."""
    await by_hand(
        office, caller, partial(_merge, identifier=identifier, into=into, version=version)
    )
    return await shown(office, caller, into)


def _merge(hand: Hand, identifier: str, into: str, version: int) -> None:
    target, row = hand.problem(into), hand.problem(identifier, version)
    if row.id == target.id:
        raise RowRefused("is the problem itself; name another one", "into")
    if (row.issue, row.department) != (target.issue, target.department):
        raise Conflict("only problems of the same issue and department can be merged")
    state = step(PROBLEM, "merge", row.state)
    step(PROBLEM, "propose a measure", target.state)
    values = {"state": state, "merged_into": target.id, "slot": None, "ended_at": hand.now,
              "ended_by": hand.caller.id}  # fmt: skip
    hand.change(row, values, "merged", into=target.id)
    problems.move_links(hand.connection, row.id, target.id, hand.now)
    problems.move_measures(hand.connection, row.id, target.id)
    _widen(hand, target, joined(target.places, row.places), row.id)
    settle(hand, hand.problem(into))


def joined(mine: Sequence[Place], theirs: Sequence[Place]) -> list[dict[str, str]] | None:
    """Places that cover both patterns and nothing else; None where no pattern does."""
    names = [{place["attribute"] for place in places} for places in (mine, theirs)]
    ours, others = Pattern.of(mine).places, Pattern.of(theirs).places
    differing = [name for name in names[0] if ours[name] != others.get(name)]
    if names[0] != names[1] or len(differing) > 1:
        return None
    kept = {(place["attribute"], place["value"]) for place in (*mine, *theirs)}
    return [{"attribute": attribute, "value": value} for attribute, value in sorted(kept)]


def _widen(hand: Hand, target: Row[Any], places: list[dict[str, str]] | None, merged: str) -> None:
    values: dict[str, Any] = {}
    if places is not None and places != target.places:
        values = _moved(hand, target, places)
    hand.change(target, values, "took in", problem=merged)


def _moved(hand: Hand, row: Row[Any], places: list[dict[str, str]]) -> dict[str, Any]:
    """Other places for a problem: its complaints are looked for anew."""
    slot = slot_of(row.department, row.issue, places)
    if problems.at_slot(hand.connection, slot) not in (None, row.id):
        raise Conflict("another problem has the pattern that this would leave; merge the two first")
    problems.forget_pattern_links(hand.connection, row.id)
    return {"places": places, "slot": slot, "linked_to": 0}


async def split(
    office: Office, caller: Caller, identifier: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Make a problem of its own of some of a problem's places."""
    work = partial(_split, identifier=identifier, asked=asked)
    return await shown(office, caller, await by_hand(office, caller, work))


def _split(hand: Hand, identifier: str, asked: Mapping[str, Any]) -> str:
    row = hand.problem(identifier, asked["version"])
    step(PROBLEM, "split", row.state)
    places = masked_places(hand, asked["places"])
    part, whole = Pattern.of(places), Pattern.of(row.places)
    if not part.lies_within(whole) or part == whole:
        raise RowRefused("the new problem lies within the old one and is smaller", "places")
    told = {
        "department": row.department,
        "issue": row.issue,
        "places": places,
        "title": asked.get("title"),
        "severity": row.severity,
        "source": row.source,
        "split_from": row.id,
    }
    made = new_problem(hand, told)
    left = _remaining(row.places, part)
    values = _moved(hand, row, left) if left else {}
    hand.change(row, values, "split", problem=made["id"])
    return str(made["id"])


def _remaining(places: Sequence[Place], part: Pattern) -> list[dict[str, str]]:
    """What is left where the part takes some of the alternatives of one attribute away."""
    whole = Pattern.of(places).places
    narrowed = [name for name in part.places if part.places[name] != whole.get(name)]
    if len(narrowed) != 1 or narrowed[0] not in whole:
        return []
    name = narrowed[0]
    return [
        dict(place)
        for place in places
        if place["attribute"] != name or not part.holds_value(name, place["value"])
    ]
