"""Association rules: mlxtend's function, and the vectorised rules beneath it.

Every rule joins three itemsets of the table: its two sides and the whole. All rules of all
itemsets of one length are made at once, by a fixed list of splits; the sides are looked up by
sums of item keys (`mining.catalogue`). The frozensets of the frame are made once for each
itemset and shared by all rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property
from itertools import chain, combinations
from typing import Any

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import fpcommon
from numpy.typing import NDArray

from domain.errors import LimitExceeded
from mining.catalogue import Catalogue, Keys, item_keys
from mining.significance import Floats, Ints

METRICS = [
    "antecedent support",
    "consequent support",
    "support",
    "confidence",
    "lift",
    "representativity",
    "leverage",
    "conviction",
    "zhangs_metric",
    "jaccard",
    "certainty",
    "kulczynski",
]
_AT_ONCE = 1 << 20
_MOST_RULES = 1 << 28
_INCOMPLETE = (
    "You are likely getting this error because the DataFrame is missing  antecedent and/or "
    "consequent  information. You can try using the  `support_only=True` option"
)


@dataclass(frozen=True)
class Rules:
    """Rules as numbers of itemsets.

    Attributes
    ----------
    whole, antecedent, consequent : ndarray of int64, shape (r,)
        Number of the itemset; -1 for a side that is not in the table.
    split : ndarray of int64, shape (r,)
        Which of the itemset's items, by position, form the antecedent (a bit each).
    """

    whole: Ints
    antecedent: Ints
    consequent: Ints
    split: Ints

    def __len__(self) -> int:
        """Number of rules."""
        return int(self.whole.size)


@cache
def _splits(length: int) -> Ints:
    """Antecedents of an itemset as bits by position: the long ones first, then in order."""
    return np.array(
        [
            sum(1 << place for place in chosen)
            for size in range(length - 1, 0, -1)
            for chosen in combinations(range(length), size)
        ],
        dtype=np.int64,
    )


def all_rules(flat: NDArray[np.integer], offsets: Ints) -> Rules:
    """Every rule of every itemset, in mlxtend's order.

    Parameters
    ----------
    flat : ndarray of int, shape (total items,)
        Items of all itemsets, one itemset after the other.
    offsets : ndarray of int64, shape (k + 1,)
        Where each itemset begins in `flat`.

    Returns
    -------
    Rules
        Itemset by itemset; in each the longest antecedents first.

    Raises
    ------
    LimitExceeded
        There would be more than 268 million rules.

    Examples
    --------
    >>> rules = all_rules(np.array([4, 7, 4, 7]), np.array([0, 1, 2, 4]))
    >>> rules.antecedent, rules.consequent
    (array([0, 1]), array([1, 0]))
    """
    lengths = np.diff(offsets)
    made = np.where(lengths > 1, (1 << np.minimum(lengths, 62)) - 2, 0)
    starts = np.concatenate([[0], np.cumsum(made)])
    if made.astype(np.float64).sum() > _MOST_RULES:
        raise LimitExceeded(
            f"itemsets of up to {int(lengths.max())} items make {made.astype(float).sum():.3g} "
            f"rules; at most {_MOST_RULES:,} are made: raise the support or limit the length"
        )
    columns = [np.empty(int(starts[-1]), dtype=np.int64) for _ in range(4)]
    catalogue, pair = Catalogue(flat, offsets), item_keys(flat)
    for length in np.unique(lengths[lengths > 1]).tolist():
        splits = _splits(length)
        sets = np.flatnonzero(lengths == length)
        for part in np.array_split(sets, 1 + sets.size * splits.size // _AT_ONCE):
            at = (starts[part][:, None] + np.arange(splits.size)).ravel()
            places = offsets[part][:, None] + np.arange(length)
            columns[0][at] = np.repeat(part, splits.size)
            sides = _antecedents(catalogue, pair, places, splits)
            columns[1][at] = sides.ravel()
            columns[2][at] = sides[:, _opposites(splits)].ravel()
            columns[3][at] = np.tile(splits, part.size)
    return Rules(*columns)


def _antecedents(catalogue: Catalogue, pair: tuple[Keys, Keys], places: Ints, splits: Ints) -> Ints:
    """Numbers of the antecedents of all splits (columns) of itemsets of one length (rows)."""
    chosen = ((splits[:, None] >> np.arange(places.shape[1])) & 1).astype(np.uint64)
    key, check = (_summed(keys[places], chosen) for keys in pair)
    return catalogue.find(key, check).reshape(key.shape)


def _opposites(splits: Ints) -> Ints:
    """Where the split stands whose antecedent is this split's consequent."""
    place = np.zeros(splits.max() + 2, dtype=np.int64)
    place[splits] = np.arange(splits.size)
    everything = (1 << int(splits.max()).bit_length()) - 1
    return place[everything - splits]


