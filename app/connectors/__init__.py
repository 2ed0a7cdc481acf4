"""Connectors: the protocols that services see, and one package per vendor behind them."""
