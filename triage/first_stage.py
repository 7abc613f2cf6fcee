"""The first stage: hashed n-grams, and one margin for each output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from triage.alphabet import alphabet, joined, parted
from triage.features import HashedNgrams, sublinear_weights
from triage.grounds import Clauses
from triage.kernel import openings
from triage.lesson import Recipe, Table, Target, one_hot
from triage.scorer import LinearScorer, Opening, in_steps
from triage.solver import balanced_costs, fit_margins

_OPENING_BITS = 17


@dataclass(frozen=True)
class Texts:
    """The table's own texts and more."""

    own: Sequence[str]
    more: Sequence[str]

    def taught(self, rows: NDArray[np.bool_], more_rows: NDArray[np.bool_]) -> list[str]:
        """Texts in the order of `Target.taught`."""
        return [*_chosen(self.own, rows), *_chosen(self.more, more_rows)]


def _chosen(texts: Sequence[str], rows: NDArray[np.bool_]) -> list[str]:
    return [texts[i] for i in np.flatnonzero(rows).tolist()]


@dataclass(frozen=True)
class Material:
    """What the first stage learns from.

    Attributes
    ----------
    texts : Texts
    outputs : sequence of Target
    helpers : sequence of Table
        Each gives further outputs.
    clauses : Clauses, optional
        What shows a tier by itself; gives the last outputs.
    """

    texts: Texts
    outputs: Sequence[Target]
    helpers: Sequence[Table]
    clauses: Clauses | None


@dataclass(frozen=True)
class Grams:
    """The features of a text: its n-grams and, where asked for, those of its opening."""

    whole: HashedNgrams
    opening: HashedNgrams | None
    recipe: Recipe

    @classmethod
    def fitted(cls, texts: Sequence[str], indicators: NDArray[np.bool_], recipe: Recipe) -> Grams:
        """Features chosen by labels."""
        size, bits = recipe.size, recipe.bits
        whole = HashedNgrams(size, bits, recipe.features).fit(texts, indicators)
        if not recipe.opening:
            return cls(whole, None, recipe)
        opening = HashedNgrams(size, _OPENING_BITS, recipe.opening_features)
        return cls(whole, opening.fit(_openings(texts, recipe.opening), indicators), recipe)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """One row a text."""
        whole = self.whole.transform(texts)
        if self.opening is None:
            return whole
        opening = self.opening.transform(_openings(texts, self.recipe.opening))
        return csr_matrix(hstack([whole, opening * np.float32(self.recipe.opening_weight)]))


def _openings(texts: Sequence[str], letters: int) -> list[str]:
    return parted(*openings(*joined(texts), alphabet(), letters))


@dataclass(frozen=True)
class FirstStage:
    """Features and one margin for each output."""

    grams: Grams
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Margins of texts, shape (n_texts, n_outputs)."""
        return np.asarray(self.grams.transform(texts) @ self.weights + self.bias, np.float64)

    def mixed(self, mix: NDArray[np.float64], shift: NDArray[np.float64]) -> FirstStage:
        """The stage whose outputs are ``scores @ mix + shift``."""
        weights = (self.weights @ mix).astype(np.float32)
        return replace(self, weights=weights, bias=(self.bias @ mix + shift).astype(np.float32))

    def scorer(self) -> LinearScorer:
        """As a model keeps it, its weights in steps."""
        recipe, whole = self.grams.recipe, self.grams.whole
        n_whole = len(whole.slots_)
        opening = None
        if self.grams.opening is not None:
            weights = self.weights[n_whole:] * np.float32(recipe.opening_weight)
            bare = np.zeros_like(self.bias)
            opening = Opening(recipe.opening, _linear(self.grams.opening, weights, bare, None))
        return _linear(whole, self.weights[:n_whole], self.bias, opening)


def _linear(
    grams: HashedNgrams,
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    opening: Opening | None,
) -> LinearScorer:
    tables = (grams.slots_, grams.idf_, sublinear_weights(), *in_steps(weights), bias)
    return LinearScorer(grams.size, grams.bits, *tables, opening)


def fit_first_stage(
    material: Material,
    rows: NDArray[np.bool_],
    more_rows: NDArray[np.bool_],
    recipe: Recipe,
) -> FirstStage:
    """Learn the margins of all outputs from some rows of the table and of more texts.

    Parameters
    ----------
    material : Material
    rows, more_rows : ndarray of bool
        Which texts are learned from.
    recipe : Recipe

    Returns
    -------
    FirstStage
    """
    kept, outputs = material.texts.taught(rows, more_rows), material.outputs
    indicators = np.hstack([output.taught(rows, more_rows) for output in outputs])
    grams = Grams.fitted(kept, indicators, recipe)
    costs = np.hstack([output.costs(rows, more_rows, recipe) for output in outputs])
    fits = [fit_margins(grams.transform(kept), indicators, costs, recipe.seed, recipe.tilt)]
    for helper in material.helpers:
        matrix = grams.transform(helper.texts)
        for name in sorted(helper.labels):
            _, told = one_hot(helper.labels[name])
            fits.append(fit_margins(matrix, told, balanced_costs(told, recipe.helper_cost, 0.0)))
    if material.clauses is not None:
        taught = np.concatenate([rows, more_rows])
        fits.append(_fit_clauses(grams, material.clauses, taught, recipe))
    return FirstStage(grams, np.hstack([w for w, _ in fits]), np.hstack([b for _, b in fits]))


def _fit_clauses(
    grams: Grams, clauses: Clauses, texts: NDArray[np.bool_], recipe: Recipe
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Margins of what clauses show; an opening, which no clause is, weighs nothing for them."""
    kept = texts[clauses.owner] & clauses.costs.any(axis=1)
    matrix = grams.whole.transform(_chosen(clauses.texts, kept))
    weights, bias = fit_margins(matrix, clauses.shown[kept], clauses.costs[kept], recipe.seed)
    if grams.opening is not None:
        weights = np.pad(weights, ((0, len(grams.opening.slots_)), (0, 0)))
    return weights, bias
