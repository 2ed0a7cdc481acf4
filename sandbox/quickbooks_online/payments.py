"""Payments of customers, and the zero payments that link credits to invoices. A link changes both sides' balances."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal

from sandbox.quickbooks_online import headers, problems, references
from sandbox.quickbooks_online.company import Company, party_of
from sandbox.quickbooks_online.money import ZERO, cents
from sandbox.quickbooks_online.problems import Json
from sandbox.quickbooks_online.shape import required

LINKS_CREDITS = "Created by QB Online to link credits to charges."
CREDITS = {"CreditMemo", "Deposit"}
TABLES = {"Invoice": "Invoice", "CreditMemo": "CreditMemo", "Deposit": "Deposit", "Check": "Purchase"}


@dataclass(frozen=True)
class Link:
    """One line of a payment: this much goes to, or comes from, that document."""

    entity: str
    id: str
    amount: Decimal


def links_of(payment: Json) -> list[Link]:
    """What a payment is applied to, and what it draws from."""
    return [
        Link(linked["TxnType"], linked["TxnId"], line["Amount"])
        for line in payment.get("Line", [])
        for linked in line.get("LinkedTxn", [])
    ]


def document(company: Company, kind: str, id_: str) -> Json | None:
    """What a line may be linked to, by the word that links have for it; only what has a balance."""
    found = company.find(TABLES.get(kind, ""), id_)
    return found if found and "Balance" in found else None


def completed(company: Company, _entity: str, body: Json, old: Json | None, _include: AbstractSet[str]) -> Json:
    """A Payment as the vendor keeps it; what `old` was applied to counts as open again."""
    required(body, "CustomerRef", "TotalAmt")
    customer = references.target(company, "Customer", body["CustomerRef"], "CustomerRef")
    body["CustomerRef"] = references.to("Customer", customer)
    headers.settle(company, body, customer)
    references.settle(company, body, DepositToAccountRef="Account", PaymentMethodRef="PaymentMethod")
    body["TotalAmt"] = cents(body["TotalAmt"])
    if body["TotalAmt"] < 0:
        raise problems.bad_value(2140, "TotalAmt", body["TotalAmt"])
    for line in body.get("Line", []):
        line["Amount"] = cents(line.get("Amount", ZERO))
        if any({"TxnId", "TxnType"} - linked.keys() for linked in line.get("LinkedTxn", [])):
            raise problems.missing("LinkedTxn.TxnId")
    body["UnappliedAmt"] = _unapplied(company, body, old)
    body.setdefault("DepositToAccountRef", {"value": "4", "name": "Undeposited Funds"})
    body["ProcessPayment"] = False
    return body


def _unapplied(company: Company, body: Json, old: Json | None) -> Decimal:
    rest: Decimal = body["TotalAmt"]
    before = _by_document(old or {})
    for (entity, id_), amount in _by_document(body).items():
        found = document(company, entity, id_)
        if found is None:
            raise problems.bad_reference(entity, id_, "LinkedTxn")
        if party_of(found) != party_of(body):
            raise problems.business("The linked transaction belongs to another customer.", "LinkedTxn", 620)
        if amount <= 0 or amount > found["Balance"] + before.get((entity, id_), ZERO):
            raise problems.business("You can't apply more than the open balance.", "Line.Amount")
        rest += amount if entity in CREDITS else -amount
    if rest < 0:
        raise problems.business("The payment is less than what it is applied to.", "TotalAmt")
    return rest


def _by_document(payment: Json) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = {}
    for item in links_of(payment):
        sums[item.entity, item.id] = sums.get((item.entity, item.id), ZERO) + item.amount
    return sums


def link(company: Company, payment: Json) -> None:
    """Lower the balances of everything that a payment is linked to."""
    for item in links_of(payment):
        _apply(company, item, payment["Id"], -item.amount)


def unlink(company: Company, payment: Json) -> None:
    """Give the balances back."""
    for item in links_of(payment):
        _apply(company, item, payment["Id"], item.amount)


def _apply(company: Company, item: Link, payment_id: str, change: Decimal) -> None:
    found = document(company, item.entity, item.id)
    if found is None:
        return
    mine = {"TxnId": payment_id, "TxnType": "Payment"}
    others = [linked for linked in found.get("LinkedTxn", []) if linked != mine]
    balance = found["Balance"] + change
    changed = {**found, "Balance": balance, "LinkedTxn": [*others, mine] if change < 0 else others}
    if item.entity == "CreditMemo":
        changed["RemainingCredit"] = balance
    company.put(TABLES[item.entity], touched(company, changed))


def touched(company: Company, document: Json) -> Json:
    """The document with its SyncToken counted up and its time of change set."""
    meta = {**document["MetaData"], "LastUpdatedTime": company.now()}
    return {**document, "SyncToken": str(int(document["SyncToken"]) + 1), "MetaData": meta}


def release(company: Company, entity: str, document: Json) -> None:
    """Take a document out of the payments that are linked to it: money becomes unapplied, what a credit paid is open.

    A payment of zero that links nothing any more is gone.
    """
    for linked in document.get("LinkedTxn", []):
        payment = company.find("Payment", linked["TxnId"]) if linked["TxnType"] == "Payment" else None
        if payment is None:
            continue
        unlink(company, payment)
        left = [line for line in payment.get("Line", []) if not _is_about(line, entity, document["Id"])]
        kept, rest = _affordable(payment["TotalAmt"], left)
        if not kept and not payment["TotalAmt"]:
            company.remove("Payment", payment["Id"])
            continue
        new = touched(company, {**payment, "Line": kept, "UnappliedAmt": rest})
        company.put("Payment", new)
        link(company, new)


def _affordable(money: Decimal, lines: list[Json]) -> tuple[list[Json], Decimal]:
    """The credits, and of the charges as much as they and the money pay, first come first served; and what is left."""
    credits_ = [line for line in lines if line["LinkedTxn"][0]["TxnType"] in CREDITS]
    rest = money + sum((line["Amount"] for line in credits_), ZERO)
    kept = list(credits_)
    for line in lines:
        amount = min(line["Amount"], rest)
        if line not in credits_ and amount > 0:
            kept.append({**line, "Amount": amount})
            rest -= amount
    # Credits that pay nothing any more are let go, too.
    return (kept, rest) if money or len(kept) > len(credits_) else ([], rest)


def _is_about(line: Json, entity: str, id_: str) -> bool:
    return any((linked["TxnType"], linked["TxnId"]) == (entity, id_) for linked in line.get("LinkedTxn", []))


def automatic(company: Company, entity: str, document: Json) -> Json | None:
    """The zero payment that AutoApplyCredit makes for a new invoice or credit memo; None if nothing is open."""
    other = "CreditMemo" if entity == "Invoice" else "Invoice"
    rest, pairs = document["Balance"], []
    for candidate in list(company.tables[other].values()):
        amount = min(rest, candidate.get("Balance", ZERO))
        if amount > 0 and party_of(candidate) == party_of(document):
            rest -= amount
            pairs.append((candidate["Id"], amount))
    if not pairs:
        return None
    lines = [{"Amount": amount, "LinkedTxn": [{"TxnId": id_, "TxnType": other}]} for id_, amount in pairs]
    lines.append({"Amount": document["Balance"] - rest, "LinkedTxn": [{"TxnId": document["Id"], "TxnType": entity}]})
    return {
        "CustomerRef": document["CustomerRef"],
        "TotalAmt": ZERO,
        "TxnDate": document["TxnDate"],
        "PrivateNote": LINKS_CREDITS,
        "Line": lines,
    }
