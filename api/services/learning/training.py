"""Candidates: ordered, trained in a process of their own, compared, judged, shown."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from api.services import shelf
from api.services.access import Caller
from api.services.apart import run_apart
from api.services.imports import Progress
from api.services.learning.gathering import stored_labels, targets_of
from api.services.office import Office
from api.settings import Settings
from api.store import complaints, jobs, learning
from domain.errors import Conflict, NotFound

KIND = "training"
_SHOWN = 50


async def order(
    office: Office, caller: Caller, name: str, asked: Mapping[str, Any]
) -> dict[str, str]:
    """Ask for a candidate; a job trains it."""
    refuse_other(office, name)
    parameters = {key: value for key, value in asked.items() if value is not None}
    parameters["targets"] = list(targets_of(parameters.get("targets")))
    parameters["words"] = [office.masker.text(word) for word in parameters.get("words", ())]
    work = partial(_queue, office=office, by=caller.id, name=name, asked=parameters)
    try:
        return await office.write(work)
    except IntegrityError:
        return await office.write(work)


def refuse_other(office: Office, name: str) -> None:
    """Only the model that decides here is trained, compared and promoted here."""
    if name != office.settings.model:
        raise NotFound("there is no model of this name at work here")


def _queue(
    connection: Connection, office: Office, by: str, name: str, asked: Mapping[str, Any]
) -> dict[str, str]:
    now, identifier = office.clock(), f"mod_{secrets.token_hex(16)}"
    taken = learning.candidate_versions(connection, name)
    version = shelf.next_candidate(office.settings, name, taken)
    champion = office.desks.current().model.version if office.desks.ready() else None
    told = {"candidate": identifier, "name": name, "version": version, "champion": champion,
            "asked": dict(asked)}  # fmt: skip
    job = jobs.add(connection, jobs.NewJob(KIND, identifier, told, by, now))
    values = {
        "id": identifier,
        "name": name,
        "version": version,
        "job": job,
        "champion": champion,
        "parameters": dict(asked),
        "state": learning.TRAINING,
        "shadowed": False,
        "by": by,
        "created_at": now,
    }
    learning.add_candidate(connection, values)
    complaints.audit_row(connection, now, by, "model.train", f"{name} {version}", {})
    return {"id": identifier, "version": version, "job": str(job)}


def run_training(office: Office, told: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Train in a process of its own, then keep what was found; the model stays a candidate."""
    settings = office.settings
    found = run_apart(
        make_candidate,
        settings,
        told,
        progress,
        limit_seconds=settings.training_seconds,
    )
    verdict = found["verdict"]
    values = {
        "state": learning.ACCEPTED if verdict["passed"] else learning.REFUSED,
        "record": found["record"],
        "comparison": found["metrics"],
        "refusals": verdict["refusals"],
        "card": found["card"],
    }
    work = partial(
        learning.change_candidate,
        identifier=told["candidate"],
        states=[learning.TRAINING],
        values=values,
    )
    office.database.submit(work).result()
    codes = [refusal["code"] for refusal in verdict["refusals"]]
    return {"version": told["version"], "passed": verdict["passed"], "refusals": codes}


def make_candidate(settings: Settings, told: Mapping[str, Any], tell: Progress) -> dict[str, Any]:
    """What the process of its own does: read, split, train, write, load again, compare, judge."""
    from api.services.learning.trial import Plan, judged, lesson, teach, unseen

    asked = told["asked"]
    plan = Plan(
        name=told["name"],
        version=told["version"],
        seed=asked.get("seed", 7),
        min_examples=asked.get("min_examples", 8),
        leave_rare_out=asked.get("rare") == "leave_out",
        own_words=tuple(asked["words"]),
    )
    made = lesson(stored_labels(settings, asked["targets"]), plan)
    trained = teach(made, plan, tell)
    folder = shelf.publish_candidate(settings, trained)
    shelf.note_learnt(settings, plan.name, plan.version, made.taught.texts)
    challenger = shelf.open_candidate(settings, plan.name, plan.version)
    champion = told["champion"] and shelf.open_desk(settings, plan.name, told["champion"])
    tell(85, 100)
    known = shelf.learnt(settings, plan.name, told["champion"] or "0.0.0")
    found = judged(unseen(made, known), champion or None, challenger, plan)
    tell(100, 100)
    record = {
        **trained.facts["made"],
        "libraries": trained.facts["libraries"],
        "taxonomy_version": trained.facts["taxonomy_version"],
        "targets": trained.facts["targets"],
        "metrics_sha256": found.digest,
        "measured": found.measured,
    }
    card = (folder / "card.md").read_text("utf-8")
    return {"metrics": found.metrics, "verdict": found.verdict.to_plain(), "record": record,
            "card": card}  # fmt: skip


async def candidates(office: Office, name: str) -> dict[str, Any]:
    """The newest candidates of the model."""
    refuse_other(office, name)
    rows = await office.read(partial(learning.candidate_list, name=name, limit=_SHOWN))
    return {"items": [summary(row) for row in rows]}


async def shown(office: Office, name: str, version: str) -> dict[str, Any]:
    """A candidate with its comparison, its refusals and its card."""
    row = await found(office, name, version)
    agreed = await office.read(partial(learning.shadow_same, identifier=row.id))
    return summary(row) | {
        "parameters": row.parameters,
        "record": row.record,
        "comparison": row.comparison,
        "card": row.card,
        "shadow": shadow_summary(agreed),
    }


async def chart(office: Office, name: str, version: str) -> str:
    """The differences of a candidate from the model in use, drawn."""
    from api.services.learning.drawings import difference_chart

    row = await found(office, name, version)
    if row.comparison is None:
        raise NotFound("there is no comparison yet; the candidate is still being trained")
    return str(difference_chart(row.comparison))


def shadow_summary(agreed: list[Mapping[str, bool]]) -> dict[str, Any]:
    """How often shadow and live model said the same, target by target."""
    targets = sorted({target for same in agreed for target in same})
    shares = {
        target: round(sum(same[target] for same in agreed if target in same) / len(agreed), 4)
        for target in targets
    }
    return {"answers": len(agreed), "same": shares}


async def found(office: Office, name: str, version: str) -> Row[Any]:
    """A candidate's row; `NotFound` when there is none."""
    refuse_other(office, name)
    row = await office.read(partial(learning.candidate, name=name, version=version))
    if row is None:
        raise NotFound("there is no candidate of this version")
    return row


def summary(row: Any) -> dict[str, Any]:
    """A candidate in short."""
    ended = {jobs.FAILED: "failed", jobs.CANCELLED: "cancelled"}
    state = ended.get(row.job_state, row.state) if row.state == learning.TRAINING else row.state
    return {
        "id": row.id,
        "name": row.name,
        "version": row.version,
        "state": state,
        "job": row.job,
        "done": row.done,
        "total": row.total,
        "reason": row.failure,
        "champion": row.champion,
        "by": row.by,
        "created_at": row.created_at,
        "refusals": row.refusals or [],
        "shadowed": row.shadowed,
        "asked_by": row.asked_by,
        "asked_for": row.reason,
        "confirmed_by": row.confirmed_by,
    }


def refuse_state(state: str, wanted: str) -> None:
    """Raise `Conflict` for a candidate that is not where it would have to be."""
    if state != wanted:
        raise Conflict(f"the candidate is {state}; it must be {wanted} for this")
