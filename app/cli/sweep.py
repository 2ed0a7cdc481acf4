"""``sweep``: what the scheduler does four times a minute, by hand."""

from __future__ import annotations

from app.cli.context import Context, pass_context
from app.cli.options import command
from app.cli.output import emit, say
from app.jobs import doorbell
from app.services.posting import running


@command()
@pass_context
def sweep(context: Context) -> None:
    """Wake a worker for every batch that should go on and that nobody works on."""
    due = running.due(context.database)
    lost = [batch_id for batch_id in due if not doorbell.ring_batch(context.settings.redis_url, batch_id)]
    if lost:
        say("No worker could be woken: Redis does not answer. Start ./crossfoot up.")
    lines = [f"Rang for batch {batch_id}." for batch_id in due if batch_id not in lost] or ["Nothing waits."]
    emit({"due": due, "rung": [batch_id for batch_id in due if batch_id not in lost]}, lines, as_json=context.as_json)
