"""One write in its slot, and what an answer that is no success means. Writes are never repeated here."""

from __future__ import annotations

from typing import Any

from app.connectors.connectwise import answers
from app.connectors.connectwise.client import Client
from app.connectors.http import Answer, NoAnswerError, NotSentError
from app.connectors.protocols import SLOT_SECONDS, Slot
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem

#: Seconds before a call that never left is tried again.
LATER = 15.0


def sent(client: Client, method: str, path: str, body: object, slot: Slot) -> Answer | NotDone | InDoubt:
    """The answer, or the outcome where there is none."""
    if slot.age > SLOT_SECONDS:
        return NotDone("late")
    try:
        return client.write(method, path, body)
    except NotSentError as error:
        problem = Problem(error.code, error.message, error.remedy) if error.systemic else None
        return NotDone(error.message, LATER, problem)
    except NoAnswerError as error:
        return InDoubt(error.message)


def not_written(client: Client, answer: Answer, path: str) -> Refused | NotDone | InDoubt:
    """What holds for every write whose answer is no success."""
    if answers.cannot_route(answer) or (answer.status == 404 and "NotFound" not in answers.error_codes(answer)):
        return _misrouted(client, answer, path)
    error = answers.failure(answer, path)
    if answer.status >= 500 or answer.status == 408:
        # A gateway's 502 to 504 says nothing about the server behind it, which may still be at work.
        return InDoubt(error.message, ended=answer.status == 500, technical=technical(answer))
    problem = Problem(error.code, error.message, error.remedy, technical=technical(answer))
    if answer.status == 429:
        return NotDone(error.message, error.wait)
    if answer.status in {401, 403}:
        return NotDone(error.message, systemic=problem)
    return Refused(problem)


def _misrouted(client: Client, answer: Answer, path: str) -> NotDone:
    """The address was not served, so nothing was executed; after an upgrade the next call knows the new one."""
    if client.moved():
        return NotDone("ConnectWise has been upgraded and answers at a new address.")
    error = answers.failure(answer, path)
    problem = Problem(error.code, error.message, error.remedy, technical=technical(answer))
    return NotDone(error.message, LATER, problem)


def technical(answer: Answer) -> dict[str, Any]:
    """Status, ConnectWise's words and the fields that it names, for the curious."""
    fields = answers.error_fields(answer)
    return {
        "status": answer.status,
        "answer": answers.sentences(answer)[:500],
        **({"fields": fields} if fields else {}),
    }
