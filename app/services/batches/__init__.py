"""Batches: what people do with one before, between and after its runs, and how it stands, derived from rows."""
