"""Single facts about an installation, and which model versions are active."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from api.store.tables import active_models, facts


def fact(connection: Connection, name: str) -> str | None:
    """The value of a fact, None when nobody stated it."""
    return connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar()


def state(connection: Connection, name: str, value: str) -> None:
    """State a fact for the first time."""
    connection.execute(insert(facts), {"name": name, "value": value})


def active_model(connection: Connection, name: str) -> str | None:
    """The version of a model that was activated last."""
    statement = select(active_models.c.version).where(active_models.c.name == name)
    return connection.execute(statement).scalar()
