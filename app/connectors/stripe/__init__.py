"""Stripe: pages of Checkout, and the webhooks that tell of them."""
