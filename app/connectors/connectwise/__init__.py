"""ConnectWise PSA: a Source of invoices and credit memos by its REST accounting interface."""
