"""Requests and replies, as the interface's description shows them."""
