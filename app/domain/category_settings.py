"""The settings of the tabs Taxes and Categories."""

from __future__ import annotations

from app.domain.links import LinkKind
from app.domain.setting_forms import choice, ledger, missing, switch, text

TAXES = (
    choice(
        "taxes.mode",
        "Tax mode",
        "How the books take tax. Auto: as the company's own preferences say.",
        (
            ("auto", "As the company's preferences say"),
            ("manual", "US manual sales tax"),
            ("automated", "US automated sales tax"),
            ("per_line", "A tax code on every line (outside the US)"),
            ("off", "No sales tax"),
        ),
    ),
    ledger(
        "taxes.exempt_code",
        "Tax code of what is not taxed",
        "Outside the US every line needs one; with US manual tax, untaxed sales. Empty: the PSA’s code where it is"
        " linked to one of 0 % (zero-rated, exempt), else the company’s own of 0 %.",
        LinkKind.TAX_CODES,
    ),
    text(
        "taxes.exempt_items",
        "Products that are never taxed",
        "Outside the US. Product ids with commas between; their lines get the code of what is not taxed.",
    ),
    choice(
        "taxes.levels",
        "When a code’s levels differ from the PSA’s",
        "A tax code of two levels in the PSA, linked to one of a single rate, divides the tax otherwise.",
        (("warn", "Post it and warn"), ("hold", "Hold the document")),
    ),
)

CATEGORIES = (
    switch(
        "categories.classes",
        "Classes",
        "Each line gets a class, from what the next setting names. Needs class tracking in QuickBooks.",
    ),
    choice(
        "categories.class_source",
        "Class of invoice lines",
        "Bills, expenses and entries always take the class segment. What the PSA leaves empty gets no class.",
        (
            ("account", "The class segment of the line’s GL account"),
            ("territory", "The territory"),
            ("sales_rep", "The sales representative"),
            ("project", "The project"),
            ("agreement", "The agreement"),
            ("location", "The PSA’s location"),
        ),
    ),
    missing(LinkKind.CLASSES),
    choice(
        "categories.locations",
        "Locations",
        "What becomes the document’s location (department). Needs location tracking in QuickBooks.",
        (
            ("no", "None"),
            ("class", "The class segment of the receivable’s or payable’s account"),
            ("territory", "The territory (invoices only)"),
            ("sales_rep", "The sales representative (invoices only)"),
            ("project", "The project (invoices only)"),
            ("agreement", "The agreement (invoices only)"),
            ("location", "The PSA’s location"),
        ),
    ),
    missing(LinkKind.LOCATIONS),
)
