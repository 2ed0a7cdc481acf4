"""`requestid`: the same id again gets the first answer again, and nothing is done twice. Or not: see the switches.

https://developer.intuit.com/app/developer/qbo/docs/learn/learn-basic-field-definitions
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from sandbox.quickbooks_online.company import ENTITIES, Company
from sandbox.quickbooks_online.problems import Json, Refusal

LONGEST_SINGLE, LONGEST_BATCH, LONGEST_BID = 50, 36, 10
LONGEST_RUN = 120.0  # seconds; the vendor's own time limit
Answers = list[Json]  # one for a single call, one per item for a batch
Work = Callable[[Answers | None], Answers]


@dataclass
class _Entry:
    done: threading.Event = field(default_factory=threading.Event)
    answers: Answers | None = None


class RequestIds:
    """The answers given so far in one company, by request id (and for a batch its bIds)."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._entries: dict[Hashable, _Entry] = {}
        self._lock = threading.Lock()
        self.replays = 0

    def once(self, key: Hashable, work: Work) -> Answers:
        """Run `work`, or answer what it answered before.

        `work` gets the answers of before where some of them have to be worked for again (see `outdated`).

        Raises:
            Refusal: 600 if the first call with this id is still running and the switch says so.
        """
        if self._company.switches.requestid == "ignored":
            return work(None)
        entry, mine = self._claim(key)
        if mine:
            return self._run(key, entry, work)
        if not entry.done.is_set():
            self._wait(entry)
        answers = entry.answers
        if answers is None or any(self.outdated(answer) for answer in answers):
            return self._run(key, entry, work)
        self.replays += 1
        return answers

    def answered(self) -> dict[Hashable, Answers]:
        """Every finished answer by its key, to be kept over a restart."""
        with self._lock:
            return {key: entry.answers for key, entry in self._entries.items() if entry.answers is not None}

    def take(self, answers: dict[Hashable, Answers]) -> None:
        """Remember the answers of an earlier run."""
        for key, given in answers.items():
            entry = _Entry(answers=given)
            entry.done.set()
            self._entries[key] = entry

    def outdated(self, answer: Json) -> bool:
        """Whether a remembered answer is no longer good: its document was deleted, or refusals aren't remembered."""
        switches = self._company.switches
        if "Fault" in answer:
            return not switches.replay_faults
        if switches.requestid == "replay_deleted":
            return False
        made = [(entity, answer[entity]) for entity in ENTITIES if isinstance(answer.get(entity), dict)]
        return any(
            obj.get("status") != "Deleted" and self._company.was_deleted(entity, obj["Id"]) for entity, obj in made
        )

    def _claim(self, key: Hashable) -> tuple[_Entry, bool]:
        with self._lock:
            mine = key not in self._entries
            return self._entries.setdefault(key, _Entry()), mine

    def _wait(self, entry: _Entry) -> None:
        if self._company.switches.requestid_running == "fault":
            raise Refusal(600, "Duplicate Request ID", "A request with this requestid is being processed.")
        entry.done.wait(LONGEST_RUN)

    def _run(self, key: Hashable, entry: _Entry, work: Work) -> Answers:
        try:
            entry.answers = work(entry.answers)
        except BaseException:
            with self._lock:
                self._entries.pop(key, None)
            raise
        finally:
            entry.done.set()
        return entry.answers


def check(request_id: str, *, longest: int) -> None:
    """Refuse (2130) an id that is too long or not plain printable text."""
    if len(request_id) > longest or not request_id.isprintable() or " " in request_id:
        raise Refusal(2130, "Invalid request id format", f"requestid has at most {longest} characters", "requestid")
