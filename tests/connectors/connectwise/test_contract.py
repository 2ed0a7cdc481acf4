"""ConnectWise PSA keeps the contract of a Source."""

from __future__ import annotations

from tests.connectors.source_contract import SourceContract


class TestConnectWise(SourceContract):
    """The fixtures stand in conftest."""
