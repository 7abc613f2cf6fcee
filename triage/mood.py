"""Anger and anxiety in [0, 1], and what makes a supervisor take over."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from domain.complaint import Sentiment
from triage.lexicon import KINDS

_RAGE, _DEMAND, _WORRY = (KINDS.index(kind) for kind in ("rage", "demand", "worry"))
_ANGER_OF = {Sentiment.ANGRY: 1.0, Sentiment.DISSATISFIED: 0.35, Sentiment.ANXIOUS: 0.25}
_ANXIETY_OF = {Sentiment.ANXIOUS: 1.0, Sentiment.ANGRY: 0.2, Sentiment.DISSATISFIED: 0.15}
_WORD_SHARE, _MOST_WORDS = 0.12, 3


def mood_scores(
    probabilities: NDArray[np.float32], labels: tuple[str, ...], counts: NDArray[np.uint16]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Anger and anxiety of texts.

    The expectation over the sentiments of how much of each they hold, raised by words of rage
    and demand, or of worry: each of up to three closes 12 % of the gap to 1.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n_texts, n_labels)
    labels : tuple of str
        Sentiments, in the order of the columns.
    counts : ndarray of uint16, shape (n_texts, len(COUNTED))

    Returns
    -------
    anger, anxiety : ndarray of float64, shape (n_texts,)

    Examples
    --------
    >>> none = np.zeros((1, len(KINDS) + 2), np.uint16)
    >>> anger, anxiety = mood_scores(np.array([[0.5, 0.5]]), ("愤怒", "正面"), none)
    >>> round(float(anger[0]), 3), round(float(anxiety[0]), 3)
    (0.5, 0.1)
    """
    anger = (probabilities * _shares(labels, _ANGER_OF)).sum(axis=1)
    anxiety = (probabilities * _shares(labels, _ANXIETY_OF)).sum(axis=1)
    hot = counts[:, _RAGE] + counts[:, _DEMAND]
    return _raised(anger, hot), _raised(anxiety, counts[:, _WORRY])


def _shares(labels: tuple[str, ...], share: Mapping[Sentiment, float]) -> NDArray[np.float64]:
    return np.array([dict(share).get(Sentiment(label), 0.0) for label in labels])


def _raised(score: NDArray[np.float64], words: NDArray[np.uint16]) -> NDArray[np.float64]:
    left = (1 - _WORD_SHARE) ** np.minimum(words, _MOST_WORDS)
    return np.asarray(np.clip(1 - (1 - score) * left, 0, 1))