def _summed(keys: Keys, chosen: Keys) -> Keys:
    """Sum of the chosen items' keys for every itemset and split."""
    total = np.zeros((keys.shape[0], chosen.shape[0]), dtype=np.uint64)
    for place in range(keys.shape[1]):
        total += keys[:, place, None] * chosen[None, :, place]
    return total


def association_rules(
    df: pd.DataFrame,
    num_itemsets: int | None = 1,
    df_orig: pd.DataFrame | None = None,
    null_values: bool = False,
    metric: str = "confidence",
    min_threshold: float = 0.8,
    support_only: bool = False,
    return_metrics: list[str] = METRICS,
) -> pd.DataFrame:
    """Generate association rules, as ``mlxtend.frequent_patterns.association_rules`` (0.25) does.

    Parameters
    ----------
    df : pandas.DataFrame
        Columns ``support`` and ``itemsets``, as `mining.apriori.apriori` gives.
    num_itemsets : int, default 1
        Transactions in the original data; needed with `null_values` only.
    df_orig : pandas.DataFrame, optional
        The original one-hot data; needed with `null_values` only.
    null_values : bool, default False
        Whether the original data has missing cells, which then count neither for nor against.
    metric : str, default "confidence"
        One of `METRICS`: what has to reach the threshold.
    min_threshold : float, default 0.8
        The least value of the metric.
    support_only : bool, default False
        Compute the support alone, where the frame lacks the supports of some sides.
    return_metrics : list of str, default all of `METRICS`
        Columns wanted.

    Returns
    -------
    pandas.DataFrame
        Columns ``antecedents`` and ``consequents`` (frozensets), then the metrics.

    Raises
    ------
    TypeError
        With `null_values`, if `df_orig` or `num_itemsets` is missing.
    ValueError
        If the frame is empty or lacks a column, or the metric is unknown.
    KeyError
        If the frame lacks the support of a side of a rule.

    Examples
    --------
    >>> itemsets = [frozenset("a"), frozenset("b"), frozenset("ab")]
    >>> frame = pd.DataFrame({"support": [0.5, 0.6, 0.4], "itemsets": itemsets})
    >>> association_rules(frame)[["antecedents", "consequents", "confidence"]]
          antecedents     consequents  confidence
    0  frozenset({a})  frozenset({b})         0.8
    """
    _check(df, num_itemsets, df_orig, null_values)
    metric = "support" if support_only else metric
    if metric not in _FORMULAS:
        raise ValueError(f"Metric must be 'confidence' or 'lift', got '{metric}'")
    table = _Table.of(df)
    rules = all_rules(table.flat, table.offsets)
    if support_only:
        sides = _Sides.of_support(table, rules)
    else:
        table.demand(rules)
        nulls = _Nulls.of(df_orig, table) if null_values and df_orig is not None else None
        sides = _Sides.of(table, rules, nulls, float(num_itemsets or 0))
    kept = np.flatnonzero(_FORMULAS[metric](sides) >= min_threshold)
    if kept.size == 0:
        return pd.DataFrame(columns=["antecedents", "consequents", *return_metrics])
    return _frame(table, rules, kept, sides.take(kept), return_metrics, support_only)


def _check(
    df: pd.DataFrame, num_itemsets: int | None, df_orig: pd.DataFrame | None, null_values: bool
) -> None:
    if null_values and df_orig is None:
        raise TypeError("If null values exist, df_orig must be provided.")
    if null_values and num_itemsets == 1:
        raise TypeError("If null values exist, num_itemsets must be provided.")
    fpcommon.valid_input_check(df_orig, null_values)
    if not df.shape[0]:
        raise ValueError("The input DataFrame `df` containing the frequent itemsets is empty.")
    if not all(column in df.columns for column in ["support", "itemsets"]):
        raise ValueError("Dataframe needs to contain the columns 'support' and 'itemsets'")


