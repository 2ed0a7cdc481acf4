"""Every setting of a Book, in the order of the pages. A key is stable: files, scripts and the database hold it.

Which options there are, and their defaults, follows what the products of the field offer; where the default differs,
it is the safer one: nothing is left out, renamed or booked otherwise unless a person says so.
"""

from __future__ import annotations

from app.domain.autosync_settings import AUTOSYNC
from app.domain.email_settings import EMAIL
from app.domain.line_text import LINE_FIELDS, MEMO_FIELDS
from app.domain.links import NOUNS, LinkKind
from app.domain.payment_settings import PAYMENTS
from app.domain.reconcile_settings import RECONCILE
from app.domain.setting import Setting, SettingKind

NO_YES = (("no", "No"), ("yes", "Yes"))
#: Where something of the PSA's header may go.
PLACES = (("none", "Nowhere"), ("memo", "The memo"), *((f"field{n}", f"Custom field {n}") for n in (1, 2, 3)))


def _choice(key: str, label: str, text: str, choices: tuple[tuple[str, str], ...], default: str = "") -> Setting:
    return Setting(key, label, text, SettingKind.CHOICE, choices, default or choices[0][0])


def _switch(key: str, label: str, text: str, default: str = "no") -> Setting:
    return Setting(key, label, text, SettingKind.CHOICE, NO_YES, default)


def _text(key: str, label: str, text: str, default: str = "") -> Setting:
    return Setting(key, label, text, SettingKind.TEXT, default=default)


def _ledger(key: str, label: str, text: str, of: LinkKind) -> Setting:
    return Setting(key, label, text, SettingKind.LEDGER_REF, of=of)


def _place(name: str, label: str, default: str = "none") -> Setting:
    text = "Where QuickBooks shows it. A custom field must exist in QuickBooks and takes 31 characters."
    return _choice(f"sales.{name}", label, text, PLACES, default)


def _missing(kind: LinkKind) -> Setting:
    noun = f"{'an' if NOUNS[kind][0] in 'aeiou' else 'a'} {NOUNS[kind]}"
    return Setting(
        f"links.{kind}.missing",
        f"{noun.capitalize()} without a link",
        f"What Submit does about {noun} of the PSA that has no counterpart in the books.",
        SettingKind.CHOICE,
        (
            ("ask", "Ask at Submit"),
            ("always", "Take the exact name, else create"),
            ("never", "Hold the document"),
        ),
        "ask",
    )


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
    _choice(
        "company.validation",
        "When a record has a problem",
        "Whether the others of its batch are posted all the same.",
        (("record", "Hold it, post the others"), ("batch", "Post none: all or nothing")),
    ),
    _choice(
        "company.approval",
        "Approval of batches",
        "Who lets a submitted batch be posted. Any change to it afterwards voids the approval. Dry runs need none.",
        (("no", "Nobody: Submit posts"), ("other", "Another person than the one who prepared it")),
    ),
    _choice(
        "company.rate_source",
        "Exchange rate of documents in other currencies",
        "What turns them into the company’s own currency. Said beside each document before it is posted.",
        (
            ("ledger", "QuickBooks’ rate on the document’s date"),
            ("psa", "The PSA’s rate, where it says one"),
            ("fixed", "The rates below"),
        ),
    ),
    _text(
        "company.fixed_rates",
        "Fixed exchange rates",
        "How much of the company’s currency one unit is, as in “CAD=0.7312 EUR=1.0845”. Others are held.",
    ),
    _text(
        "company.account_delimiter",
        "Delimiter of account segments",
        "What stands between the account and its class in a GL account string, as in 4000/East. Empty: nothing does.",
    ),
)

