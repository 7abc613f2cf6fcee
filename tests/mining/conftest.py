"""Hypothesis has no deadline here: the first call of a compiled function may compile it."""

from hypothesis import settings

settings.register_profile("mining", deadline=None)
settings.load_profile("mining")
