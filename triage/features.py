"""Hashed character n-grams, in scikit-learn's grammar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, diags_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from domain.errors import InputError, SettingRefused
from triage.alphabet import alphabet, joined
from triage.kernel import hashed_slots

LONGEST_COUNT = 256


def sublinear_weights() -> NDArray[np.float32]:
    """Term weight ``1 + ln(count)`` of each count; a count past the end weighs as the last.

    Returns
    -------
    ndarray of float32, shape (LONGEST_COUNT,)

    Examples
    --------
    >>> sublinear_weights()[:2].tolist()
    [0.0, 1.0]
    """
    weights = np.zeros(LONGEST_COUNT, np.float32)
    weights[1:] = 1 + np.log(np.arange(1, LONGEST_COUNT))
    return weights


class HashedNgrams(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """TF-IDF of hashed character n-grams; stores numbers, never a word of a text.

    Letters are folded (width, case, traditional forms, marks, emoji), digits are one letter,
    blanks are dropped. The weights are ``(1 + ln tf) · idf`` with the smooth idf of
    scikit-learn's `TfidfTransformer`, scaled to unit length over the selected features.

    Parameters
    ----------
    size : int, default=3
        Longest n-gram, in characters.
    bits : int, default=20
        The hash has ``2 ** bits`` values.
    features : int, default=30_000
        How many hash values are kept: with `y` those of the highest chi-square statistic,
        without those in the most texts.
    min_texts : int, default=2
        In how many texts a hash value must stand.

    Attributes
    ----------
    slots_ : ndarray of int32, shape (n_features,)
        Selected hash values, ascending.
    idf_ : ndarray of float32, shape (n_features,)

    Examples
    --------
    >>> ngrams = HashedNgrams(min_texts=1).fit(["屏幕闪", "屏幕碎"])
    >>> ngrams.transform(["屏幕闪"]).nnz
    6
    """

    def __init__(
        self, size: int = 3, bits: int = 20, features: int = 30_000, min_texts: int = 2
    ) -> None:
        self.size = size
        self.bits = bits
        self.features = features
        self.min_texts = min_texts

    def fit(self, X: Iterable[str], y: ArrayLike | None = None) -> Self:
        """Choose the features and weigh them.

        Parameters
        ----------
        X : iterable of str
            At least one text.
        y : array-like, shape (n_texts,) or (n_texts, n_indicators), optional
            Labels, or a 0/1 matrix of the labels of any number of targets.

        Returns
        -------
        HashedNgrams
        """
        counts = self._counts(X)
        texts = np.bincount(counts.indices, minlength=counts.shape[1])
        present = np.flatnonzero(texts >= self.min_texts)
        if not len(present):
            raise InputError(
                f"no n-gram stands in {self.min_texts} of {counts.shape[0]} texts; "
                "give more texts or a smaller min_texts"
            )
        worth = texts[present] if y is None else _chi_square(counts[:, present], y, counts.shape[0])
        best = np.argsort(-worth, kind="stable")[: self.features]
        self.slots_ = np.sort(present[best]).astype(np.int32)
        ratio = (1 + counts.shape[0]) / (1 + texts[self.slots_])
        self.idf_ = (np.log(ratio) + 1).astype(np.float32)
        return self

    def transform(self, X: Iterable[str]) -> csr_matrix:
        """Weights of the selected features.

        Parameters
        ----------
        X : iterable of str

        Returns
        -------
        csr_matrix of float32, shape (n_texts, n_features)
            Rows of unit length, or of zeros.
        """
        check_is_fitted(self)
        weighted = self._counts(X)[:, self.slots_]
        tf = sublinear_weights()
        weighted.data = tf[np.minimum(weighted.data, LONGEST_COUNT - 1).astype(np.int64)]
        weighted.data *= self.idf_[weighted.indices]
        length = np.sqrt(weighted.multiply(weighted).sum(axis=1)).A1
        scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
        return csr_matrix(diags_array(scale.astype(np.float32)) @ weighted)

    def _counts(self, X: Iterable[str]) -> csr_matrix:
        _check_parameters(self)
        texts = _as_texts(X)
        points, offsets = joined(texts)
        indptr, slots, counts = hashed_slots(points, offsets, alphabet(), self.size, self.bits)
        return csr_matrix((counts, slots, indptr), shape=(len(texts), 1 << self.bits))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _check_parameters(ngrams: HashedNgrams) -> None:
    for name, low, high in (("size", 1, 8), ("bits", 8, 24), ("features", 1, 1 << 24)):
        value = getattr(ngrams, name)
        if not low <= value <= high:
            raise SettingRefused(f"{name} is {value!r}; it must lie from {low} to {high}")


def _as_texts(X: Iterable[str]) -> list[str]:
    if isinstance(X, str):
        raise InputError("one string was given; give a list of texts")
    texts = list(X)
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise InputError(f"{type(wrong).__name__} is no text; give strings")
    if not texts:
        raise InputError("no text was given; give at least one")
    return texts


def _chi_square(counts: csr_matrix, y: ArrayLike, n_texts: int) -> NDArray[np.float64]:
    """Largest chi-square statistic of each feature's presence over the labels' indicators."""
    labels = np.asarray(y)
    if labels.shape[0] != n_texts:
        raise InputError(f"{labels.shape[0]} labels for {n_texts} texts; give one for each")
    indicators = labels if labels.ndim == 2 else labels[:, None] == np.unique(labels)
    present = counts.copy()
    present.data[:] = 1
    seen = np.asarray(present.sum(axis=0), np.float64).ravel()
    both = np.asarray((present.T @ indicators.astype(np.float32)), np.float64)
    share = indicators.mean(axis=0)
    expected = seen[:, None] * share
    spread = expected * (1 - share) * (1 - seen[:, None] / n_texts)
    statistic = np.divide((both - expected) ** 2, spread, out=np.zeros_like(both), where=spread > 0)
    return np.asarray(statistic.max(axis=1))
