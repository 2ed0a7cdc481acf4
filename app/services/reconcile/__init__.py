"""Reconcile: both systems are read in bulk and compared with what was posted."""
