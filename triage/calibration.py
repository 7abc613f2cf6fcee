"""From scores to probabilities under the true shares of the labels, and the cuts on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize

Floats = NDArray[np.float64]
# A higher score never makes a label less likely, not even where all rows of a label are copies
# of one another, so that held-out scores say nothing.
_LEAST_SCALE = 0.5


@dataclass(frozen=True)
class Calibration:
    """``scale · score + shift`` are calibrated logits."""

    scale: Floats
    shift: Floats


def row_weights(indicators: NDArray[np.bool_], drawn: NDArray[np.bool_]) -> Floats:
    """Weights that give the labels of all rows their shares among the rows drawn at random.

    Parameters
    ----------
    indicators : ndarray of bool, shape (n_rows, n_labels)
        One label in each row.
    drawn : ndarray of bool, shape (n_rows,)
        Rows drawn at random; when there are none, all rows weigh the same.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        Mean 1.

    Examples
    --------
    >>> labels = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)
    >>> row_weights(labels, np.array([True, True, True, False])).round(2).tolist()
    [1.25, 1.25, 0.75, 0.75]
    """
    if not drawn.any():
        return np.ones(len(indicators))
    true = (indicators[drawn].sum(axis=0) + 0.5) / (drawn.sum() + 0.5 * indicators.shape[1])
    chosen = indicators.mean(axis=0)
    ratio = np.divide(true, chosen, out=np.zeros_like(true), where=chosen > 0)
    weights = indicators @ ratio
    return np.asarray(weights / weights.mean())


def calibrate_one(scores: Floats, truth: NDArray[np.int64], weights: Floats) -> Calibration:
    """Fit one scale and a shift for each label.

    Multinomial maximum likelihood (temperature scaling with shifts, Guo et al., 2017).

    Parameters
    ----------
    scores : ndarray of float64, shape (n_rows, n_labels)
        Of rows that the scorer was not fitted on.
    truth : ndarray of int64, shape (n_rows,)
    weights : ndarray of float64, shape (n_rows,)

    Returns
    -------
    Calibration
    """
    n_labels = scores.shape[1]
    goal = np.eye(n_labels)[truth]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        logits = parameters[0] * scores + parameters[1:]
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        total = shares.sum(axis=1, keepdims=True)
        fit = -(weights * ((goal * logits).sum(axis=1) - np.log(total[:, 0]))).mean()
        slope = weights[:, None] * (shares / total - goal) / len(scores)
        return float(fit), np.concatenate([[(slope * scores).sum()], slope.sum(axis=0)])

    found = _minimum(loss, np.concatenate([[1.0], np.zeros(n_labels)]))
    return Calibration(np.full(n_labels, found[0]), found[1:])


def _minimum(loss: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Floats:
    lowest = np.full(len(start), -np.inf)
    lowest[0] = _LEAST_SCALE
    bounds = Bounds(lowest, np.inf)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def calibrate_several(scores: Floats, truth: NDArray[np.bool_], weights: Floats) -> Calibration:
    """Fit a scale and a shift for each label on its own (Platt, 1999).

    Parameters
    ----------
    scores : ndarray of float64, shape (n_rows, n_labels)
    truth : ndarray of bool, shape (n_rows, n_labels)
    weights : ndarray of float64, shape (n_rows,)

    Returns
    -------
    Calibration
    """
    fits = [_platt(scores[:, k], truth[:, k], weights) for k in range(scores.shape[1])]
    scale, shift = np.array(fits).T
    return Calibration(scale, shift)


def _platt(score: Floats, truth: NDArray[np.bool_], weights: Floats) -> tuple[float, float]:
    positive = (weights * truth).sum()
    negative = weights.sum() - positive
    goal = np.where(truth, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        logits = parameters[0] * score + parameters[1]
        fit = (weights * (np.logaddexp(0, logits) - goal * logits)).mean()
        slope = weights * (1 / (1 + np.exp(-logits)) - goal) / len(score)
        return float(fit), np.array([(slope * score).sum(), slope.sum()])

    found = _minimum(loss, np.array([1.0, 0.0]))
    return float(found[0]), float(found[1])


def best_lean(logits: Floats, truth: NDArray[np.int64], weights: Floats) -> Floats:
    """Additions to the logits that make the macro-F1 of the best label largest.

    Coordinate ascent over a grid, which starts from no addition and keeps the smallest that
    wins clearly, so that noise in rare classes moves little.

    Parameters
    ----------
    logits : ndarray of float64, shape (n_rows, n_labels)
    truth : ndarray of int64, shape (n_rows,)
    weights : ndarray of float64, shape (n_rows,)

    Returns
    -------
    ndarray of float64, shape (n_labels,)
    """
    lean = np.zeros(logits.shape[1])
    best = _weighted_macro_f1(logits, truth, weights)
    for _ in range(3):
        for k in range(len(lean)):
            for step in sorted(np.arange(-1.5, 1.51, 0.1), key=abs):
                tried = lean.copy()
                tried[k] = step
                reached = _weighted_macro_f1(logits + tried, truth, weights)
                if reached > best + 5e-4:
                    best, lean = reached, tried
    return lean


def _weighted_macro_f1(logits: Floats, truth: NDArray[np.int64], weights: Floats) -> float:
    n_labels = logits.shape[1]
    given = logits.argmax(axis=1)
    both = np.bincount(truth, weights * (truth == given), n_labels)
    total = np.bincount(truth, weights, n_labels) + np.bincount(given, weights, n_labels)
    return float(np.divide(2 * both, total, out=np.zeros(n_labels), where=total > 0).mean())


def best_cut(shares: Floats, truth: NDArray[np.bool_], weights: Floats) -> float:
    """Probability from which a code is given, for the largest micro-F1.

    Examples
    --------
    >>> shares = np.array([[0.9, 0.2], [0.3, 0.4]])
    >>> 0.2 < best_cut(shares, shares > 0.25, np.ones(2)) <= 0.3
    True
    """
    cuts = np.arange(0.05, 0.951, 0.01)
    real = (weights[:, None] * truth).sum()
    reached = [
        2 * (weights[:, None] * (truth & (shares >= cut))).sum()
        / (real + (weights[:, None] * (shares >= cut)).sum())
        for cut in cuts
    ]  # fmt: skip
    return float(cuts[int(np.argmax(reached))])


def doubt_cut(
    confidence: Floats, right: NDArray[np.bool_], accuracy: float, ceiling: float
) -> float:
    """Confidence below which a person decides.

    The lowest cut at which the answers that are left reach the accuracy asked for, but never
    so high that more than the ceiling of rows go to a person.

    Parameters
    ----------
    confidence : ndarray of float64, shape (n_rows,)
        Of rows as they come in ordinary traffic.
    right : ndarray of bool, shape (n_rows,)
    accuracy : float
        Accuracy asked of the answers.
    ceiling : float
        Largest share of rows that may go to a person.

    Returns
    -------
    float
        0 when all answers together are accurate enough.

    Examples
    --------
    >>> sure = np.array([0.9, 0.8, 0.3, 0.7])
    >>> doubt_cut(sure, sure > 0.5, 0.99, 0.5)
    0.7
    """
    order = np.argsort(-confidence, kind="stable")
    kept = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(kept >= accuracy)
    if len(enough) and enough[-1] == len(order) - 1:
        return 0.0
    reached = confidence[order[enough[-1]]] if len(enough) else 1.0
    return float(min(reached, np.quantile(confidence, ceiling)))
