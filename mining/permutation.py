"""A check that assumes nothing: shuffle who complains of what, and look again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from domain.errors import LimitExceeded
from mining.candidates import Antecedents, Ints
from mining.scene import Scene
from mining.significance import Floats, fisher_p_values

_MOST_CELLS = 300_000_000


def smallest_p_values(
    scene: Scene,
    antecedents: Antecedents,
    issues: Ints,
    weights: Floats,
    *,
    shuffles: int,
    seed: int = 0,
) -> Floats:
    """Smallest weighted p-value anywhere in each of several shuffled tables.

    The issues of whole complaints are dealt out anew inside every week, so that seasons and
    issues that come together stay as they are, and everything that was tested is tested again.

    Parameters
    ----------
    scene : Scene
        n complaints.
    antecedents : Antecedents
        Everything on the left that was tested.
    issues : ndarray of int64
        Item columns on the right.
    weights : ndarray of float64, shape (longest antecedent,)
        Weight of the tests by length of the antecedent.
    shuffles : int
        How many tables to shuffle.
    seed : int, default 0
        The same seed gives the same shuffles.

    Returns
    -------
    ndarray of float64, shape (shuffles,)

    Raises
    ------
    LimitExceeded
        The antecedents hold too many complaints to count again and again.

    References
    ----------
    Westfall, P. H. and Young, S. S. (1993). Resampling-based multiple testing.
    """
    cells = int(antecedents.counts.sum())
    if cells > _MOST_CELLS:
        raise LimitExceeded(
            f"{cells:,} cells to count in every shuffle; at most {_MOST_CELLS:,}: "
            "raise the support or leave the permutations out"
        )
    rng = np.random.default_rng(seed)
    held, issue_matrix = _members(scene, antecedents), scene.baskets.matrix[:, issues].tocsr()
    counts = scene.baskets.counts[issues]
    share = weights[antecedents.lengths - 1][:, None]
    smallest = np.ones(shuffles)
    for at in range(shuffles):
        dealt = issue_matrix[_dealt(scene.weeks, len(scene), rng)].astype(np.int32)
        both = (held @ dealt).toarray()
        p = fisher_p_values(both, antecedents.counts[:, None], counts[None, :], len(scene))
        smallest[at] = (p / share).min(initial=1.0)
    return smallest


def _members(scene: Scene, antecedents: Antecedents) -> sparse.csr_matrix:
    rows = [scene.rows(antecedents.items(at)) for at in range(len(antecedents))]
    pointers = np.cumsum([0, *(part.size for part in rows)])
    flat = np.concatenate(rows) if rows else np.empty(0, dtype=np.int32)
    held = np.ones(flat.size, dtype=np.int32)
    return sparse.csr_matrix((held, flat, pointers), shape=(len(rows), len(scene)))


def _dealt(weeks: NDArray[np.int32] | None, total: int, rng: np.random.Generator) -> Ints:
    """A random order of the complaints that keeps each in its week."""
    if weeks is None:
        return rng.permutation(total)
    places, shuffled = np.argsort(weeks, kind="stable"), np.lexsort((rng.random(total), weeks))
    order = np.empty(total, dtype=np.int64)
    order[places] = shuffled
    return order


def family_wise_share(smallest: Floats, weighted_p: float) -> float:
    """Share of the tables, the real one among them, with evidence at least this strong.

    Examples
    --------
    >>> family_wise_share(np.array([0.01, 0.2, 0.03]), 0.02)
    0.5
    """
    return float((1 + (smallest <= weighted_p).sum()) / (1 + smallest.size))
