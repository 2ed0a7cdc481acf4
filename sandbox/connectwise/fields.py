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
    " agreement project ticket phase territory topComment bottomComment internalNotes serviceTotal"
    " expenseTotal productTotal agreementAmount downpaymentApplied remainingDownpayment"
    " downpaymentPreviouslyTaxedFlag restrictDownpaymentFlag glBatch unbatchedBatch customFields _info"
)
INVOICE_PAYMENT = _names(
    "id type source invoice credit amount balance invoiceBalance invoiceTotal paymentDate appliedBy wisePayPayment"
    " paymentSyncStatus glBatchID paymentSyncDate paymentAccount aRPaymentAccount _info"
)
COMPANY = _names(
    "id identifier name status addressLine1 addressLine2 city state zip country phoneNumber faxNumber vendorIdentifier"
    " website territory accountNumber defaultContact taxCode billingTerms billToCompany billingSite"
    " billingContact invoiceToEmailAddress deletedFlag currency isVendorFlag types site _info"
)
CONTACT = _names("id firstName lastName company site communicationItems inactiveFlag _info")
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
PAYMENT_TYPE = _names("id name classification defaultFlag companyFlag _info")
CLASSIFICATION = _names("id name multiplier defaultFlag companyFlag employeeFlag _info")
EXPENSE_TYPE = _names(
    "id name amountCaption reimbursementRate billExpenses invoiceMarkupOption invoiceMarkupAmount"
    " advancedAmountFlag mileageFlag quantityFlag inactiveFlag maxAmount integrationXRef defaultFlag _info"
)
EXPENSE_REPORT = _names("id member year period dateStart dateEnd status total dueDate _info")
EXPENSE_ENTRY = _names(
    "id expenseReport company chargeToId chargeToType type member paymentMethod classification amount"
    " billableOption date locationId businessUnitId notes agreement invoiceAmount taxes invoice currency"
    " status billAmount agreementAmount odometerStart odometerEnd ticket project phase _info"
)
PURCHASE_ORDER = _names(
    "id businessUnitId businessUnit cancelReason closedFlag closedBy customerCompany customerContact"
    " customerSite dateClosed dropShipCustomerFlag enteredBy freightCost freightPackingSlip"
    " freightTaxTotal internalNotes locationId location poDate poNumber salesTax shipmentDate"
    " shipmentMethod status subTotal taxCode taxFreightFlag taxPoFlag terms total trackingNumber"
    " vendorCompany vendorContact vendorInvoiceDate vendorInvoiceNumber vendorOrderNumber vendorSite"
    " warehouse currency _info"
)
ORDER_LINE = _names(
    "id backorderedFlag canceledFlag closedFlag description internalNotes lineNumber packingSlip product"
    " purchaseOrderId purchaseOrderNumber quantity receivedQuantity serialNumbers shipDate"
    " shipmentMethod tax trackingNumber unitCost unitOfMeasure vendorOrderNumber vendorSku warehouse"
    " warehouseBin dateReceived receivedStatus extCost batchedFlag unbatchedRecId salesOrder _info"
)
ADJUSTMENT = _names("id identifier type reason notes closedFlag closedBy closedDate adjustmentDetails _info")
ADJUSTMENT_DETAIL = _names(
    "id catalogItem description quantityOnHand unitCost warehouse warehouseBin quantityAdjusted serialNumber"
    " adjustment _info"
)
ADJUSTMENT_TYPE = _names("id identifier name auditTrailFlag dateCreated createdBy _info")
WAREHOUSE = _names(
    "id name company location contact department manager site locationXref locationDefaultFlag"
    " overallDefaultFlag inactiveFlag lockedFlag currency _info"
)
MEMBER = _names(
    "id identifier licenseClass notes employeeIdentifer vendorNumber inactiveDate inactiveFlag firstName"
    " middleInitial lastName hireDate officeEmail primaryEmail title type defaultLocation"
    " defaultDepartment workRole workType hourlyCost hourlyRate _info"
)
TIME_ENTRY = _names(
    "id company companyType chargeToId chargeToType member locationId location businessUnitId workType"
    " workRole timeStart timeEnd hoursDeduct actualHours billableOption notes internalNotes"
    " addToDetailDescriptionFlag addToInternalAnalysisFlag addToResolutionFlag hoursBilled invoiceHours"
    " hourlyRate enteredBy dateEntered status ticket project phase agreement invoice invoiceReady"
    " extendedInvoiceAmount taxCode _info"
)
WORK_ROLE = _names("id name hourlyRate integrationXref inactiveFlag _info")
WORK_TYPE = _names("id name billTime rateType rate inactiveFlag utilizationFlag _info")
AGREEMENT = _names(
    "id name type company contact site customerPO location department startDate endDate noEndingDateFlag"
    " cancelledFlag dateCancelled internalNotes billingTerms billingCycle billToCompany billAmount taxable"
    " taxCode invoiceDescription currency agreementStatus _info"
)
ADDITION = _names(
    "id product quantity lessIncluded unitPrice unitCost billCustomer effectiveDate cancelledDate taxableFlag"
    " invoiceDescription description agreementId _info"
)
CURRENCY = _names(
    "id symbol currencyCode decimalSeparator numberOfDecimals thousandsSeparator negativeParenthesesFlag"
    " displaySymbolFlag currencyIdentifier displayIdFlag rightAlign name _info"
)
GL_ENTRY = _names("id type amount description segment1 segment2 productId cost salesCode inventory cogs1 isBatched")
