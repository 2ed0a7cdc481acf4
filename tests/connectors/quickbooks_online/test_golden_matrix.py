"""Every kind of transaction × tax mode × level of detail against golden files, from the PSA's own export onwards.

`pytest --update-golden` writes them: a block for each combination, the header first, then one line of the file for
each of the document's. Blocks that differ in nothing are named together.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.connectors.connectwise.connector import ConnectWise
from app.connectors.http import parse_json
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.translate import to_quickbooks
from app.domain import cogs
from app.domain.documents import Document, DocumentKind, Line, Product
from app.domain.links import Entry, LinkKind, Links, Rules, needs
from app.domain.marks import Mark
from app.domain.shaping import shaped
from app.domain.states import RecordKind, Role
from tests.builders import money
from tests.connectors.connectwise.conftest import Site, contact, opened, psa, source
from tests.connectors.quickbooks_online.payables import ALL_LINKS, RULES, a_cost, a_document_of, documents, with_tax

__all__ = ["contact", "opened", "psa", "source"]
FOLDER = Path(__file__).parent / "golden" / "matrix"
MODES = ("manual", "automated", "per_line")
LEVELS = ("default", "condensed", "detailed")
WORK = {
    "ticket": 48213, "summary": "Replace failed POS switch", "member": "Marta Ortiz", "role": "Engineer",
    "kind": "On-site", "notes": "Swapped the switch, tested both tills.",
}  # fmt: skip
DOCK = {"identifier": "DOCK-TB4", "description": "Thunderbolt dock", "type_id": 4, "price": "279.00"}
LABOUR = {"gl_type": "R", "account": "4010", "text": "Labor", "quantity": "1.5", "price": "145.00", "taxable": True}
LINES: dict[str, list[dict[str, Any]]] = {
    "Agreement": [{"gl_type": "RA", "account": "4000", "text": "Silver agreement", "quantity": "5", "price": "25.10"}],
    "CreditMemo": [{"product": DOCK, "quantity": "-1", "taxable": True}],
    "DownPayment": [{"gl_type": "RD", "account": "2300", "text": "Down payment", "price": "500.00"}],
    "Miscellaneous": [{"product": DOCK, "quantity": "2", "taxable": True}, {"text": "Cabling", "price": "33.335"}],
    "Progress": [{"gl_type": "R", "account": "4400", "text": "Phase 2 of 4", "price": "2500.00", "taxable": True}],
    "Standard": [{**LABOUR, "work": {**WORK, "time_entry_id": ident}} for ident in (9101, 9102)],
}  # fmt: skip
PER_LINE = {"untaxed_code": "17", "untaxed_parts": "17=0 p:117=0"}
#: Code by mode: what it is in QuickBooks, its rate and its rates.
CODES = {"manual": ("3", "10.25", "5=6.5 6=3.75"), "per_line": ("15", "10.25", "15=6.5 16=3.75 p:115=20")}


def rules(mode: str) -> Rules:
    extra = {"inventory_adjustments": "on", "payable_account": "33", **(PER_LINE if mode == "per_line" else {})}
    settings = {"sales.serial_numbers": "yes", "sales.down_payment_item": "Down Payment"}
    return Rules(tax_mode=mode, extra=extra, settings=settings)


def links(document: Document, mode: str) -> Links:
    """Everything is linked to an entry that has the PSA's own id: so a golden file can be read."""
    found = {(n.kind, n.source_id): Entry(n.kind, n.source_id, n.name) for n in needs(document, rules(mode))}
    if mode in CODES:
        for key in [key for key in found if key[0] is LinkKind.TAX_CODES]:
            ident, rate, parts = CODES[mode]
            found[key] = Entry(LinkKind.TAX_CODES, ident, "Seattle", rate=rate, parts=parts)
    return found


def written(text: str) -> str:
    """The header without what every document of the file has, then each line."""
    body = dict(parse_json(text))
    lines = body.pop("Line")
    return "\n".join([dumps(body), *(f"  {dumps(line)}" for line in lines)])


