"""Journeys: a real browser, real Redis, real workers, and stand-ins of both vendors."""
