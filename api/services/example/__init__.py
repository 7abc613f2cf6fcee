"""The example history: complaints of an invented retailer, with the truth about their causes."""

from api.services.example.history import Summary, write_history

__all__ = ["Summary", "write_history"]
