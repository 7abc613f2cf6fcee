"""A complaint table, read for mining: who complains of what, when, and which rows count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import ColumnMissing
from mining.baskets import Baskets, baskets_from_table
from mining.candidates import Ints
from mining.complainants import (
    RepeatFiler,
    customer_codes,
    first_filings,
    issue_signatures,
    repeat_filers,
)
from mining.hierarchy import attribute_codes, tied_attributes
from mining.scene import Rule, Scene
from mining.spelling import Aliases
from mining.stability import Stability, Weeks, stability, weeks_of


@dataclass(frozen=True)
class Cases:
    """All complaints of a table, and the scene of those that count in tests.

    Attributes
    ----------
    table : pandas.DataFrame, n rows
        As given.
    baskets : Baskets
        Of all n complaints.
    issues : ndarray of int64
        Item columns of the issues.
    first : ndarray of bool, shape (n,)
        Which complaints are their complainant's first on a matter; the scene holds these.
    weeks : Weeks or None
        Of all n complaints.
    filers : list of RepeatFiler
        People who file far more often than others.
    scene : Scene
        What the tests see.
    """

    table: pd.DataFrame
    baskets: Baskets
    issues: Ints
    first: NDArray[np.bool_]
    weeks: Weeks | None
    filers: list[RepeatFiler]
    scene: Scene
    _holding: dict[int, Ints] = field(default_factory=dict)

    def complaints(self, rule: Rule) -> tuple[str, ...]:
        """Ids of all complaints behind a rule, repeated filings included."""
        rows = self.baskets.rows_of((*rule.antecedent, rule.issue))
        return tuple(map(str, self._names[rows].tolist()))

    def filed(self, rule: Rule) -> int:
        """How many complaints hold the rule's left side, repeated filings included."""
        return len(self.baskets.rows_of(rule.antecedent))

    @cached_property
    def _names(self) -> NDArray[np.object_]:
        if "id" not in self.table.columns:
            return np.arange(len(self.table)).astype(object)
        return self.table["id"].to_numpy(dtype=object)

    def stability(self, rule: Rule) -> Stability | None:
        """How a rule fared over the weeks; None where times are unknown."""
        if self._counted_weeks is None:
            return None
        weeks, issue = self._counted_weeks, rule.issue
        if issue not in self._holding:
            rows = self.scene.item_rows(issue)
            self._holding[issue] = np.bincount(weeks.codes[rows], minlength=weeks.sizes.size)
        held = self.scene.held(issue)
        return stability(weeks, self.scene.rows(rule.antecedent), held, self._holding[issue])

    @cached_property
    def _counted_weeks(self) -> Weeks | None:
        if self.weeks is None:
            return None
        return Weeks(self.weeks.codes[self.first], self.weeks.monday)


def read_cases(
    table: pd.DataFrame, attributes: Sequence[str], issues: str, aliases: Aliases | None = None
) -> Cases:
    """Read a complaint table.

    Parameters
    ----------
    table : pandas.DataFrame, n rows
        One complaint a row; ``id``, ``customer_id`` and ``received_at`` are used where there.
    attributes : sequence of str
        Attribute columns.
    issues : str
        Column of issue codes joined by ``|``.
    aliases : mapping of attribute to mapping of spelling to name, optional
        Spellings that can't be seen to be the same.

    Returns
    -------
    Cases

    Raises
    ------
    ColumnMissing
        The table lacks one of the columns.
    """
    if issues not in table.columns:
        there = ", ".join(map(str, table.columns))
        raise ColumnMissing(f"no column {issues!r} of issues in the table; it has {there}")
    baskets = baskets_from_table(table, [*attributes, issues], several=(issues,), aliases=aliases)
    columns = baskets.of({issues})
    names = table["customer_id"] if "customer_id" in table.columns else None
    customers = customer_codes(names, len(table))
    first = first_filings(customers, issue_signatures(baskets, columns))
    weeks = weeks_of(table["received_at"] if "received_at" in table.columns else None)
    counted = baskets if first.all() else baskets.rows(first)
    values = attribute_codes(counted, attributes)
    seen_weeks = weeks.codes[first] if weeks is not None else None
    scene = Scene(counted, values, seen_weeks, customers[first], tied_attributes(values))
    filers = repeat_filers(baskets, customers, names)
    return Cases(table, baskets, columns, first, weeks, filers, scene)
