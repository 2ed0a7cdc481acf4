"""The moments at which a worker can die while it changes an entry of QuickBooks."""

from __future__ import annotations


def points(entity: str) -> dict[str, tuple[str, str, int]]:
    """What it is → the moment (see ``traps.Trap``), what is written or asked there, and which time it is."""
    return {
        "its call not quite committed": ("commit", r"UPDATE entry_changes SET .*'sending'", 1),
        "its call committed": ("committed", r"UPDATE entry_changes SET .*'sending'", 1),
        "first byte": ("request", rf"POST .*/{entity}\?", 1),
        "changed, answer unread": ("answer", rf"POST .*/{entity}\?", 1),
        "changed, not quite written": ("commit", r"UPDATE entry_changes SET .*'done'", 1),
        "changed and written": ("committed", r"UPDATE entry_changes SET .*'done'", 1),
    }
