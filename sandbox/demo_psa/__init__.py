"""The demo MSP: Harbor Point IT, its customers, and what it has to bill."""
