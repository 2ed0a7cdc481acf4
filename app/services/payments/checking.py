"""Check: each touched invoice is read in the PSA and planned, before anything is written anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from app.domain import allocation
from app.domain.allocation import Allocation
from app.domain.codec import to_json
from app.domain.documents import DocumentKind
from app.domain.money import plain
from app.domain.payment_plan import Key, Plan, Step, Verb, claims, plan
from app.domain.payments import Charge, LedgerPayment, PsaPayment
from app.domain.problems import Problem, Severity
from app.domain.states import SectionKey
from app.models.columns import utcnow
from app.models.payments import PaymentEntry, PaymentTarget
from app.services.payments import one_run, remembering
from app.services.payments.one_run import Invoice, Work
from app.services.posting import posting_problems

#: Invoices that are read, and committed, at once.
CHUNK = 100
#: What is done with one invoice, given what stands on it in the PSA (None: it is not there).
Look = Callable[[Session, Work, PaymentTarget, "Sight", "Sequence[PsaPayment] | None"], None]


def check(work: Work) -> None:
    """Plan every invoice of the batch that is still open. Raises ConnectionFailedError."""
    go_through(work, SectionKey.CHECK, "open", _plan)


def go_through(work: Work, section: SectionKey, state: str, look: Look) -> None:
    """One section over the batch's invoices in this state: what stands on them is read and looked at, chunk by chunk.

    ``look`` takes an invoice out of the state; each chunk is one commit. Raises ConnectionFailedError.
    """
    work.run.begin(section)
    while (chunk := _of_state(work, state)) and not work.run.stopping():
        records = [target.record for target in chunk]
        standing = work.psa.payments_on(records)
        reopened = work.psa.reopened(records) if work.options.paid_status or work.options.unpaid_status else set()
        with work.run.database.session() as session:
            work.run.hold_on(session)
            view = Sight.of(session, work, chunk, reopened)
            rows = select(PaymentTarget).where(col(PaymentTarget.id).in_([target.id for target in chunk]))
            for row in session.exec(rows.order_by(col(PaymentTarget.id))).all():
                look(session, work, row, view, standing.get(row.record))
            work.run.changed(session)
    if not work.run.stopping():
        work.run.end(section)


def _of_state(work: Work, state: str) -> Sequence[PaymentTarget]:
    """The next invoices of the batch in this state."""
    with work.run.database.reading() as session:
        query = select(PaymentTarget).where(PaymentTarget.batch_id == work.run.batch_id, PaymentTarget.state == state)
        return session.exec(query.order_by(col(PaymentTarget.id)).limit(CHUNK)).all()


@dataclass
class Sight:
    """What is known of some invoices: allocations and rows by invoice, and the PSA's credit memos by ledger id.

    ``owed`` are the totals in the books, in cents, by ledger id. ``reopened`` are records that are open in the PSA
    again: a closed status would close them behind somebody's back.
    """

    allocations: Mapping[str, list[Allocation]]
    rows: Mapping[str, list[PaymentEntry]]
    credits: Mapping[str, str] = field(default_factory=dict)
    owed: Mapping[str, int] = field(default_factory=dict)
    reopened: Set[str] = frozenset()

    @classmethod
    def of(cls, session: Session, work: Work, targets: Sequence[PaymentTarget], reopened: Set[str]) -> Sight:
        book_id = work.run.book_id
        invoices = [target.ledger_id for target in targets]
        paying = remembering.paying(session, book_id, invoices)
        ours = one_run.documents(session, book_id, {line.ledger_id for one in paying for line in one.lines})
        return cls(
            _allocated(work, paying, ours),
            one_run.entries(session, book_id, [target.record for target in targets]),
            {one.ledger_id: one.record for one in ours.values() if one.kind == DocumentKind.CREDIT_MEMO},
            {one.ledger_id: one.owed for one in ours.values() if one.owed},
            reopened,
        )

    def plan(self, work: Work, target: PaymentTarget, standing: Sequence[PsaPayment]) -> Plan:
        """The difference on one invoice, as it stands now."""
        options = work.options
        wanted = claims(self.allocations.get(target.ledger_id, ()), options.credits, self.credits)
        return plan(target.record, wanted, one_run.known(self.rows.get(target.record, [])), standing, options.form)

    def is_paid(self, target: PaymentTarget, made: Plan) -> bool:
        """In full, by either side's total: a person may have kept the cent by which they differ."""
        owed = min(target.cents, self.owed.get(target.ledger_id, target.cents))
        return 0 < owed <= _cents(made.books)


