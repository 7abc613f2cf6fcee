"""What is to be sent to whom: from the outbox to each subscriber, once each, in order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, insert, select, update

from api.store.statements import insert_into
from api.store.tables import complaints, deliveries, outbox, webhooks

WEBHOOK = "webhook"
MAIL = "mail"
WAITING = "waiting"
SENT = "sent"
FAILED = "failed"
_TOLD = ("category", "tier", "queue", "state", "abstained", "department")
_DUE = ("received_at", "acknowledge_by", "plan_by", "resolve_by")


@dataclass(frozen=True)
class Message:
    """Something that happened, as subscribers hear of it; `subject` keeps its order."""

    id: str
    kind: str
    subject: str
    department: str | None
    data: Mapping[str, Any]
    at: datetime

    def payload(self) -> str:
        """The body that every subscriber gets."""
        told = {"type": self.kind, "timestamp": self.at.isoformat(), "data": dict(self.data)}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def add_webhook(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store a subscriber."""
    connection.execute(insert(webhooks), dict(values))


def find_webhook(connection: Connection, identifier: str) -> Row[Any] | None:
    """One subscriber."""
    return connection.execute(select(webhooks).where(webhooks.c.id == identifier)).first()


def listed_webhooks(connection: Connection) -> list[Row[Any]]:
    """Every subscriber, oldest first."""
    return list(connection.execute(select(webhooks).order_by(webhooks.c.number)))


def change_webhook(connection: Connection, identifier: str, values: Mapping[str, Any]) -> bool:
    """Change a subscriber; False when there is none of this id."""
    statement = update(webhooks).where(webhooks.c.id == identifier).values(**values)
    return connection.execute(statement.returning(webhooks.c.number)).first() is not None


def drop_webhook(connection: Connection, identifier: str) -> bool:
    """Forget a subscriber and what was still to be sent to it."""
    waiting = and_(deliveries.c.target == identifier, deliveries.c.way == WEBHOOK)
    connection.execute(delete(deliveries).where(waiting))
    statement = delete(webhooks).where(webhooks.c.id == identifier)
    return connection.execute(statement.returning(webhooks.c.number)).first() is not None


def any_due(connection: Connection, now: datetime) -> bool:
    """Whether an event or a delivery waits."""
    event = select(outbox.c.number).where(outbox.c.sent_at.is_(None)).limit(1)
    due = and_(deliveries.c.state == WAITING, deliveries.c.next_at <= now)
    letter = select(deliveries.c.number).where(due).limit(1)
    return any(connection.execute(waiting).first() is not None for waiting in (event, letter))


def fan_out(connection: Connection, now: datetime, limit: int) -> int:
    """Hand the oldest events of the outbox to whoever subscribed; how many there were.

    An event and its deliveries change in one transaction: none is lost, none comes twice.
    """
    oldest = select(outbox).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.number)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7306)")
    events = list(connection.execute(oldest.limit(limit)))
    if not events:
        return 0
    subscribers = _subscribers(connection)
    if subscribers:
        about = _cases(connection, {event.complaint for event in events})
        for event in events:
            _deliver(connection, subscribers, _message(event, about.get(event.complaint)), now)
    done = outbox.c.number.in_([event.number for event in events])
    connection.execute(update(outbox).where(done).values(sent_at=now))
    return len(events)


def announce(connection: Connection, message: Message) -> None:
    """Tell every subscriber of something that is no event of a complaint."""
    _deliver(connection, _subscribers(connection), message, message.at)


def _subscribers(connection: Connection) -> list[Row[Any]]:
    return list(connection.execute(select(webhooks).where(webhooks.c.active)))


def _cases(connection: Connection, identifiers: Iterable[str]) -> dict[str, Row[Any]]:
    columns = [complaints.c[name] for name in ("id", *_TOLD, *_DUE)]
    found = connection.execute(select(*columns).where(complaints.c.id.in_(list(identifiers))))
    return {row.id: row for row in found}


def _message(event: Row[Any], case: Row[Any] | None) -> Message:
    data: dict[str, Any] = {"id": event.complaint}
    if case is not None:
        data |= {name: getattr(case, name) for name in _TOLD}
        times = {name: getattr(case, name) for name in _DUE}
        data |= {name: time.isoformat() if time else None for name, time in times.items()}
    department = None if case is None else case.department
    return Message(
        event.webhook_id, event.kind, event.complaint, department, data, event.created_at
    )


