"""What clauses are taught by: the passages that raise a text to its tier.

Of a long complaint one sentence decides whether it is urgent. Taught by labels of whole texts, a
score must find out by itself which one; a reader can point at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from domain.errors import InputError
from triage.alphabet import alphabet, breaks, joined, parted
from triage.clauses import cut_clauses
from triage.lesson import Ground, Recipe, Table
from triage.tier import ORDER

RAISED = ORDER[1:]
"""The tiers that something must state."""
_LEAST_SHARED, _LEAST_SHARE = 4, 0.4


@dataclass(frozen=True)
class Clauses:
    """The clauses of a table's texts, then those of more texts.

    Attributes
    ----------
    texts : sequence of str
    owner : ndarray of int64, shape (n_clauses,)
        Which text each is of.
    shown : ndarray of bool, shape (n_clauses, len(RAISED))
        Whether the clause by itself shows the tier.
    costs : ndarray of float32, shape (n_clauses, len(RAISED))
        What it costs the first stage; 0 where nobody can tell.
    of_texts : ndarray of bool, shape (n_texts, len(RAISED))
        Whether anything in the text shows the tier.
    """

    texts: Sequence[str]
    owner: NDArray[np.int64]
    shown: NDArray[np.bool_]
    costs: NDArray[np.float32]
    of_texts: NDArray[np.bool_]

    @classmethod
    def of(cls, table: Table, more: Table | None, recipe: Recipe) -> Self | None:
        """Clauses of texts with grounds; None where there are no grounds or no tiers.

        Raises
        ------
        InputError
            Grounds are not as many as texts, lie outside their text, or name no raised tier.
        """
        tables = [table] if more is None else [table, more]
        if "tier" not in table.labels or all(given.grounds is None for given in tables):
            return None
        texts = [text for given in tables for text in given.texts]
        grounds = [ground for given in tables for ground in _grounds(given)]
        letters, bounds, owner, spans = cut_clauses(*joined(texts), alphabet(), breaks())
        of_texts = _of_texts(grounds, [tier for given in tables for tier in given.labels["tier"]])
        shown = _shown(grounds, owner, spans)
        costs = np.full(shown.shape, recipe.ground_cost, np.float32)
        costs[owner >= len(table.texts)] *= np.float32(recipe.more_weight)
        # Another clause may show as much as the passage that was pointed at.
        costs[of_texts[owner] & ~shown] = 0
        return cls(parted(letters, bounds), owner, shown, costs, of_texts)


def _grounds(table: Table) -> Iterable[Sequence[Ground] | None]:
    if table.grounds is None:
        return [None] * len(table.texts)
    if len(table.grounds) != len(table.texts):
        raise InputError(f"{len(table.grounds)} grounds for {len(table.texts)} texts")
    for text, grounds in zip(table.texts, table.grounds, strict=True):
        for ground in grounds or ():
            _refuse_stray(ground, len(text))
    return table.grounds


def _refuse_stray(ground: Ground, length: int) -> None:
    if ground.tier not in RAISED:
        raise InputError(f"a ground for {ground.tier!r}; grounds are for {', '.join(RAISED)}")
    if not 0 <= ground.start < ground.end <= length:
        raise InputError(
            f"a ground from {ground.start} to {ground.end} in a text of {length} characters"
        )


def _of_texts(
    grounds: Sequence[Sequence[Ground] | None], tiers: Sequence[str]
) -> NDArray[np.bool_]:
    """Where nobody looked, the label of the text says that there is something."""
    found = np.zeros((len(grounds), len(RAISED)), np.bool_)
    for text, (said, tier) in enumerate(zip(grounds, tiers, strict=True)):
        for raised in [tier] if said is None else [ground.tier for ground in said]:
            if raised in RAISED:
                found[text, RAISED.index(raised)] = True
    return found


def _shown(
    grounds: Sequence[Sequence[Ground] | None],
    owner: NDArray[np.int64],
    spans: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Clauses that hold most of a passage, or as much of it as makes sense by itself."""
    shown = np.zeros((len(owner), len(RAISED)), np.bool_)
    first = np.searchsorted(owner, np.arange(len(grounds) + 1))
    for text, said in enumerate(grounds):
        clauses = slice(first[text], first[text + 1])
        for ground in said or ():
            begin = np.maximum(spans[clauses, 0], ground.start)
            shared = np.minimum(spans[clauses, 1], ground.end) - begin
            enough = max(_LEAST_SHARED, _LEAST_SHARE * shared.max(initial=0))
            shown[clauses, RAISED.index(ground.tier)] |= shared >= enough
    return shown