def printed(blocks: Mapping[str, str]) -> str:
    """Each text once, below the titles of all that have it."""
    same: dict[str, list[str]] = {}
    for title, text in blocks.items():
        same.setdefault(text, []).append(title)
    return "\n\n".join(f"== {', '.join(titles)}\n{text}" for text, titles in same.items()) + "\n"


def golden(name: str, shown: str, *, update: bool) -> str:
    """What the file of this name holds."""
    path = FOLDER / f"{name}.txt"
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    return path.read_text(encoding="utf-8")


@pytest.fixture
def exports(psa: Site, source: ConnectWise) -> dict[tuple[str, str], Document]:
    """Type and level → the document; one export of all six for each level."""
    numbers = {
        str(psa._post("/_add", company="Acme Dental", type=kind, tax_code="WA-SEA", lines=lines, date="2026-03-10",
                      number=f"GOLD-{place}", term="Net 30", attention="Ana", purchase_order="PO-77")["number"]): kind
        for place, (kind, lines) in enumerate(LINES.items(), 1)
    }  # fmt: skip
    rows = [row for row in source.unposted(RecordKind.INVOICES) if row.number in numbers]
    found: dict[tuple[str, str], Document] = {}
    for level in LEVELS:
        wanted = [row.record for row in rows]
        exported = source.export(RecordKind.INVOICES, wanted, summary=level, through=dt.date(2026, 12, 31))
        for row, item in zip(rows, exported, strict=True):
            assert item.document is not None, item.problems
            found[numbers[row.number], level] = item.document
    return found


def test_invoices_of_every_type_match_their_golden_files(
    exports: dict[tuple[str, str], Document], update_golden: bool
) -> None:
    mark = Mark(RecordKind.INVOICES, "39005", 1)
    for kind in LINES:
        blocks = {}
        for mode in MODES:
            for level in LEVELS:
                document = shaped(exports[kind, level], rules(mode))
                text = to_quickbooks(document, mark, links(document, mode), rules(mode)).text
                blocks[f"{mode} {level}"] = written(text)
        shown = printed(blocks)
        assert golden(kind.lower(), shown, update=update_golden) == shown


def costs() -> dict[str, Document]:
    """What stands beside sales: by the name of its golden file."""
    dock = Product("8", "DOCK-TB4", kind="InventoryPart", cost_account="5000", inventory_account="1300")
    sold = a_document_of(
        DocumentKind.INVOICE, Line("Dock", Decimal(2), money("558.00"), "4100", dock, cost=money("397.00")),
        number="10482", psa_number="",
    )  # fmt: skip
    entry = cogs.entry(sold, Rules(settings={"inventory.cogs": "journal_entry"}))
    assert entry is not None
    card = a_document_of(DocumentKind.PURCHASE, a_cost("44.10"), paid_from="2100", due_date=None, terms=None)
    return {
        **documents(),
        "bill_of_order": dataclasses.replace(documents()["bill"], bills="77"),
        "card_refund": dataclasses.replace(card, refund=True),
        "cogs": entry,
    }


def test_what_is_bought_and_what_it_costs_matches_its_golden_file_in_every_tax_mode(update_golden: bool) -> None:
    for name, document in costs().items():
        role = Role.COGS if name == "cogs" else Role.BILL if name == "bill_of_order" else Role.MAIN
        mark = Mark(RecordKind.INVENTORY, "39005", 1, role=role)
        blocks = {}
        taxable = document.kind not in (DocumentKind.JOURNAL_ENTRY, DocumentKind.INVENTORY_ADJUSTMENT)
        for mode in MODES:
            given = dataclasses.replace(RULES, tax_mode=mode, extra={**RULES.extra, **rules(mode).extra})
            for tax in ("untaxed", "taxed") if taxable else ("untaxed",):
                shown = shaped(with_tax(document) if tax == "taxed" else document, given)
                vat = Entry(LinkKind.TAX_CODES, "15", "20.0% S", rate="20", parts="15=20 p:115=20")
                known = {**ALL_LINKS, (LinkKind.TAX_CODES, "20"): vat}
                blocks[f"{mode} {tax}"] = written(to_quickbooks(shown, mark, known, given).text)
        text = printed(blocks)
        assert golden(name, text, update=update_golden) == text
