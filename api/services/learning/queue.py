"""What to label next, and which labels are probably wrong."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.apart import run_apart
from api.services.imports import Progress
from api.services.judgement import readable
from api.services.learning.gathering import stored_labels
from api.services.learning.labels import disputed, opinions
from api.services.office import Office
from api.settings import Settings
from api.store import jobs, learning
from api.store.complaints import audit_row
from domain.text import clean

KIND = "suspects"
_LOOKED_AT = 2_000
_KNOWN = 5_000
_COMPARED = 1_000
_MOST = 500
_DOUBTED, _SURE = 0.5, 0.97
_PLAIN = ("category", "tier", "sentiment")


async def next_labels(office: Office, caller: Caller, limit: int) -> dict[str, Any]:
    """Complaints that teach most, best first, each with why it was chosen."""
    desk = office.desks.current()
    rows = await office.read(
        partial(learning.unlabelled, departments=caller.departments, limit=_LOOKED_AT)
    )
    given = await office.read(
        partial(learning.newest_labels, departments=caller.departments, limit=_KNOWN)
    )
    argued = disputed(opinions(given))
    labelled = list(dict.fromkeys(row.complaint for row in given))[:_COMPARED]
    known = await office.read(
        partial(learning.by_id, identifiers=labelled, departments=caller.departments)
    )
    texts = [clean(readable(row.text)) for row in known.values()]
    items = await asyncio.to_thread(_chosen, desk, rows, given, texts, limit)
    return {"items": items, "disputed": argued[:limit], "looked_at": len(rows)}


def _chosen(
    desk: Any,
    rows: Sequence[Row[Any]],
    given: Sequence[Row[Any]],
    known: Sequence[str],
    limit: int,
) -> list[dict[str, Any]]:
    from triage.selection import next_to_label

    if not rows:
        return []
    texts = [clean(readable(row.text)) for row in rows]
    reading = desk.reader.read(texts)
    shares = {target: np.asarray(reading.shares[target], np.float64) for target in _PLAIN}
    counted = Counter((row.target, str(row.value)) for row in given)
    counts = {
        target: [counted[target, label] for label in desk.reader.heads[target].labels]
        for target in _PLAIN
    }
    queue = next_to_label(shares, k=min(limit, len(rows)), counts=counts, texts=texts, known=known)
    chosen = zip(queue.rows.tolist(), queue.reasons, queue.scores.tolist(), strict=True)
    return [
        {"complaint": rows[i].id, "text": rows[i].text, "reasons": list(why),
         "score": round(score, 4), "category": rows[i].category, "tier": rows[i].tier}
        for i, why, score in chosen
    ]  # fmt: skip


async def order_suspects(office: Office, caller: Caller, target: str) -> dict[str, str]:
    """Ask for the labels that are probably wrong; a job looks for them."""
    return await office.write(partial(_queue, office=office, by=caller.id, target=target))


def _queue(connection: Connection, office: Office, by: str, target: str) -> dict[str, str]:
    slot, now = f"{target} {secrets.token_hex(8)}", office.clock()
    job = jobs.add(connection, jobs.NewJob(KIND, slot, {"target": target}, by, now))
    audit_row(connection, now, by, "labels.suspect", target, {})
    return {"id": target, "job": str(job)}


def run_suspects(office: Office, told: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Look for them in a process of its own."""
    settings = office.settings
    return run_apart(
        find_suspects,
        settings,
        told,
        progress,
        limit_seconds=settings.training_seconds,
    )


def find_suspects(settings: Settings, told: Mapping[str, Any], tell: Progress) -> dict[str, Any]:
    """What the process of its own does: read, cross-validate, rank."""
    from triage.mislabels import suspected_labels

    target = told["target"]
    held = stored_labels(settings, [target])
    given = [str(label) for label in held.labels[target]]
    found = suspected_labels(
        held.texts, given, below=_DOUBTED, progress=lambda _, share: tell(round(100 * share), 100)
    )
    columns = (found[name].tolist() for name in ("row", "given", "suggested", "score"))
    items = [
        {"complaint": held.ids[i], "given": was, "suggested": better, "score": round(score, 4),
         "source": held.sources[i]}
        for i, was, better, score in list(zip(*columns, strict=True))[:_MOST]
    ]  # fmt: skip
    return {
        "target": target,
        "labelled": len(given),
        "found": int((found["score"] >= _SURE).sum()),
        "items": items,
    }


async def suspects(office: Office, target: str) -> dict[str, Any]:
    """The labels of a target that were suspected last."""
    job = await office.read(partial(learning.newest_job, kind=KIND, slots=f"{target} "))
    if job is None:
        return {"target": target, "at": None, "labelled": 0, "found": 0, "items": []}
    return {**job.output, "at": job.finished_at}
