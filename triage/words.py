"""Whole words of a text, by jieba's dictionary and an organisation's own."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from domain.errors import InputError

_LOCK = threading.Lock()


class Segmenter:
    """Cuts texts into words with their offsets.

    By rjieba where it is installed, else by jieba; both give the same words. jieba's own cache
    is read from and written to a private directory, never the shared temporary one, where
    anybody could have left it.

    Parameters
    ----------
    own_words : iterable of str, optional
        Words that shall not be cut: products, services, places.

    Examples
    --------
    >>> Segmenter(["小蜜蜂音箱"]).cut("小蜜蜂音箱没声音")[0]
    ('小蜜蜂音箱', 0, 5)
    """

    def __init__(self, own_words: Iterable[str] = ()) -> None:
        try:
            self._tokenizer = _fast(own_words)
        except ImportError:
            self._tokenizer = _plain(own_words)

    def cut(self, text: str) -> list[tuple[str, int, int]]:
        """Words of a text with start and end, in code points."""
        return [(w, s, e) for w, s, e in self._tokenizer.tokenize(text)]


def _fast(own_words: Iterable[str]) -> Any:
    """The same dictionary and algorithm in Rust, some hundred times as fast."""
    import rjieba

    tokenizer = rjieba.Jieba()
    for word in own_words:
        tokenizer.add_word(word, tokenizer.suggest_freq(word), "n")
    return tokenizer


def _plain(own_words: Iterable[str]) -> Any:
    import jieba

    tokenizer = jieba.Tokenizer()
    with _LOCK, tempfile.TemporaryDirectory(prefix="suyuan-words-") as private:
        jieba.setLogLevel("WARNING")
        tokenizer.tmp_dir = private
        tokenizer.initialize()
        for word in own_words:
            tokenizer.add_word(word)
    return tokenizer


@cache
def segmenter(own_words: tuple[str, ...] = ()) -> Segmenter:
    """The segmenter of a dictionary, made once: reading jieba's takes a second."""
    return Segmenter(own_words)


def read_words(path: Path) -> list[str]:
    """Words of a user dictionary: one a line, what follows a blank is left out.

    Raises
    ------
    InputError
        The file is no UTF-8 text.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is no UTF-8 text; save it as UTF-8") from None
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
