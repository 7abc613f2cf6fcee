"""How a text gets onto the keyboard: punctuation or none, typos, pinyin, dialect, emoji."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.services.example.dice import Dice

_ENDED = frozenset("。！？!?…")


class Slips:
    """Joins the pieces of a text as people punctuate, and lets the fingers slip."""

    def __init__(
        self,
        swaps: Mapping[str, Mapping[str, str]],
        emoji: Mapping[str, Sequence[str]],
        dice: Dice,
    ) -> None:
        self._swaps = {kind: tuple(pairs.items()) for kind, pairs in swaps.items()}
        self._emoji = emoji
        self._dice = dice

    def punctuate(self, pieces: Sequence[str], sentiment: str) -> str:
        """One text of the pieces."""
        text = self._joined([piece for piece in pieces if piece], sentiment)
        text = self._swapped(text)
        if self._dice.chance(0.07):
            text += self._dice.pick(self._emoji[sentiment]) * (1 + self._dice.below(2))
        return text

    def _joined(self, pieces: list[str], sentiment: str) -> str:
        comma, stop = self._marks()
        last = len(pieces) - 1
        written = []
        for place, piece in enumerate(pieces):
            written.append(piece)
            if piece[-1] in _ENDED:
                continue
            written.append(
                self._end(sentiment) if place == last else self._pause(comma, stop, sentiment)
            )
        return "".join(written)

    def _marks(self) -> tuple[str, str]:
        drawn = self._dice.random()
        if drawn < 0.06:
            return " ", " "
        if drawn < 0.1:
            return "", ""
        if drawn < 0.14:
            return ",", "."
        return "，", "。"

    def _pause(self, comma: str, stop: str, sentiment: str) -> str:
        drawn = self._dice.random()
        if sentiment == "愤怒" and comma and drawn > 0.8:
            return "！" * (1 + self._dice.below(3))
        return stop if drawn < 0.3 else comma

    def _end(self, sentiment: str) -> str:
        drawn = self._dice.random()
        if sentiment == "愤怒" and drawn > 0.45:
            return "！" * (1 + self._dice.below(4))
        return "。" if drawn < 0.35 else ""

    def _swapped(self, text: str) -> str:
        drawn = self._dice.random()
        if drawn < 0.09:
            return self._swap(text, "typos")
        if drawn < 0.12:
            return self._swap(text, "pinyin")
        if drawn < 0.18:
            return self._swap(text, "dialect")
        return text

    def _swap(self, text: str, kind: str) -> str:
        there = [pair for pair in self._swaps[kind] if pair[0] in text]
        if not there:
            return text
        right, wrong = self._dice.pick(there)
        return text.replace(right, wrong, 1)
