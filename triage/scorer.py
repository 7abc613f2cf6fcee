"""The numbers behind a model: from texts to the scores of all its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelRefused
from triage.alphabet import alphabet, joined
from triage.kernel import score_texts
from triage.omission import scores_without

MOST_FEATURES = 65_535
_LANES = 16
_LARGEST = 127


@dataclass(frozen=True)
class LinearScorer:
    """Linear scores of hashed n-grams, for all targets at once.

    Attributes
    ----------
    size, bits : int
        Longest n-gram; the hash has ``2 ** bits`` values.
    slots : ndarray of int32, shape (n_features,)
        Hash values that carry weight.
    idf : ndarray of float32, shape (n_features,)
    sublinear : ndarray of float32
        Term weight of each count.
    weights : ndarray of int8, shape (n_features, n_outputs)
        One contiguous row for each feature, in steps of its own.
    steps : ndarray of float32, shape (n_features,)
    bias : ndarray of float32, shape (n_outputs,)
    """

    size: int
    bits: int
    slots: NDArray[np.int32]
    idf: NDArray[np.float32]
    sublinear: NDArray[np.float32]
    weights: NDArray[np.int8]
    steps: NDArray[np.float32]
    bias: NDArray[np.float32]

    @property
    def outputs(self) -> int:
        """How many scores a text gets."""
        return len(self.bias)

    @cached_property
    def _tables(self) -> tuple[NDArray[Any], ...]:
        """Row of each hash value, and rows widened to whole vector registers."""
        rows = np.full(1 << self.bits, len(self.slots), np.uint16)
        rows[self.slots] = np.arange(len(self.slots), dtype=np.uint16)
        wide = -(-self.outputs // _LANES) * _LANES
        weights = np.zeros((len(self.slots), wide), np.int8)
        weights[:, : self.outputs] = self.weights
        bias = np.zeros(wide, np.float32)
        bias[: self.outputs] = self.bias
        return rows, self.idf, self.sublinear, weights, self.steps, bias

    def scores(self, points: NDArray[np.uint32], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
        """Scores of texts that `triage.alphabet.joined` made one array of.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_outputs)
        """
        found = score_texts(points, offsets, alphabet(), self.size, self.bits, *self._tables)
        return np.asarray(found[:, : self.outputs], np.float32)

    def scores_without(
        self, points: NDArray[np.uint32], starts: NDArray[np.int64], stops: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Scores of a text and estimates of them without each span, as `triage.omission` has them.

        Returns
        -------
        ndarray of float32, shape (n_spans + 1, n_outputs)
        """
        given = (points, starts, stops, alphabet(), self.size, self.bits)
        found = scores_without(*given, *self._tables)
        return np.asarray(found[:, : self.outputs], np.float32)

    def scores_of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Scores of texts, shape (n_texts, n_outputs)."""
        return self.scores(*joined(texts))

    def to_arrays(self) -> dict[str, Any]:
        """Plain arrays and numbers, as a model file keeps them."""
        return {
            "size": self.size,
            "bits": self.bits,
            "slots": self.slots,
            "idf": self.idf,
            "sublinear": self.sublinear,
            "weights": self.weights,
            "steps": self.steps,
            "bias": self.bias,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> LinearScorer:
        """The scorer that `to_arrays` took apart; `ModelRefused` when the parts don't fit."""
        scorer = cls(
            int(arrays["size"]),
            int(arrays["bits"]),
            np.ascontiguousarray(arrays["slots"], np.int32),
            np.ascontiguousarray(arrays["idf"], np.float32),
            np.ascontiguousarray(arrays["sublinear"], np.float32),
            np.ascontiguousarray(arrays["weights"], np.int8),
            np.ascontiguousarray(arrays["steps"], np.float32),
            np.ascontiguousarray(arrays["bias"], np.float32),
        )
        scorer._refuse_misfits()
        return scorer

    def _refuse_misfits(self) -> None:
        features, outputs = self.weights.shape
        fits = (
            len(self.slots) == len(self.idf) == len(self.steps) == features <= MOST_FEATURES
            and len(self.bias) == outputs
            and 1 <= self.size <= 8
            and 8 <= self.bits <= 24
            and len(self.sublinear) > 1
            and bool(np.all((self.slots >= 0) & (self.slots < 1 << self.bits)))
        )
        if not fits:
            raise ModelRefused(f"its arrays don't fit together: {features} rows of {outputs}")
        for name in ("idf", "sublinear", "steps", "bias"):
            if not np.isfinite(getattr(self, name)).all():
                raise ModelRefused(f"its {name} hold values that are no numbers")


def in_steps(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Each row of weights as whole steps from -127 to 127, and the size of its step.

    Parameters
    ----------
    weights : ndarray of float32, shape (n_features, n_outputs)

    Returns
    -------
    whole : ndarray of int8, shape (n_features, n_outputs)
    steps : ndarray of float32, shape (n_features,)

    Examples
    --------
    >>> whole, steps = in_steps(np.array([[1.0, -0.5]], np.float32))
    >>> whole.tolist(), round(float(steps[0] * 127), 6)
    ([[127, -64]], 1.0)
    """
    steps = np.abs(weights).max(axis=1) / np.float32(_LARGEST)
    steps[steps == 0] = 1
    return np.rint(weights / steps[:, None]).astype(np.int8), steps.astype(np.float32)
