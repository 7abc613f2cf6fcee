"""Taking a complaint in: masked, decided, stored with its deadlines in one transaction."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from api.services.access import Caller, Scope
from api.services.clock import Clock
from api.services.desks import Desks
from api.services.judgement import Judgement, dumps, judge
from api.services.learning.provenance import brought
from api.services.masking import Masker
from api.services.rows import TIMES, labels_of, parse_row, refuse_unknown_labels
from api.services.vault import Vault
from api.settings import Settings
from api.store import complaints, learning, replies
from api.store.complaints import NewComplaint
from api.store.database import Database, run
from domain.calendar import parse_time
from domain.complaint import Complaint, Value
from domain.errors import Conflict, InputError, RowRefused
from domain.text import clean

CREATED, PENDING, REPEATED = 201, 202, 200
_AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Reply:
    """A status and a body in JSON."""

    status: int
    body: str
    repeated: bool = False


class Intake:
    """Takes complaints in for callers."""

    def __init__(
        self,
        database: Database,
        desks: Desks,
        masker: Masker,
        vault: Vault | None,
        fingerprint_key: bytes,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._database = database
        self._desks = desks
        self._masker = masker
        self._vault = vault
        self._fingerprint_key = fingerprint_key
        self._settings = settings
        self._clock = clock
        self._declared = frozenset(settings.attributes)

    async def take(self, caller: Caller, row: Mapping[str, Any], key: str | None) -> Reply:
        """Store a complaint and say what was decided; a repeated call gets the first reply."""
        fingerprint = self.fingerprint(row)
        new = self.prepare(caller, row, fingerprint)
        repeat = self._repeat(caller, key, fingerprint)
        work = partial(store, new=new, repeat=repeat, caller=caller)
        try:
            reply = await run(self._database, work, self._settings.store_wait_seconds)
        except IntegrityError:
            reply = await run(self._database, work, self._settings.store_wait_seconds)
        return self._pointed(reply, str(row["text"]), new.text)

    def _pointed(self, reply: Reply, sent: str, masked: str) -> Reply:
        """The reply with evidence that points into the text that this caller sent."""
        said = {} if sent == masked else json.loads(reply.body)
        if not said.get("evidence"):
            return reply
        return replace(reply, body=dumps(self._masker.pointed(said, clean(sent), sent)))

    def fingerprint(self, row: Mapping[str, Any]) -> str:
        """What tells one payload from another, and tells nothing else."""
        text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hmac.new(self._fingerprint_key, text.encode(), hashlib.sha256).hexdigest()

    def prepare(self, caller: Caller, row: Mapping[str, Any], fingerprint: str) -> NewComplaint:
        """What will be stored of a row, decided if a desk is there to decide."""
        given = row if row.get("id") is not None else {**row, "id": uuid.uuid4().hex}
        complaint = parse_row(given, self._declared)
        if labels := labels_of(complaint):
            caller.require(Scope.IMPORT)
            refuse_unknown_labels(labels, *self._desks.taxonomies())
        department = caller.department_of(_text(complaint.values.get("department")))
        masked = self._masker.complaint(complaint)
        new = self._undecided(complaint, masked, department, fingerprint)
        return decided(new, judge(self._desks, masked, new.received_at))

    def undecided(self, complaint: Complaint, department: str | None) -> NewComplaint:
        """What will be stored of a complaint that a table brings; its labels stay as they are."""
        masked = self._masker.complaint(complaint)
        told = {
            "id": complaint.id,
            "text": complaint.text,
            "values": {name: _plain(value) for name, value in complaint.values.items()},
            "attributes": dict(complaint.attributes),
        }
        return self._undecided(complaint, masked, department, self.fingerprint(told))

    def _undecided(
        self, complaint: Complaint, masked: Complaint, department: str | None, fingerprint: str
    ) -> NewComplaint:
        now = self._clock()
        received_at = _moment(masked.values.get("received_at"), now)
        if received_at > now + _AHEAD:
            raise RowRefused("lies in the future; give when the complaint came in", "received_at")
        return NewComplaint(
            id=masked.id,
            department=department,
            received_at=received_at,
            stored_at=now,
            text=masked.text,
            original=self._sealed(complaint),
            columns={name: _plain(value) for name, value in masked.values.items()},
            attributes=masked.attributes,
            fingerprint=fingerprint,
            state=complaints.PENDING,
            attempts=0,
            labels={name: _plain(value) for name, value in labels_of(masked).items()} or None,
            **dict.fromkeys(_UNDECIDED),
        )

    def _sealed(self, complaint: Complaint) -> bytes | None:
        if self._vault is None:
            return None
        return self._vault.seal(complaint.text.encode(), complaint.id)

    def _repeat(self, caller: Caller, key: str | None, fingerprint: str) -> replies.Repeat | None:
        if key is None:
            return None
        expires_at = self._clock() + timedelta(hours=self._settings.idempotency_hours)
        digest = hmac.new(self._fingerprint_key, key.encode(), hashlib.sha256).hexdigest()
        return replies.Repeat(caller.id, digest, fingerprint, expires_at)


_UNDECIDED = (
    "failure", "decision", "category", "tier", "queue", "abstained",
    "acknowledge_by", "plan_by", "resolve_by", "model",
)  # fmt: skip


def decided(new: NewComplaint, judgement: Judgement) -> NewComplaint:
    """A complaint with what the desk said of it."""
    return replace(new, **judgement.columns(new.id))


def store(
    connection: Connection, new: NewComplaint, repeat: replies.Repeat | None, caller: Caller
) -> Reply:
    """Store a complaint once; the reply is the first one when it was stored before."""
    if repeat is not None and (first := replies.find(connection, repeat, new.stored_at)):
        if first.fingerprint != repeat.fingerprint:
            raise InputError("this Idempotency-Key came with another payload; use a new key")
        return Reply(first.status, first.body, repeated=True)
    status = CREATED if new.state == complaints.DECIDED else PENDING
    body = reply_body(new)
    detail = {"state": new.state, "model": new.model}
    if not complaints.add(connection, new, caller.id, detail):
        status, body = REPEATED, _stored_before(connection, new, caller)
    elif new.labels:
        learning.add_labels(connection, brought(new, caller.id))
    if repeat is not None:
        replies.keep(connection, repeat, status, body)
    return Reply(status, body, repeated=status == REPEATED)


def _stored_before(connection: Connection, new: NewComplaint, caller: Caller) -> str:
    row = complaints.find(connection, new.id, caller.departments)
    if row is None or row.fingerprint != new.fingerprint:
        raise Conflict("a complaint of this id is stored with other contents; use a new id")
    return reply_body(row)


def reply_body(row: Any) -> str:
    """The decision as it is stored, or the word that it is still to come."""
    if row.decision is not None:
        return str(row.decision)
    waiting = {"id": row.id, "state": row.state, "reason": row.failure}
    return json.dumps(waiting, ensure_ascii=False, separators=(",", ":"))


def _moment(value: Value | None, now: datetime) -> datetime:
    return value if isinstance(value, datetime) else now


def _text(value: Value | None) -> str | None:
    return value if isinstance(value, str) else None


def _plain(value: Value) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def stored_values(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as they were before they were stored."""
    return {name: parse_time(value) if name in TIMES else value for name, value in columns.items()}
