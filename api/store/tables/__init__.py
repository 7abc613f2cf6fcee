"""The tables; what may happen only once is a UNIQUE constraint here."""

from api.store.tables.base import Moment, metadata
from api.store.tables.cases import audit, complaints, events, idempotency, outbox
from api.store.tables.learning import candidates, labels, live_models, shadow_answers
from api.store.tables.office import (
    active_models,
    facts,
    import_errors,
    imports,
    jobs,
    keys,
    reports,
)
from api.store.tables.problems import (
    effects,
    exposures,
    measures,
    problem_complaints,
    problem_events,
    problems,
)
from api.store.tables.reporting import (
    deliveries,
    judgements,
    runs,
    schedules,
    warnings,
    webhooks,
)

__all__ = [
    "Moment",
    "active_models",
    "audit",
    "candidates",
    "complaints",
    "deliveries",
    "effects",
    "events",
    "exposures",
    "facts",
    "idempotency",
    "import_errors",
    "imports",
    "jobs",
    "judgements",
    "keys",
    "labels",
    "live_models",
    "measures",
    "metadata",
    "outbox",
    "problem_complaints",
    "problem_events",
    "problems",
    "reports",
    "runs",
    "schedules",
    "shadow_answers",
    "warnings",
    "webhooks",
]
