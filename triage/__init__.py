"""One complaint: text in, decision out."""
