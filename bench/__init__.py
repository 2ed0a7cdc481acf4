"""Measures Crossfoot from outside: its commands, its processes, and what the vendors' servers counted."""
