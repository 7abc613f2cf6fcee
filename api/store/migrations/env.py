"""Runs the steps on the connection that it is given."""

from __future__ import annotations

from alembic import context

from api.store.tables import metadata

connection = getattr(context, "config", None) and context.config.attributes.get("connection")
if connection is not None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
        user_module_prefix="",
    )
    with context.begin_transaction():
        context.run_migrations()
