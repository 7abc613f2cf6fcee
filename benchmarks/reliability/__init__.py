"""Rows of the list of reliability tests, measured against the running service."""
