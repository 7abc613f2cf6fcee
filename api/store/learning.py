"""Labels and who gave them; candidates, what they say in the shadow, what was live when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from api.store.statements import insert_into, within
from api.store.tables import (
    active_models,
    candidates,
    complaints,
    facts,
    jobs,
    labels,
    live_models,
    shadow_answers,
)

TRAINING = "training"
ACCEPTED = "accepted"
REFUSED = "refused"
ASKED = "asked"
LIVE = "live"
RETIRED = "retired"


def add_labels(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down who labelled what and why."""
    if rows:
        connection.execute(insert(labels), [dict(row) for row in rows])


def labels_of(connection: Connection, complaint: str) -> list[Row[Any]]:
    """Every label that a complaint was ever given, oldest first."""
    statement = select(labels).where(labels.c.complaint == complaint)
    return list(connection.execute(statement.order_by(labels.c.number)))


def newest_labels(
    connection: Connection, departments: Sequence[str] | None, limit: int
) -> list[Row[Any]]:
    """The newest labels within the departments, newest first."""
    statement = select(labels)
    if departments is not None:
        mine = within(complaints, departments)
        statement = statement.join(complaints, complaints.c.id == labels.c.complaint).where(*mine)
    return list(connection.execute(statement.order_by(labels.c.number.desc()).limit(limit)))


def unlabelled(
    connection: Connection, departments: Sequence[str] | None, limit: int
) -> list[Row[Any]]:
    """The newest decided complaints that nobody has labelled."""
    given = select(labels.c.number).where(labels.c.complaint == complaints.c.id).exists()
    statement = select(complaints).where(complaints.c.state == "decided", ~given)
    statement = statement.where(*within(complaints, departments))
    return list(connection.execute(statement.order_by(complaints.c.number.desc()).limit(limit)))


def by_id(
    connection: Connection, identifiers: Sequence[str], departments: Sequence[str] | None
) -> dict[str, Row[Any]]:
    """Those of some complaints that belong to the departments, by id."""
    statement = select(complaints).where(complaints.c.id.in_(list(identifiers)))
    statement = statement.where(*within(complaints, departments))
    return {row.id: row for row in connection.execute(statement)}


def sources(connection: Connection) -> list[Row[Any]]:
    """Complaint, target, source and labeller of every label, oldest first."""
    columns = (labels.c.complaint, labels.c.target, labels.c.source, labels.c.by)
    return list(connection.execute(select(*columns).order_by(labels.c.number)))


def add_candidate(connection: Connection, values: Mapping[str, Any]) -> None:
    """A model that is being trained."""
    connection.execute(insert(candidates), dict(values))


def candidate(connection: Connection, name: str, version: str) -> Row[Any] | None:
    """One candidate with how far its job is."""
    statement = _candidates().where(candidates.c.name == name, candidates.c.version == version)
    return connection.execute(statement).first()


def candidate_list(connection: Connection, name: str, limit: int) -> list[Row[Any]]:
    """The newest candidates of a model with how far their jobs are."""
    statement = _candidates().where(candidates.c.name == name)
    return list(connection.execute(statement.order_by(candidates.c.number.desc()).limit(limit)))


def _candidates() -> Any:
    job = (jobs.c.state.label("job_state"), jobs.c.failure, jobs.c.done, jobs.c.total)
    return select(candidates, *job).join(jobs, jobs.c.id == candidates.c.job)


def candidate_versions(connection: Connection, name: str) -> list[str]:
    """Every version number that a candidate of a model ever had."""
    statement = select(candidates.c.version).where(candidates.c.name == name)
    return list(connection.execute(statement).scalars())


def change_candidate(
    connection: Connection, identifier: str, states: Sequence[str], values: Mapping[str, Any]
) -> bool:
    """Change a candidate that is in one of the states; False when it is not."""
    statement = (
        update(candidates)
        .where(candidates.c.id == identifier, candidates.c.state.in_(list(states)))
        .values(**values)
        .returning(candidates.c.number)
    )
    return connection.execute(statement).first() is not None


def retire_others(connection: Connection, name: str, version: str) -> None:
    """Whatever candidate was at work before is so no longer."""
    other = (candidates.c.name == name, candidates.c.version != version)
    statement = update(candidates).where(*other, candidates.c.state == LIVE)
    connection.execute(statement.values(state=RETIRED))


