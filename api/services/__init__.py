"""Use cases: what the doors do with the rooms and the store."""
