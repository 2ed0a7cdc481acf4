"""ConnectWise PSA as a Source."""
