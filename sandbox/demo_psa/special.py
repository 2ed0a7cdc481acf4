"""Invoices that the demo holds back: one for each thing that an invoice can carry and the ordinary ones don't.

`POST /_add {"named": "six_tax_levels"}` closes one of them. What it shows is its name.
"""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

SIX_LEVELS: Row = {
    "identifier": "SIX",
    "description": "One code, six levels",
    "levels": [
        {"level": 1, "rate": "4.0", "xref": "L1-STATE", "agency": "State"},
        {"level": 2, "rate": "1.25", "xref": "L2-COUNTY", "agency": "County"},
        {"level": 3, "rate": "0.875", "xref": "L3-CITY", "agency": "City"},
        {"level": 4, "rate": "0.5", "xref": "L4-COUNTRY", "agency": "Federal"},
        {"level": 5, "rate": "0.375", "xref": "L5-COMPOSITE", "agency": "Transit"},
        {"level": 6, "rate": "0.1", "xref": "L6-STADIUM", "agency": "Stadium"},
    ],
}
CANADA: Row = {
    "identifier": "BC",
    "description": "British Columbia",
    "levels": [
        {"level": 1, "rate": "7", "xref": "PST", "agency": "BC"},
        {"level": 4, "rate": "5", "xref": "GST", "agency": "CRA"},
    ],
}
EXEMPT: Row = {
    "identifier": "EXEMPT",
    "levels": [{"level": 1, "rate": "0", "xref": "EXEMPT", "agency": ""}],
}


def _hours(ticket: int, hours: str, *, internal: str = "", price: str = "145.00") -> Row:
    work = {
        "ticket": ticket,
        "summary": "Mail flow stops each night",
        "member": "Marta Ortiz",
        "role": "Senior engineer",
        "kind": "After hours",
        "notes": "Moved the connector, tested both ways.",
        "time_entry_id": ticket * 3 + 2,
        "internal_notes": internal,
    }
    return {"account": "4010", "text": "Service Ticket", "quantity": hours, "price": price, "work": work}


FOUR_TYPES: list[Row] = [
    {"product": "AP-U6", "quantity": "2", "taxable": False},
    {"product": "CAT6-3FT", "quantity": "3", "taxable": False},
    {"product": "ECO-FEE", "quantity": "1"},
    {"product": "M365-BP", "quantity": "5"},
]
SPECIAL: dict[str, Row] = {
    "six_tax_levels": {
        "company": "Acme Dental",
        "tax_code": SIX_LEVELS,
        "lines": [{"product": "SW-24P", "quantity": "1"}, _hours(48600, "1")],
    },
    "four_product_types": {"company": "Acme Dental", "tax_code": None, "lines": FOUR_TYPES},
    "serial_numbers": {
        "company": "Acme Dental",
        "lines": [{"product": "SSD-1TB", "quantity": "2", "serials": "SN-7001,SN-7002", "taxable": False}],
    },
    "by_the_meter": {
        "company": "Acme Dental",
        "lines": [{"product": "OM4-LC-3M", "quantity": "12.5", "price": "18.4065", "taxable": False}],
    },
    "canadian_dollars": {
        "company": {"name": "Vancouver Fish Market", "currency": "CAD", "city": "Vancouver", "state": "BC"},
        "currency": "CAD",
        "tax_code": CANADA,
        "lines": [{"product": "SW-24P", "quantity": "1", "price": "569.00"}, _hours(48602, "2", price="198.00")],
    },
    "yen": {
        "company": {"name": "Yokohama Trading", "currency": "JPY"},
        "currency": "JPY",
        "tax_code": None,
        "lines": [_hours(48603, "1.5", price="21500")],
    },
    "avalara_adjusted": {
        "company": "Sandpiper Hospitality",
        "avalara": True,
        "avalara_tax": "42.91",
        "lines": [{"product": "SW-24P", "quantity": "1"}],
    },
    "tax_exempt": {
        "company": "Fircrest Lutheran Church",
        "tax_code": EXEMPT,
        "lines": [{"product": "SW-24P", "quantity": "1"}],
    },
    "agreement_prepayment": {
        "company": "Skyline Roofing",
        "type": "Agreement",
        "agreement": "Block of 40 hours",
        "prepayment": True,
        "lines": [{"gl_type": "RA", "account": "2310", "text": "Prepaid hours, block of 40", "price": "5200.00"}],
    },
    "prepayment_used": {
        "company": "Skyline Roofing",
        "agreement": "Block of 40 hours",
        "lines": [
            _hours(48605, "3"),
            {"gl_type": "RA", "account": "2310", "text": "Covered by agreement", "price": "-435.00"},
        ],
    },
    "taxed_down_payment": {
        "company": "Red Barn Equipment",
        "type": "DownPayment",
        "tax_on_down_payment": True,
        "lines": [
            {"gl_type": "RD", "account": "2300", "text": "Down payment, taxed", "price": "800.00", "taxable": True}
        ],
    },
    "everything_in_the_header": {
        "company": "Ironwood Fabrication",
        "attention": "Wes Halvorsen, purchasing",
        "territory": "Northwest",
        "sales_rep": ["kgrant", "Keisha Grant"],
        "project": [71, "Plant network"],
        "agreement": "Ironwood Managed Services",
        "custom": [["Region", "North"], ["PO received", True], ["Cost center", None]],
        "gl_class": "Projects:Networks",
        "purchase_order": "PO-2026/118 ü",
        "top_comment": "Thank you for your patience.",
        "tax_code": None,
        "lines": [_hours(48607, "4", internal="Customer is late with the last three invoices.")],
    },
    "due_date_against_terms": {
        "company": "Acme Dental",
        "term": "Net 30",
        "due_days": 30,
        "due_date": "2027-02-28",
        "tax_code": None,
        "lines": [_hours(48608, "1")],
    },
    "account_with_segments": {
        "company": "Acme Dental",
        "tax_code": None,
        "lines": [{"account": "4010:Remote/Portland", "text": "Segments in the account", "price": "10.00"}],
    },
    "drop_shipped": {
        "company": "Ironwood Fabrication",
        "tax_code": None,
        "lines": [{"product": "LT-5450", "quantity": "2", "drop_shipped": True, "taxable": False}],
    },
    "credit_memo_with_tax": {
        "company": "Sandpiper Hospitality",
        "type": "CreditMemo",
        "lines": [{"product": "SW-24P", "quantity": "-1"}],
    },
}
