"""A bookkeeper at work with money in QuickBooks' own pages: `POST /_bookkeeper` with `{"operation": …}`.

What is paid and drawn from is named by id or by number: `invoices`, `credits` and `deposits` are `{"10482": "60.00"}`;
null for an amount means all that is open. A payment is named by `payment` (its id).

| operation | does | takes |
|---|---|---|
| `receive` | a payment; money above what it pays is unapplied | `invoices` … `amount` `date` `reference` `customer` |
| `apply` | more lines on a payment, from what it has left | `payment` `invoices` `credits` `deposits` |
| `apply_credits` | a payment of zero that links credits to invoices | `invoices` `credits` `deposits` `date` |
| `unapply` | takes one `invoice` or all lines off; a payment of zero without lines is gone | `payment` `invoice` |
| `change` | another `amount`, `date` or `reference`; `invoices` and `credits` replace its lines | `payment` … |
| `void` `delete` | of a payment, invoice or credit memo | `payment`, `invoice` or `credit` |
| `refund` | money that is left goes back, by check | `payment` `amount` |
| `refund_receipt` | money back for a sale that was no invoice | `customer` `amount` |
| `deposit` | brings payments to the bank | `payments` |
| `deposit_money` | a customer's money on the bank's statement, to be applied | `customer` `amount` |
| `collect` | customers pay, each in their own way, the open invoices whose memo holds `noted` | `noted` |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from sandbox.quickbooks_online import documents, payments, problems
from sandbox.quickbooks_online.company import Company, party_of
from sandbox.quickbooks_online.money import ZERO, cents
from sandbox.quickbooks_online.problems import Json

NAMES = {"invoices": "Invoice", "credits": "CreditMemo", "deposits": "Deposit"}


def act(company: Company, order: Json) -> Json:
    """Do one of the operations; answers the payment (or what else it was about) as it is now.

    Raises:
        Refusal: QuickBooks' own pages would not let it happen.
    """
    operation = OPERATIONS.get(str(order.get("operation")))
    if operation is None:
        raise problems.unsupported(f"{order.get('operation')}; there are {', '.join(OPERATIONS)}")
    with company.lock:
        return operation(company, order)


def _receive(company: Company, order: Json) -> Json:
    lines = _lines(company, order)
    received = cents(_exact(order["amount"])) if "amount" in order else max(_rest(lines), ZERO)
    return documents.save(company, "Payment", _body(company, order, lines, received))


def _apply_credits(company: Company, order: Json) -> Json:
    body = _body(company, order, _lines(company, order), ZERO)
    return documents.save(company, "Payment", {**body, "PrivateNote": payments.LINKS_CREDITS})


def _apply(company: Company, order: Json) -> Json:
    payment = _payment(company, order)
    return _saved(company, payment, Line=[*payment.get("Line", []), *_lines(company, order)])


def _unapply(company: Company, order: Json) -> Json:
    payment = _payment(company, order)
    invoice = _found(company, "Invoice", str(order["invoice"]))["Id"] if "invoice" in order else ""
    lines = payment.get("Line", [])
    kept = [line for line in lines if invoice and line["LinkedTxn"][0]["TxnId"] != invoice]
    if not kept and not payment["TotalAmt"]:
        return documents.delete(company, "Payment", payment)
    return _saved(company, payment, Line=kept)


def _change(company: Company, order: Json) -> Json:
    payment = _payment(company, order)
    changes: Json = {}
    if NAMES.keys() & order.keys():
        # What the payment itself has paid counts as open while its lines are replaced.
        changes["Line"] = _lines(company, order, payment)
    if "amount" in order:
        changes["TotalAmt"] = cents(_exact(order["amount"]))
    names = {"date": "TxnDate", "reference": "PaymentRefNum", "note": "PrivateNote"}
    changes |= {names[key]: value for key, value in order.items() if key in names}
    return _saved(company, payment, **changes)


def _void(company: Company, order: Json) -> Json:
    return documents.void(company, *_meant(company, order))


def _delete(company: Company, order: Json) -> Json:
    return documents.delete(company, *_meant(company, order))


def _refund(company: Company, order: Json) -> Json:
    payment = _payment(company, order)
    amount = cents(_exact(order.get("amount", payment["UnappliedAmt"])))
    check = _written(company, "Purchase", payment["CustomerRef"], amount, PaymentType="Check")
    line = {"Amount": amount, "LinkedTxn": [{"TxnId": check["Id"], "TxnType": "Check"}]}
    return _saved(company, payment, Line=[*payment.get("Line", []), line])


def _refund_receipt(company: Company, order: Json) -> Json:
    customer = {"value": str(order["customer"])}
    return _written(company, "RefundReceipt", customer, cents(_exact(order["amount"])), balance=False)


def _deposit(company: Company, order: Json) -> Json:
    rows = [_payment(company, {"payment": ident}) for ident in order["payments"]]
    total = sum((row["TotalAmt"] for row in rows), ZERO)
    lines = [{"Amount": row["TotalAmt"], "LinkedTxn": [{"TxnId": row["Id"], "TxnType": "Payment"}]} for row in rows]
    made = _written(company, "Deposit", {}, total, balance=False, Line=lines)
    for row in rows:
        banked = {"TxnId": made["Id"], "TxnType": "Deposit"}
        company.put(
            "Payment", payments.touched(company, {**company.tables["Payment"][row["Id"]], "LinkedTxn": [banked]})
        )
    return made


def _deposit_money(company: Company, order: Json) -> Json:
    return _written(company, "Deposit", {"value": str(order["customer"])}, cents(_exact(order["amount"])))


def _collect(company: Company, order: Json) -> Json:
    """Customer by customer: a cheque over all invoices; half of the first; 25.00 too much; nothing; paid, then voided.

    Open credits are applied to the first invoice before.
    """
    noted, made = str(order.get("noted", "")), []
    for place, customer in enumerate(_owing(company, noted)):
        invoices, credits_ = (_open_ones(company, entity, customer, noted) for entity in ("Invoice", "CreditMemo"))
        if credits_:
            amount = min(credits_[0]["Balance"], invoices[0]["Balance"])
            pairs = {"invoices": {invoices[0]["Id"]: amount}, "credits": {credits_[0]["Id"]: amount}}
            made.append(_apply_credits(company, pairs))
            invoices = _open_ones(company, "Invoice", customer, noted)
        made += _paid(company, place % 5, invoices, {"reference": str(4101 + place)}) if invoices else []
    return {"payments": [payment["Id"] for payment in made]}


def _paid(company: Company, manner: int, invoices: list[Json], order: Json) -> list[Json]:
    first = {invoices[0]["Id"]: invoices[0]["Balance"]}
    if manner == 0:
        return [_receive(company, {**order, "invoices": {row["Id"]: None for row in invoices}})]
    if manner == 1:
        return [_receive(company, {**order, "invoices": {invoices[0]["Id"]: cents(invoices[0]["Balance"] / 2)}})]
    if manner == 2:
        return [_receive(company, {**order, "invoices": first, "amount": invoices[0]["Balance"] + 25})]
    if manner == 4:
        return [_void(company, {"payment": _receive(company, {**order, "invoices": first})["Id"]})]
    return []


def _owing(company: Company, noted: str) -> list[str]:
    customers = {party_of(row) for row in company.tables["Invoice"].values() if _is_open(row, noted)}
    return sorted(customers, key=int)


def _open_ones(company: Company, entity: str, customer: str, noted: str) -> list[Json]:
    return [row for row in company.tables[entity].values() if party_of(row) == customer and _is_open(row, noted)]


def _is_open(row: Json, noted: str) -> bool:
    return bool(row["Balance"] > 0 and noted in row.get("PrivateNote", ""))


OPERATIONS: dict[str, Callable[[Company, Json], Json]] = {
    "receive": _receive,
    "apply": _apply,
    "apply_credits": _apply_credits,
    "unapply": _unapply,
    "change": _change,
    "void": _void,
    "delete": _delete,
    "refund": _refund,
    "refund_receipt": _refund_receipt,
    "deposit": _deposit,
    "deposit_money": _deposit_money,
    "collect": _collect,
}


def _written(
    company: Company, entity: str, customer: Json, amount: Decimal, *, balance: bool = True, **more: Any
) -> Json:
    """A document that the API of this stand-in doesn't make, put where it belongs."""
    now = company.now()
    made: Json = {
        "Id": company.new_id(entity),
        "SyncToken": "0",
        "MetaData": {"CreateTime": now, "LastUpdatedTime": now},
        "TxnDate": company.today(),
        "CurrencyRef": {"value": company.switches.home_currency},
        "TotalAmt": amount,
        "Line": [],
        **({"CustomerRef": customer} if customer else {}),
        **({"Balance": amount} if balance else {}),
        **more,
    }
    company.put(entity, made)
    return documents.presented(company, entity, made)


