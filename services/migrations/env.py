"""Alembic's environment: runs within the connection that services.migrate opened."""

from typing import Literal

from alembic import context

from services.models import Moment, Row


def _plain(kind: str, item: object, _context: object) -> str | Literal[False]:
    """A migration must not depend on how the models say it today."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


for table in Row.metadata.tables.values():
    for index in table.indexes:
        index.dialect_kwargs["postgresql_where"] = index.dialect_options["sqlite"]["where"]

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=_plain,
)
with context.begin_transaction():
    context.run_migrations()
