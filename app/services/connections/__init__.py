"""Connections: what is connected, with which settings, and whether everything is alive."""
