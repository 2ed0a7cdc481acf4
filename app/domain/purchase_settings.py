"""The settings of the tabs Purchases and Inventory: what becomes of expenses, receipts and stock."""

from __future__ import annotations

from app.domain.links import LinkKind
from app.domain.setting_forms import choice, ledger, missing, switch

PURCHASES = (
    choice(
        "purchases.reimbursable_as",
        "Reimbursable expenses become",
        "A bill is owed to the member until it is paid; an expense is paid at once from an account.",
        (("bill", "A bill of the member’s vendor"), ("purchase", "An expense, paid from an account")),
    ),
    ledger(
        "purchases.paid_from",
        "Account that expenses are paid from",
        "A bank account or card, used where the PSA names no offset account. Empty: such an expense is held.",
        LinkKind.ACCOUNTS,
        "Bank",
        "Credit Card",
    ),
    switch(
        "purchases.attach_receipts",
        "Attach receipts",
        "Files of an expense in ConnectWise are attached to its bill or expense in QuickBooks; two to four calls each.",
    ),
    switch(
        "purchases.unapproved",
        "Take unapproved expenses",
        "No: an expense is held until its report is approved. Must agree with the PSA’s billing setup.",
    ),
    choice(
        "purchases.group",
        "Put together",
        "Which expenses of a batch become one bill.",
        (("entry", "None: one each"), ("member_week", "Those of a member and a week"), ("report", "Those of a report")),
    ),
    switch("purchases.customer", "Customer on lines", "Names the customer that a cost was made for on its line."),
    switch("purchases.billable", "Mark lines as billable", "QuickBooks then offers them for invoicing a second time."),
    switch("purchases.unit_of_measure", "Unit of measure in line texts", "Adds e.g. “(Each)” behind the text."),
    switch("purchases.serial_numbers", "Serial numbers in line texts", "Adds “S/N: …” behind what was received."),
)

INVENTORY = (
    choice(
        "inventory.purchase_as",
        "A receipt without the vendor’s invoice becomes",
        "A bill is owed at once. A purchase order owes nothing; it becomes a bill when the vendor’s invoice has come.",
        (("bill", "A bill"), ("purchase_order", "A purchase order")),
    ),
    choice(
        "inventory.date_source",
        "Date of the bill",
        "Which date of the purchase the bill carries; where it is empty, the document’s date.",
        (("document", "Document date"), ("vendor_invoice", "Vendor’s invoice date"), ("purchase", "Purchase date")),
    ),
    choice(
        "inventory.without_invoice",
        "Without the vendor’s invoice number",
        "A receipt may come before the vendor’s invoice.",
        (("post", "Post it without a number, waiting on bill"), ("hold", "Hold it until the number is there")),
    ),
    choice(
        "inventory.partial",
        "Partial receipts of one vendor invoice",
        "QuickBooks takes a vendor’s invoice number once. What comes in a later batch gets VINV-2 in any case.",
        (
            ("numbered", "Number them: VINV, VINV-2, …"),
            ("wait", "Wait until the order is received in full, then one bill"),
            ("grouped", "One bill for those of a batch"),
        ),
    ),
    switch(
        "inventory.attach_files",
        "Attach files of the purchase order",
        "Such as the vendor’s invoice as PDF: from the order in ConnectWise to its order and each of its bills there.",
    ),
    choice(
        "inventory.adjustments_as",
        "Inventory adjustments become",
        "QuickBooks’ own adjustment changes quantities; a journal entry only their value.",
        (("auto", "Adjustments where the plan has them, else journal entries"), ("journal_entry", "Journal entries")),
    ),
    choice(
        "inventory.transfers_as",
        "Transfers between warehouses become",
        "QuickBooks Online has one warehouse: there a transfer changes nothing.",
        (
            ("nothing", "Nothing: they are only closed"),
            ("journal_entry", "Journal entries between locations, classes or accounts"),
        ),
    ),
    choice(
        "inventory.cogs",
        "Cost of goods sold",
        "Stock against cost beside each invoice; the PSA must export costs (Include COGS Entries). What QuickBooks"
        " keeps in stock is left out: it books that cost itself. Other goods are bought straight to the PSA’s account.",
        (("no", "Not booked"), ("journal_entry", "A journal entry beside the invoice")),
    ),
    choice(
        "inventory.other_charge_as",
        "Products of the PSA’s type Other Charge become",
        "Also those of an unknown type. Counts when an item is created.",
        (("Service", "Services"), ("NonInventory", "Non-inventory items")),
    ),
    switch(
        "inventory.categories",
        "Categories of new items",
        "A new item stands under the category of its PSA subcategory, which is created where QuickBooks has none.",
    ),
    ledger(
        "inventory.income_account",
        "Income account of new items that are bought",
        "Of stock and services, where a purchase names none. Empty: they are created as non-inventory items then.",
        LinkKind.ACCOUNTS,
        "Income",
        "Other Income",
    ),
    missing(LinkKind.ITEMS),
)
