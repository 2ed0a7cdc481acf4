"""Channels beside mail: webhooks, Teams, Slack."""
