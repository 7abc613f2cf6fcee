"""What is taught: labelled tables, the targets that they have labels for, and how to train."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.errors import InputError, SettingRefused
from domain.taxonomy import NO_COMPLAINT, Taxonomy
from triage.heads import TARGETS
from triage.solver import balanced_costs
from triage.tier import ORDER


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    size, bits, features : int
        As `triage.features.HashedNgrams` has them.
    opening, opening_features : int
        First letters that are weighed once more by themselves, and by how many features; 0 for
        none. Pays where texts begin with a title.
    opening_weight : float
        Length of the opening's row of features beside that of the text.
    cost, balance : float
        Inverse of the penalty of the margins, and how far rare labels are weighed up.
    tilt : bool
        Whether the margins start from naive Bayes log ratios.
    helper_cost : float
        Inverse of the penalty of what helpers teach.
    code_cost, code_balance : float
        The same for issue codes.
    blend_cost, code_blend_cost : float
        Inverse of the penalty of the second stage.
    hidden : int
        Units of a network in the second stage; 0 for none. It is learned from the table and
        more texts alike, and pays with tens of thousands of rows.
    ground_cost : float
        Inverse of the penalty of what clauses show, where a table has grounds.
    more_weight : float
        What a row of more texts weighs in the first stage and in the network.
    chosen_weight : float
        What a row that was not drawn at random weighs in the second stage and the leans, but
        for codes and in the network, where it is one half.
    folds : int
        Parts of the cross-validation that calibrates and measures.
    seed : int
    min_examples : int
        Fewest rows of a label; fewer are refused.
    lean : tuple of str
        Targets whose best label is tilted for the largest macro-F1.
    accuracy_asked, most_doubted : float
        Abstention: the accuracy asked of the answers, and the largest share of ordinary
        traffic that may go to a person for it.
    """

    size: int = 3
    bits: int = 20
    features: int = 65_000
    opening: int = 0
    opening_features: int = 15_000
    opening_weight: float = 0.6
    cost: float = 0.3
    balance: float = 1.0
    tilt: bool = False
    helper_cost: float = 0.1
    code_cost: float = 1.0
    code_balance: float = 0.5
    blend_cost: float = 0.03
    code_blend_cost: float = 0.001
    hidden: int = 0
    ground_cost: float = 0.3
    more_weight: float = 0.5
    chosen_weight: float = 0.25
    folds: int = 5
    seed: int = 7
    min_examples: int = 8
    lean: tuple[str, ...] = ("category", "tier", "sentiment")
    accuracy_asked: float = 0.96
    most_doubted: float = 0.13

    def __post_init__(self) -> None:
        if not 2 <= self.folds <= 20:
            raise SettingRefused(f"folds is {self.folds}; it must lie from 2 to 20")
        if self.min_examples < self.folds:
            raise SettingRefused(
                f"min_examples is {self.min_examples}; with {self.folds} folds it must be as many"
            )
        if min(self.opening, self.hidden) < 0:
            raise SettingRefused("opening and hidden must not be negative")
        if not 0 < self.most_doubted <= 0.15:
            raise SettingRefused(f"most_doubted is {self.most_doubted}; at most 0.15 may be")


class Ground(NamedTuple):
    """A passage that states what raises a text to a tier.

    Attributes
    ----------
    tier : str
        One above the lowest.
    start, end : int
        Where it lies in the text, in characters.
    """

    tier: str
    start: int
    end: int


@dataclass(frozen=True)
class Table:
    """Labelled texts.

    Attributes
    ----------
    texts : sequence of str
        Cleaned.
    labels : mapping of target to sequence
        A label for each text; for ``issues`` a sequence of codes, main one first. What is no
        target of a model (``intent``, stars, emotions) helps the others to be told apart.
    drawn : ndarray of bool, shape (n_texts,), optional
        Rows drawn at random, which show the true shares of the labels; by default all.
    source : str
        Name of the table, for the card.
    grounds : sequence, optional
        For each text the passages that raise its tier, none where a reader found none, or None
        where nobody looked.
    """

    texts: Sequence[str]
    labels: Mapping[str, Sequence[Any]]
    drawn: NDArray[np.bool_] | None = None
    source: str = "unnamed table"
    grounds: Sequence[Sequence[Ground] | None] | None = None

    @property
    def looked_at(self) -> int:
        """In how many texts somebody looked for grounds."""
        return sum(grounds is not None for grounds in self.grounds or ())

    @property
    def checksum(self) -> str:
        """SHA-256 of texts, labels and grounds, in hexadecimal digits."""
        digest = hashlib.sha256()
        for i, text in enumerate(self.texts):
            digest.update(repr((text, [self.labels[t][i] for t in sorted(self.labels)])).encode())
        for grounds in self.grounds or ():
            digest.update(repr(grounds and [tuple(ground) for ground in grounds]).encode())
        return digest.hexdigest()


