"""QuickBooks Online passes the contract of all Destinations."""

from __future__ import annotations

import pytest

from tests.connectors.destination_contract import DestinationContract
from tests.connectors.quickbooks_online.stand import SandboxStand


class TestQuickBooksOnline(DestinationContract):
    @pytest.fixture
    def stand(self, stand: SandboxStand) -> SandboxStand:
        return stand
