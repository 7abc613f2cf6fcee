"""Frequent problems: owned, acted on, measured, and closed by proof."""
