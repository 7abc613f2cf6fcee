"""Training: a labelled table in, a calibrated model with its card out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray

from domain.errors import InputError, SettingRefused
from domain.taxonomy import NO_COMPLAINT, Code, Taxonomy
from triage import artefact
from triage.blend import Blend, fit_blend, held_out_logits
from triage.calibration import (
    Calibration,
    best_cut,
    best_lean,
    calibrate_one,
    calibrate_several,
    doubt_cut,
    row_weights,
)
from triage.card import write_card
from triage.duplicates import group_folds, near_duplicates
from triage.evaluate import issue_figures, label_figures
from triage.features import HashedNgrams, sublinear_weights
from triage.heads import TARGETS, Head
from triage.lexicon import shipped_lexicon
from triage.model import Model
from triage.scorer import LinearScorer, in_steps
from triage.solver import balanced_costs, fit_margins
from triage.tier import ORDER, TierPolicy, decide_tiers, is_stated, is_urgent, word_features

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    size, bits, features : int
        As `triage.features.HashedNgrams` has them.
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
    more_weight : float
        What a row of more texts weighs in the first stage.
    chosen_weight : float
        What a row that was not drawn at random weighs in the second stage, but for codes.
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
    cost: float = 0.3
    balance: float = 1.0
    tilt: bool = False
    helper_cost: float = 0.1
    code_cost: float = 1.0
    code_balance: float = 0.5
    blend_cost: float = 0.03
    code_blend_cost: float = 0.001
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
        if not 0 < self.most_doubted <= 0.15:
            raise SettingRefused(f"most_doubted is {self.most_doubted}; at most 0.15 may be")


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
    """

    texts: Sequence[str]
    labels: Mapping[str, Sequence[Any]]
    drawn: NDArray[np.bool_] | None = None
    source: str = "unnamed table"

    @property
    def checksum(self) -> str:
        """SHA-256 of texts and labels, in hexadecimal digits."""
        digest = hashlib.sha256()
        for i, text in enumerate(self.texts):
            digest.update(repr((text, [self.labels[t][i] for t in sorted(self.labels)])).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Trained:
    """A model, what is known of it, and its card."""

    model: Model
    facts: Mapping[str, Any]
    card: str

    def publish(self, root: Path, key: bytes | None = None) -> Path:
        """Write the model's files below `root`, signed when a key is given."""
        name, version = self.model.name, self.model.version
        payload = self.model.to_payload()
        return artefact.publish(root, name, version, payload, self.facts, self.card, key)


@dataclass
class _Target:
    """One target while it is trained."""

    name: str
    labels: tuple[str, ...]
    indicators: NDArray[np.bool_]
    more: NDArray[np.bool_]
    first: int = 0

    @property
    def several(self) -> bool:
        return self.name == "issues"

    @property
    def columns(self) -> slice:
        return slice(self.first, self.first + len(self.labels))

    @property
    def truth(self) -> NDArray[np.int64]:
        return np.asarray(self.indicators.argmax(axis=1), np.int64)

    def taught(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Who has which label: the rows of the table, then those of more texts."""
        return np.vstack([self.indicators[rows], self.more])

    def costs(self, rows: NDArray[np.bool_], recipe: Recipe) -> NDArray[np.float32]:
        cost, balance = recipe.cost, recipe.balance
        if self.several:
            cost, balance = recipe.code_cost, recipe.code_balance
        costs = balanced_costs(self.taught(rows), cost, balance)
        costs[rows.sum() :] *= np.float32(recipe.more_weight)
        return costs


@dataclass
class _Fit:
    """What cross-validation left, of rows that no part of the model had seen."""

    scores: NDArray[np.float64]
    folds: NDArray[np.int64]
    drawn: NDArray[np.bool_]
    counts: NDArray[np.uint16]
    logits: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> NDArray[np.float64]:
        return word_features(self.counts).astype(np.float64)


def train(
    table: Table,
    *,
    name: str,
    version: str,
    taxonomy: Taxonomy,
    more: Table | None = None,
    helpers: Sequence[Table] = (),
    recipe: Recipe | None = None,
    own_words: Sequence[str] = (),
    progress: Progress | None = None,
) -> Trained:
    """Train a model of all targets that a table has labels for.

    The same table, taxonomy and recipe give the same model.

    Parameters
    ----------
    table : Table
    name, version : str
    taxonomy : Taxonomy
        Its codes are those of ``issues``, its first level the labels of ``category``.
    more : Table, optional
        Further texts with the same kinds of labels, read less carefully or drawn otherwise.
        They teach the first stage; shares, cuts and figures come from `table` alone. No text
        may be a near copy of one in `table`, or the figures flatter.
    helpers : sequence of Table, optional
        Other tables with labels of any kind. What tells their labels apart is learned too, and
        the second stage uses it where it helps.
    recipe : Recipe, optional
    own_words : sequence of str, optional
        The user's dictionary: words that evidence keeps whole.
    progress : callable, optional
        Called with what is being done and the share done, in [0, 1].

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        A label is unknown to the taxonomy, too rare, or missing.
    """
    recipe = recipe or Recipe()
    tell = progress or (lambda _step, _share: None)
    texts = _Texts(table.texts, more.texts if more else ())
    targets = _targets(table, more, taxonomy, recipe)
    first_side = sum(len(target.labels) for target in targets)
    outputs = [*targets, *_side_targets(table, more, first_side)]
    tell("near duplicates", 0.0)
    folds = group_folds(near_duplicates(table.texts, recipe.seed), recipe.folds, recipe.seed)
    fit = _cross_validate(texts, table.drawn, outputs, helpers, folds, recipe, tell)
    tell("all rows", recipe.folds / (recipe.folds + 1))
    first = _first_stage(texts, outputs, helpers, np.ones(len(folds), np.bool_), recipe)
    blends = {target.name: _blend(target, fit, recipe) for target in targets}
    scorer = _folded(first, [blends[target.name] for target in targets], recipe)
    heads = {target.name: _head(target, blends[target.name], fit, recipe) for target in targets}
    sure = _stated_confidence(targets, fit)
    model = Model(name, version, taxonomy, scorer, heads, sure, tuple(own_words))
    fit.figures["cross_validation"] = _figures(model, targets, fit)
    tell("done", 1.0)
    facts = _facts(table, more, helpers, taxonomy, recipe, targets, fit)
    return Trained(model, facts, write_card(name, version, facts))


def _targets(table: Table, more: Table | None, taxonomy: Taxonomy, recipe: Recipe) -> list[_Target]:
    if not table.texts:
        raise InputError("the table has no row; give labelled texts")
    targets: list[_Target] = []
    for name in TARGETS:
        if name in table.labels:
            targets.append(_target(name, table, more, taxonomy, recipe.min_examples))
            targets[-1].first = sum(len(target.labels) for target in targets[:-1])
    if not targets:
        raise InputError(f"the table has no labels; give at least one of {', '.join(TARGETS)}")
    return targets


def _target(
    name: str, table: Table, more: Table | None, taxonomy: Taxonomy, fewest: int
) -> _Target:
    rows, more_rows = _rows(name, table), _rows(name, more)
    counted = Counter(label for row in rows for label in row)
    labels = _known_labels(name, counted, taxonomy)
    _refuse_rare(name, counted, fewest)
    return _Target(name, labels, _indicators(rows, labels), _indicators(more_rows, labels))


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


def _side_targets(table: Table, more: Table | None, first: int) -> list[_Target]:
    """Labels of the table that no model decides, as further outputs of the first stage."""
    found: list[_Target] = []
    for name in sorted(set(table.labels) - set(TARGETS)):
        labels, indicators = _one_hot(table.labels[name])
        said = np.array([row[0] for row in _rows(name, more)], np.str_)
        told = np.asarray(said[:, None] == np.array(labels), np.bool_)
        found.append(_Target(name, labels, indicators, told, first))
        first += len(labels)
    return found


def _one_hot(given: Sequence[Any]) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Labels in their order and who has them; of two opposite ones the first is enough."""
    said = np.array([str(label) for label in given])
    labels = sorted(set(said.tolist()))
    labels = labels[:1] if len(labels) == 2 else labels
    return tuple(labels), np.asarray(said[:, None] == np.array(labels))


@dataclass(frozen=True)
class _Texts:
    """The table's own texts and more."""

    own: Sequence[str]
    more: Sequence[str]

    def taught(self, rows: NDArray[np.bool_]) -> list[str]:
        """Texts in the order of `_Target.taught`."""
        return [*(self.own[i] for i in np.flatnonzero(rows).tolist()), *self.more]


@dataclass
class _FirstStage:
    """Hashed n-grams and one margin for each output."""

    ngrams: HashedNgrams
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.asarray(self.ngrams.transform(texts) @ self.weights + self.bias, np.float64)


def _first_stage(
    texts: _Texts,
    outputs: Sequence[_Target],
    helpers: Sequence[Table],
    rows: NDArray[np.bool_],
    recipe: Recipe,
) -> _FirstStage:
    kept = texts.taught(rows)
    indicators = np.hstack([output.taught(rows) for output in outputs])
    ngrams = HashedNgrams(recipe.size, recipe.bits, recipe.features).fit(kept, indicators)
    costs = np.hstack([output.costs(rows, recipe) for output in outputs])
    fits = [fit_margins(ngrams.transform(kept), indicators, costs, recipe.seed, recipe.tilt)]
    for helper in helpers:
        matrix = ngrams.transform(helper.texts)
        for name in sorted(helper.labels):
            _, told = _one_hot(helper.labels[name])
            fits.append(fit_margins(matrix, told, balanced_costs(told, recipe.helper_cost, 0.0)))
    return _FirstStage(ngrams, np.hstack([w for w, _ in fits]), np.hstack([b for _, b in fits]))


def _cross_validate(
    texts: _Texts,
    drawn: NDArray[np.bool_] | None,
    outputs: Sequence[_Target],
    helpers: Sequence[Table],
    folds: NDArray[np.int64],
    recipe: Recipe,
    tell: Progress,
) -> _Fit:
    held_scores: dict[int, NDArray[np.float64]] = {}
    for fold in range(recipe.folds):
        tell(f"fold {fold + 1} of {recipe.folds}", fold / (recipe.folds + 1))
        stage = _first_stage(texts, outputs, helpers, folds != fold, recipe)
        held = np.flatnonzero(folds == fold).tolist()
        held_scores[fold] = stage.scores([texts.own[i] for i in held])
    scores = np.zeros((len(folds), held_scores[0].shape[1]))
    for fold, found in held_scores.items():
        scores[folds == fold] = found
    drawn = np.ones(len(scores), np.bool_) if drawn is None else drawn
    return _Fit(scores, folds, drawn, shipped_lexicon().find(texts.own).counts)


def _blend(target: _Target, fit: _Fit, recipe: Recipe) -> Blend:
    """The second stage of one target; leaves its held-out logits in the fit."""
    weights = np.where(fit.drawn, 1.0, recipe.chosen_weight)
    cost, own = recipe.blend_cost, None
    if target.several:
        weights, cost, own = np.ones(len(weights)), recipe.code_blend_cost, target.columns
    inputs = (fit.scores, fit.words, target.indicators, weights)
    held = held_out_logits(*inputs, fit.folds, cost, own)
    fit.logits[target.name] = held.astype(np.float32)
    return fit_blend(*inputs, cost, own)


def _folded(stage: _FirstStage, blends: Sequence[Blend], recipe: Recipe) -> LinearScorer:
    """Both stages as one row of weights for each n-gram."""
    mix = np.hstack([blend.mix for blend in blends])
    bias = stage.bias @ mix + np.hstack([blend.shift for blend in blends])
    weights = (stage.weights @ mix).astype(np.float32)
    ngrams = stage.ngrams
    tables = (ngrams.slots_, ngrams.idf_, sublinear_weights(), *in_steps(weights))
    return LinearScorer(recipe.size, recipe.bits, *tables, bias.astype(np.float32))


def _head(target: _Target, blend: Blend, fit: _Fit, recipe: Recipe) -> Head:
    held = fit.logits[target.name].astype(np.float64)
    if target.several:
        return _codes_head(target, blend, held, fit, recipe)
    weights = row_weights(target.indicators, fit.drawn)
    found = calibrate_one(held, target.truth, weights)
    logits = found.scale * held + found.shift
    lean = np.zeros(len(target.labels))
    if target.name in recipe.lean:
        lean = best_lean(logits, target.truth, weights)
    head = _plain_head(target, blend, found, lean)
    if target.name != "category":
        return head
    return _with_doubt(head, logits, target, fit, recipe)


def _with_doubt(
    head: Head, logits: NDArray[np.float64], target: _Target, fit: _Fit, recipe: Recipe
) -> Head:
    own = logits.astype(np.float32)
    best, shares = head.best(own), head.probabilities(own)
    sure = np.take_along_axis(shares, best[:, None], 1)[:, 0].astype(np.float64)
    right = best == target.truth
    rows = fit.drawn
    cut = doubt_cut(sure[rows], right[rows], recipe.accuracy_asked, recipe.most_doubted)
    answered = rows & (sure >= cut)
    fit.figures["abstention"] = {
        "accuracy_asked": recipe.accuracy_asked,
        "most_doubted": recipe.most_doubted,
        "cut": cut,
        "doubted": 1 - float(answered.sum() / rows.sum()),
        "accuracy_of_answers": float(right[answered].mean()),
    }
    return replace(head, doubt_below=cut)


def _codes_head(
    target: _Target, blend: Blend, held: NDArray[np.float64], fit: _Fit, recipe: Recipe
) -> Head:
    weights = np.where(fit.drawn, 1.0, recipe.chosen_weight)
    found = calibrate_several(held, target.indicators, weights)
    shares = 1 / (1 + np.exp(-(found.scale * held + found.shift)))
    cut = best_cut(shares, target.indicators, weights)
    return _plain_head(target, blend, found, np.full(len(target.labels), cut))


def _plain_head(
    target: _Target, blend: Blend, found: Calibration, lean: NDArray[np.float64]
) -> Head:
    parts = (blend.by_word, found.scale, found.shift, lean)
    words, scale, shift, lean_ = (np.asarray(part, np.float32) for part in parts)
    name, labels = target.name, target.labels
    return Head(name, labels, target.several, target.first, words, scale, shift, lean_)


def _stated_confidence(targets: Sequence[_Target], fit: _Fit) -> float:
    """How often a row drawn at random is 重大 when its words state it."""
    tier = next((target for target in targets if target.name == "tier"), None)
    stated = is_stated(fit.counts) & fit.drawn
    if tier is None or not stated.any():
        return 0.5
    return float(tier.indicators[stated, len(ORDER) - 1].mean())


def _figures(model: Model, targets: Sequence[_Target], fit: _Fit) -> dict[str, Any]:
    """Figures on the rows drawn at random, of logits that did not see them."""
    figures: dict[str, Any] = {}
    for target in targets:
        head = model.heads[target.name]
        logits = fit.logits[target.name] * head.scale + head.shift
        shares, best = head.probabilities(logits), head.best(logits)
        if target.several:
            figures[target.name] = _issue_figures(target, shares, head, fit.drawn)
            continue
        figures[target.name] = _label_figures(target, best, shares, fit.drawn)
        if target.name == "tier":
            decided = decide_tiers(
                shares, best, is_stated(fit.counts), is_urgent(fit.counts), TierPolicy()
            )
            figures["tier"]["decided"] = _label_figures(target, decided, None, fit.drawn)
            everyone = np.ones(len(decided), np.bool_)
            figures["tier"]["decided_all_rows"] = _label_figures(target, decided, None, everyone)
    return figures


def _label_figures(
    target: _Target,
    best: NDArray[np.int64],
    shares: NDArray[np.float32] | None,
    rows: NDArray[np.bool_],
) -> dict[str, Any]:
    truth = [target.labels[k] for k in target.truth[rows]]
    given = [target.labels[k] for k in best[rows]]
    if shares is None:
        return label_figures(truth, given)
    sure = np.take_along_axis(shares, best[:, None], axis=1)[:, 0]
    return label_figures(truth, given, sure[rows].tolist())


def _issue_figures(
    target: _Target, shares: NDArray[np.float32], head: Head, rows: NDArray[np.bool_]
) -> dict[str, Any]:
    given = shares >= head.lean

    def codes(table: NDArray[np.bool_]) -> list[list[str]]:
        return [[target.labels[k] for k in np.flatnonzero(row)] for row in table[rows]]

    return issue_figures(codes(target.indicators), codes(given))


def _facts(
    table: Table,
    more: Table | None,
    helpers: Sequence[Table],
    taxonomy: Taxonomy,
    recipe: Recipe,
    targets: Sequence[_Target],
    fit: _Fit,
) -> dict[str, Any]:
    return {
        "targets": {target.name: list(target.labels) for target in targets},
        "taxonomy_version": taxonomy.version,
        "data": {
            "source": table.source,
            "rows": len(table.texts),
            "drawn_at_random": int(fit.drawn.sum()),
            "sha256": table.checksum,
            "rows_by_label": {
                target.name: dict(
                    zip(target.labels, target.indicators.sum(axis=0).tolist(), strict=True)
                )
                for target in targets
            },
        },
        "more": [_told_of(more)] if more else [],
        "helpers": [_told_of(helper) for helper in helpers],
        "recipe": asdict(recipe) | {"lean": list(recipe.lean)},
        "libraries": library_versions(),
        "figures": fit.figures,
    }


def library_versions() -> dict[str, str]:
    """Versions of the running libraries that figures depend on.

    Examples
    --------
    >>> sorted(library_versions())
    ['numba', 'numpy', 'scikit-learn', 'scipy']
    """
    modules = {"numba": numba, "numpy": np, "scikit-learn": sklearn, "scipy": scipy}
    return {name: str(module.__version__) for name, module in modules.items()}


def _told_of(table: Table) -> dict[str, Any]:
    return {"source": table.source, "rows": len(table.texts), "sha256": table.checksum}


def categories_only(taxonomy: Taxonomy) -> Taxonomy:
    """The first level of a taxonomy, as one of a single level."""
    return Taxonomy(
        Code(taxonomy.category_code(category) or category, (category,))
        for category in taxonomy.categories
    )
