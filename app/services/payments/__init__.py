"""Payments: from the books back to the PSA; ``runs`` goes through the stages."""
