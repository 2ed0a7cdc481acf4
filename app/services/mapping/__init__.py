"""Mapping: links from the PSA to the ledger, the lists of both sides, and what may be meant."""
