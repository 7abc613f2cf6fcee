"""The register of problems: raised, read, edited, given an owner."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services import analysis
from api.services.access import Caller, Scope
from api.services.improvement.hands import Hand, by_hand
from api.services.improvement.patterns import checked, slot_of
from api.services.improvement.progress import settle
from api.services.improvement.states import OPEN, OWNED, PROBLEM, step
from api.services.office import Office
from api.services.queries import day_of, row_after
from api.store import problems
from api.store.problems import Wanted
from domain.errors import Conflict, NotFound, RowRefused
from domain.taxonomy import shipped_taxonomy

SEVERITIES = ("轻微", "一般", "严重")
BRANCHES = ("人", "机", "料", "法", "环")
_TEXTS = ("containment", "lesson")


async def raise_problem(office: Office, caller: Caller, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Make a problem of a finding, a warning, a frequent issue, or of what somebody saw."""
    if asked.get("owner") is not None:
        caller.require(Scope.APPROVE)
    taken = dict(asked)
    if (named := taken.pop("raised_from", None)) is not None:
        taken = await _from_report(office, caller, named, taken)
    identifier = await by_hand(office, caller, partial(_raise, asked=taken))
    return await shown(office, caller, identifier)


async def _from_report(
    office: Office, caller: Caller, named: Mapping[str, Any], asked: dict[str, Any]
) -> dict[str, Any]:
    content = json.loads(await analysis.document(office, caller, named["report"], "json"))
    source = _evidence(content, named["kind"], named["place"])
    told = _told(named["kind"], source)
    kept = {"kind": named["kind"], "report": named["report"], "evidence": source}
    given = {name: value for name, value in asked.items() if value is not None}
    return {**told, **given, "source": kept}


_LISTS = {"finding": "findings", "warning": "warnings"}


def _evidence(content: Mapping[str, Any], kind: str, place: int) -> dict[str, Any]:
    rows = content["rankings"]["frequent"] if kind == "frequent" else content[_LISTS[kind]]
    if place >= len(rows):
        raise NotFound(f"the report has {len(rows)} of this kind; count from 0")
    return dict(rows[place])


