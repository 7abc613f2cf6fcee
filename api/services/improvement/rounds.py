"""What happens to problems by itself: links, reminders, reviews, the daily measuring."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from api.services.improvement.linking import link_complaints
from api.services.improvement.proof import KIND, reopen_by_itself
from api.services.improvement.states import ACCEPTED, KNOWN, PLANNED
from api.services.office import Office
from api.store import jobs, problems
from domain.calendar import china_day

_REMIND_BEFORE = timedelta(days=7)


def tend(office: Office) -> bool:
    """One round; whether there may be more to do at once."""
    if not office.database.submit(problems.any_problem, writes=False).result():
        return False
    office.database.submit(partial(_remind, office=office)).result()
    office.database.submit(partial(_review, office=office)).result()
    office.database.submit(partial(_schedule, office=office)).result()
    return link_complaints(office)


def _remind(connection: Connection, office: Office) -> None:
    """One message for each measure that is nearly due, one when its day has passed."""
    today = china_day(office.clock())
    for row in problems.planned_until(connection, PLANNED, today + _REMIND_BEFORE, None):
        kind = "overdue" if row.due_on < today else "due"
        detail = {"measure": row.id, "owner": row.owner, "due_on": row.due_on.isoformat()}
        once = f"{kind}:{row.id}:{row.due_on}"
        problems.note(connection, row.problem, kind, office.clock(), "worker", detail, once)


def _review(connection: Connection, office: Office) -> None:
    """Take known and accepted problems up again on the day that was set for it."""
    for row in problems.in_states(connection, (KNOWN, ACCEPTED)):
        if row.review_on is not None and row.review_on <= china_day(office.clock()):
            reopen_by_itself(connection, office, row, {"reason": "the day of review has come"})


def _schedule(connection: Connection, office: Office) -> None:
    """Queue the day's measuring, once however many workers there are."""
    slot = f"all:{china_day(office.clock())}"
    jobs.add(connection, jobs.NewJob(KIND, slot, {}, "worker", office.clock()))
