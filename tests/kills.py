"""What kills hit: each test counts its own, its report carries the counts, and the suite tells them at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

#: The property of a report that holds them: plain values, for a report goes from process to process.
PROPERTY = "kills"


@dataclass
class Kills:
    """Workers killed (or frozen) by one test, and how many of them while a posting was ``sending``.

    ``random``: at moments that chance chose while a batch was posted. The others come once before, at and after each
    write, or in the middle of an undo, a payment, a file: a share of them would say nothing.
    """

    random: bool = False
    count: int = 0
    sending: int = 0

    def killed(self, sending: int) -> None:
        """One more, with so many postings on their way at that moment."""
        self.count += 1
        self.sending += sending > 0


def told(some: Iterable[Kills]) -> list[str]:
    """A line for kills at random moments, with the share that must be most, and one for all others."""
    found, lines = list(some), []
    for random, words in ((True, "kills at random moments of a batch"), (False, "other kills and freezes")):
        count = sum(each.count for each in found if each.random == random)
        sending = sum(each.sending for each in found if each.random == random)
        share = f" ({100 * sending // count} %)" if random and count else ""
        if count:
            lines.append(f"{count} {words}, {sending} of them while a posting was sending{share}")
    return lines


def reported(properties: Iterable[tuple[str, object]]) -> list[Kills]:
    """The counts that a report carries."""
    return [Kills(**value) for name, value in properties if name == PROPERTY and isinstance(value, dict)]


def property_of(kills: Kills) -> tuple[str, object]:
    """As a report carries them."""
    return PROPERTY, asdict(kills)
