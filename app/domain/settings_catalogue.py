"""Every setting of a Book, in the order of the pages. A key is stable: files, scripts and the database hold it.

Which options there are, and their defaults, follows what the products of the field offer; where the default differs,
it is the safer one: nothing is left out, renamed or booked otherwise unless a person says so.
"""

from __future__ import annotations

from dataclasses import replace

from app.domain.autosync_settings import AUTOSYNC
from app.domain.category_settings import CATEGORIES, TAXES
from app.domain.email_settings import EMAIL
from app.domain.line_text import LINE_FIELDS, MEMO_FIELDS
from app.domain.links import LinkKind
from app.domain.payment_settings import PAYMENTS
from app.domain.purchase_settings import INVENTORY, PURCHASES
from app.domain.reconcile_settings import RECONCILE
from app.domain.setting import Setting, SettingKind
from app.domain.setting_forms import choice, missing, switch, text

#: Where something of the PSA's header may go.
PLACES = (("none", "Nowhere"), ("memo", "The memo"), *((f"field{n}", f"Custom field {n}") for n in (1, 2, 3)))


def _place(name: str, label: str, default: str = "none") -> Setting:
    text = "Where QuickBooks shows it. A custom field must exist in QuickBooks and takes 31 characters."
    return choice(f"sales.{name}", label, text, PLACES, default)


def _part(heading: str, first: Setting, *others: Setting) -> tuple[Setting, ...]:
    """Settings that stand together on a long tab."""
    return replace(first, heading=heading), *others


COMPANY = (
    Setting(
        "company.default_location",
        "Default location",
        "Preselected on the selection page. Empty: all locations.",
        SettingKind.SOURCE_REF,
    ),
    Setting(
        "company.zone",
        "Time zone",
        "Decides which day is today, and how moments are shown. Empty: the zone that was found on connecting.",
        SettingKind.ZONE,
    ),
    choice(
        "company.validation",
        "When a record has a problem",
        "Whether the others of its batch are posted all the same.",
        (("record", "Hold it, post the others"), ("batch", "Post none: all or nothing")),
    ),
    choice(
        "company.approval",
        "Approval of batches",
        "Who lets a submitted batch be posted. Any change to it afterwards voids it. A payment sync asks when "
        "it knows what it would write. Dry runs need none.",
        (("no", "Nobody: Submit posts"), ("other", "Another person than the one who prepared it")),
    ),
    choice(
        "company.rate_source",
        "Exchange rate of documents in other currencies",
        "What turns them into the company’s own currency, for ConnectWise says no rate. Shown before it is posted.",
        (
            ("ledger", "QuickBooks’ rate on the document’s date"),
            ("fixed", "The rates below"),
        ),
    ),
    text(
        "company.fixed_rates",
        "Fixed exchange rates",
        "How much of the company’s currency one unit is, as in “CAD=0.7312 EUR=1.0845”. Others are held.",
    ),
    text(
        "company.account_delimiter",
        "Delimiter of account segments",
        "What stands between the account and its class in a GL account string, as in 4000/East. Empty: nothing does.",
    ),
)

