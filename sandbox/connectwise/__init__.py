"""A stand-in for ConnectWise PSA."""
