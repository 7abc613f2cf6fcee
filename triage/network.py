"""A second stage that is not linear: what several scores mean together.

A small network with one hidden layer and a direct path past it. All targets share the hidden
units, so that rare ones learn from common ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelRefused
from triage.kernel import compiled

Floats = NDArray[np.float32]
_PARTS = ("lower", "threshold", "upper", "direct", "shift")
_LANES, _INPUTS = 16, 4
_TOGETHER = 4  # texts that share one reading of the weights
_BATCH = 256
_EPOCHS = 24
_RATE, _WARM_UP, _FIRST_RATE, _LAST_RATE = 2e-3, 0.3, 1 / 25, 1e-5
_DECAY = 1e-3
_DROP_INPUTS, _DROP_HIDDEN = 0.1, 0.5
_LEAST_SPREAD = 0.05
_FADE, _FADE_SQUARE, _TINY = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Network:
    """``inputs @ direct + max(inputs @ lower + threshold, 0) @ upper + shift``.

    Attributes
    ----------
    lower : ndarray of float32, shape (n_inputs, n_hidden)
    threshold : ndarray of float32, shape (n_hidden,)
    upper : ndarray of float32, shape (n_hidden, n_outputs)
    direct : ndarray of float32, shape (n_inputs, n_outputs)
    shift : ndarray of float32, shape (n_outputs,)
    """

    lower: Floats
    threshold: Floats
    upper: Floats
    direct: Floats
    shift: Floats

    def __post_init__(self) -> None:
        inputs, hidden = self.lower.shape
        outputs = len(self.shift)
        fits = self.threshold.shape == (hidden,) and self.upper.shape == (hidden, outputs)
        if not fits or self.direct.shape != (inputs, outputs):
            raise ModelRefused(
                f"its network does not fit together: {inputs} inputs, {hidden} units"
            )

    @cached_property
    def _tables(self) -> tuple[Floats, Floats, Floats]:
        """Both paths side by side, so that an input's weights are read in one go.

        In whole vector registers, and as many inputs as the kernel takes at a time.
        """
        inputs, hidden = self.lower.shape
        lower = _padded(self.lower)
        inner = np.pad(np.hstack([lower, _padded(self.direct)]), ((0, -inputs % _INPUTS), (0, 0)))
        bare = [_padded(part[None])[0] for part in (self.threshold, self.shift)]
        upper = np.pad(_padded(self.upper), ((0, lower.shape[1] - hidden), (0, 0)))
        return inner, np.concatenate(bare), upper

    def logits(self, inputs: Floats) -> Floats:
        """Logits of texts, the same for each whatever others come with it.

        Parameters
        ----------
        inputs : ndarray of float32, shape (n_texts, n_inputs)

        Returns
        -------
        ndarray of float32, shape (n_texts, n_outputs)

        Examples
        --------
        >>> one = np.ones((1, 1), np.float32)
        >>> Network(one, one[0], one, one, one[0]).logits(one).tolist()
        [[4.0]]
        """
        found = _forward(self._whole(inputs), *self._tables)
        return np.asarray(found[:, : len(self.shift)], np.float32)

    def slopes(self, inputs: Floats, lower: Floats, direct: Floats) -> Floats:
        """How logits change with inputs near one text.

        Parameters
        ----------
        inputs : ndarray of float32, shape (n_inputs,)
        lower, direct : ndarray of float32
            Weights of what changes, as `lower` and `direct` of the network have them.

        Returns
        -------
        ndarray of float32, shape (len(lower), n_outputs)
        """
        given = (self._whole(inputs[None]), *self._tables)
        return np.asarray(_slopes(*given, lower, direct), np.float32)

    def _whole(self, inputs: Floats) -> Floats:
        """Inputs in as many columns as the kernel takes at a time."""
        whole = np.zeros((len(inputs), len(self._tables[0])), np.float32)
        whole[:, : inputs.shape[1]] = inputs
        return whole

    def with_outputs(self, outputs: int) -> Network:
        """The network of the first outputs alone."""
        upper, direct = self.upper[:, :outputs], self.direct[:, :outputs]
        return Network(self.lower, self.threshold, upper, direct, self.shift[:outputs])

    def to_arrays(self) -> dict[str, Any]:
        """Plain arrays, as a model file keeps them."""
        return {name: getattr(self, name) for name in _PARTS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Network:
        """The network that `to_arrays` took apart; `ModelRefused` when the parts don't fit."""
        parts = {name: np.ascontiguousarray(arrays[name], np.float32) for name in _PARTS}
        if not all(np.isfinite(part).all() for part in parts.values()):
            raise ModelRefused("its network holds values that are no numbers")
        return cls(**parts)


