"""QuickBooks Online as a Destination."""
