"""Alembic's environment: the engine comes from app.database; types come from the models."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Engine
from sqlmodel.sql.sqltypes import AutoString

from app.models.tables import metadata


def render(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """SQLModel's strings are plain strings to a migration."""
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


def run(engine: Engine) -> None:
    """Apply migrations in one transaction."""
    with engine.execution_options(writes=True).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            render_item=render,
            user_module_prefix="columns.",
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run(context.config.attributes["engine"])
