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

__all__ = [
    "Moment",
    "active_models",
    "audit",
    "candidates",
    "complaints",
    "events",
    "facts",
    "idempotency",
    "import_errors",
    "imports",
    "jobs",
    "keys",
    "labels",
    "live_models",
    "metadata",
    "outbox",
    "reports",
    "shadow_answers",
]
