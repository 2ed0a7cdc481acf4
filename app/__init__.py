"""Crossfoot: from a PSA's unposted transactions to the books, once each, proven to the cent."""
