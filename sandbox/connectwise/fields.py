"""Which fields a resource has, and so may be named in conditions, orderBy and fields; any other is a 400."""

from __future__ import annotations

_TAX = [
    f"{level}Tax{part}"
    for level in ("state", "county", "city", "country", "composite", "levelSix")
    for part in ("Flag", "Xref", "Amount")
]


def _names(text: str, *more: str) -> frozenset[str]:
    return frozenset([*text.split(), *more])


UNPOSTED_INVOICE = _names(
    "id billingLogId locationId location departmentId department company accountNumber billToCompany"
    " billToSite shipToCompany shipToSite invoiceNumber invoiceDate invoiceType description"
    " billingTerms dueDays dueDate currency subTotal total hasTime hasExpenses hasProducts"
    " invoiceTaxableFlag taxCode avalaraTaxFlag itemTaxableFlag salesTaxAmount createdBy dateClosed"
    " _info",
    *_TAX,
)
UNPOSTED_EXPENSE = _names(
    "id locationId departmentId company accountNumber creditAccount expenseDetailId expenseType"
    " classification glType member dateExpense chargeCode chargeDescription inPolicy paymentMethod"
    " currency total billableAmount nonBillableAmount agreement agreementAmountCovered ticket project"
    " projectPhase taxCode avalaraTaxFlag itemTaxableFlag salesTaxAmount dateClosed _info",
    *_TAX,
)
UNPOSTED_PROCUREMENT = _names(
    "id description unpostedProductId locationId departmentId procurementType purchaseOrder"
    " purchaseDate trackingNumber billingTerms currency total taxCode avalaraTaxFlag itemTaxableFlag"
    " purchaseOrderTaxableFlag taxTotal customer vendor vendorAccountNumber vendorInvoiceNumber"
    " vendorInvoiceDate taxFreightFlag freightTaxTotal freightCost dateClosed _info",
    *_TAX,
)
TAXABLE_LEVEL = _names("id taxLevel taxCodeXref taxAmount")
BATCH = _names("id batchIdentifier exportInvoicesFlag exportExpensesFlag exportProductsFlag closedFlag _info")
BATCH_ENTRY = _names(
    "id accountType name accountNumber debit credit cost item salesCode costOfGoodsSoldAccountNumber invoice"
    " purchaseOrder lineItem transfer expense adjustmentDetail _info"
)
INVOICE = _names(
    "id invoiceNumber type status company billToCompany shipToCompany accountNumber applyToType"
    " applyToId attention billingSite billingSiteAddressLine1 billingSiteAddressLine2 billingSiteCity"
    " billingSiteState billingSiteZip billingSiteCountry shippingSite billingTerms reference"
    " customerPO date dueDate locationId location departmentId department territoryId taxableFlag"
    " taxCode currency subtotal total salesTax payments credits balance closedBy specialInvoiceFlag"
    " agreement project ticket glBatch unbatchedBatch _info"
)
COMPANY = _names(
    "id identifier name status addressLine1 addressLine2 city state zip country phoneNumber faxNumber vendorIdentifier"
    " website territory accountNumber defaultContact taxCode billingTerms billToCompany billingSite"
    " billingContact invoiceToEmailAddress deletedFlag currency isVendorFlag types site _info"
)
LOCATION = _names("id ownerLevelId structureLevel name locationFlag clientFlag _info")
BILLING_TERM = _names("id name defaultFlag dueDays termsXref _info")
BILLING_STATUS = _names("id name sortOrder defaultFlag closedFlag inactiveFlag sentFlag _info")
TAX_CODE = _names(
    "id identifier description invoiceCaption effectiveDate expirationDate taxCodeXref agencyXref"
    " levelOneRate levelTwoRate levelThreeRate levelFourRate levelFiveRate levelSixRate"
    " levelOneRateType levelTwoRateType levelThreeRateType levelFourRateType levelFiveRateType"
    " levelSixRateType defaultFlag _info"
)
TAX_CODE_LEVEL = _names(
    "id taxLevel taxRate rateType caption taxCodeXref agencyXref taxServicesFlag taxExpensesFlag taxProductsFlag"
)
PACKAGE = _names("id identifier name")
PACKAGE_SETUP = _names(
    "id accountingPackage directTransferFlag includeInvoicesFlag invoiceFormat includeExpensesFlag"
    " transferExpensesAsBillFlag expenseFormat suppressMemoFlag syncPaymentInfoFlag"
    " syncWisePayPaymentInfoFlag includeSalesTaxFlag enableTaxGroupsFlag zeroDollarTaxAmountsFlag"
    " includeItemsFlag inventorySOHFlag sendComponentAmountFlag sendUomFlag includeCogsEntriesFlag"
    " includeCogsDropShipFlag"
)
GL_ACCOUNT = _names("id glType mappedType mappedRecord segment1 segment2 productId inventory salesCode _info")
MAPPED_TYPE = _names("id name table recIdField glType sortOrder")
GL_CAPTION = _names("id segment1 segment2 segment1type segment2type cogs1 _info")
CATALOG_ITEM = _names(
    "id identifier description inactiveFlag subcategory type productClass serializedFlag"
    " unitOfMeasure price cost taxableFlag customerDescription manufacturerPartNumber vendorSku notes"
    " integrationXRef category _info"
)
PRODUCT_TYPE = _names("id name inactiveFlag typeXref defaultFlag _info")
