"""What became of a customer's mail, beside its posting: a warning while it did not arrive, never a failed invoice."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import Session, col

from app.domain.problems import Problem, Severity
from app.domain.states import SectionKey
from app.models.batches import Batch
from app.models.mail import Mail
from app.models.postings import Posting
from app.services.posting import posting_problems

NO_ADDRESS, FAILED, DOUBT, BOUNCED = "mail_no_address", "mail_not_sent", "mail_in_doubt", "mail_bounced"
#: Each state of a mail that a person should know of.
CODES = {"failed": FAILED, "in_doubt": DOUBT, "bounced": BOUNCED}
_WORDS = {
    "failed": ("The mail to {to} did not go out.", "See Mail to customers, correct what it says, and send it again."),
    "in_doubt": (
        "Nobody knows whether the mail to {to} went out.",
        "Ask the customer; settle it in Mail to customers.",
    ),
    "bounced": ("The mail to {to} came back.", "Correct the address, then send it again in Mail to customers."),
}


def told(session: Session, mail: Mail) -> None:
    """Put the state of a customer's mail beside its posting; the caller commits. Nothing for other mails."""
    posting = session.get(Posting, mail.posting_id) if mail.posting_id else None
    if posting is None:
        return
    for row in posting_problems.of(session, [posting.id or 0]).get(posting.id or 0, []):
        if row.code in CODES.values() and row.field == mail.to[:60]:
            session.delete(row)
    if mail.state in _WORDS:
        message, remedy = (text.format(to=mail.to) for text in _WORDS[mail.state])
        said = f"{message} {mail.problem}".strip()
        problem = Problem(CODES[mail.state], said, remedy, Severity.WARNING, field=mail.to[:60])
        posting_problems.add(session, posting, SectionKey.EMAIL, problem)
    words = {"sent": "was taken by the mail server", "held": "waits for approval", "dropped": "was dropped",
             "failed": "did not go out", "in_doubt": "is in doubt", "bounced": "came back"}  # fmt: skip
    if mail.state in words:
        posting_problems.say(session, posting, f"The mail to {mail.to} {words[mail.state]}.")
    session.exec(update(Batch).where(col(Batch.id) == posting.batch_id).values(rev=Batch.rev + 1))


def no_address(session: Session, posting: Posting, customer: str, said: str) -> None:
    """The customer has no address to mail to; the caller commits."""
    problem = Problem(
        NO_ADDRESS,
        said or f"{posting.party} has no e-mail address, so {posting.number} was not mailed.",
        "Enter one on the company in ConnectWise, or here on the company’s tab E-mail, then retry.",
        Severity.WARNING,
        field="party",
        subject=f"mail:{customer}"[:220],
    )
    posting_problems.add(session, posting, SectionKey.EMAIL, problem)
    posting_problems.say(session, posting, problem.message)
