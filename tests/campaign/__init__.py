"""The long fault suite, run by ``./crossfoot campaign``; ``./crossfoot test`` leaves it out."""
