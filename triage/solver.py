"""Linear margins of many outputs at once, by dual coordinate descent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from triage.kernel import compiled

Floats = NDArray[np.float32]
_MOST_SWEEPS = 60
_TOLERANCE = 0.01
_REST = 3
_SMOOTHING, _LEAST_TILT = 0.1, 0.5


def fit_margins(
    X: csr_matrix, indicators: NDArray[np.bool_], costs: Floats, seed: int = 0, tilt: bool = False
) -> tuple[Floats, Floats]:
    """Fit one margin for each output against the rest.

    Squared hinge loss with a squared penalty, solved in the dual (Hsieh et al., 2008) for all
    outputs together: a text is read once for all of them. Texts whose duals rest are skipped
    for some sweeps.

    Parameters
    ----------
    X : csr_matrix of float, shape (n_texts, n_features)
    indicators : ndarray of bool, shape (n_texts, n_outputs)
    costs : ndarray of float32, shape (n_texts, n_outputs)
        What a text's loss costs an output; 0 leaves it out.
    seed : int, default=0
        Order of the texts.
    tilt : bool, default=False
        Whether features that are of one side more than the other move more easily, by their
        naive Bayes log ratio (Wang and Manning, 2012).

    Returns
    -------
    weights : ndarray of float32, shape (n_features, n_outputs)
    bias : ndarray of float32, shape (n_outputs,)

    Examples
    --------
    >>> X = csr_matrix([[1.0, 0.0], [0.0, 1.0]])
    >>> truth = np.array([[True], [False]])
    >>> weights, bias = fit_margins(X, truth, np.ones((2, 1), np.float32))
    >>> bool(weights[0, 0] > 0 > weights[1, 0])
    True
    """
    ones = np.ones((X.shape[0], 1), np.float32)
    whole = csr_matrix(hstack([csr_matrix(X), csr_matrix(ones)]), dtype=np.float32)
    signs = np.where(indicators, np.float32(1), np.float32(-1))
    spread = _log_ratios(whole, indicators, costs > 0) if tilt else np.ones((1, 1), np.float32)
    spread = np.ascontiguousarray(np.broadcast_to(spread, (whole.shape[1], signs.shape[1])))
    lengths = np.asarray(whole.multiply(whole) @ spread, np.float32)
    weights = np.zeros((whole.shape[1], indicators.shape[1]), np.float32)
    duals = np.zeros(signs.shape, np.float32)
    resting = np.zeros(len(signs), np.int8)
    random = np.random.default_rng(seed)
    tables = (whole.indptr, whole.indices, whole.data, spread, lengths)
    for _ in range(_MOST_SWEEPS):
        order = random.permutation(len(signs))
        if _sweep(*tables, signs, costs, order, resting, weights, duals) < _TOLERANCE:
            break
    return weights[:-1], weights[-1]


def balanced_costs(indicators: NDArray[np.bool_], cost: float, balance: float) -> Floats:
    """Costs that weigh the rare side of each output more.

    Parameters
    ----------
    indicators : ndarray of bool, shape (n_texts, n_outputs)
    cost : float
        Inverse of the penalty.
    balance : float
        0 weighs all texts alike, 1 both sides of an output alike.

    Returns
    -------
    ndarray of float32, shape (n_texts, n_outputs)

    Examples
    --------
    >>> balanced_costs(np.array([[True], [False], [False], [False]]), 1.0, 1.0).ravel().round(2)
    array([2.  , 0.67, 0.67, 0.67], dtype=float32)
    """
    share = np.clip(indicators.mean(axis=0), 1e-4, 1 - 1e-4)
    rare, common = (0.5 / share) ** balance, (0.5 / (1 - share)) ** balance
    return np.asarray(np.where(indicators, rare, common) * cost, np.float32)


def _log_ratios(X: csr_matrix, indicators: NDArray[np.bool_], known: NDArray[np.bool_]) -> Floats:
    """Squared tilt of each feature for each output; 1 for the constant feature."""
    inside = (X.T @ (indicators & known).astype(np.float32)) + _SMOOTHING
    outside = (X.T @ (~indicators & known).astype(np.float32)) + _SMOOTHING
    ratio = np.log(inside / inside.sum(axis=0)) - np.log(outside / outside.sum(axis=0))
    spread = (np.abs(ratio) + _LEAST_TILT) ** 2
    spread[-1] = 1
    return np.asarray(spread, np.float32)


@compiled
def _sweep(
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
    data: Floats,
    spread: Floats,
    lengths: Floats,
    signs: Floats,
    costs: Floats,
    order: NDArray[np.int64],
    resting: NDArray[np.int8],
    weights: Floats,
    duals: Floats,
) -> float:
    """Visit every text that does not rest; returns the largest change of a dual."""
    outputs = signs.shape[1]
    margin, step = np.zeros(outputs, np.float32), np.zeros(outputs, np.float32)
    largest = np.float32(0)
    for text in order:
        if resting[text] > 1:
            resting[text] -= 1
            continue
        margin[:] = 0
        for at in range(indptr[text], indptr[text + 1]):
            for k in range(outputs):
                margin[k] += data[at] * weights[indices[at], k]
        moved = np.float32(0)
        for k in range(outputs):
            step[k] = 0
            if costs[text, k] > 0:
                slack = np.float32(0.5) / costs[text, k]
                old = duals[text, k]
                slope = signs[text, k] * margin[k] - 1 + slack * old
                new = max(old - slope / (lengths[text, k] + slack), np.float32(0))
                duals[text, k] = new
                step[k] = (new - old) * signs[text, k]
                moved = max(moved, abs(new - old))
        for at in range(indptr[text], indptr[text + 1]):
            for k in range(outputs):
                weights[indices[at], k] += data[at] * spread[indices[at], k] * step[k]
        largest = max(largest, moved)
        if moved >= _TOLERANCE:
            resting[text] = 0
        else:
            resting[text] = 1 if resting[text] == 0 else _REST
    return float(largest)
