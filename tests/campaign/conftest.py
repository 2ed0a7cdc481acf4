"""The rig of the fault tests, for the long suite too."""

from tests.faults.conftest import forks, rig

__all__ = ["forks", "rig"]
