"""The report's two languages: phrases from a catalogue, names of values and columns."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from domain.errors import SettingRefused


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every phrase in both languages."""
    return tomllib.loads(Path(__file__).with_name("phrases.toml").read_text(encoding="utf-8"))


@cache
def _english() -> dict[str, str]:
    return tomllib.loads(Path(__file__).with_name("english.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Language:
    """One of the languages a report is written in."""

    code: str

    def say(self, key: str, **figures: object) -> str:
        """A phrase with its figures filled in."""
        try:
            phrase = catalogue()[key][self.code]
        except KeyError:
            raise SettingRefused(f"phrase {key!r} is not in the catalogue ({self.code})") from None
        return phrase.format(**figures) if figures else phrase

    def column(self, name: str) -> str:
        """What a column is called; a foreign one keeps its own name."""
        return catalogue().get(name, {}).get(self.code, name)

    def value(self, value: str) -> str:
        """A label of Suyuan's own in the reader's language; anything else as it stands."""
        return _english().get(value, value) if self.code == "en" else value

    def day(self, day: date | str) -> str:
        """A day of the year for the axis of a chart."""
        day = date.fromisoformat(day) if isinstance(day, str) else day
        return f"{day.month}月{day.day}日" if self.code == "zh" else day.strftime("%b %-d")
