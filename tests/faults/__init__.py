"""Faults on real processes: killed, frozen, copied; then the books and the PSA are counted."""
