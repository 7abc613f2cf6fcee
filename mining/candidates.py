"""Which antecedents go with which issues: counted by the itemset engine, tested here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mining.baskets import Baskets
from mining.catalogue import Catalogue, item_keys
from mining.itemsets import Itemsets, frequent_itemsets
from mining.significance import Floats, fisher_p_values

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Antecedents:
    """Sets of attribute values that are frequent enough to be tested.

    Attributes
    ----------
    flat : ndarray of int64, shape (total items,)
        Item columns, one set after the other.
    offsets : ndarray of int64, shape (k + 1,)
        Where each set begins in `flat`.
    counts : ndarray of int64, shape (k,)
        Complaints that hold the whole set.
    """

    flat: Ints
    offsets: Ints
    counts: Ints

    def __len__(self) -> int:
        """Number of sets."""
        return int(self.counts.size)

    def items(self, at: int) -> tuple[int, ...]:
        """Item columns of one set."""
        return tuple(self.flat[self.offsets[at] : self.offsets[at + 1]].tolist())

    @property
    def lengths(self) -> Ints:
        """Items in each set."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Candidates:
    """Every pair of antecedent and issue that occurs often enough together.

    Attributes
    ----------
    antecedents : Antecedents
        All that are frequent, whether or not they occur in a pair.
    antecedent, issue : ndarray of int64, shape (k,)
        Number of the antecedent, and item column of the issue.
    both, consequent, total : ndarray of int64, shape (k,)
        Complaints with both, with the issue, and all.
    p_values : ndarray of float64, shape (k,)
        One-sided Fisher tests.
    gain_p : ndarray of float64, shape (k,)
        The same test of the last doubt: inside each simpler antecedent, does the item left out
        add anything? The largest of these p-values; 0 for antecedents of one item.
    improvement : ndarray of float64, shape (k,)
        Confidence less that of the best simpler rule (of one item: less the issue's share).
    tests : ndarray of int64, shape (longest antecedent,)
        Pairs that these margins allowed to be tested, found together or not, by length of the
        antecedent (from 1).
    """

    antecedents: Antecedents
    antecedent: Ints
    issue: Ints
    both: Ints
    consequent: Ints
    total: Ints
    p_values: Floats
    gain_p: Floats
    improvement: Floats
    tests: Ints

    def __len__(self) -> int:
        """Number of pairs."""
        return int(self.both.size)

    @property
    def antecedent_count(self) -> Ints:
        """Complaints with the antecedent of each pair."""
        return self.antecedents.counts[self.antecedent]

    def take(self, keep: NDArray[np.bool_] | Ints) -> Candidates:
        """Some of the pairs; the number of tests stays."""
        counts = ("antecedent", "issue", "both", "consequent", "total")
        names = (*counts, "p_values", "gain_p", "improvement")
        return replace(self, **{name: getattr(self, name)[keep] for name in names})


def mine_candidates(
    baskets: Baskets,
    issues: Ints,
    min_count: int,
    max_antecedents: int,
    tied: Collection[frozenset[str]] = (),
) -> Candidates:
    """Count attribute sets together with each issue, and test every pair.

    Parameters
    ----------
    baskets : Baskets
        n complaints.
    issues : ndarray of int64
        Item columns of the issues; all others are attributes.
    min_count : int
        Fewest complaints for an antecedent, an issue and the two together.
    max_antecedents : int
        Most attribute values in an antecedent.
    tied : collection of frozenset of str
        Pairs of attributes that never stand together in an antecedent.

    Returns
    -------
    Candidates
    """
    groups = _groups([item.attribute for item in baskets.items], issues, tied)
    sides = frequent_itemsets(
        baskets.matrix, min_count, max_antecedents, excluded=issues.tolist(), groups=groups[1:]
    )
    wholes = frequent_itemsets(
        baskets.matrix, min_count, max_antecedents + 1, consequents=issues.tolist(), groups=groups
    )
    testable = int((baskets.counts[issues] >= min_count).sum())
    return _tested(_Mined.of(sides, wholes, issues), baskets, testable)


