"""Mail: what services ask for (mailer), and SMTP that does it (smtp)."""
