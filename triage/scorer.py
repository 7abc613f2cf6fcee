"""The numbers behind a model: from texts to the scores of all its outputs.

A `LinearScorer` weighs the n-grams of a text, and, if it was trained so, those of its opening
once more. A `LayeredScorer` lets a network read what a linear one says of the text, of its first
clause and of its loudest ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelRefused
from triage.alphabet import alphabet, breaks, joined
from triage.clauses import EXTRAS, VIEWS, score_clauses
from triage.kernel import openings, product, score_texts
from triage.lexicon import COUNTED
from triage.network import Network
from triage.omission import omitted, scores_without

MOST_FEATURES = 65_535
_LANES = 16
_LARGEST = 127
_CACHE_LINE = 64


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
    opening : Opening, optional
        What the first letters add.
    """

    size: int
    bits: int
    slots: NDArray[np.int32]
    idf: NDArray[np.float32]
    sublinear: NDArray[np.float32]
    weights: NDArray[np.int8]
    steps: NDArray[np.float32]
    bias: NDArray[np.float32]
    opening: Opening | None = None

    @property
    def outputs(self) -> int:
        """How many scores a text gets."""
        return len(self.bias)

    @cached_property
    def _tables(self) -> tuple[NDArray[Any], ...]:
        """Row of each hash value, and rows widened to whole vector registers.

        Frequent n-grams come first: what most texts need lies together and stays in the cache.
        """
        order = np.argsort(self.idf, kind="stable")
        rows = np.full(1 << self.bits, len(self.slots), np.uint16)
        rows[self.slots[order]] = np.arange(len(self.slots), dtype=np.uint16)
        wide = -(-self.outputs // _LANES) * _LANES
        weights = _on_lines(len(self.slots), wide)
        weights[:, : self.outputs] = self.weights[order]
        bias = np.zeros(wide, np.float32)
        bias[: self.outputs] = self.bias
        return rows, self.idf[order], self.sublinear, weights, self.steps[order], bias

    def scores(
        self,
        points: NDArray[np.uint32],
        offsets: NDArray[np.int64],
        stated: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Scores of texts that `triage.alphabet.joined` made one array of.

        Parameters
        ----------
        points : ndarray of uint32
        offsets : ndarray of int64, shape (n_texts + 1,)
        stated : ndarray of float32, shape (n_texts, len(COUNTED)), optional
            Stated words; a linear scorer leaves them to the heads.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_outputs)
        """
        found = score_texts(points, offsets, alphabet(), self.size, self.bits, *self._tables)
        scores = np.asarray(found[:, : self.outputs], np.float32)
        return scores if self.opening is None else scores + self.opening.scores(points, offsets)

    def views(
        self, points: NDArray[np.uint32], offsets: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores of texts and of their clauses.

        Returns
        -------
        scores : ndarray of float32, shape (n_texts, len(VIEWS), n_outputs)
        extras : ndarray of float32, shape (n_texts, EXTRAS)
        """
        given = (points, offsets, alphabet(), breaks(), self.size, self.bits)
        found, extras = score_clauses(*given, *self._tables)
        scores = np.asarray(found[:, :, : self.outputs], np.float32)
        if self.opening is not None:
            scores[:, 0] += self.opening.scores(points, offsets)
        return scores, extras

    def scores_without(
        self,
        points: NDArray[np.uint32],
        starts: NDArray[np.int64],
        stops: NDArray[np.int64],
        stated: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Scores of a text and estimates of them without each span, as `triage.omission` has them.

        Returns
        -------
        ndarray of float32, shape (n_spans + 1, n_outputs)
        """
        given = (points, starts, stops, alphabet(), self.size, self.bits)
        found = scores_without(*given, *self._tables)
        scores = np.asarray(found[:, : self.outputs], np.float32)
        if self.opening is None:
            return scores
        return scores + self.opening.scores(*omitted(points, starts, stops))

    def scores_of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Scores of texts, shape (n_texts, n_outputs)."""
        return self.scores(*joined(texts))

    def numbers(self) -> dict[str, NDArray[np.float32]]:
        """All parts that must be finite numbers, by name."""
        own = {name: getattr(self, name) for name in ("idf", "sublinear", "steps", "bias")}
        return own if self.opening is None else own | self.opening.numbers()

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
            "opening": self.opening and self.opening.to_arrays(),
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
            Opening.from_arrays(arrays["opening"]) if arrays.get("opening") else None,
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
            and (self.opening is None or self.opening.scorer.outputs == outputs)
            and bool(np.all((self.slots >= 0) & (self.slots < 1 << self.bits)))
        )
        if not fits:
            raise ModelRefused(f"its arrays don't fit together: {features} rows of {outputs}")
        for name, part in self.numbers().items():
            if not np.isfinite(part).all():
                raise ModelRefused(f"its {name} hold values that are no numbers")


def _on_lines(rows: int, columns: int) -> NDArray[np.int8]:
    """Zeros whose first row begins a cache line, so that a row lies on as few as it can."""
    raw = np.zeros(rows * columns + _CACHE_LINE, np.int8)
    start = -raw.ctypes.data % _CACHE_LINE
    return raw[start : start + rows * columns].reshape(rows, columns)


@dataclass(frozen=True)
class Opening:
    """The first letters of a text, scored once more with weights of their own.

    Who writes to a hotline puts the matter first; a title is worth more than its letters.

    Attributes
    ----------
    letters : int
        How many; blanks and what folds to nothing are not counted.
    scorer : LinearScorer
    """

    letters: int
    scorer: LinearScorer

    def scores(self, points: NDArray[np.uint32], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
        """What the openings of texts add, shape (n_texts, n_outputs)."""
        return self.scorer.scores(*openings(points, offsets, alphabet(), self.letters))

    def numbers(self) -> dict[str, NDArray[np.float32]]:
        """All parts that must be finite numbers, by name."""
        return {f"opening.{name}": part for name, part in self.scorer.numbers().items()}

    def to_arrays(self) -> dict[str, Any]:
        """Plain arrays and numbers, as a model file keeps them."""
        return {"letters": self.letters, "scorer": self.scorer.to_arrays()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Opening:
        """The opening that `to_arrays` took apart; `ModelRefused` when the parts don't fit."""
        letters = int(arrays["letters"])
        if letters < 1:
            raise ModelRefused(f"its opening has {letters} letters")
        return cls(letters, LinearScorer.from_arrays(arrays["scorer"]))


@dataclass(frozen=True)
class LayeredScorer:
    """A network over what a linear scorer says of a text and of its clauses.

    Attributes
    ----------
    first : LinearScorer
    network : Network
        Its inputs are those of `network_inputs`.
    """

    first: LinearScorer
    network: Network

    @property
    def outputs(self) -> int:
        """How many scores a text gets."""
        return len(self.network.shift)

    def scores(
        self,
        points: NDArray[np.uint32],
        offsets: NDArray[np.int64],
        stated: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Scores of texts that `triage.alphabet.joined` made one array of.

        Parameters
        ----------
        points : ndarray of uint32
        offsets : ndarray of int64, shape (n_texts + 1,)
        stated : ndarray of float32, shape (n_texts, len(COUNTED))
            Stated words, as `triage.tier.word_features` has them.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_outputs)
        """
        return self.network.logits(network_inputs(*self.first.views(points, offsets), stated))

    def scores_without(
        self,
        points: NDArray[np.uint32],
        starts: NDArray[np.int64],
        stops: NDArray[np.int64],
        stated: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Scores of a text and rough estimates of them without each span.

        The network is taken as straight near the text, and the clauses as losing what the text
        loses.

        Returns
        -------
        ndarray of float32, shape (n_spans + 1, n_outputs)
        """
        whole = np.array([0, len(points)], np.int64)
        inputs = network_inputs(*self.first.views(points, whole), stated[:1])
        linear = self.first.scores_without(points, starts, stops)
        changed = np.hstack([linear - linear[0], stated - stated[0]])
        slopes = self.network.slopes(inputs[0], *self._moving)
        return np.asarray(self.network.logits(inputs) + product(changed, slopes), np.float32)

    @cached_property
    def _moving(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The network's weights of all views of a score together, and of stated words."""
        network, of_scores = self.network, len(VIEWS) * self.first.outputs

        def together(part: NDArray[np.float32]) -> NDArray[np.float32]:
            views = part[:of_scores].reshape(len(VIEWS), -1, part.shape[1])
            return np.vstack([views.sum(axis=0), part[of_scores + EXTRAS :]])

        return together(network.lower), together(network.direct)

    def numbers(self) -> dict[str, NDArray[np.float32]]:
        """All parts that must be finite numbers, by name."""
        return self.first.numbers() | self.network.to_arrays()

    def to_arrays(self) -> dict[str, Any]:
        """Plain arrays and numbers, as a model file keeps them."""
        return {"first": self.first.to_arrays(), "network": self.network.to_arrays()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> LayeredScorer:
        """The scorer that `to_arrays` took apart; `ModelRefused` when the parts don't fit."""
        scorer = cls(
            LinearScorer.from_arrays(arrays["first"]), Network.from_arrays(arrays["network"])
        )
        wanted = len(VIEWS) * scorer.first.outputs + EXTRAS + len(COUNTED)
        if len(scorer.network.lower) != wanted:
            raise ModelRefused(
                f"its network reads {len(scorer.network.lower)} numbers; there are {wanted}"
            )
        return scorer


Scorer = LinearScorer | LayeredScorer


def scorer_from(arrays: Mapping[str, Any]) -> Scorer:
    """The scorer of a model file; `ModelRefused` when its parts don't fit."""
    kind = LayeredScorer if "network" in arrays else LinearScorer
    return kind.from_arrays(arrays)


def network_inputs(
    views: NDArray[np.float32], extras: NDArray[np.float32], stated: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What a network reads of each text: all views, the extras, the stated words.

    Returns
    -------
    ndarray of float32, shape (n_texts, len(VIEWS) * n_scores + EXTRAS + len(COUNTED))
    """
    flat = views.reshape(len(views), views.shape[1] * views.shape[2])
    return np.hstack([flat, extras, stated])


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
