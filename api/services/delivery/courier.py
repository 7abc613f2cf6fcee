"""The courier: hands out what waits, again and again until it arrives or is hopeless."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services.analysis import report_file
from api.services.delivery import mail, posting, signature
from api.services.delivery.addresses import Resolve, resolved, target_of
from api.services.delivery.subscriptions import keys_of, vault_of
from api.services.logs import fault
from api.services.office import Office
from api.services.schedule import queue_due, tell_readers
from api.store import delivery
from domain.errors import RowRefused, Unavailable

# Seconds until the next try, after Standard Webhooks; a tenth more or less, by the message's id.
DELAYS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
_AT_ONCE = 16
_EVENTS = 200
_LEASE = timedelta(seconds=90)
_KEPT = timedelta(days=30)
_GONE = 410
# A receiver that does not answer is left alone for a while, so that others need not wait behind it.
_SILENCE = timedelta(seconds=60)


@dataclass(frozen=True)
class Outcome:
    """Why a delivery failed (None: it did not), whether for good, whether nobody answered."""

    failure: str | None = None
    forever: bool = False
    silent: bool = False


class Courier:
    """Works until it is stopped, in a thread of its own."""

    def __init__(self, office: Office, resolve: Resolve = resolved) -> None:
        self._office = office
        self._resolve = resolve
        self._vault = vault_of(office)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._hands = ThreadPoolExecutor(_AT_ONCE, "courier")
        self._next_clearing: datetime | None = None

    def start(self) -> None:
        """Work in a thread."""
        self._thread = threading.Thread(target=self.run, name="courier", daemon=True)
        self._thread.start()

    def stop(self, wait_seconds: float = 5.0) -> None:
        """Stop; what is on its way is sent again later, under the same id."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(wait_seconds)
        self._hands.shutdown(wait=False, cancel_futures=True)

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopping.is_set():
            try:
                busy = self.step()
            except Exception as error:
                busy = False
                self._office.log.error("courier fault", **fault(error))
            if not busy:
                self._stopping.wait(self._office.settings.worker_poll_seconds)

    def step(self) -> bool:
        """One round; whether there was anything to send."""
        now = self._office.clock()
        queue_due(self._office)
        tell_readers(self._office)
        self._clear(now)
        due = partial(delivery.any_due, now=now)
        if not self._office.database.submit(due, writes=False).result():
            return False
        return self._hand_out(now)

    def _hand_out(self, now: datetime) -> bool:
        spread = self._do(partial(delivery.fan_out, now=now, limit=_EVENTS))
        held = self._do(partial(delivery.claim, now=now, lease_until=now + _LEASE, limit=_AT_ONCE))
        outcomes = list(zip(held, self._hands.map(self._sent, held), strict=True))
        if outcomes:
            self._do(partial(_note, outcomes=outcomes, now=self._office.clock()))
        return bool(held) or spread == _EVENTS

    def _do(self, work: Any) -> Any:
        return self._office.database.submit(work).result()

    def _clear(self, now: datetime) -> None:
        if self._next_clearing is None or now >= self._next_clearing:
            self._next_clearing = now + timedelta(hours=1)
            self._do(partial(delivery.forget, before=now - _KEPT))

    def _sent(self, held: Row[Any]) -> Outcome:
        """One delivery: why it failed, and whether it is no use to try again."""
        try:
            return self._tried(held)
        except Exception as error:
            self._office.log.error("delivery fault", **fault(error))
            return Outcome(type(error).__name__)

    def _tried(self, held: Row[Any]) -> Outcome:
        if held.way == delivery.MAIL:
            return self._mailed(held)
        return self._posted(held)

    def _mailed(self, held: Row[Any]) -> Outcome:
        try:
            mail.send(self._office.settings, letter_for(self._office, held))
        except mail.Undelivered as error:
            return Outcome(str(error), error.forever)
        return Outcome()

    def _posted(self, held: Row[Any]) -> Outcome:
        find = partial(delivery.find_webhook, identifier=held.target)
        webhook = self._office.database.submit(find, writes=False).result()
        if webhook is None or not webhook.active:
            return Outcome("the webhook is switched off", forever=True)
        try:
            own = self._office.settings.webhook_hosts
            target = target_of(webhook.url, own, self._resolve)
            keys = keys_of(self._vault, webhook, self._office.clock())
            status = self._call(target, keys, held)
        except RowRefused as error:
            return Outcome(f"the address {error.reason}")
        except (Unavailable, posting.Unanswered) as error:
            return Outcome(str(error), silent=True)
        if status == _GONE:
            self._do(partial(_switch_off, webhook=webhook.id, at=self._office.clock()))
            return Outcome("the receiver is gone (410)", forever=True)
        return Outcome(None if 200 <= status < 300 else f"the receiver answered {status}")

    def _call(self, target: Any, keys: Sequence[str], held: Row[Any]) -> int:
        body = held.payload.encode()
        moment = int(self._office.clock().timestamp())
        return posting.post(target, signature.headers(keys, held.message, moment, body), body)


def _note(
    connection: Connection, outcomes: Sequence[tuple[Row[Any], Outcome]], now: datetime
) -> None:
    """Write down what became of each; a subscriber that is gone hears nothing more."""
    for held, outcome in outcomes:
        failure = outcome.failure
        if failure is None:
            delivery.ended(connection, held, delivery.SENT, None, now)
        elif outcome.forever or held.attempts > len(DELAYS):
            delivery.ended(connection, held, delivery.FAILED, failure, now)
        else:
            delivery.again(connection, held, failure, now + pause(held.message, held.attempts))
        if outcome.silent:
            delivery.postpone(connection, held.target, now + _SILENCE)


def pause(message: str, attempts: int) -> timedelta:
    """How long to wait after so many tries; not the same for all, so that no crowd comes back."""
    spread = hashlib.sha256(f"{message}.{attempts}".encode()).digest()[0] / 255
    return timedelta(seconds=DELAYS[attempts - 1] * (0.9 + 0.2 * spread))


def _switch_off(connection: Connection, webhook: str, at: datetime) -> None:
    values = {"active": False, "failure": "the receiver is gone (410)"}
    delivery.change_webhook(connection, webhook, values)
    delivery.abandon(connection, webhook, "the receiver is gone (410)", at)


def letter_for(office: Office, held: Row[Any]) -> mail.Letter:
    """The mail that a delivery stands for."""
    told: Mapping[str, Any] = json.loads(held.payload)["data"]
    files = [report_file(office.settings, told["report"], kind) for kind in told["formats"]]
    return mail.Letter(
        held.message, held.target, told["title"], told["text"], [f for f in files if f.is_file()]
    )