def _body(company: Company, order: Json, lines: list[Json], received: Decimal) -> Json:
    body: Json = {"CustomerRef": {"value": _customer(company, order, lines)}, "TotalAmt": received, "Line": lines}
    names = {"date": "TxnDate", "reference": "PaymentRefNum", "note": "PrivateNote"}
    body |= {names[key]: value for key, value in order.items() if key in names}
    if company.switches.multi_currency:
        body["CurrencyRef"] = company.tables["Customer"][body["CustomerRef"]["value"]]["CurrencyRef"]
    return body


def _customer(company: Company, order: Json, lines: list[Json]) -> str:
    if "customer" in order or not lines:
        return str(order.get("customer", ""))
    linked = lines[0]["LinkedTxn"][0]
    document = payments.document(company, linked["TxnType"], linked["TxnId"])
    return party_of(document or {})


def _lines(company: Company, order: Json, replaced: Json | None = None) -> list[Json]:
    before = {(item.entity, item.id): item.amount for item in payments.links_of(replaced or {})}
    lines = []
    for name, entity in NAMES.items():
        for key, amount in (order.get(name) or {}).items():
            document = _found(company, entity, str(key))
            opened = document["Balance"] + before.get((entity, document["Id"]), ZERO)
            due = opened if amount is None else cents(_exact(amount))
            lines.append({"Amount": due, "LinkedTxn": [{"TxnId": document["Id"], "TxnType": entity}]})
    return lines


