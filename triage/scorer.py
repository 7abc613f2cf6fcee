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
    weights : ndarray of float32, shape (n_features, n_outputs)
        One contiguous row for each feature.
    bias : ndarray of float32, shape (n_outputs,)
    """

    size: int
    bits: int
    slots: NDArray[np.int32]
    idf: NDArray[np.float32]
    sublinear: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    @cached_property
    def _rows(self) -> NDArray[np.uint32]:
        rows = np.full(1 << self.bits, len(self.slots), np.uint32)
        rows[self.slots] = np.arange(len(self.slots), dtype=np.uint32)
        return rows

    def scores(self, points: NDArray[np.uint32], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
        """Scores of texts that `triage.alphabet.joined` made one array of.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_outputs)
        """
        tables = (self._rows, self.idf, self.sublinear, self.weights, self.bias)
        found = score_texts(points, offsets, alphabet(), self.size, self.bits, *tables)
        return np.asarray(found, np.float32)

    def scores_of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Scores of texts, shape (n_texts, n_outputs)."""
        return self.scores(*joined(texts))

    def to_arrays(self) -> dict[str, Any]:
        """Plain arrays and numbers, the weights in half precision, as a model file keeps them."""
        return {
            "size": self.size,
            "bits": self.bits,
            "slots": self.slots,
            "idf": self.idf,
            "sublinear": self.sublinear,
            "weights": self.weights.astype(np.float16),
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
            np.ascontiguousarray(arrays["weights"], np.float32),
            np.ascontiguousarray(arrays["bias"], np.float32),
        )
        scorer._refuse_misfits()
        return scorer

    def _refuse_misfits(self) -> None:
        features, outputs = self.weights.shape
        fits = (
            len(self.slots) == len(self.idf) == features
            and len(self.bias) == outputs
            and 1 <= self.size <= 8
            and 8 <= self.bits <= 24
            and len(self.sublinear) > 1
            and bool(np.all((self.slots >= 0) & (self.slots < 1 << self.bits)))
        )
        if not fits:
            raise ModelRefused(f"its arrays don't fit together: {features} rows of {outputs}")
        for name in ("idf", "sublinear", "weights", "bias"):
            if not np.isfinite(getattr(self, name)).all():
                raise ModelRefused(f"its {name} hold values that are no numbers")
