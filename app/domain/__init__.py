"""The pure heart: money, documents, links, outcomes, problems, marks. No database, no HTTP, no Flask."""