@dataclass
class Target:
    """One target while it is trained.

    Attributes
    ----------
    name : str
    labels : tuple of str
    indicators : ndarray of bool, shape (n_rows, n_labels)
        Who has which label in the table itself.
    more : ndarray of bool, shape (n_more_rows, n_labels)
        The same in more texts.
    first : int
        Column of the first label among all outputs.
    """

    name: str
    labels: tuple[str, ...]
    indicators: NDArray[np.bool_]
    more: NDArray[np.bool_]
    first: int = 0

    @property
    def several(self) -> bool:
        """Whether any number of the labels may hold at once."""
        return self.name == "issues"

    @property
    def columns(self) -> slice:
        """Of its labels among all outputs."""
        return slice(self.first, self.first + len(self.labels))

    @property
    def truth(self) -> NDArray[np.int64]:
        """Place of each row's label, shape (n_rows,)."""
        return np.asarray(self.indicators.argmax(axis=1), np.int64)

    def taught(self, rows: NDArray[np.bool_], more_rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Who has which label: some rows of the table, then some of more texts."""
        return np.vstack([self.indicators[rows], self.more[more_rows]])

    def costs(
        self, rows: NDArray[np.bool_], more_rows: NDArray[np.bool_], recipe: Recipe
    ) -> NDArray[np.float32]:
        """What each of these rows costs the first stage."""
        cost, balance = recipe.cost, recipe.balance
        if self.several:
            cost, balance = recipe.code_cost, recipe.code_balance
        costs = balanced_costs(self.taught(rows, more_rows), cost, balance)
        costs[rows.sum() :] *= np.float32(recipe.more_weight)
        return costs


def targets_of(
    table: Table, more: Table | None, taxonomy: Taxonomy, recipe: Recipe
) -> list[Target]:
    """The targets that a table has labels for; `InputError` when none can be taught."""
    if not table.texts:
        raise InputError("the table has no row; give labelled texts")
    targets: list[Target] = []
    for name in TARGETS:
        if name in table.labels:
            targets.append(_target(name, table, more, taxonomy, recipe.min_examples))
            targets[-1].first = sum(len(target.labels) for target in targets[:-1])
    if not targets:
        raise InputError(f"the table has no labels; give at least one of {', '.join(TARGETS)}")
    return targets


def _target(name: str, table: Table, more: Table | None, taxonomy: Taxonomy, fewest: int) -> Target:
    rows, more_rows = _rows(name, table), _rows(name, more)
    counted = Counter(label for row in rows for label in row)
    labels = _known_labels(name, counted, taxonomy)
    _refuse_rare(name, counted, fewest)
    return Target(name, labels, _indicators(rows, labels), _indicators(more_rows, labels))


def _rows(name: str, table: Table | None) -> list[tuple[str, ...]]:
    """Labels of each text; of no table, none."""
    if table is None:
        return []
    given = table.labels.get(name, ())
    if len(given) != len(table.texts):
        raise InputError(f"{len(given)} labels of {name} for {len(table.texts)} texts")
    return [tuple(row) if name == "issues" else (str(row),) for row in given]


def _indicators(rows: Sequence[tuple[str, ...]], labels: tuple[str, ...]) -> NDArray[np.bool_]:
    place = {label: k for k, label in enumerate(labels)}
    indicators = np.zeros((len(rows), len(labels)), np.bool_)
    for i, row in enumerate(rows):
        strange = [label for label in row if label not in place]
        if strange:
            raise InputError(f"more texts have {strange[0]!r}, which the table's own rows lack")
        indicators[i, [place[label] for label in row]] = True
    return indicators


def _known_labels(name: str, counted: Mapping[str, int], taxonomy: Taxonomy) -> tuple[str, ...]:
    known = {
        "category": [*taxonomy.categories, NO_COMPLAINT],
        "issues": list(taxonomy.codes),
        "tier": list(ORDER),
        "sentiment": ["正面", "中性", "不满", "焦虑", "愤怒"],
    }[name]
    strange = [label for label in counted if label not in known]
    if strange:
        shown = ", ".join(repr(label) for label in sorted(strange)[:5])
        raise InputError(f"{name} holds {shown}; known are {', '.join(known[:12])}, …")
    used = tuple(label for label in known if counted.get(label) or name in ("tier", "sentiment"))
    if len(used) < 2:
        raise InputError(f"{name} holds {len(used)} label; a model needs at least two")
    return used


def _refuse_rare(name: str, counted: Mapping[str, int], fewest: int) -> None:
    rare = {label: n for label, n in counted.items() if n < fewest}
    if rare:
        shown = ", ".join(f"{label} ({n})" for label, n in sorted(rare.items())[:8])
        raise InputError(
            f"{len(rare)} labels of {name} have fewer than {fewest} rows: {shown}; "
            "add rows, join the labels by a migration map, or leave these rows out"
        )


def side_targets(table: Table, more: Table | None, first: int) -> list[Target]:
    """Labels of the table that no model decides, as further outputs of the first stage."""
    found: list[Target] = []
    for name in sorted(set(table.labels) - set(TARGETS)):
        labels, indicators = one_hot(table.labels[name])
        said = np.array([row[0] for row in _rows(name, more)], np.str_)
        told = np.asarray(said[:, None] == np.array(labels), np.bool_)
        found.append(Target(name, labels, indicators, told, first))
        first += len(labels)
    return found


def one_hot(given: Sequence[Any]) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Labels in their order and who has them; of two opposite ones the first is enough."""
    said = np.array([str(label) for label in given])
    labels = sorted(set(said.tolist()))
    labels = labels[:1] if len(labels) == 2 else labels
    return tuple(labels), np.asarray(said[:, None] == np.array(labels))