def shadowed(connection: Connection, name: str) -> Row[Any] | None:
    """The candidate of a model that runs in the shadow."""
    mine = (candidates.c.name == name, candidates.c.shadowed)
    statement = select(candidates).where(*mine).order_by(candidates.c.number.desc()).limit(1)
    return connection.execute(statement).first()


def unshadow_others(connection: Connection, name: str, version: str) -> None:
    """One candidate of a model is enough in the shadow."""
    other = (candidates.c.name == name, candidates.c.version != version)
    connection.execute(update(candidates).where(*other).values(shadowed=False))


def newest_number(connection: Connection) -> int:
    """The number of the complaint stored last."""
    return int(connection.execute(select(func.max(complaints.c.number))).scalar() or 0)


def decided_after(connection: Connection, number: int, limit: int) -> list[Row[Any]]:
    """Decided complaints from above a number on, oldest first."""
    mine = (complaints.c.number > number, complaints.c.state == "decided")
    statement = select(complaints).where(*mine).order_by(complaints.c.number).limit(limit)
    return list(connection.execute(statement))


def add_shadow_answers(
    connection: Connection, identifier: str, upto: int, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Keep what a candidate would have said, once for each complaint."""
    once = insert_into(connection, shadow_answers).on_conflict_do_nothing(
        index_elements=["candidate", "complaint"]
    )
    if rows:
        connection.execute(once, [dict(row) for row in rows])
    mine = (candidates.c.id == identifier, candidates.c.shadow_from < upto)
    connection.execute(update(candidates).where(*mine).values(shadow_from=upto))


def shadow_same(connection: Connection, identifier: str) -> list[Mapping[str, bool]]:
    """For each complaint, target by target, whether shadow and live said the same."""
    statement = select(shadow_answers.c.same).where(shadow_answers.c.candidate == identifier)
    return list(connection.execute(statement).scalars())


def shadow_differences(connection: Connection, identifier: str, limit: int) -> list[Row[Any]]:
    """The newest answers of a candidate with what the live model said."""
    statement = (
        select(shadow_answers, complaints.c.decision, complaints.c.model)
        .join(complaints, complaints.c.id == shadow_answers.c.complaint)
        .where(shadow_answers.c.candidate == identifier)
        .order_by(shadow_answers.c.number.desc())
        .limit(limit)
    )
    return list(connection.execute(statement))


def switch(
    connection: Connection, values: Mapping[str, Any], expected: str | None, *, first: bool = False
) -> bool:
    """Make a version live if the expected one still is; once, whoever asks at the same time."""
    now = {"version": values["version"], "since": values["since"], "by": values["by"]}
    if first:
        new = insert_into(connection, active_models).values(name=values["name"], **now)
        once = new.on_conflict_do_nothing(index_elements=["name"])
        changed = connection.execute(once.returning(active_models.c.name)).first()
    else:
        mine = (active_models.c.name == values["name"], active_models.c.version == expected)
        statement = update(active_models).where(*mine).values(**now)
        changed = connection.execute(statement.returning(active_models.c.name)).first()
    if changed is None:
        return False
    connection.execute(insert(live_models), {**values, "before": expected})
    return True


def live_history(connection: Connection, name: str, limit: int) -> list[Row[Any]]:
    """What was live when, newest first."""
    statement = select(live_models).where(live_models.c.name == name)
    return list(connection.execute(statement.order_by(live_models.c.number.desc()).limit(limit)))


def floor(connection: Connection, name: str) -> str | None:
    """The oldest version of a model that may still be put to work."""
    statement = select(facts.c.value).where(facts.c.name == f"floor of {name}")
    return connection.execute(statement).scalar()


def raise_floor(connection: Connection, name: str, version: str) -> None:
    """From now on nothing older may be put to work."""
    fact = f"floor of {name}"
    connection.execute(delete(facts).where(facts.c.name == fact))
    connection.execute(insert(facts), {"name": fact, "value": version})


def newest_job(connection: Connection, kind: str, slots: str | None = None) -> Row[Any] | None:
    """The newest job of a kind that is done."""
    statement = select(jobs).where(jobs.c.kind == kind, jobs.c.state == "done")
    if slots is not None:
        statement = statement.where(jobs.c.slot.startswith(slots, autoescape=True))
    return connection.execute(statement.order_by(jobs.c.number.desc()).limit(1)).first()


def moments(connection: Connection) -> tuple[datetime, datetime] | None:
    """When the first and the last complaint came in."""
    span = (func.min(complaints.c.received_at), func.max(complaints.c.received_at))
    row = connection.execute(select(*span)).one()
    return None if row[0] is None else (row[0], row[1])