def _told(kind: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """What evidence says of a problem: its issue, where it shows, since when."""
    if kind == "frequent":
        return {"issue": source["code"], "places": []}
    if kind == "warning":
        places = [_place(item) for item in source["where"] if item["attribute"] != "issues"]
        code = (source["issue"] or {}).get("code")
        return {"issue": code, "places": places[:1], "since": source["from"]}
    places = [_place(item) for item in source["antecedents"] if item["attribute"] != "issues"]
    return {"issue": source["consequents"][0]["value"], "places": places}


def _place(item: Mapping[str, Any]) -> dict[str, str]:
    return {"attribute": item["attribute"], "value": item["value"]}


def _raise(hand: Hand, asked: Mapping[str, Any]) -> str:
    values = _new(hand, asked)
    if not problems.any_problem(hand.connection):
        problems.skip_to_now(hand.connection)
    if not problems.add(hand.connection, values):
        there = problems.at_slot(hand.connection, values["slot"])
        known = (
            None
            if there is None
            else problems.find(hand.connection, there, hand.caller.departments)
        )
        raise Conflict(f"the problem {there} has this pattern already"
                       + (f" and is {known.state}; reopen it" if known and known.ended_at else "")
                       if known else "there is a problem with this pattern already")  # fmt: skip
    hand.note(values["id"], "raised", issue=values["issue"], places=values["places"])
    if values["owner"]:
        hand.note(values["id"], "assigned", owner=values["owner"])
    return str(values["id"])


def _new(hand: Hand, asked: Mapping[str, Any]) -> dict[str, Any]:
    department = hand.caller.department_of(asked.get("department"))
    issue = _known_issue(asked.get("issue"))
    places = masked_places(hand, asked.get("places") or [])
    owner = hand.named(asked.get("owner"))
    title = hand.named(asked.get("title")) or title_of(issue, places)
    return {
        "id": f"prb_{secrets.token_hex(12)}",
        "slot": slot_of(department, issue, places),
        "department": department,
        "title": title[:200],
        "issue": issue,
        "places": places,
        "severity": asked.get("severity") or "一般",
        "state": OWNED if owner else OPEN,
        "owner": owner,
        "since": day_of(asked.get("since"), "since"),
        "cost": asked.get("cost"),
        "source": dict(asked.get("source") or {"kind": "person"}),
        "containment": hand.masked(asked.get("containment")),
        "causes": {},
        "reopened": 0,
        "split_from": asked.get("split_from"),
        "linked_to": 0,
        "version": 1,
        "created_at": hand.now,
        "by": hand.caller.id,
    }


def new_problem(hand: Hand, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Store what another problem was split into."""
    values = _new(hand, asked)
    if not problems.add(hand.connection, values):
        raise Conflict("there is a problem with this pattern already; merge them instead")
    hand.note(values["id"], "raised", split_from=asked["split_from"])
    return values


def _known_issue(code: str | None) -> str:
    if code is None or code not in shipped_taxonomy():
        raise RowRefused("give an issue code of the taxonomy, such as 1002", "issue")
    return code


def masked_places(hand: Hand, places: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Places as complaints hold them: known attributes, masked values."""
    known = checked(places, hand.office.settings.attributes)
    return [place | {"value": hand.office.masker.text(place["value"])} for place in known]


def title_of(issue: str, places: Sequence[Mapping[str, str]]) -> str:
    """A title for who gives none."""
    where = " ".join(place["value"] for place in places[:4])
    return f"{where} {issue_name(issue)}".strip()


def issue_name(code: str) -> str:
    """The name of an issue code, or the code where the taxonomy has none."""
    known = shipped_taxonomy()
    return known.codes[code].name if code in known else code


async def page(
    office: Office, caller: Caller, wanted: Mapping[str, str | None], cursor: str | None, limit: int
) -> dict[str, Any]:
    """A page of problems, newest first, and the cursor of the next one."""
    after = row_after(cursor)
    filters = Wanted(caller.departments, **wanted)
    work = partial(_page, wanted=filters, after=after, limit=limit)
    return await office.read(work)


def _page(connection: Connection, wanted: Wanted, after: int | None, limit: int) -> dict[str, Any]:
    rows = problems.page(connection, wanted, after, limit + 1)
    verdicts = problems.verdicts(connection, [row.id for row in rows])
    items = [out(row, row.complaints) | {"verdict": verdicts.get(row.id)} for row in rows[:limit]]
    return {"items": items, "next": str(rows[limit - 1].number) if len(rows) > limit else None}


async def shown(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """A problem with its measures, their newest effects, and all that happened to it."""
    return await office.read(partial(shown_of, office=office, caller=caller, identifier=identifier))


def shown_of(
    connection: Connection, office: Office, caller: Caller, identifier: str
) -> dict[str, Any]:
    """A problem with all that hangs on it, in a transaction that is open."""
    row = Hand.of(connection, office, caller).problem(identifier)
    measures = problems.measures_of(connection, [identifier])
    effects = problems.newest_effects(connection, [each.id for each in measures])
    weight = problems.weight(connection, identifier)
    return {
        **out(row, problems.count_linked(connection, identifier)),
        "first_received": weight.first,
        "last_received": weight.last,
        "spent": round(float(weight.spent), 2),
        "source": row.source,
        "causes": row.causes,
        "containment": row.containment,
        "lesson": row.lesson,
        "measures": [out_measure(each, effects.get(each.id)) for each in measures],
        "events": [
            {"at": event.at, "kind": event.kind, "by": event.by, "detail": event.detail}
            for event in problems.history(connection, identifier)
        ],
    }


def out(row: Row[Any], complaints: int) -> dict[str, Any]:
    """A problem as it is listed."""
    return {
        "id": row.id,
        "title": row.title,
        "issue": row.issue,
        "issue_name": issue_name(row.issue),
        "places": row.places,
        "department": row.department,
        "severity": row.severity,
        "state": row.state,
        "owner": row.owner,
        "since": _iso(row.since),
        "cost": row.cost,
        "complaints": complaints,
        "counting": row.linked_to is not None,
        "reason": row.reason,
        "ended_at": row.ended_at,
        "ended_by": row.ended_by,
        "review_on": _iso(row.review_on),
        "reopened": row.reopened,
        "merged_into": row.merged_into,
        "split_from": row.split_from,
        "version": row.version,
        "created_at": row.created_at,
        "by": row.by,
    }


def out_measure(row: Row[Any], effect: Row[Any] | None) -> dict[str, Any]:
    """A measure with its newest effect."""
    names = ("id", "problem", "title", "detail", "origin", "state", "owner", "cost", "places",
             "lag_weeks", "evidence", "proposed_by", "decided_by", "decided_at", "reason",
             "version", "created_at")  # fmt: skip
    told = {name: getattr(row, name) for name in names}
    told |= {"due_on": _iso(row.due_on), "done_on": _iso(row.done_on), "effect": None}
    if effect is not None:
        told["effect"] = {"upto": _iso(effect.upto), "measured_at": effect.measured_at,
                          **effect.figures}  # fmt: skip
    return told


def _iso(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


async def edit(
    office: Office, caller: Caller, identifier: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Change what is written of a problem; what is not given stays."""
    await by_hand(office, caller, partial(_edit, identifier=identifier, asked=asked))
    return await shown(office, caller, identifier)


def _edit(hand: Hand, identifier: str, asked: Mapping[str, Any]) -> None:
    row = hand.problem(identifier, asked["version"])
    step(PROBLEM, "edit", row.state)
    values = {name: asked[name] for name in ("severity", "cost") if asked.get(name) is not None}
    values |= {name: hand.masked(asked[name]) for name in _TEXTS if asked.get(name) is not None}
    if asked.get("title") is not None:
        values["title"] = hand.named(asked["title"])
    if asked.get("since") is not None:
        values["since"] = day_of(asked["since"], "since")
    if asked.get("causes") is not None:
        values["causes"] = _masked_causes(hand, asked["causes"])
    hand.change(row, values, "edited", fields=sorted(values))


def _masked_causes(hand: Hand, causes: Mapping[str, Any]) -> dict[str, Any]:
    masked = {name: [hand.office.masker.text(each) for each in causes.get(name) or []]
              for name in ("whys", "list")}  # fmt: skip
    bones = causes.get("fishbone") or {}
    fishbone = {
        branch: [hand.office.masker.text(each) for each in bones.get(branch) or []]
        for branch in BRANCHES
    }
    return {**masked, "fishbone": fishbone, "root": hand.masked(causes.get("root"))}


async def assign(
    office: Office, caller: Caller, identifier: str, owner: str, version: int
) -> dict[str, Any]:
    """Give a problem an owner."""
    await by_hand(
        office, caller, partial(_assign, identifier=identifier, owner=owner, version=version)
    )
    return await shown(office, caller, identifier)


def _assign(hand: Hand, identifier: str, owner: str, version: int) -> None:
    row = hand.problem(identifier, version)
    masked = hand.named(owner)
    values = {"owner": masked, "state": step(PROBLEM, "assign", row.state)}
    hand.change(row, values, "assigned", owner=masked)
    settle(hand, hand.problem(identifier))


async def linked(
    office: Office, caller: Caller, identifier: str, cursor: str | None, limit: int
) -> dict[str, Any]:
    """Complaints of a problem, newest first."""
    work = partial(_linked, office=office, caller=caller, identifier=identifier,
                   after=row_after(cursor) or 0, limit=limit)  # fmt: skip
    return await office.read(work)


def _linked(
    connection: Connection,
    office: Office,
    caller: Caller,
    identifier: str,
    after: int,
    limit: int,
) -> dict[str, Any]:
    row = Hand.of(connection, office, caller).problem(identifier)
    rows = problems.linked(connection, row.id, after, limit + 1)
    items = [
        {"id": each.id, "received_at": each.received_at, "text": each.text, "tier": each.tier,
         "how": each.how}
        for each in rows[:limit]
    ]  # fmt: skip
    return {"items": items, "next": str(rows[limit - 1].number) if len(rows) > limit else None}


async def relink(
    office: Office, caller: Caller, identifier: str, complaint: str, belongs: bool
) -> dict[str, Any]:
    """Hang a complaint on a problem or take it off, whatever its pattern says."""
    work = partial(_relink, identifier=identifier,
                   complaint=complaint, belongs=belongs)  # fmt: skip
    await by_hand(office, caller, work)
    return await shown(office, caller, identifier)


def _relink(hand: Hand, identifier: str, complaint: str, belongs: bool) -> None:
    from api.store import complaints

    row = hand.problem(identifier)
    found = complaints.find(hand.connection, complaint, hand.caller.departments)
    if found is None or row.department not in (None, found.department):
        raise NotFound("there is no complaint of this id")
    how = problems.BY_PERSON if belongs else problems.LEFT_OUT
    problems.link(hand.connection, row.id, [complaint], how, hand.now)
    hand.note(row.id, "linked" if belongs else "unlinked", complaint=complaint)