def _padded(weights: Floats) -> Floats:
    rows, columns = weights.shape
    wide = np.zeros((rows, -(-columns // _LANES) * _LANES), np.float32)
    wide[:, :columns] = weights
    return wide


@compiled
def _forward(inputs: Floats, inner: Floats, start: Floats, upper: Floats) -> Floats:
    logits = np.empty((len(inputs), upper.shape[1]), np.float32)
    sums = np.empty((_TOGETHER, len(start)), np.float32)
    for first in range(0, len(inputs), _TOGETHER):
        given = inputs[first : first + _TOGETHER]
        paired = len(given) - len(given) % 2
        _sum_pairs(given[:paired], inner, start, sums)
        _sum_singly(given[paired:], inner, start, sums[paired:])
        for t in range(len(given)):
            _add_hidden(sums[t], upper, logits[first + t])
    return logits


@compiled
def _sum_pairs(given: Floats, inner: Floats, start: Floats, sums: Floats) -> None:
    """Two texts and four inputs at a time, so that what is read is used more than once."""
    for t in range(len(given)):
        sums[t] = start
    for i in range(0, len(inner), 4):
        for t in range(0, len(given), 2):
            a, b, c, d = given[t, i], given[t, i + 1], given[t, i + 2], given[t, i + 3]
            u = t + 1
            e, f, g, h = given[u, i], given[u, i + 1], given[u, i + 2], given[u, i + 3]
            for k in range(len(start)):
                p, q, r, s = inner[i, k], inner[i + 1, k], inner[i + 2, k], inner[i + 3, k]
                sums[t, k] += (a * p + b * q) + (c * r + d * s)
                sums[t + 1, k] += (e * p + f * q) + (g * r + h * s)


@compiled
def _sum_singly(given: Floats, inner: Floats, start: Floats, sums: Floats) -> None:
    """What `_sum_pairs` does, in the same order, for a text that is left over."""
    for t in range(len(given)):
        sums[t] = start
    for i in range(0, len(inner), 4):
        for t in range(len(given)):
            a, b, c, d = given[t, i], given[t, i + 1], given[t, i + 2], given[t, i + 3]
            for k in range(len(start)):
                low = a * inner[i, k] + b * inner[i + 1, k]
                sums[t, k] += low + (c * inner[i + 2, k] + d * inner[i + 3, k])


@compiled
def _add_hidden(sums: Floats, upper: Floats, own: Floats) -> None:
    """The direct path, which lies behind the hidden units in `sums`, and what these add."""
    before_direct = len(sums) - len(own)
    none = np.float32(0)
    for k in range(len(own)):
        own[k] = sums[before_direct + k]
    for j in range(0, len(upper), 4):
        a, b = max(sums[j], none), max(sums[j + 1], none)
        c, d = max(sums[j + 2], none), max(sums[j + 3], none)
        for k in range(len(own)):
            low = a * upper[j, k] + b * upper[j + 1, k]
            own[k] += low + (c * upper[j + 2, k] + d * upper[j + 3, k])


@compiled
def _slopes(
    given: Floats, inner: Floats, start: Floats, upper: Floats, lower: Floats, direct: Floats
) -> Floats:
    """Compiled, as a product of matrices would wake threads for a few microseconds of work."""
    sums = np.empty((1, len(start)), np.float32)
    _sum_singly(given, inner, start, sums)
    slopes = direct.copy()
    outputs = slopes.shape[1]
    for j in range(lower.shape[1]):
        if sums[0, j] > 0:
            for i in range(len(lower)):
                for k in range(outputs):
                    slopes[i, k] += lower[i, j] * upper[j, k]
    return slopes


@dataclass(frozen=True)
class Goal:
    """One target among a network's outputs.

    Attributes
    ----------
    columns : slice
    several : bool
        Whether any number of its labels may hold at once.
    """

    columns: slice
    several: bool


def fit_network(
    inputs: Floats,
    indicators: NDArray[np.bool_],
    goals: Sequence[Goal],
    weights: Floats,
    hidden: int,
    seed: int,
) -> Network:
    """Fit a network by stochastic gradient descent on the likelihood of all goals.

    AdamW (Loshchilov and Hutter, 2019) under a rate that rises and falls once; inputs and
    hidden units are left out at random while it learns.

    Parameters
    ----------
    inputs : ndarray of float32, shape (n_rows, n_inputs)
        Scores of rows that the first stage was not fitted on.
    indicators : ndarray of bool, shape (n_rows, n_outputs)
    goals : sequence of Goal
    weights : ndarray of float32, shape (n_rows,)
    hidden : int
        Units of the hidden layer.
    seed : int

    Returns
    -------
    Network

    Examples
    --------
    >>> inputs = np.tile(np.eye(2, dtype=np.float32), (300, 1))
    >>> goals = [Goal(slice(0, 2), False)]
    >>> network = fit_network(inputs, inputs > 0, goals, np.ones(600, np.float32), 8, 0)
    >>> network.logits(inputs[:2]).argmax(axis=1).tolist()
    [0, 1]
    """
    # What hardly ever varies is not blown up: a rare word shall not outshout all else.
    centre, spread = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), np.float32(_LEAST_SPREAD))
    standard = (inputs - centre) / spread
    truth = indicators.astype(np.float32)
    random = np.random.default_rng(seed)
    parts = _start(inputs.shape[1], hidden, truth.shape[1], random)
    steps = _Steps(parts, _EPOCHS * max(1, len(inputs) // _BATCH))
    for _ in range(_EPOCHS):
        order = random.permutation(len(inputs))
        for first in range(0, max(1, len(order) - _BATCH + 1), _BATCH):
            rows = order[first : first + _BATCH]
            given = _dropped(standard[rows], _DROP_INPUTS, random)
            steps.take(_gradients(parts, given, truth[rows], weights[rows], goals, random))
    lower, threshold, upper, direct, shift = parts
    return Network(
        lower / spread[:, None],
        threshold - (centre / spread) @ lower,
        upper,
        direct / spread[:, None],
        shift - (centre / spread) @ direct,
    )


def _start(inputs: int, hidden: int, outputs: int, random: np.random.Generator) -> list[Floats]:
    """Uniform within one over the root of the inputs of a unit."""

    def uniform(shape: tuple[int, ...], fan_in: int) -> Floats:
        bound = 1 / np.sqrt(fan_in)
        return random.uniform(-bound, bound, shape).astype(np.float32)

    return [
        uniform((inputs, hidden), inputs),
        uniform((hidden,), inputs),
        uniform((hidden, outputs), hidden),
        uniform((inputs, outputs), inputs),
        uniform((outputs,), hidden),
    ]


def _dropped(values: Floats, share: float, random: np.random.Generator) -> Floats:
    kept = random.random(values.shape, np.float32) >= share
    return np.asarray(values * kept / np.float32(1 - share), np.float32)


def _gradients(
    parts: Sequence[Floats],
    given: Floats,
    truth: Floats,
    weights: Floats,
    goals: Sequence[Goal],
    random: np.random.Generator,
) -> list[Floats]:
    lower, threshold, upper, direct, shift = parts
    sums = given @ lower + threshold
    kept = (random.random(sums.shape, np.float32) >= _DROP_HIDDEN) & (sums > 0)
    loud = np.float32(1 / (1 - _DROP_HIDDEN))
    active = np.where(kept, sums * loud, np.float32(0))
    logits = active @ upper + given @ direct + shift
    rest = np.empty_like(logits)
    for goal in goals:
        columns = goal.columns
        rest[:, columns] = _likely(logits[:, columns], goal.several) - truth[:, columns]
    rest *= (weights / np.float32(len(weights)))[:, None]
    back = np.where(kept, rest @ upper.T * loud, np.float32(0))
    return [given.T @ back, back.sum(axis=0), active.T @ rest, given.T @ rest, rest.sum(axis=0)]


def _likely(logits: Floats, several: bool) -> Floats:
    if several:
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


class _Steps:
    """AdamW on some arrays, in place."""

    def __init__(self, parts: Sequence[Floats], total: int) -> None:
        self._parts = parts
        self._total = total
        self._taken = 0
        self._mean = [np.zeros_like(part) for part in parts]
        self._square = [np.zeros_like(part) for part in parts]

    def take(self, gradients: Sequence[Floats]) -> None:
        """One step against the gradients."""
        rate = self._rate()
        self._taken += 1
        first, second = 1 - _FADE**self._taken, 1 - _FADE_SQUARE**self._taken
        moved = zip(self._parts, gradients, self._mean, self._square, strict=True)
        for part, gradient, mean, square in moved:
            mean += np.float32(1 - _FADE) * (gradient - mean)
            square += np.float32(1 - _FADE_SQUARE) * (gradient * gradient - square)
            part *= np.float32(1 - rate * _DECAY)
            part -= np.float32(rate / first) * mean / (np.sqrt(square / np.float32(second)) + _TINY)

    def _rate(self) -> float:
        done, top = self._taken / max(1, self._total), _WARM_UP
        if done < top:
            return _RATE * _between(_FIRST_RATE, 1, done / top)
        return _RATE * _between(1, _LAST_RATE, min(1, (done - top) / (1 - top)))


def _between(start: float, end: float, share: float) -> float:
    """From start to end along half a cosine."""
    return float(end + (start - end) * (1 + np.cos(np.pi * share)) / 2)
