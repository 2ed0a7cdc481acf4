"""A stand-in of Stripe, as far as Checkout goes: sessions, the page that a customer pays at, refunds, webhooks."""
