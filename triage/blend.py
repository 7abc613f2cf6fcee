"""The second stage: all scores of a text and its stated words, blended into each target's logits.

What a text scores on one target says something about the others: anger rarely goes with praise,
a danger is rarely of a price. The blend is linear, so that it folds into the weights of the
n-grams and costs nothing at work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
_EASE = 0.01


@dataclass(frozen=True)
class Blend:
    """``scores @ mix + words @ by_word + shift`` are the logits of one target.

    Attributes
    ----------
    mix : ndarray of float64, shape (n_scores, n_labels)
    by_word : ndarray of float64, shape (n_kinds, n_labels)
    shift : ndarray of float64, shape (n_labels,)
    """

    mix: Floats
    by_word: Floats
    shift: Floats

    def logits(self, scores: Floats, words: Floats) -> Floats:
        """Logits of texts, shape (n_texts, n_labels)."""
        return np.asarray(scores @ self.mix + words @ self.by_word + self.shift)

    def without_words(self) -> Blend:
        """The blend for a head whose words are weighed elsewhere."""
        return replace(self, by_word=np.zeros_like(self.by_word))


def fit_blend(
    scores: Floats,
    words: Floats,
    indicators: NDArray[np.bool_],
    weights: Floats,
    cost: float,
    own: slice | None = None,
) -> Blend:
    """Fit a blend by penalised maximum likelihood.

    Parameters
    ----------
    scores : ndarray of float64, shape (n_rows, n_scores)
        Of rows that the first stage was not fitted on.
    words : ndarray of float64, shape (n_rows, n_kinds)
    indicators : ndarray of bool, shape (n_rows, n_labels)
    weights : ndarray of float64, shape (n_rows,)
    cost : float
        Inverse of the penalty on standardised inputs, as `sklearn.linear_model` has it.
    own : slice, optional
        Given where each label stands for itself (logistic): the columns of the labels' own
        scores, which are bent a hundred times more easily than the others. Without it one of
        the labels holds (multinomial).

    Returns
    -------
    Blend

    Examples
    --------
    >>> scores, words = np.array([[1.0, -1.0], [-1.0, 1.0]] * 5), np.zeros((10, 1))
    >>> blend = fit_blend(scores, words, scores > 0, np.ones(10), 1.0)
    >>> blend.logits(scores, words).argmax(axis=1).tolist()
    [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    """
    inputs = np.hstack([scores, words])
    centre, spread = inputs.mean(axis=0), inputs.std(axis=0)
    spread[spread == 0] = 1
    slopes, shift = _fit((inputs - centre) / spread, indicators, weights, cost, own)
    slopes = slopes / spread[:, None]
    n_scores = scores.shape[1]
    return Blend(slopes[:n_scores], slopes[n_scores:], shift - centre @ slopes)


def held_out_logits(
    scores: Floats,
    words: Floats,
    indicators: NDArray[np.bool_],
    weights: Floats,
    folds: NDArray[np.int64],
    cost: float,
    own: slice | None = None,
) -> Floats:
    """Logits of each row by a blend that was fitted on the other folds.

    Parameters
    ----------
    scores, words, indicators, weights, cost, own
        As `fit_blend` takes them.
    folds : ndarray of int64, shape (n_rows,)

    Returns
    -------
    ndarray of float64, shape (n_rows, n_labels)
    """
    logits = np.zeros(indicators.shape)
    for fold in np.unique(folds):
        fit, held = folds != fold, folds == fold
        blend = fit_blend(scores[fit], words[fit], indicators[fit], weights[fit], cost, own)
        logits[held] = blend.logits(scores[held], words[held])
    return logits


def _fit(
    inputs: Floats, indicators: NDArray[np.bool_], weights: Floats, cost: float, own: slice | None
) -> tuple[Floats, Floats]:
    goal = indicators.astype(np.float64)
    n_inputs, n_labels = inputs.shape[1], goal.shape[1]
    penalty = np.full((n_inputs, n_labels), 1 / (cost * weights.sum()))
    if own is not None:
        np.fill_diagonal(penalty[own], penalty[0, 0] * _EASE)
    share = weights[:, None] / weights.sum()

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slopes, shift = parameters[:-n_labels].reshape(n_inputs, n_labels), parameters[-n_labels:]
        logits = inputs @ slopes + shift
        fit, likely = _multinomial(logits, goal) if own is None else _logistic(logits, goal)
        rest = share * (likely - goal)
        gradient = np.concatenate([(inputs.T @ rest + penalty * slopes).ravel(), rest.sum(axis=0)])
        return float((share[:, 0] * fit).sum() + (penalty * slopes**2).sum() / 2), gradient

    start = np.zeros((n_inputs + 1) * n_labels)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return found[:-n_labels].reshape(n_inputs, n_labels), found[-n_labels:]


def _multinomial(logits: Floats, goal: Floats) -> tuple[Floats, Floats]:
    """Loss of each row, and the probabilities."""
    raised = logits - logits.max(axis=1, keepdims=True)
    likely = np.exp(raised)
    total = likely.sum(axis=1, keepdims=True)
    return np.log(total[:, 0]) - (goal * raised).sum(axis=1), likely / total


def _logistic(logits: Floats, goal: Floats) -> tuple[Floats, Floats]:
    """Loss of each row over all labels, and the probabilities."""
    fit = (np.logaddexp(0, logits) - goal * logits).sum(axis=1)
    return fit, 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
