"""The complaints as the tests see them: who holds what, where, in which week, filed by whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mining.baskets import Baskets
from mining.complainants import first_filings
from mining.strata import Rows, Strata

Codes = NDArray[np.int32]

_MOSTLY_UNKNOWN = 0.5


@dataclass(frozen=True)
class Rule:
    """Attribute values, or one issue, on the left; one issue on the right (item columns)."""

    antecedent: tuple[int, ...]
    issue: int


@dataclass(frozen=True)
class Scene:
    """Everything that a test of a rule needs to know about the complaints.

    Attributes
    ----------
    baskets : Baskets
        n complaints, each complainant's first on a matter.
    values : dict of str to ndarray of int32, shape (n,)
        Value (item column) of every attribute, -1 where unknown.
    weeks : ndarray of int32, shape (n,), or None
        Week of each complaint from 0; None where no times are known.
    customers : ndarray of int64, shape (n,)
        Who complains.
    tied : set of frozenset of str
        Attributes of which one determines the other.
    """

    baskets: Baskets
    values: dict[str, Codes]
    weeks: Codes | None
    customers: NDArray[np.int64]
    tied: set[frozenset[str]]
    _rows: dict[tuple[int, ...], Rows] = field(default_factory=dict)
    _kept: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    _held: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    _strata: dict[tuple[int, str], Strata] = field(default_factory=dict)
    _memberships: dict[tuple[int, ...], Codes] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of complaints."""
        return len(self.baskets)

    def counts(self, rule: Rule) -> tuple[int, int, int, int]:
        """Both, antecedent, consequent and all, each complainant once with the issue."""
        kept, held = self.counted(rule.issue), self.held(rule.issue)
        rows = self.rows(rule.antecedent)
        rows = rows[kept[rows]]
        return int(held[rows].sum()), rows.size, int((held & kept).sum()), int(kept.sum())

    def sample(self, most: int) -> Scene:
        """At most so many of the complaints, evenly spread over the table's order."""
        step = -(-len(self) // most)
        if step <= 1:
            return self
        keep = np.zeros(len(self), dtype=np.bool_)
        keep[::step] = True
        return Scene(
            self.baskets.rows(keep),
            {name: codes[keep] for name, codes in self.values.items()},
            self.weeks[keep] if self.weeks is not None else None,
            self.customers[keep],
            self.tied,
        )

    def item_rows(self, item: int) -> Rows:
        """Complaints that hold one item, ascending."""
        return self.baskets.item_rows(item)

    def rows(self, items: tuple[int, ...]) -> Rows:
        """Complaints that hold all of these items, ascending."""
        if items not in self._rows:
            self._rows[items] = self.baskets.rows_of(items)
        return self._rows[items]

    def held(self, item: int) -> NDArray[np.bool_]:
        """Whether each complaint holds an item."""
        if item not in self._held:
            held = np.zeros(len(self), dtype=np.bool_)
            held[self.item_rows(item)] = True
            self._held[item] = held
        return self._held[item]

    def counted(self, issue: int) -> NDArray[np.bool_]:
        """Complaints that count for this issue: a complainant's first with it, or without it."""
        if issue not in self._kept:
            kept = np.ones(len(self), dtype=np.bool_)
            rows = self.item_rows(issue)
            if self._repeats:
                kept[rows] = first_filings(self.customers[rows])
            self._kept[issue] = kept
        return self._kept[issue]

    @cached_property
    def _repeats(self) -> bool:
        return bool(np.bincount(self.customers).max(initial=0) > 1)

    def base(self, issue: int) -> Codes:
        """Strata before anything is known: the weeks, without repeated filings on the issue."""
        weeks = self.weeks if self.weeks is not None else np.zeros(len(self), dtype=np.int32)
        return np.where(self.counted(issue), weeks, -1).astype(np.int32)

    def strata(self, issue: int, codes: Codes) -> Strata:
        """Count an issue in a division of the complaints."""
        return Strata.of(codes, self.held(issue))

    def might_confound(self, attribute: str, rule: Rule) -> bool:
        """Whether an attribute alone takes a tenth of the rule's ratio of confidences away.

        Cheap, because its strata are counted once for each issue; the real test comes after it.
        """
        rows = [self.rows(rule.antecedent)]
        crude = self._simple(rule.issue, "").compare(rows).risk_ratio[0]
        return not self._simple(rule.issue, attribute).compare(rows).risk_ratio[0] >= 0.9 * crude

    def _simple(self, issue: int, attribute: str) -> Strata:
        if (issue, attribute) not in self._strata:
            values = self.values[attribute] + 1 if attribute else np.int32(0)
            codes = np.where(self.counted(issue), values, -1).astype(np.int32)
            self._strata[issue, attribute] = self.strata(issue, codes)
        return self._strata[issue, attribute]

    def membership(self, items: tuple[int, ...]) -> Codes:
        """1 with these items, 0 without, -1 where an unknown value leaves it open.

        Where most complaints don't know, they form a stratum of their own (2) instead.
        """
        if items not in self._memberships:
            inside = np.ones(len(self), dtype=np.int32)
            for item in items:
                inside = np.minimum(inside, self._holds(item))
            open_ = inside == -1
            if open_.mean() > _MOSTLY_UNKNOWN:
                inside[open_] = 2
            self._memberships[items] = np.where(inside == -2, 0, inside).astype(np.int32)
        return self._memberships[items]

    def _holds(self, item: int) -> Codes:
        """1 with the item, -1 unknown, -2 surely without (so that the minimum decides)."""
        values = self.values.get(self.baskets.items[item].attribute)
        if values is None:
            return np.where(self.held(item), 1, -2).astype(np.int32)
        return np.where(values == item, 1, np.where(values < 0, -1, -2)).astype(np.int32)

    def attributes(self, items: tuple[int, ...]) -> set[str]:
        """Attributes that the items belong to."""
        return {self.baskets.items[item].attribute for item in items}

    def is_tied(self, attribute: str, items: tuple[int, ...]) -> bool:
        """Whether an attribute is one of the items' own, or determines or follows from one."""
        own = self.attributes(items)
        return attribute in own or any(frozenset((attribute, name)) in self.tied for name in own)
