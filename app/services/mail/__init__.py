"""Mail and channels: what leaves the house for people to read."""
