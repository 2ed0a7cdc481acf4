"""Boxes of ConnectWise's accounting package that change what an export holds, of invoices, expenses and inventory.

*Include Invoices*, *Include Expenses* and *Include Procurement Items* are none of them: they only preset the screen in
ConnectWise from which a person would export.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.connectors.connectwise import values
from app.connectors.connectwise.values import Row
from app.domain.problems import Problem, Severity

PLACE = "System ▸ Setup Tables ▸ Accounting Package"
CAPTIONS_PLACE = "System ▸ Setup Tables ▸ GL Captions"


@dataclass(frozen=True, slots=True)
class Box:
    """A check box, the position that hurts, and how."""

    name: str
    hurts: bool
    label: str
    message: str
    severity: Severity = Severity.WARNING
    remedy: str = "{deed} “{label}” under {place}."


BOXES = (
    Box(
        "includeSalesTaxFlag",
        hurts=False,
        label="Include Sales Tax",
        message="Exports come without sales tax, so the total of a taxed invoice doesn’t add up.",
    ),
    Box(
        "suppressMemoFlag",
        hurts=True,
        label="Suppress Memo",
        message="Exports come without line texts, so lines in the books have no description.",
    ),
    Box(
        "zeroDollarTaxAmountsFlag",
        hurts=False,
        label="Zero Dollar Tax Amounts",
        message="Taxes of zero are left out, so exempt invoices come without their tax levels.",
        severity=Severity.INFO,
    ),
    Box(
        "includeCogsEntriesFlag",
        hurts=True,
        label="Include COGS Entries",
        message="Exports of invoices carry costs of goods; a QuickBooks company books them only where its settings say"
        " so (Inventory ▸ Cost of goods sold).",
        severity=Severity.INFO,
    ),
    Box(
        "inventorySOHFlag",
        hurts=True,
        label="Inventory Stock on Hand",
        message="ConnectWise counts stock itself. Where QuickBooks keeps quantities too, both should agree after the"
        " first inventory batch.",
        severity=Severity.INFO,
        remedy="Nothing, if meant. It is set under {place}.",
    ),
    Box(
        "transferExpensesAsBillFlag",
        hurts=True,
        label="Transfer Expenses as Bill",
        message="Expenses come as bills, which Crossfoot does not take apart by payment method.",
    ),
)


def findings(setup: Row) -> list[Problem]:
    """What will hurt, each with the place where it is changed."""
    found = [_problem(box) for box in BOXES if box.name in setup and bool(setup[box.name]) is box.hurts]
    return found + _package(setup) + _format(setup) + _expense_format(setup)


def segment_findings(captions: Iterable[Row]) -> list[Problem]:
    """Account strings of more than one part need a link per combination."""
    captions = list(captions)
    named = sorted(
        {number for row in captions for number in range(1, 11) if values.text(row, f"segment{number}")},
    )
    classes = [n for n in named if any(values.text(row, f"segment{n}type") == "Class" for row in captions)]
    if len(named) < 2 and not classes:
        return []
    return [
        Problem(
            "gl_segments",
            f"GL accounts have {len(named)} segments"
            + (f", {len(classes)} of them of the type Class." if classes else "."),
            f"Nothing, if meant: every combination is linked once. Segments are set under {CAPTIONS_PLACE}.",
            Severity.INFO,
        )
    ]


def _problem(box: Box) -> Problem:
    remedy = box.remedy.format(deed="Clear" if box.hurts else "Tick", label=box.label, place=PLACE)
    return Problem(f"package_{_snake(box.name)}", box.message, remedy, box.severity)


def _package(setup: Row) -> list[Problem]:
    package = values.part(setup, "accountingPackage")
    name = values.text(package, "name", "identifier")
    if not name or "other" in {name.lower(), values.text(package, "identifier").lower()}:
        return []
    return [
        Problem(
            "package_not_other",
            f"The accounting package is “{name}”; another program may be taking the same records.",
            f"Choose “Other” under {PLACE}, and make sure that no second integration runs.",
            Severity.WARNING,
        )
    ]


def _format(setup: Row) -> list[Problem]:
    chosen = values.text(setup, "invoiceFormat")
    if chosen in {"", "Default"}:
        return []
    privacy = " Detailed texts include notes of time entries." if chosen == "Detailed" else ""
    return [
        Problem(
            "package_invoice_format",
            f"ConnectWise’s own invoice format is {chosen}; Crossfoot asks for the Book’s own.{privacy}",
            f"Choose the format in the Book’s settings, or “Default” under {PLACE}.",
            Severity.INFO,
        )
    ]


def _expense_format(setup: Row) -> list[Problem]:
    """Only bills are put together."""
    if values.text(setup, "expenseFormat") != "Condensed" or not setup.get("transferExpensesAsBillFlag"):
        return []
    return [
        Problem(
            "package_expense_format",
            "Expenses are exported as condensed bills: those that only differ in their amounts come as one line, can’t"
            " be told apart, and are held.",
            f"Choose the expense format “Default” under {PLACE}.",
            Severity.WARNING,
        )
    ]


def _snake(name: str) -> str:
    letters = (f"_{letter.lower()}" if letter.isupper() else letter for letter in name.removesuffix("Flag"))
    return "".join(letters).replace("_s_o_h", "_soh")