def _rest(lines: Iterable[Json]) -> Decimal:
    """What the lines need in money: charges less credits."""
    signed = [line["Amount"] * (1 if line["LinkedTxn"][0]["TxnType"] == "Invoice" else -1) for line in lines]
    return sum(signed, ZERO)


def _found(company: Company, entity: str, key: str) -> Json:
    """By number first, then by id: people know numbers."""
    for ident in company.number_holders(entity, key):
        return company.tables[entity][ident]
    found = company.find(entity, key)
    if found is None:
        raise problems.not_found(entity)
    return found


def _payment(company: Company, order: Json) -> Json:
    return documents.read(company, "Payment", str(order.get("payment", "")))


def _meant(company: Company, order: Json) -> tuple[str, Json]:
    for name, entity in {"invoice": "Invoice", "credit": "CreditMemo", "deposit": "Deposit"}.items():
        if name in order:
            return entity, documents.read(company, entity, _found(company, entity, str(order[name]))["Id"])
    return "Payment", _payment(company, order)


def _saved(company: Company, payment: Json, **changes: Any) -> Json:
    sent = {"Id": payment["Id"], "SyncToken": payment["SyncToken"], "sparse": True, **changes}
    return documents.save(company, "Payment", sent)


def _exact(value: Any) -> Decimal:
    return Decimal(str(value))
