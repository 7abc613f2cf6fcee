"""Linear classifiers of vectors and of texts, in scikit-learn's grammar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from domain.errors import InputError
from triage.features import HashedNgrams
from triage.solver import balanced_costs, fit_margins


class MarginClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One linear margin for each class against the rest, classes balanced.

    Parameters
    ----------
    C : float, default=0.3
        Inverse of the penalty.
    balance : float, default=1
        0 weighs all rows alike, 1 both sides of a class alike.
    random_state : int, default=0

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    coef_ : ndarray of float32, shape (n_features, n_classes)
    intercept_ : ndarray of float32, shape (n_classes,)

    Examples
    --------
    >>> model = MarginClassifier().fit([[0.0], [1.0], [0.2], [0.9]], ["甲", "乙", "甲", "乙"])
    >>> model.predict([[0.1], [0.8]]).tolist()
    ['甲', '乙']
    """

    def __init__(self, C: float = 0.3, balance: float = 1.0, random_state: int = 0) -> None:
        self.C = C
        self.balance = balance
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Fit to vectors and their classes.

        Parameters
        ----------
        X : array-like or sparse matrix, shape (n_rows, n_features)
        y : array-like, shape (n_rows,)

        Returns
        -------
        MarginClassifier
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self.classes_, place = np.unique(y, return_inverse=True)
        indicators = place[:, None] == np.arange(len(self.classes_))
        costs = balanced_costs(indicators, self.C, self.balance)
        self.coef_, self.intercept_ = fit_margins(X, indicators, costs, self.random_state)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Margins, shape (n_rows, n_classes); for two classes shape (n_rows,)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        found = np.asarray(X @ self.coef_ + self.intercept_, np.float64)
        return found[:, 1] if len(self.classes_) == 2 else found

    def predict(self, X: Any) -> NDArray[Any]:
        """Best classes, shape (n_rows,)."""
        found = self.decision_function(X)
        best = found > 0 if found.ndim == 1 else found.argmax(axis=1)
        return np.asarray(self.classes_[np.asarray(best, np.int64)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class ComplaintClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Texts in, labels out: hashed n-grams and one margin for each label.

    Parameters
    ----------
    size, bits, features, min_texts
        As `triage.features.HashedNgrams` has them.
    C : float, default=0.3
        Inverse of the penalty.
    random_state : int, default=0

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    ngrams_ : HashedNgrams
    margins_ : MarginClassifier

    Examples
    --------
    >>> texts = ["屏幕闪", "屏幕碎了", "快递没到", "快递丢了"]
    >>> model = ComplaintClassifier(min_texts=1).fit(texts, ["质量", "质量", "物流", "物流"])
    >>> model.predict(["屏幕坏", "快递慢"]).tolist()
    ['质量', '物流']
    """

    def __init__(
        self,
        size: int = 3,
        bits: int = 20,
        features: int = 30_000,
        min_texts: int = 2,
        C: float = 0.3,
        random_state: int = 0,
    ) -> None:
        self.size = size
        self.bits = bits
        self.features = features
        self.min_texts = min_texts
        self.C = C
        self.random_state = random_state

    def fit(self, X: Iterable[str], y: ArrayLike) -> Self:
        """Fit to texts and their labels.

        Parameters
        ----------
        X : iterable of str
        y : array-like, shape (n_texts,)
            At least two different labels.

        Returns
        -------
        ComplaintClassifier
        """
        texts, labels = list(X), np.asarray(y)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise InputError(f"all labels are {self.classes_.tolist()}; at least two are needed")
        self.ngrams_ = HashedNgrams(self.size, self.bits, self.features, self.min_texts)
        matrix = self.ngrams_.fit(texts, labels).transform(texts)
        self.margins_ = MarginClassifier(self.C, random_state=self.random_state).fit(matrix, labels)
        return self

    def decision_function(self, X: Iterable[str]) -> NDArray[np.float64]:
        """Margins, shape (n_texts, n_classes); for two classes shape (n_texts,)."""
        check_is_fitted(self)
        return self.margins_.decision_function(self.ngrams_.transform(X))

    def predict(self, X: Iterable[str]) -> NDArray[Any]:
        """Best labels, shape (n_texts,)."""
        check_is_fitted(self)
        return self.margins_.predict(self.ngrams_.transform(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
