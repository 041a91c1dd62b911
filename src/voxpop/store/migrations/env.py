"""Alembic's entry: runs on the connection that ``store.engine`` hands over."""

from alembic import context

from voxpop.store.schema import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
context.run_migrations()