@dataclass(frozen=True)
class _Table:
    """The frame of itemsets: as frozensets, and as numbers of items in the frozensets' order."""

    sets: list[frozenset[Any]]
    items: list[Any]
    flat: Ints
    offsets: Ints
    supports: Floats

    @classmethod
    def of(cls, df: pd.DataFrame) -> _Table:
        known = dict(zip(_frozen(df["itemsets"].tolist()), df["support"].tolist(), strict=True))
        sets = list(known)
        held = list(chain.from_iterable(sets))
        numbers = {item: number for number, item in enumerate(dict.fromkeys(held))}
        flat = np.fromiter(map(numbers.__getitem__, held), np.int64, len(held))
        lengths = np.fromiter(map(len, sets), np.int64, len(sets))
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        supports = np.array(list(known.values()), dtype=np.float64)
        return cls(sets, list(numbers), flat, offsets, supports)

    def side(self, rules: Rules, at: int, antecedent: bool) -> frozenset[Any]:
        """One side of a rule, built from its items."""
        whole = int(rules.whole[at])
        split = int(rules.split[at])
        places = range(int(self.offsets[whole + 1] - self.offsets[whole]))
        first = int(self.offsets[whole])
        return frozenset(
            self.items[self.flat[first + place]]
            for place in places
            if bool(split >> place & 1) == antecedent
        )

    def demand(self, rules: Rules) -> None:
        """Refuse where the support of a side is missing, naming the first as mlxtend does."""
        missing = np.flatnonzero((rules.antecedent < 0) | (rules.consequent < 0))
        if missing.size:
            at = int(missing[0])
            side = self.side(rules, at, antecedent=bool(rules.antecedent[at] < 0))
            raise KeyError(f"{KeyError(side)}{_INCOMPLETE}")

    def sides(self, rules: Rules, kept: Ints, antecedent: bool) -> NDArray[np.object_]:
        """One side of the rules kept, as frozensets that rules share."""
        pool = np.empty(len(self.sets), dtype=object)
        pool[:] = self.sets
        numbers = (rules.antecedent if antecedent else rules.consequent)[kept]
        chosen = pool[numbers]
        for at in np.flatnonzero(numbers < 0):
            chosen[at] = self.side(rules, int(kept[at]), antecedent)
        return chosen


def _frozen(itemsets: list[Iterable[Any]]) -> list[frozenset[Any]]:
    """Freeze every itemset anew; NumPy's numbers become Python's.

    The order in which a frozenset gives its items depends on how it was filled; mlxtend fills a
    new one, and the order of its rules follows from that.
    """
    kinds = set(map(type, chain.from_iterable(itemsets)))
    if any(issubclass(kind, np.generic) for kind in kinds):
        return [
            frozenset(int(item) if isinstance(item, np.generic) else item for item in itemset)
            for itemset in itemsets
        ]
    return [frozenset(list(itemset)) for itemset in itemsets]


@dataclass(frozen=True)
class _Nulls:
    """Which transactions have a missing cell in an itemset, and which hold all of it, as bits."""

    missing: NDArray[np.uint8]
    holding: NDArray[np.uint8]

    @classmethod
    def of(cls, df_orig: pd.DataFrame, table: _Table) -> _Nulls:
        by_name = all(isinstance(item, str) for item in table.sets[0])
        names = df_orig.columns if by_name else range(df_orig.shape[1])
        place = {name: at for at, name in enumerate(names)}
        try:
            columns = np.array([place[item] for item in table.items])
        except KeyError as error:
            raise KeyError(f"{error}{_INCOMPLETE}") from None
        null = df_orig.isna().to_numpy()[:, columns]
        one = (df_orig == 1).to_numpy(dtype=bool, na_value=False)[:, columns]
        runs = [
            table.flat[start:end]
            for start, end in zip(table.offsets[:-1], table.offsets[1:], strict=True)
        ]
        missing = np.packbits([null[:, run].any(axis=1) for run in runs], axis=1)
        holding = np.packbits([one[:, run].all(axis=1) for run in runs], axis=1)
        return cls(missing, holding)

    def both(self, missing: Ints, holding: Ints) -> Floats:
        """Transactions with a cell missing in one itemset and all of another one held."""
        return _popcounts(missing, holding, self.missing, self.holding)

    def alone(self, sets: Ints) -> Floats:
        """Transactions with a cell missing in an itemset."""
        counts: Floats = np.bitwise_count(self.missing).sum(axis=1).astype(np.float64)
        return counts[sets]


