"""Paying: a customer pays an invoice online, and the books are told."""