SALES = (
    *_part(
        "Lines",
        choice(
            "sales.summary",
            "Summary level",
            "How much of an invoice's detail the PSA's export gives. Detailed costs one call more for about every"
            " hundred time entries.",
            (("default", "Default"), ("condensed", "Condensed"), ("detailed", "Detailed")),
        ),
        choice(
            "sales.service_item_source",
            "Items of lines without a product",
            "The name under which an item for labour, agreements and expenses is looked for and created.",
            (
                ("service_gl_account", "Service- and the GL account (Service-4000)"),
                ("gl_account", "The GL account (4000)"),
                ("work_role", "Work role (needs Detailed)"),
                ("work_type", "Work type (needs Detailed)"),
                ("work_role_type", "Work role and type (needs Detailed)"),
            ),
        ),
        choice(
            "sales.account_conflict",
            "When an item books to another account than the PSA says",
            "QuickBooks books by the item; the PSA has an account on every line, of what is sold and what is bought.",
            (
                ("warn", "Post it and warn"),
                ("block", "Hold the document"),
                ("variant", "Use an item of its own, SKU – account; on bills a line of the account"),
                ("update", "Change the item’s account in QuickBooks, once Submit accepts it"),
            ),
        ),
        Setting(
            "sales.line_text",
            "Text of lines",
            "Empty: as the summary level gives it. Otherwise a template with fields like {{ ticket }} or {{ notes }}.",
            SettingKind.TEMPLATE,
            fields=LINE_FIELDS,
        ),
        switch(
            "sales.internal_notes",
            "Internal notes in line texts",
            "Customers read line texts. No: the internal notes of time entries stay in the PSA.",
        ),
        switch("sales.unit_of_measure", "Unit of measure in line texts", "Adds e.g. “(Each)” behind the text."),
        switch("sales.serial_numbers", "Serial numbers in line texts", "Adds “S/N: …” behind the text of a product."),
        text(
            "sales.down_payment_item",
            "Item of down payments",
            "The item that a down payment and its later deduction are booked through.",
            "Down Payment",
        ),
        text(
            "sales.prepayment_item",
            "Item of agreement prepayments",
            "The item of a prepaid agreement’s lines. Empty: as any other agreement.",
        ),
    ),
    *_part(
        "Number, memo and custom fields",
        text(
            "sales.number_prefix",
            "Prefix of numbers",
            "Stands before the PSA’s number in QuickBooks, as CW- in CW-10482, so that it meets no number given there."
            " Together they have 21 characters, else the document is held. Counts for what is posted from now on.",
        ),
        Setting(
            "sales.memo_text",
            "Text of the memo",
            "Stands behind the PSA’s number and the mark. Empty: only these, and the PO number.",
            SettingKind.TEMPLATE,
            fields=MEMO_FIELDS,
        ),
        _place("po_number", "Customer’s PO number", "memo"),
        _place("attention", "Attention"),
        _place("sales_rep", "Sales representative"),
        _place("territory", "Territory"),
        _place("project", "Project"),
        _place("agreement", "Agreement"),
        Setting(
            "sales.psa_fields",
            "ConnectWise’s custom fields of invoices",
            "Captions with their places, as in “Region=field2, Cost center=memo”. Places: memo, field1 to field3.",
            SettingKind.PLACES,
        ),
        choice(
            "sales.mark_custom_field",
            "Custom field for the mark",
            "Puts the mark into a custom field of the books too, beside the memo. Empty: only into the memo.",
            (("", "None"), ("1", "Field 1"), ("2", "Field 2"), ("3", "Field 3")),
        ),
    ),
    *_part(
        "Terms, payment, PDF and undo",
        missing(LinkKind.TERMS),
        switch(
            "sales.pay_card", "Allow payment by card", "Sets the flag on each invoice; needs QuickBooks Payments there."
        ),
        switch(
            "sales.pay_ach", "Allow payment by bank (ACH)", "Sets the flag on each invoice; needs QuickBooks Payments."
        ),
        switch(
            "sales.attach_pdf",
            "Attach the PSA’s PDF",
            "Each invoice of ConnectWise is attached, as PDF, to its invoice in QuickBooks; two to three calls each.",
        ),
        choice(
            "sales.undo",
            "Undo takes an invoice out by",
            "Voided, it stays with nothing to pay and keeps its number taken. All other kinds can only be deleted.",
            (("delete", "Deleting it"), ("void", "Voiding it")),
        ),
    ),
)

CONTACTS = (
    missing(LinkKind.CUSTOMERS),
    missing(LinkKind.VENDORS),
    switch(
        "contacts.append_account",
        "Account number behind new names",
        "New customers and vendors are created as “Name (number)”. Links are by id and don’t need it.",
    ),
    switch(
        "contacts.sub_customers",
        "A colon in a customer’s name makes a sub-customer",
        "“Acme:Branch” is created as Branch under Acme, which must be there. Else the colon becomes a dash.",
    ),
    switch(
        "contacts.update_address",
        "Bring changed addresses over",
        "ConnectWise’s address of a linked customer is proposed for QuickBooks; nothing is written unseen.",
    ),
    switch(
        "contacts.update_email",
        "Bring changed e-mail addresses over",
        "The address that invoices go to, proposed and accepted in the same way.",
    ),
    switch(
        "contacts.update_terms",
        "Bring changed billing terms over",
        "The customer’s terms, where they are linked, proposed and accepted in the same way.",
    ),
    switch(
        "contacts.update_active",
        "Bring active and inactive over",
        "A customer that is inactive in ConnectWise is proposed to be made so in QuickBooks, and the other way round.",
    ),
    text(
        "contacts.inactive_statuses",
        "ConnectWise’s statuses of inactive companies",
        "Names, separated by commas, beside “Inactive”: each site names its own, as in “Former client, Suspended”.",
    ),
)

TABS: tuple[tuple[str, str, tuple[Setting, ...]], ...] = (
    ("company", "Company", COMPANY),
    ("sales", "Sales", SALES),
    ("purchases", "Purchases", PURCHASES),
    ("inventory", "Inventory", INVENTORY),
    ("contacts", "Contacts", CONTACTS),
    ("taxes", "Taxes", TAXES),
    ("categories", "Categories", CATEGORIES),
    ("reconcile", "Reconcile", RECONCILE),
    ("email", "E-mail", EMAIL),
    ("payments", "Payments", PAYMENTS),
    ("autosync", "AutoSync", AUTOSYNC),
    ("modules", "Modules", ()),
)
