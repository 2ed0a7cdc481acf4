"""Many writes at once: slots first, then the intents of all of them in one commit, then their calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.connectors.protocols import Slot, Wait

T = TypeVar("T")


def begin(
    due: Sequence[T],
    reserve: Callable[[], Slot | Wait],
    intend: Callable[[Sequence[T]], Sequence[T]],
    go: Callable[[T, Slot], None],
) -> tuple[int, Wait | None]:
    """Begin as many as there are slots for; answers how many, and the wait for the next slot.

    ``intend`` commits the intents and answers those that are ours now; ``go`` makes the call of one in its slot.
    """
    slots: list[Slot] = []
    wait: Wait | None = None
    try:
        while len(slots) < len(due) and wait is None:
            slot = reserve()
            if isinstance(slot, Wait):
                wait = slot
            else:
                slots.append(slot)
        chosen = due[: len(slots)]
        ours = intend(chosen) if chosen else ()
    except BaseException:
        for slot in slots:
            slot.release(sent=False)
        raise
    for one, slot in zip(chosen, slots, strict=True):
        if any(one is each for each in ours):
            go(one, slot)
        else:
            slot.release(sent=False)
    return len(ours), wait
