"""Problems with their complaints, measures, effects and history."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from api.store.complaints import Change
from api.store.delivery import Message, announce
from api.store.statements import insert_into, within
from api.store.tables import (
    complaints,
    effects,
    exposures,
    facts,
    keys,
    measures,
    problem_complaints,
    problem_events,
    problems,
)

BY_PATTERN = "pattern"
BY_PERSON = "person"
LEFT_OUT = "left out"
_CURSOR = "problems follow complaints to"
_PLACES = ("product", "batch", "region", "outlet")
_ROW: tuple[Any, ...] = tuple(
    complaints.c[name]
    for name in ("number", "id", "department", "received_at", "decision", "columns", "attributes",
                 "change_tx", "change")
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which problems a list shows; None means all."""

    departments: Sequence[str] | None = None
    state: str | None = None
    issue: str | None = None
    owner: str | None = None


def add(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Store a problem; False when a live one has its slot."""
    statement = insert_into(connection, problems).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["slot"])
    return connection.execute(statement.returning(problems.c.number)).first() is not None


def at_slot(connection: Connection, slot: str) -> str | None:
    """The live problem that has a slot."""
    return connection.execute(select(problems.c.id).where(problems.c.slot == slot)).scalar()


def find(
    connection: Connection, identifier: str, departments: Sequence[str] | None = None
) -> Row[Any] | None:
    """One problem, within the departments."""
    statement = select(problems).where(problems.c.id == identifier, *within(problems, departments))
    return connection.execute(statement).first()


def page(connection: Connection, wanted: Wanted, after: int | None, limit: int) -> list[Row[Any]]:
    """Newest first, from below the number given, with how many complaints each has."""
    statement = select(problems, _count().label("complaints")).where(*_conditions(wanted))
    if after is not None:
        statement = statement.where(problems.c.number < after)
    return list(connection.execute(statement.order_by(problems.c.number.desc()).limit(limit)))


def listed(connection: Connection, wanted: Wanted) -> list[Row[Any]]:
    """Every problem that fits, oldest first, with how many complaints each has."""
    statement = select(problems, _count().label("complaints")).where(*_conditions(wanted))
    return list(connection.execute(statement.order_by(problems.c.number)))


def in_states(connection: Connection, states: Sequence[str]) -> list[Row[Any]]:
    """Every problem in one of the states."""
    statement = select(problems).where(problems.c.state.in_(list(states)))
    return list(connection.execute(statement.order_by(problems.c.number)))


def change(connection: Connection, row: Row[Any], values: Mapping[str, Any]) -> bool:
    """Change a problem that nobody changed since it was read; False when somebody did."""
    seen = and_(problems.c.id == row.id, problems.c.version == row.version)
    statement = update(problems).where(seen).values(**values, version=row.version + 1)
    return connection.execute(statement.returning(problems.c.number)).first() is not None


def note(
    connection: Connection,
    problem: str,
    kind: str,
    at: datetime,
    by: str,
    detail: Mapping[str, Any],
    once: str | None = None,
) -> bool:
    """Write an event down and tell who subscribed; False when it was written before."""
    values = {"problem": problem, "at": at, "kind": kind, "by": by, "detail": dict(detail)}
    statement = insert_into(connection, problem_events).values(**values, once=once)
    statement = statement.on_conflict_do_nothing(index_elements=["problem", "once"])
    number = connection.execute(statement.returning(problem_events.c.number)).scalar()
    if number is None:
        return False
    department = connection.execute(
        select(problems.c.department).where(problems.c.id == problem)
    ).scalar()
    name = f"problem.{kind.replace(' ', '_')}"
    told = {"id": problem, "by": by, **detail}
    announce(connection, Message(f"evt_{uuid.uuid4().hex}", name, problem, department, told, at))
    return True


def history(connection: Connection, identifier: str) -> list[Row[Any]]:
    """Every event of a problem, oldest first."""
    statement = select(problem_events).where(problem_events.c.problem == identifier)
    return list(connection.execute(statement.order_by(problem_events.c.number)))


def key_name(connection: Connection, identifier: str) -> str | None:
    """The name of a key's holder."""
    return connection.execute(select(keys.c.name).where(keys.c.id == identifier)).scalar()


def add_measure(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store a measure."""
    connection.execute(insert(measures), dict(values))


def find_measure(
    connection: Connection, identifier: str, departments: Sequence[str] | None = None
) -> Row[Any] | None:
    """One measure, within the departments of its problem."""
    statement = select(measures).join(problems, problems.c.id == measures.c.problem)
    statement = statement.where(measures.c.id == identifier, *within(problems, departments))
    return connection.execute(statement).first()


def change_measure(connection: Connection, row: Row[Any], values: Mapping[str, Any]) -> bool:
    """Change a measure that nobody changed since it was read; False when somebody did."""
    seen = and_(measures.c.id == row.id, measures.c.version == row.version)
    statement = update(measures).where(seen).values(**values, version=row.version + 1)
    return connection.execute(statement.returning(measures.c.number)).first() is not None


def move_measures(connection: Connection, problem: str, to: str) -> None:
    """Hang the measures of one problem on another."""
    statement = update(measures).where(measures.c.problem == problem).values(problem=to)
    connection.execute(statement)


def measures_of(connection: Connection, identifiers: Sequence[str]) -> list[Row[Any]]:
    """The measures of problems, oldest first."""
    statement = select(measures).where(measures.c.problem.in_(list(identifiers)))
    return list(connection.execute(statement.order_by(measures.c.number)))


def planned_until(
    connection: Connection, state: str, day: date, departments: Sequence[str] | None
) -> list[Row[Any]]:
    """Measures in a state that are due on a day or before it, with their problems' titles."""
    statement = (
        select(measures, problems.c.title.label("problem_title"), problems.c.department)
        .join(problems, problems.c.id == measures.c.problem)
        .where(measures.c.state == state, measures.c.due_on <= day, *within(problems, departments))
    )
    return list(connection.execute(statement.order_by(measures.c.due_on, measures.c.number)))


def solved(
    connection: Connection, issue: str, verdict: str, departments: Sequence[str] | None, limit: int
) -> list[Row[Any]]:
    """Measures on an issue that got a verdict, the newest first."""
    newest = select(func.max(effects.c.number)).group_by(effects.c.measure).scalar_subquery()
    statement = (
        select(
            measures,
            effects.c.sentence,
            effects.c.figures,
            problems.c.title.label("problem_title"),
            problems.c.lesson,
            problems.c.causes,
        )
        .join(problems, problems.c.id == measures.c.problem)
        .join(effects, effects.c.measure == measures.c.id)
        .where(
            problems.c.issue == issue,
            effects.c.verdict == verdict,
            effects.c.number.in_(newest),
            *within(problems, departments),
        )
    )
    return list(connection.execute(statement.order_by(measures.c.number.desc()).limit(limit)))


def put_effect(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store what a measure was found to have done up to a day, once for each day."""
    statement = insert_into(connection, effects).values(**values)
    kept = {name: values[name] for name in ("measured_at", "verdict", "sentence", "figures")}
    statement = statement.on_conflict_do_update(index_elements=["measure", "upto"], set_=kept)
    connection.execute(statement)


def newest_effects(connection: Connection, identifiers: Sequence[str]) -> dict[str, Row[Any]]:
    """The newest effect of each measure that has one."""
    newest = _newest(effects.c.measure.in_(list(identifiers)))
    statement = select(effects).join(
        newest, and_(newest.c.measure == effects.c.measure, newest.c.upto == effects.c.upto)
    )
    return {row.measure: row for row in connection.execute(statement)}


def verdicts(connection: Connection, identifiers: Sequence[str]) -> dict[str, str]:
    """The newest verdict on each problem that has one: that of the measure done last."""
    mine = select(measures.c.id).where(measures.c.problem.in_(list(identifiers)))
    newest = _newest(effects.c.measure.in_(mine))
    statement = (
        select(measures.c.problem, effects.c.verdict)
        .join(newest, and_(newest.c.measure == effects.c.measure, newest.c.upto == effects.c.upto))
        .join(measures, measures.c.id == effects.c.measure)
        .order_by(measures.c.done_on, measures.c.number)
    )
    return {row.problem: row.verdict for row in connection.execute(statement)}


def _newest(which: ColumnElement[bool]) -> Any:
    last = select(effects.c.measure, func.max(effects.c.upto).label("upto")).where(which)
    return last.group_by(effects.c.measure).subquery()


def link(
    connection: Connection, problem: str, identifiers: Iterable[str], how: str, at: datetime
) -> None:
    """Hang complaints on a problem; what a person said of one stands."""
    rows = [{"problem": problem, "complaint": each, "how": how, "at": at} for each in identifiers]
    if not rows:
        return
    statement = insert_into(connection, problem_complaints)
    places = ["problem", "complaint"]
    if how == BY_PATTERN:
        statement = statement.on_conflict_do_nothing(index_elements=places)
    else:
        statement = statement.on_conflict_do_update(index_elements=places, set_={"how": how})
    connection.execute(statement, rows)


def unlink(connection: Connection, problem: str, identifiers: Sequence[str]) -> None:
    """Take complaints off a problem whose pattern they no longer show."""
    connection.execute(
        delete(problem_complaints).where(
            problem_complaints.c.problem == problem,
            problem_complaints.c.complaint.in_(list(identifiers)),
            problem_complaints.c.how == BY_PATTERN,
        )
    )


def linked(connection: Connection, problem: str, after: int, limit: int) -> list[Row[Any]]:
    """Complaints of a problem, newest first, from below the number given."""
    statement = (
        select(complaints.c.number, complaints.c.id, complaints.c.received_at, complaints.c.text,
               complaints.c.tier, problem_complaints.c.how)
        .join(problem_complaints, problem_complaints.c.complaint == complaints.c.id)
        .where(problem_complaints.c.problem == problem, problem_complaints.c.how != LEFT_OUT)
        .order_by(complaints.c.number.desc())
        .limit(limit)
    )  # fmt: skip
    if after:
        statement = statement.where(complaints.c.number < after)
    return list(connection.execute(statement))


def count_linked(connection: Connection, problem: str) -> int:
    """How many complaints hang on a problem."""
    statement = select(_count()).select_from(problems).where(problems.c.id == problem)
    return int(connection.execute(statement).scalar_one())


def weight(connection: Connection, problem: str) -> Row[Any]:
    """Of a problem's complaints: `first` and `last` received, `spent` on cost and compensation."""
    amounts = [
        func.coalesce(func.sum(complaints.c.columns[name].as_float()), 0.0)
        for name in ("cost", "compensation")
    ]
    statement: Any = (
        select(
            func.min(complaints.c.received_at).label("first"),
            func.max(complaints.c.received_at).label("last"),
            (amounts[0] + amounts[1]).label("spent"),
        )
        .join(problem_complaints, problem_complaints.c.complaint == complaints.c.id)
        .where(problem_complaints.c.problem == problem, problem_complaints.c.how != LEFT_OUT)
    )
    row: Row[Any] = connection.execute(statement).one()
    return row


def move_links(connection: Connection, problem: str, to: str, at: datetime) -> None:
    """Hang the complaints of one problem on another as well."""
    statement = select(problem_complaints.c.complaint).where(
        problem_complaints.c.problem == problem, problem_complaints.c.how != LEFT_OUT
    )
    link(connection, to, connection.execute(statement).scalars().all(), BY_PERSON, at)


def forget_pattern_links(connection: Connection, problem: str) -> None:
    """Take off what hangs on a problem by its pattern, before it is looked through anew."""
    connection.execute(
        delete(problem_complaints).where(
            problem_complaints.c.problem == problem, problem_complaints.c.how == BY_PATTERN
        )
    )


def look_from(connection: Connection, problem: str, number: int | None) -> None:
    """Note up to where a problem's history was looked through; None when all of it was."""
    statement = update(problems).where(problems.c.id == problem).values(linked_to=number)
    connection.execute(statement)


def cases(
    connection: Connection, issue: str, department: str | None, after: int, upto: int
) -> list[Row[Any]]:
    """Complaints whose decision names an issue code, by their numbers: above one, up to another."""
    statement = select(*_ROW).where(
        complaints.c.number > after,
        complaints.c.number <= upto,
        complaints.c.decision.contains(f'"code":"{issue}"', autoescape=True),
    )
    if department is not None:
        statement = statement.where(complaints.c.department == department)
    return list(connection.execute(statement.order_by(complaints.c.number)))


def newest_number(connection: Connection) -> int:
    """The number of the complaint stored last."""
    return int(connection.execute(select(func.max(complaints.c.number))).scalar() or 0)


def extent(
    connection: Connection, department: str | None
) -> tuple[datetime | None, datetime | None]:
    """When the first and the last complaint came in."""
    statement = select(func.min(complaints.c.received_at), func.max(complaints.c.received_at))
    if department is not None:
        statement = statement.where(complaints.c.department == department)
    first, last = connection.execute(statement).one()
    return first, last


def daily(connection: Connection, department: str | None) -> dict[date, int]:
    """How many complaints came in on each day, by Chinese days."""
    at: Any = complaints.c.received_at
    if connection.dialect.name == "sqlite":
        day: Any = func.date(at, "+8 hours")
    else:
        day = func.to_char(func.timezone("Asia/Shanghai", at), "YYYY-MM-DD")
    statement = select(day.label("day"), func.count().label("received")).group_by(day)
    if department is not None:
        statement = statement.where(complaints.c.department == department)
    return {date.fromisoformat(str(row.day)): row.received for row in connection.execute(statement)}


def received(
    connection: Connection, departments: Sequence[str] | None, days: int
) -> tuple[datetime | None, int, int]:
    """When the last complaint came in; how many in the days up to it, and in as many before."""
    mine = within(complaints, departments)
    last = connection.execute(select(func.max(complaints.c.received_at)).where(*mine)).scalar()
    if last is None:
        return None, 0, 0
    edges = (last - timedelta(days=2 * days), last - timedelta(days=days), last)
    before, after = (
        connection.execute(
            select(func.count())
            .select_from(complaints)
            .where(complaints.c.received_at > start, complaints.c.received_at <= end, *mine)
        ).scalar_one()
        for start, end in pairwise(edges)
    )
    return last, int(before), int(after)


def first_proofs(
    connection: Connection, identifiers: Sequence[str], verdict: str
) -> dict[str, date]:
    """The first day up to which each measure got a verdict."""
    statement = (
        select(effects.c.measure, func.min(effects.c.upto).label("day"))
        .where(effects.c.measure.in_(list(identifiers)), effects.c.verdict == verdict)
        .group_by(effects.c.measure)
    )
    return {row.measure: row.day for row in connection.execute(statement)}


def noted(connection: Connection, identifiers: Sequence[str], once: str) -> dict[str, datetime]:
    """When an event that is marked so last happened to problems."""
    statement = select(problem_events.c.problem, func.max(problem_events.c.at).label("at")).where(
        problem_events.c.problem.in_(list(identifiers)),
        problem_events.c.once.startswith(once, autoescape=True),
    )
    rows = connection.execute(statement.group_by(problem_events.c.problem))
    return {row.problem: row.at for row in rows}


def follow(connection: Connection, limit: int) -> list[Row[Any]]:
    """Complaints that changed since the last call, oldest change first; nobody else gets them."""
    since = _place(connection)
    if since is None:
        return []
    changed = or_(
        complaints.c.change_tx > since.tx,
        and_(complaints.c.change_tx == since.tx, complaints.c.change > since.number),
    )
    statement = select(*_ROW).where(changed, *_settled(connection))
    order = (complaints.c.change_tx, complaints.c.change)
    rows = list(connection.execute(statement.order_by(*order).limit(limit)))
    if rows:
        _remember(connection, Change(rows[-1].change_tx, rows[-1].change))
    return rows


def _place(connection: Connection) -> Change | None:
    """Where the last call ended, held until this transaction ends; None while it is anew."""
    statement = select(facts.c.value).where(facts.c.name == _CURSOR).with_for_update()
    value = connection.execute(statement).scalar()
    if value is None:
        start = insert_into(connection, facts).values(name=_CURSOR, value="0.0")
        connection.execute(start.on_conflict_do_nothing(index_elements=["name"]))
        return None
    tx, number = value.split(".")
    return Change(int(tx), int(number))


def skip_to_now(connection: Connection) -> None:
    """Pass over all changes so far: no problem could have cared for them."""
    if connection.dialect.name == "postgresql":
        settled: Any = select(literal_column("pg_snapshot_xmin(pg_current_snapshot())::text"))
        _remember(connection, Change(int(connection.execute(settled).scalar_one()) - 1, 2**62))
        return
    newest = connection.execute(select(func.max(complaints.c.change))).scalar() or 0
    _remember(connection, Change(0, int(newest)))


def _remember(connection: Connection, place: Change) -> None:
    value = f"{place.tx}.{place.number}"
    statement = insert_into(connection, facts).values(name=_CURSOR, value=value)
    statement = statement.on_conflict_do_update(index_elements=["name"], set_={"value": value})
    connection.execute(statement)


def _settled(connection: Connection) -> list[ColumnElement[bool]]:
    if connection.dialect.name != "postgresql":
        return []
    horizon: ColumnElement[int] = literal_column(
        "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    )
    return [complaints.c.change_tx < horizon]


def any_problem(connection: Connection) -> bool:
    """Whether there is a problem at all."""
    return connection.execute(select(problems.c.number).limit(1)).first() is not None


def looking_back(connection: Connection, states: Sequence[str]) -> Row[Any] | None:
    """A problem whose history is not yet looked through."""
    unfinished = and_(problems.c.linked_to.is_not(None), problems.c.state.in_(list(states)))
    statement = select(problems).where(unfinished).order_by(problems.c.number).limit(1)
    return connection.execute(statement).first()


def put_exposures(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store units by week and place; the newest figure for a place stands."""
    if not rows:
        return
    statement = insert_into(connection, exposures)
    places = ["department", "week_start", *_PLACES]
    statement = statement.on_conflict_do_update(
        index_elements=places, set_={"units": statement.excluded.units}
    )
    connection.execute(statement, [dict(row) for row in rows])


def exposures_of(connection: Connection, department: str | None) -> list[Row[Any]]:
    """Units by week and place."""
    statement = select(exposures)
    if department is not None:
        statement = statement.where(exposures.c.department.in_(["", department]))
    return list(connection.execute(statement.order_by(exposures.c.week_start)))


def _count() -> Any:
    return (
        select(func.count())
        .select_from(problem_complaints)
        .where(problem_complaints.c.problem == problems.c.id, problem_complaints.c.how != LEFT_OUT)
        .correlate(problems)
        .scalar_subquery()
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions = within(problems, wanted.departments)
    for name in ("state", "issue", "owner"):
        if (value := getattr(wanted, name)) is not None:
            conditions.append(problems.c[name] == value)
    return conditions