def _deliver(
    connection: Connection, subscribers: Sequence[Row[Any]], message: Message, now: datetime
) -> None:
    payload = message.payload()
    for subscriber in subscribers:
        mine = subscriber.department is None or subscriber.department == message.department
        if mine and wants(subscriber.kinds, message.kind):
            add(connection, message, WEBHOOK, subscriber.id, payload, now)


def wants(kinds: Sequence[str], kind: str) -> bool:
    """Whether a subscription covers a kind of event; none named covers all."""
    family = f"{kind.partition('.')[0]}.*"
    return not kinds or kind in kinds or family in kinds


def add(
    connection: Connection, message: Message, way: str, target: str, payload: str, now: datetime
) -> bool:
    """Queue one delivery; False when it is queued already."""
    values = {
        "message": message.id,
        "way": way,
        "target": target,
        "subject": message.subject,
        "kind": message.kind,
        "payload": payload,
        "state": WAITING,
        "attempts": 0,
        "next_at": now,
        "created_at": now,
    }
    statement = insert_into(connection, deliveries).values(values).on_conflict_do_nothing(
        index_elements=["message", "way", "target"]
    )  # fmt: skip
    return connection.execute(statement.returning(deliveries.c.number)).first() is not None


def claim(
    connection: Connection, now: datetime, lease_until: datetime, limit: int
) -> list[Row[Any]]:
    """Take what is due, of each target and subject only the oldest.

    Whoever claims has until `lease_until`; after that another sends it again, under the same id.
    """
    earlier = deliveries.alias()
    blocked = exists().where(
        earlier.c.target == deliveries.c.target,
        earlier.c.subject == deliveries.c.subject,
        earlier.c.state == WAITING,
        earlier.c.number < deliveries.c.number,
    )
    due = select(deliveries.c.number).where(
        deliveries.c.state == WAITING, deliveries.c.next_at <= now, ~blocked
    )
    due = due.order_by(deliveries.c.next_at, deliveries.c.number).limit(limit)
    if connection.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True, of=deliveries)
    numbers = list(connection.execute(due).scalars())
    statement = (
        update(deliveries)
        .where(deliveries.c.number.in_(numbers), deliveries.c.state == WAITING)
        .values(next_at=lease_until, attempts=deliveries.c.attempts + 1)
        .returning(deliveries)
    )
    return sorted(connection.execute(statement), key=lambda row: int(row.number))


def ended(
    connection: Connection, held: Row[Any], state: str, failure: str | None, at: datetime
) -> bool:
    """Close a delivery; False when another took it over."""
    values = {"state": state, "failure": failure and failure[:200], "ended_at": at}
    return _change(connection, held, values)


def again(connection: Connection, held: Row[Any], failure: str, next_at: datetime) -> bool:
    """Try a delivery once more at a later time."""
    return _change(connection, held, {"failure": failure[:200], "next_at": next_at})


def postpone(connection: Connection, target: str, until: datetime) -> None:
    """Nothing goes to a target before a time; no try is counted."""
    due = and_(deliveries.c.target == target, deliveries.c.state == WAITING)
    later = update(deliveries).where(due, deliveries.c.next_at < until)
    connection.execute(later.values(next_at=until))


def _change(connection: Connection, held: Row[Any], values: Mapping[str, Any]) -> bool:
    mine = and_(
        deliveries.c.number == held.number,
        deliveries.c.attempts == held.attempts,
        deliveries.c.state == WAITING,
    )
    statement = update(deliveries).where(mine).values(**values).returning(deliveries.c.number)
    return connection.execute(statement).first() is not None


def abandon(connection: Connection, target: str, failure: str, at: datetime) -> None:
    """Nothing more is sent to a subscriber that is gone."""
    waiting = and_(deliveries.c.target == target, deliveries.c.state == WAITING)
    values = {"state": FAILED, "failure": failure[:200], "ended_at": at}
    connection.execute(update(deliveries).where(waiting).values(**values))


def listed(connection: Connection, state: str | None, limit: int) -> list[Row[Any]]:
    """The newest deliveries."""
    statement = select(deliveries)
    if state is not None:
        statement = statement.where(deliveries.c.state == state)
    return list(connection.execute(statement.order_by(deliveries.c.number.desc()).limit(limit)))


def forget(connection: Connection, before: datetime) -> None:
    """Drop what ended before a time."""
    connection.execute(delete(deliveries).where(deliveries.c.ended_at < before))
