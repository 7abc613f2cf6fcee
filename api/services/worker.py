"""The worker: claims jobs under a lease, decides the backlog, keeps house."""

from __future__ import annotations

import importlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from api.services import imports
from api.services.imports import Progress
from api.services.intake import stored_values
from api.services.judgement import NO_MODEL, judge
from api.services.logs import fault
from api.services.office import Office
from api.store import complaints, jobs, keys, replies
from api.store.jobs import Claim
from domain.complaint import Complaint
from domain.errors import Cancelled, InputError, LimitExceeded, SuyuanError, Unavailable

Handler = Callable[[Office, Mapping[str, Any], Progress], Mapping[str, Any]]
Round = Callable[[Office], bool]
_ATTEMPTS = 5
_BACKLOG = 50
_HOUSEKEEPING_SECONDS = 30.0
_ROUND_SECONDS = 5.0
_STUCK_SECONDS = 60.0


class Worker:
    """Works until it is stopped, in a thread or in a process of its own."""

    def __init__(
        self, office: Office, handlers: Mapping[str, Handler], rounds: Sequence[Round] = ()
    ) -> None:
        self._office = office
        self._handlers = dict(handlers)
        self._rounds = tuple(rounds)
        self._next_rounds = 0.0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._next_housekeeping = 0.0
        self.owner = f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.seen = time.monotonic()

    def start(self) -> None:
        """Work in a thread."""
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)
        self._thread.start()

    def stop(self, wait_seconds: float = 5.0) -> None:
        """Stop after the piece of work at hand; its lease lets another worker go on."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(wait_seconds)

    def sign(self) -> str:
        """``ok``, or why nothing is being worked on here."""
        if self._thread is None or not self._thread.is_alive():
            return "the worker has ended; restart the service"
        silent = time.monotonic() - self.seen
        if silent > _STUCK_SECONDS:
            return f"the worker has given no sign for {silent:.0f} s"
        return "ok"

    def beat(self) -> None:
        """Give a sign of life."""
        self.seen = time.monotonic()

    def run(self) -> None:
        """Work until stopped."""
        for late in ("api.services.tables", "triage.selection"):
            importlib.import_module(late)  # so that no request waits for it
        while not self._stopping.is_set():
            try:
                busy = self.step()
            except Exception as error:
                busy = False
                self._office.log.error("worker fault", **fault(error))
            self.beat()
            if not busy:
                self._stopping.wait(self._office.settings.worker_poll_seconds)

    def step(self) -> bool:
        """One round; whether there was anything to do."""
        self._keep_house()
        decided = self._decide_backlog()
        more = self._go_round()
        claim = self._claim()
        if claim is not None:
            self._work_on(claim)
        return claim is not None or decided > 0 or more

    def _go_round(self) -> bool:
        """What is looked after regularly; at once again where there is more to do."""
        if time.monotonic() < self._next_rounds:
            return False
        more = False
        for tend in self._rounds:
            try:
                more |= tend(self._office)
            except Exception as error:
                self._office.log.error("round fault", **fault(error))
        pause = min(_ROUND_SECONDS, 4 * self._office.settings.worker_poll_seconds)
        self._next_rounds = 0.0 if more else time.monotonic() + pause
        return more

    def _claim(self) -> Claim | None:
        now = self._office.clock()
        lease = now + timedelta(seconds=self._office.settings.job_lease_seconds)
        work = partial(
            jobs.claim, kinds=list(self._handlers), owner=self.owner, now=now, lease_until=lease
        )
        return self._office.database.submit(work).result()

    def _work_on(self, claim: Claim) -> None:
        held = _Held(self._office, claim, self._stopping, self.beat)
        try:
            if claim.attempts > _ATTEMPTS:
                raise LimitExceeded(f"it was begun {_ATTEMPTS} times and never ended")
            output = self._handlers[claim.kind](self._office, claim.input, held.progress)
        except Exception as error:
            self._give_up(claim, error)
            return
        done, total = held.reached
        finished = partial(jobs.finish, held=claim, output=output, at=self._office.clock(),
                           done=done, total=total)  # fmt: skip
        self._office.database.submit(finished).result()
        self._office.metrics.jobs.labels(claim.kind, "done").inc()

    def _give_up(self, claim: Claim, error: Exception) -> None:
        """Queue again what may work later; say why where it can't."""
        hopeless = isinstance(error, (InputError, LimitExceeded)) or claim.attempts >= _ATTEMPTS
        again = isinstance(error, Cancelled) or not hopeless
        known = isinstance(error, SuyuanError)
        reason = self._office.masker.text(str(error)) if known else type(error).__name__
        if not isinstance(error, (Cancelled, Unavailable)):
            self._office.log.warning("job failed", job=claim.id, kind=claim.kind, **fault(error))
        at = self._office.clock()
        failed = partial(jobs.fail, held=claim, reason=reason, at=at, again=again)
        self._office.database.submit(failed).result()
        if not again and claim.kind == imports.KIND:
            imports.discard(self._office, claim.input)
        self._office.metrics.jobs.labels(claim.kind, "again" if again else "failed").inc()

    def _decide_backlog(self) -> int:
        if not self._office.desks.ready():
            return 0
        read = partial(complaints.pending, attempts=_ATTEMPTS, limit=_BACKLOG)
        rows = self._office.database.submit(read, writes=False).result()
        for row in rows:
            self.beat()
            self._decide(row)
        return len(rows)

    def _decide(self, row: Any) -> None:
        complaint = Complaint(row.id, row.text, stored_values(row.columns), row.attributes)
        values = judge(self._office.desks, complaint, row.received_at).columns(row.id)
        kind = "decided"
        if values.get("failure") == NO_MODEL:
            return
        if values["state"] == complaints.PENDING:
            values["attempts"] = row.attempts + 1
            kind = "retried"
            if values["attempts"] >= _ATTEMPTS:
                values["state"], kind = complaints.FAILED, "failed"
        change = partial(
            complaints.redecide,
            row=row,
            values=values,
            kind=kind,
            at=self._office.clock(),
            by="worker",
            detail={"model": values.get("model")},
        )
        self._office.database.submit(change).result()

    def _keep_house(self) -> None:
        if time.monotonic() < self._next_housekeeping:
            return
        self._next_housekeeping = time.monotonic() + _HOUSEKEEPING_SECONDS
        used = self._office.gate.used()
        if used:
            self._office.database.submit(partial(keys.touch, used=used)).result()
        forget = partial(replies.forget, now=self._office.clock())
        self._office.database.submit(forget).result()


class _Held:
    """A job's lease, lengthened as the work goes on."""

    def __init__(
        self, office: Office, claim: Claim, stopping: threading.Event, beat: Callable[[], None]
    ) -> None:
        self._beat = beat
        self._office = office
        self._claim = claim
        self._stopping = stopping
        self._next = 0.0
        self.reached = (0, 0)

    def progress(self, done: int, total: int) -> None:
        """Note how far the work is; `Cancelled` when the worker stops or lost the job."""
        self._beat()
        self.reached = (done, total)
        if self._stopping.is_set():
            raise Cancelled("the service stops; the job goes on at its next start")
        if time.monotonic() < self._next:
            return
        seconds = self._office.settings.job_lease_seconds
        self._next = time.monotonic() + seconds / 10
        lease = self._office.clock() + timedelta(seconds=seconds)
        renew = partial(jobs.renew, held=self._claim, lease_until=lease, done=done, total=total)
        if not self._office.database.submit(renew).result():
            raise Cancelled("another worker took the job over")
