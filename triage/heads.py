"""What a model says about one target: calibrated probabilities, the best label, doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelRefused
from triage.kernel import product
from triage.lexicon import COUNTED

TARGETS = ("category", "issues", "tier", "sentiment")


@dataclass(frozen=True)
class Head:
    """One target of a model.

    Attributes
    ----------
    target : str
        One of `TARGETS`.
    labels : tuple of str
        What it can say; issue codes for ``issues``.
    several : bool
        Whether any number of labels may hold at once.
    first : int
        Column of the first label among the scorer's outputs.
    words : ndarray of float32, shape (len(COUNTED), n_labels)
        What stated words of each kind add to the scores.
    scale, shift : ndarray of float32, shape (n_labels,)
        Calibration: ``scale · (score + words) + shift`` are logits under the true shares of the
        labels.
    lean : ndarray of float32, shape (n_labels,)
        With one label, added to the logits before the best one is taken; with several, the
        probability from which a label is given.
    doubt_below : float
        Confidence below which a person decides; 0 never asks.
    """

    target: str
    labels: tuple[str, ...]
    several: bool
    first: int
    words: NDArray[np.float32]
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    lean: NDArray[np.float32]
    doubt_below: float = 0.0

    def logits(
        self, scores: NDArray[np.float32], stated: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Calibrated logits, shape (n_texts, n_labels).

        Parameters
        ----------
        scores : ndarray of float32, shape (n_texts, n_outputs)
            All scores of the model.
        stated : ndarray of float32, shape (n_texts, len(COUNTED))
            As `triage.tier.word_features` has them.
        """
        own = scores[:, self.first : self.first + len(self.labels)]
        if self._weighs_words:
            own = own + np.asarray(product(stated, self.words), np.float32)
        return own * self.scale + self.shift

    @cached_property
    def _weighs_words(self) -> bool:
        return bool(self.words.any())

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of the labels, shape (n_texts, n_labels).

        Examples
        --------
        >>> one, words = np.ones(2, np.float32), np.zeros((len(COUNTED), 2), np.float32)
        >>> head = Head("tier", ("普通", "重大"), False, 0, words, one, one, one)
        >>> head.probabilities(np.zeros((1, 2), np.float32)).tolist()
        [[0.5, 0.5]]
        """
        if self.several:
            return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)

    def best(self, logits: NDArray[np.float32]) -> NDArray[np.int64]:
        """Index of the label that is given when only one may be, shape (n_texts,)."""
        return np.asarray((logits + self.lean).argmax(axis=1), np.int64)

    def to_plain(self) -> dict[str, Any]:
        """As a model file keeps it."""
        return {
            "target": self.target,
            "labels": list(self.labels),
            "several": self.several,
            "first": self.first,
            "word_kinds": list(COUNTED),
            "words": self.words,
            "scale": self.scale,
            "shift": self.shift,
            "lean": self.lean,
            "doubt_below": float(self.doubt_below),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], outputs: int) -> Head:
        """The head that `to_plain` took apart; `ModelRefused` when it doesn't fit the scorer."""
        head = cls(
            str(plain["target"]),
            tuple(plain["labels"]),
            bool(plain["several"]),
            int(plain["first"]),
            _by_kind(plain),
            np.asarray(plain["scale"], np.float32),
            np.asarray(plain["shift"], np.float32),
            np.asarray(plain["lean"], np.float32),
            float(plain["doubt_below"]),
        )
        size = (len(head.labels),)
        fits = head.scale.shape == head.shift.shape == head.lean.shape == size
        fits = fits and head.words.shape == (len(COUNTED), *size)
        if head.target not in TARGETS or not fits or not 0 <= head.first <= outputs - size[0]:
            raise ModelRefused(f"its part for {head.target!r} doesn't fit its {outputs} outputs")
        if not all(np.isfinite(a).all() for a in (head.words, head.scale, head.shift, head.lean)):
            raise ModelRefused(f"its part for {head.target!r} holds values that are no numbers")
        return head


def _by_kind(plain: Mapping[str, Any]) -> NDArray[np.float32]:
    """Weights of words in the order of today's kinds; a kind that is gone counts nothing."""
    kept = np.zeros((len(COUNTED), len(plain["labels"])), np.float32)
    for kind, row in zip(plain["word_kinds"], plain["words"], strict=True):
        if kind in COUNTED:
            kept[COUNTED.index(kind)] = row
    return kept