def _allocated(work: Work, paying: Sequence[LedgerPayment], ours: Mapping[str, Invoice]) -> dict[str, list[Allocation]]:
    dates = {one.ledger_id: one.date for one in ours.values()}
    named = {line.ledger_id for one in paying for line in one.lines if line.to is Charge.INVOICE}
    return allocation.of_invoices(paying, work.options.rule, {key: dates[key] for key in named & dates.keys()})


def _plan(
    session: Session, work: Work, target: PaymentTarget, view: Sight, standing: Sequence[PsaPayment] | None
) -> None:
    """Write down what is to be done on one invoice; in a dry run only beside it."""
    if standing is None:
        target.state = "planned"
        one_run.say(target, NOT_THERE)
        session.add(target)
        return
    rows = view.rows.get(target.record, [])
    made = view.plan(work, target, standing)
    target.before_cents, target.books_cents = _cents(made.before), _cents(made.books)
    target.planned_cents, target.state = _cents(made.after), "planned"
    target.steps = [_shown(step) for step in made.steps]
    one_run.say(target, *problems(made, rows), *_left_open(work, target, made, view))
    session.add(target)
    if work.run.mode == "dry":
        return
    book = _Book(session, work, target, {one_run.key_of(row): row for row in rows if row.what != "paid"})
    book.settle(made, standing)
    paid = next((row for row in rows if row.what == "paid"), None)
    _mark_paid(session, work, target, paid, full=view.is_paid(target, made), reopened=target.record in view.reopened)


def _cents(amount: Decimal) -> int:
    return int((amount * 100).to_integral_value())


def _shown(step: Step) -> dict[str, Any]:
    return {
        "verb": str(step.verb), "what": str(step.key.what), "payment": step.key.payment, "credit": step.key.credit,
        "amount": plain(step.amount), "was": plain(step.was.amount) if step.was else "",
        "date": step.date.isoformat(), "parts": sorted(step.parts),
    }  # fmt: skip


REOPENED = Problem(
    "paid_and_reopened",
    "It is paid, and open again in ConnectWise: its status stays, or it would be closed while somebody works on it.",
    "Close it in ConnectWise, then sync again.",
    Severity.WARNING,
)
NOT_THERE = Problem(
    "invoice_not_in_psa",
    "ConnectWise has no such invoice any more, or does not show it to the API member: nothing was written.",
    "Look for the invoice in ConnectWise; if it is there, check the API member’s Level.",
)


# ── what stands beside an invoice ────────────────────────────────────────────────────────────────────────────────


def problems(made: Plan, rows: Sequence[PaymentEntry]) -> list[Problem]:
    """What a person should know of an invoice: calls in doubt, ours twice, payments of the PSA's own."""
    stuck = [posting_problems.from_json(row.problem) for row in rows if row.state == "in_doubt" and row.problem]
    twice = [_twice(each) for each in made.doubled]
    return [*stuck, *twice, *(_by_hand(each) for each in made.strangers)]


def _left_open(work: Work, target: PaymentTarget, made: Plan, view: Sight) -> list[Problem]:
    """What stands beside a paid invoice that doesn't get its status, because somebody has reopened it."""
    told = work.options.paid_status and target.record in view.reopened and view.is_paid(target, made)
    return [REOPENED] if told else []


def _twice(each: PsaPayment) -> Problem:
    return Problem(
        "written_twice",
        f"ConnectWise shows our payment of {each.amount:,.2f} a second time.",
        "Remove one of the two in ConnectWise, then sync again.",
        subject=f"payment:{each.payment_id}",
    )


def _by_hand(each: PsaPayment) -> Problem:
    what = "A credit" if each.credit else "A payment"
    day = f" of {each.date:%m/%d/%Y}" if each.date else ""
    return Problem(
        "entered_in_psa",
        f"{what} of {each.amount:,.2f}{day} was entered in ConnectWise, and QuickBooks has none like it. It is kept.",
        "Enter it in QuickBooks, or remove it in ConnectWise.",
        Severity.WARNING,
        subject=f"payment:{each.payment_id}",
    )