def _groups(
    attributes: list[str], issues: Ints, tied: Collection[frozenset[str]]
) -> list[list[int]]:
    """Items of which at most one may appear: the issues, and each pair of tied attributes."""
    groups = [issues.tolist()]
    groups += [[at for at, name in enumerate(attributes) if name in pair] for pair in tied]
    return groups


@dataclass(frozen=True)
class _Mined:
    """Frequent itemsets with at most one issue each (-1 where there is none)."""

    flat: Ints
    offsets: Ints
    counts: Ints
    issue: Ints
    catalogue: Catalogue

    @classmethod
    def of(cls, sides: Itemsets, wholes: Itemsets, issues: Ints) -> _Mined:
        """Put the sets without an issue before those with one."""
        owner = np.repeat(np.arange(len(wholes)), np.diff(wholes.offsets))
        marked = np.isin(wholes.items, issues)
        issue = np.full(len(wholes), -1, dtype=np.int64)
        issue[owner[marked]] = wholes.items[marked]
        chosen = np.flatnonzero(issue >= 0)
        flat, offsets = _runs(wholes.items, wholes.offsets, chosen)
        flat = np.concatenate([sides.items.astype(np.int64), flat])
        offsets = np.concatenate([sides.offsets, offsets[1:] + sides.items.size])
        counts = np.concatenate([sides.counts, wholes.counts[chosen]])
        issue = np.concatenate([np.full(len(sides), -1, dtype=np.int64), issue[chosen]])
        return cls(flat, offsets, counts, issue, Catalogue(flat, offsets))

    def without(self, sets: Ints, items: Ints) -> Ints:
        """Number of each set less one of its items; -1 where the rest is empty."""
        key, check = item_keys(items)
        return self.catalogue.find(
            self.catalogue.keys[sets] - key, self.catalogue.checks[sets] - check
        )


def _tested(mined: _Mined, baskets: Baskets, issues: int) -> Candidates:
    lengths = np.diff(mined.offsets)
    sides = int((mined.issue < 0).sum())
    pairs = np.flatnonzero((mined.issue >= 0) & (lengths > 1))
    antecedents = Antecedents(
        mined.flat[: mined.offsets[sides]], mined.offsets[: sides + 1], mined.counts[:sides]
    )
    issue = mined.issue[pairs]
    whole = mined.without(pairs, issue)
    both, consequent = mined.counts[pairs], baskets.counts[issue]
    total = np.full(pairs.size, len(baskets), dtype=np.int64)
    gain_p, simpler = _gains(mined, pairs, whole)
    confidence = both / mined.counts[whole]
    return Candidates(
        antecedents,
        whole,
        issue,
        both,
        consequent,
        total,
        fisher_p_values(both, mined.counts[whole], consequent, total),
        gain_p,
        confidence - np.maximum(simpler, consequent / total),
        np.bincount(antecedents.lengths, minlength=2)[1:].astype(np.int64) * issues,
    )


def _gains(mined: _Mined, pairs: Ints, whole: Ints) -> tuple[Floats, Floats]:
    """Worst p-value of what an item adds to the rest, and the best confidence of a rest."""
    lengths = np.diff(mined.offsets)[whole]
    worst, best = np.zeros(pairs.size), np.zeros(pairs.size)
    for place in range(int(lengths.max(initial=0))):
        at = np.flatnonzero((lengths > place) & (lengths > 1))
        item = mined.flat[mined.offsets[whole[at]] + place]
        rest, rest_pair = mined.without(whole[at], item), mined.without(pairs[at], item)
        drawn, marked = mined.counts[whole[at]], mined.counts[rest_pair]
        p = fisher_p_values(mined.counts[pairs[at]], drawn, marked, mined.counts[rest])
        worst[at] = np.maximum(worst[at], p)
        best[at] = np.maximum(best[at], marked / mined.counts[rest])
    return worst, best


def _runs(flat: NDArray[np.integer], offsets: Ints, chosen: Ints) -> tuple[Ints, Ints]:
    """Some of the runs of a flat array, as a flat array of their own."""
    lengths = np.diff(offsets)[chosen]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    first = np.repeat(offsets[chosen] - starts[:-1], lengths)
    return flat[np.arange(starts[-1]) + first].astype(np.int64), starts
