"""Copies of texts as other people would have typed them: the labels must survive."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_MARKS = "，。！？、；：,.!?;: "
_MOODS = "😡😭🙏💢😤"
_ZERO_WIDTH = "\u200b"


def noisy_copies(texts: Sequence[str], seed: int = 7) -> list[str]:
    """A noisy copy of each text, by one of six kinds of noise in turn.

    Full-width letters and digits, no punctuation, two neighbours swapped, a character doubled,
    an emoji or a zero-width space put in, the way phones and forms spoil texts.

    Parameters
    ----------
    texts : sequence of str
    seed : int, default=7
        The same seed gives the same copies.

    Returns
    -------
    list of str

    Examples
    --------
    >>> noisy_copies(["屏幕一直闪，A12", "快递三天没到。"])
    ['屏幕一直闪，Ａ１２', '快递三天没到']
    """
    dice = random.Random(seed)
    return [_KINDS[place % len(_KINDS)](text, dice) for place, text in enumerate(texts)]


def _widened(text: str, _dice: random.Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _unmarked(text: str, _dice: random.Random) -> str:
    kept = "".join(c for c in text if c not in _MARKS)
    return kept or text


def _swapped(text: str, dice: random.Random) -> str:
    if len(text) < 6:
        return text
    at = dice.randrange(1, len(text) - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _doubled(text: str, dice: random.Random) -> str:
    at = dice.randrange(len(text))
    return text[: at + 1] + text[at:]


def _with_mood(text: str, dice: random.Random) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice(_MOODS) + text[at:]


def _with_gap(text: str, dice: random.Random) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + _ZERO_WIDTH + text[at:]


_KINDS: tuple[Callable[[str, random.Random], str], ...] = (
    _widened, _unmarked, _swapped, _doubled, _with_mood, _with_gap,
)  # fmt: skip