# ── intents ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Book:
    """The rows of one invoice, brought to what was planned; the caller commits."""

    session: Session
    work: Work
    target: PaymentTarget
    rows: dict[Key, PaymentEntry]

    def settle(self, made: Plan, standing: Sequence[PsaPayment]) -> None:
        """Rows for what was found, what is gone, and what is to be done."""
        for row in self.rows.values():
            if row.state in ("ready", "refused"):  # planned by an earlier run and never done
                row.state, row.verb, row.problem = ("done" if row.psa_id else "gone"), "", None
        for key in made.gone:
            row = self.rows[key]
            row.state, row.psa_id, row.by_hand = "gone", "", False
        for each in made.found:
            row, there = self.row(each.key), next(p for p in standing if p.payment_id == each.psa_id)
            row.state, row.verb, row.psa_id, row.by_hand = "done", "", each.psa_id, each.by_hand
            row.parts, row.amount, row.date = sorted(each.parts), there.amount, there.date
            row.reference = there.reference[:60]
        for old, new in made.renamed:
            self._rename(old, new)
        seen = [[each.payment_id, plain(each.amount)] for each in standing]
        for step in made.steps:
            self._intend(step, seen)
        self.session.add_all(self.rows.values())

    def row(self, key: Key) -> PaymentEntry:
        """The row of an entry; made where there is none."""
        target, run = self.target, self.work.run
        if key not in self.rows:
            self.rows[key] = PaymentEntry(
                book_id=run.book_id, batch_id=run.batch_id, posting_id=target.posting_id, record=target.record,
                what=key.what, payment=key.payment, credit=key.credit, amount=Decimal(0), state="gone",
            )  # fmt: skip
        return self.rows[key]

    def _rename(self, old: Key, new: Key) -> None:
        """One payment's entry goes on as the one of all. What is left of an older one of all makes room."""
        if (left := self.rows.pop(new, None)) is not None:
            self.session.delete(left)
            self.session.flush()
        row = self.rows.pop(old)
        row.payment = new.payment
        self.rows[new] = row
        self.session.add(row)
        self.session.flush()

    def _intend(self, step: Step, seen: list[list[str]]) -> None:
        row = self.row(step.key)
        if step.verb is Verb.ADD:
            row.generation += 1 if row.sends else 0
            row.reference = step.key.reference(row.record, row.generation, self._source_code)
            row.psa_id = ""
        elif step.verb is Verb.CHANGE:
            row.reference = step.key.reference(row.record, row.generation, self._source_code)
        row.batch_id, row.posting_id = self.work.run.batch_id, self.target.posting_id
        row.verb, row.back, row.state, row.by_hand = step.verb, step.gives_back, "ready", False
        row.was = step.was.amount if step.was else None
        if step.verb is not Verb.REMOVE:
            row.amount, row.date, row.parts = step.amount, step.date, sorted(step.parts)
        row.seen, row.sends, row.absent, row.look_at, row.problem, row.at = seen, 0, 0, None, None, utcnow()

    @property
    def _source_code(self) -> str:
        return self.work.run.source_code


def _mark_paid(
    session: Session, work: Work, target: PaymentTarget, row: PaymentEntry | None, *, full: bool, reopened: bool
) -> None:
    """The invoice's own status, once it is paid in full; and the other way where it no longer is."""
    status = work.options.paid_status if full else work.options.unpaid_status
    planned = row is not None and row.state in ("ready", "refused")
    stands = row is not None and (row.state == "done" or (planned and row.verb == "unpaid"))
    wanted = bool(status) and (not (stands and row and row.status == status) if full else stands and not reopened)
    if row is not None and (planned or (stands and not full and not wanted)):
        row.state = "gone"
    if wanted:
        row = row or PaymentEntry(
            book_id=work.run.book_id, batch_id=work.run.batch_id, posting_id=target.posting_id, record=target.record,
            what="paid", amount=Decimal(0),
        )  # fmt: skip
        row.batch_id, row.state, row.verb = work.run.batch_id, "ready", "paid" if full else "unpaid"
        row.status, row.sends, row.absent, row.look_at, row.problem, row.at = status, 0, 0, None, None, utcnow()
        if reopened:  # the next sync tries again
            row.state, row.problem = "refused", to_json(REOPENED)
    if row is not None:
        session.add(row)
