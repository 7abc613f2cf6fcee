"""The words of the trade: complaint, taxonomy, text, privacy, calendar, errors."""