def _popcounts(
    one: Ints, other: Ints, first: NDArray[np.uint8], second: NDArray[np.uint8]
) -> Floats:
    out = np.empty(one.size)
    step = max(1, _AT_ONCE * 16 // max(first.shape[1], 1))
    for start in range(0, one.size, step):
        part = slice(start, start + step)
        joint = first[one[part]] & second[other[part]]
        out[part] = np.bitwise_count(joint).sum(axis=1)
    return out


@dataclass(frozen=True)
class _Sides:
    """Supports of whole, antecedent and consequent; what the missing cells disable; all."""

    whole: Floats
    antecedent: Floats
    consequent: Floats
    off_whole: Floats | float = 0.0
    off_antecedent: Floats | float = 0.0
    off_consequent: Floats | float = 0.0
    off_given: Floats | float = 0.0
    off_given_back: Floats | float = 0.0
    total: float = 1.0

    @classmethod
    def of(cls, table: _Table, rules: Rules, nulls: _Nulls | None, total: float) -> _Sides:
        whole = table.supports[rules.whole]
        antecedent, consequent = table.supports[rules.antecedent], table.supports[rules.consequent]
        if nulls is None:
            return cls(whole, antecedent, consequent, total=total)
        return cls(
            whole,
            antecedent,
            consequent,
            nulls.alone(rules.whole),
            nulls.alone(rules.antecedent),
            nulls.alone(rules.consequent),
            nulls.both(rules.consequent, rules.antecedent),
            nulls.both(rules.antecedent, rules.consequent),
            total,
        )

    @classmethod
    def of_support(cls, table: _Table, rules: Rules) -> _Sides:
        unknown = np.full(len(rules), np.nan)
        return cls(table.supports[rules.whole], unknown, unknown)

    @cached_property
    def confidence(self) -> Floats:
        """Of the consequent, given the antecedent."""
        given = _times(self.antecedent, self.total - self.off_antecedent) - self.off_given
        return _times(self.whole, self.total - self.off_whole) / given

    @property
    def confidence_back(self) -> Floats:
        """Of the antecedent, given the consequent."""
        given = _times(self.consequent, self.total - self.off_consequent) - self.off_given_back
        return _times(self.whole, self.total - self.off_whole) / given

    def take(self, kept: Ints) -> _Sides:
        """The same for some of the rules."""

        def part(whole: Any) -> Any:
            return whole[kept] if isinstance(whole, np.ndarray) else whole

        return _Sides(*(part(getattr(self, field.name)) for field in fields(self)))


def _times(supports: Floats, counted: Floats | float) -> Floats:
    """The product; a factor of exactly 1 costs nothing."""
    if isinstance(counted, float) and counted == 1.0:
        return supports
    return supports * counted


def _leverage(s: _Sides) -> Floats:
    return s.whole - s.antecedent * s.consequent


def _conviction(s: _Sides) -> Floats:
    confidence = s.confidence
    endless = np.full_like(confidence, np.inf)
    return np.divide(1.0 - s.consequent, 1.0 - confidence, out=endless, where=confidence < 1.0)


def _zhang(s: _Sides) -> Floats:
    scale = np.maximum(s.whole * (1 - s.antecedent), s.antecedent * (s.consequent - s.whole))
    return np.divide(_leverage(s), scale, out=np.zeros_like(scale), where=scale != 0)


def _certainty(s: _Sides) -> Floats:
    scale = 1 - s.consequent
    gain = s.confidence - s.consequent
    return np.divide(gain, scale, out=np.zeros_like(scale), where=scale != 0)


_FORMULAS: dict[str, Callable[[_Sides], Floats]] = {
    "antecedent support": lambda s: s.antecedent,
    "consequent support": lambda s: s.consequent,
    "support": lambda s: s.whole,
    "confidence": lambda s: s.confidence,
    "lift": lambda s: s.confidence / s.consequent,
    "representativity": lambda s: (s.total - s.off_whole + np.zeros_like(s.whole)) / s.total,
    "leverage": _leverage,
    "conviction": _conviction,
    "zhangs_metric": _zhang,
    "jaccard": lambda s: s.whole / (s.antecedent + s.consequent - s.whole),
    "certainty": _certainty,
    "kulczynski": lambda s: (s.confidence + s.confidence_back) / 2,
}


def _frame(
    table: _Table,
    rules: Rules,
    kept: Ints,
    sides: _Sides,
    metrics: Sequence[str],
    support_only: bool,
) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "antecedents": pd.Series(table.sides(rules, kept, antecedent=True), dtype=object),
        "consequents": pd.Series(table.sides(rules, kept, antecedent=False), dtype=object),
    }
    for name in metrics:
        columns[name] = np.full(kept.size, np.nan) if support_only else _FORMULAS[name](sides)
    if support_only:
        columns["support"] = sides.whole
    return pd.DataFrame(columns)
