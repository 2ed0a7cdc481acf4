"""The command line: the same services as the pages, for scripts and other machines (README, "Commands")."""