SALES = (
    _choice(
        "sales.summary",
        "Summary level",
        "How much of an invoice's detail the PSA's export gives. Detailed costs one call more for about every hundred"
        " time entries.",
        (("default", "Default"), ("condensed", "Condensed"), ("detailed", "Detailed")),
    ),
    _choice(
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
    _choice(
        "sales.account_conflict",
        "When an item books to another account than the PSA says",
        "QuickBooks books a sale by its item; the PSA has an account on every line. A change counts from then on.",
        (
            ("warn", "Post it and warn"),
            ("block", "Hold the document"),
            ("variant", "Use an item of its own, SKU – account"),
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
    Setting(
        "sales.memo_text",
        "Text of the memo",
        "Stands behind the PSA’s number and the mark. Empty: only these, and the PO number.",
        SettingKind.TEMPLATE,
        fields=MEMO_FIELDS,
    ),
    _switch(
        "sales.internal_notes",
        "Internal notes in line texts",
        "Customers read line texts. No: the internal notes of time entries stay in the PSA.",
    ),
    _switch("sales.unit_of_measure", "Unit of measure in line texts", "Adds e.g. “(Each)” behind the text."),
    _switch("sales.serial_numbers", "Serial numbers in line texts", "Adds “S/N: …” behind the text of a product."),
    _text(
        "sales.down_payment_item",
        "Item of down payments",
        "The item that a down payment and its later deduction are booked through.",
        "Down Payment",
    ),
    _text(
        "sales.prepayment_item",
        "Item of agreement prepayments",
        "The item of a prepaid agreement’s lines. Empty: as any other agreement.",
    ),
    _place("po_number", "Customer’s PO number", "memo"),
    _place("attention", "Attention"),
    _place("sales_rep", "Sales representative"),
    _place("territory", "Territory"),
    _place("project", "Project"),
    _place("agreement", "Agreement"),
    _choice(
        "sales.undo",
        "Undo takes an invoice out by",
        "Voided, it stays with nothing to pay and keeps its number taken. All other kinds can only be deleted.",
        (("delete", "Deleting it"), ("void", "Voiding it")),
    ),
    _switch(
        "sales.attach_pdf",
        "Attach the PSA’s PDF",
        "Each invoice of ConnectWise is attached, as PDF, to its invoice in QuickBooks; two to three calls for each.",
    ),
    _switch(
        "sales.pay_card", "Allow payment by card", "Sets the flag on each invoice; needs QuickBooks Payments there."
    ),
    _switch(
        "sales.pay_ach", "Allow payment by bank (ACH)", "Sets the flag on each invoice; needs QuickBooks Payments."
    ),
    _choice(
        "sales.mark_custom_field",
        "Custom field for the mark",
        "Puts the mark into a custom field of the books too, beside the memo. Empty: only into the memo.",
        (("", "None"), ("1", "Field 1"), ("2", "Field 2"), ("3", "Field 3")),
    ),
    _missing(LinkKind.TERMS),
)

PURCHASES = (
    _choice(
        "purchases.reimbursable_as",
        "Reimbursable expenses become",
        "A bill is owed to the member until it is paid; an expense is paid at once from an account.",
        (("bill", "A bill of the member’s vendor"), ("purchase", "An expense, paid from an account")),
    ),
    _ledger(
        "purchases.paid_from",
        "Account that expenses are paid from",
        "Used where the PSA names no offset account. Empty: such an expense is held.",
        LinkKind.ACCOUNTS,
    ),
    _switch(
        "purchases.unapproved",
        "Take unapproved expenses",
        "No: an expense is held until its report is approved. Must agree with the PSA’s billing setup.",
    ),
    _choice(
        "purchases.group",
        "Put together",
        "Which expenses of a batch become one bill.",
        (("entry", "None: one each"), ("member_week", "Those of a member and a week"), ("report", "Those of a report")),
    ),
    _switch("purchases.customer", "Customer on lines", "Names the customer that a cost was made for on its line."),
    _switch("purchases.billable", "Mark lines as billable", "QuickBooks then offers them for invoicing a second time."),
    _switch("purchases.unit_of_measure", "Unit of measure in line texts", "Adds e.g. “(Each)” behind the text."),
    _switch("purchases.serial_numbers", "Serial numbers in line texts", "Adds “S/N: …” behind what was received."),
)

INVENTORY = (
    _choice(
        "inventory.purchase_as",
        "A receipt without the vendor’s invoice becomes",
        "A bill is owed at once. A purchase order owes nothing; it becomes a bill when the vendor’s invoice has come.",
        (("bill", "A bill"), ("purchase_order", "A purchase order")),
    ),
    _choice(
        "inventory.date_source",
        "Date of the bill",
        "Which date of the purchase the bill carries; where it is empty, the document’s date.",
        (("document", "Document date"), ("vendor_invoice", "Vendor’s invoice date"), ("purchase", "Purchase date")),
    ),
    _choice(
        "inventory.without_invoice",
        "Without the vendor’s invoice number",
        "A receipt may come before the vendor’s invoice.",
        (("post", "Post it without a number, waiting on bill"), ("hold", "Hold it until the number is there")),
    ),
    _choice(
        "inventory.partial",
        "Partial receipts of one vendor invoice",
        "QuickBooks takes a vendor’s invoice number once.",
        (
            ("numbered", "Number them: VINV, VINV-2, …"),
            ("wait", "Wait until the order is received in full"),
            ("grouped", "One bill for those of a batch"),
        ),
    ),
    _choice(
        "inventory.adjustments_as",
        "Inventory adjustments become",
        "QuickBooks’ own adjustment changes quantities; a journal entry only their value.",
        (("auto", "Adjustments where the plan has them, else journal entries"), ("journal_entry", "Journal entries")),
    ),
    _choice(
        "inventory.transfers_as",
        "Transfers between warehouses become",
        "QuickBooks Online has one warehouse: there a transfer changes nothing.",
        (("nothing", "Nothing: they are only closed"), ("journal_entry", "Journal entries between locations")),
    ),
    _choice(
        "inventory.cogs",
        "Cost of goods sold",
        "Stock against cost beside each invoice; the PSA must export costs (Include COGS Entries). What QuickBooks"
        " keeps in stock is left out: it books that cost itself.",
        (("no", "Not booked"), ("journal_entry", "A journal entry beside the invoice")),
    ),
    _choice(
        "inventory.other_charge_as",
        "Products of the PSA’s type Other Charge become",
        "Also those of an unknown type. Counts when an item is created.",
        (("Service", "Services"), ("NonInventory", "Non-inventory items")),
    ),
    _switch(
        "inventory.categories",
        "Categories of new items",
        "A new item stands under the category of its PSA subcategory, which is created where QuickBooks has none.",
    ),
    _ledger(
        "inventory.income_account",
        "Income account of new items that are bought",
        "Of stock and services, where a purchase names none. Empty: they are created as non-inventory items then.",
        LinkKind.ACCOUNTS,
    ),
    _missing(LinkKind.ITEMS),
)

CONTACTS = (
    _missing(LinkKind.CUSTOMERS),
    _missing(LinkKind.VENDORS),
    _switch(
        "contacts.append_account",
        "Account number behind new names",
        "New customers and vendors are created as “Name (number)”. Links are by id and don’t need it.",
    ),
    _switch(
        "contacts.sub_customers",
        "A colon in a customer’s name makes a sub-customer",
        "“Acme:Branch” is created as Branch under Acme, which must be there. Else the colon becomes a dash.",
    ),
    _switch(
        "contacts.update_address",
        "Bring changed addresses over",
        "ConnectWise’s address of a linked customer is proposed for QuickBooks; nothing is written unseen.",
    ),
    _switch(
        "contacts.update_email",
        "Bring changed e-mail addresses over",
        "The address that invoices go to, proposed and accepted in the same way.",
    ),
    _switch(
        "contacts.update_terms",
        "Bring changed billing terms over",
        "The customer’s terms, where they are linked, proposed and accepted in the same way.",
    ),
    _switch(
        "contacts.update_active",
        "Bring active and inactive over",
        "A customer that is inactive in ConnectWise is proposed to be made so in QuickBooks, and the other way round.",
    ),
)

TAXES = (
    _choice(
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
    _ledger(
        "taxes.exempt_code",
        "Tax code of what is not taxed",
        "Outside the US every line needs one; with US manual tax, untaxed sales. Empty: the company’s own of 0 %.",
        LinkKind.TAX_CODES,
    ),
    _text(
        "taxes.exempt_items",
        "Products that are never taxed",
        "Outside the US. Product ids with commas between; their lines get the code of what is not taxed.",
    ),
    _choice(
        "taxes.levels",
        "When a code’s levels differ from the PSA’s",
        "A tax code of two levels in the PSA, linked to one of a single rate, divides the tax otherwise.",
        (("warn", "Post it and warn"), ("hold", "Hold the document")),
    ),
)

CATEGORIES = (
    _switch(
        "categories.classes",
        "Classes",
        "The class segment of a line’s GL account becomes its class. Needs class tracking in QuickBooks.",
    ),
    _missing(LinkKind.CLASSES),
    _choice(
        "categories.locations",
        "Locations",
        "What becomes the document’s location (department). Needs location tracking in QuickBooks.",
        (
            ("no", "None"),
            ("class", "The class segment of the receivable’s or payable’s account"),
            ("territory", "The territory (invoices only)"),
            ("location", "The PSA’s location"),
        ),
    ),
    _missing(LinkKind.LOCATIONS),
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
    ("email", "Email", EMAIL),
    ("payments", "Payments", PAYMENTS),
    ("autosync", "AutoSync", AUTOSYNC),
    ("modules", "Modules", ()),
)
