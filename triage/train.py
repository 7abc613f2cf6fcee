"""Training: a labelled table in, a calibrated model with its card out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import InputError, SettingRefused
from domain.taxonomy import NO_COMPLAINT, Code, Taxonomy
from triage import artefact
from triage.calibration import (
    best_cut,
    best_lean,
    calibrate_one,
    calibrate_several,
    doubt_cut,
    row_weights,
)
from triage.card import write_card
from triage.classifier import margins
from triage.duplicates import group_folds, near_duplicates
from triage.evaluate import issue_figures, label_figures
from triage.features import HashedNgrams, sublinear_weights
from triage.heads import TARGETS, Head
from triage.lexicon import COUNTED, shipped_lexicon
from triage.model import Model
from triage.scorer import LinearScorer, in_steps
from triage.tier import ORDER, TierPolicy, decide_tiers, is_stated, word_features

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    size, bits, features : int
        As `triage.features.HashedNgrams` has them.
    C : float
        Inverse of the penalty.
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
    features: int = 60_000
    C: float = 0.3
    folds: int = 5
    seed: int = 7
    min_examples: int = 8
    lean: tuple[str, ...] = ("tier", "sentiment")
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
        A label for each text; for ``issues`` a sequence of codes, main one first.
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


@dataclass
class _Fit:
    """What cross-validation left: scores of rows by models that did not see them."""

    scores: NDArray[np.float64]
    drawn: NDArray[np.bool_]
    words: NDArray[np.uint16]
    figures: dict[str, Any] = field(default_factory=dict)


def train(
    table: Table,
    *,
    name: str,
    version: str,
    taxonomy: Taxonomy,
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
    targets = _targets(table, taxonomy, recipe)
    tell("near duplicates", 0.0)
    folds = group_folds(near_duplicates(table.texts, recipe.seed), recipe.folds, recipe.seed)
    fit = _cross_validate(table, targets, folds, recipe, tell)
    heads = {target.name: _head(target, fit, recipe) for target in targets}
    tell("all rows", recipe.folds / (recipe.folds + 1))
    scorer = _fit_scorer(table.texts, targets, np.ones(len(table.texts), np.bool_), recipe)
    extra, sure = _tier_words(targets, fit)
    model = Model(name, version, taxonomy, scorer, heads, extra, sure, tuple(own_words))
    fit.figures |= _figures(model, targets, fit, taxonomy)
    tell("done", 1.0)
    facts = _facts(table, taxonomy, recipe, targets, fit)
    return Trained(model, facts, write_card(name, version, facts))


def _targets(table: Table, taxonomy: Taxonomy, recipe: Recipe) -> list[_Target]:
    if not table.texts:
        raise InputError("the table has no row; give labelled texts")
    targets: list[_Target] = []
    for name in TARGETS:
        if name in table.labels:
            targets.append(_target(name, table, taxonomy, recipe.min_examples))
            targets[-1].first = sum(len(target.labels) for target in targets[:-1])
    if not targets:
        raise InputError(f"the table has no labels; give at least one of {', '.join(TARGETS)}")
    return targets


def _target(name: str, table: Table, taxonomy: Taxonomy, fewest: int) -> _Target:
    given = table.labels[name]
    if len(given) != len(table.texts):
        raise InputError(f"{len(given)} labels of {name} for {len(table.texts)} texts")
    rows = [tuple(row) if name == "issues" else (str(row),) for row in given]
    counted = Counter(label for row in rows for label in row)
    labels = _known_labels(name, counted, taxonomy)
    _refuse_rare(name, counted, fewest)
    place = {label: k for k, label in enumerate(labels)}
    indicators = np.zeros((len(rows), len(labels)), np.bool_)
    for i, row in enumerate(rows):
        indicators[i, [place[label] for label in row]] = True
    return _Target(name, labels, indicators)


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


def _cross_validate(
    table: Table,
    targets: Sequence[_Target],
    folds: NDArray[np.int64],
    recipe: Recipe,
    tell: Progress,
) -> _Fit:
    outputs = sum(len(target.labels) for target in targets)
    scores = np.zeros((len(table.texts), outputs))
    for fold in range(recipe.folds):
        tell(f"fold {fold + 1} of {recipe.folds}", fold / (recipe.folds + 1))
        scorer = _fit_scorer(table.texts, targets, folds != fold, recipe)
        held = np.flatnonzero(folds == fold).tolist()
        scores[held] = scorer.scores_of([table.texts[i] for i in held])
    drawn = np.ones(len(scores), np.bool_) if table.drawn is None else table.drawn
    return _Fit(scores, drawn, shipped_lexicon().find(table.texts).counts)


def _fit_scorer(
    texts: Sequence[str], targets: Sequence[_Target], rows: NDArray[np.bool_], recipe: Recipe
) -> LinearScorer:
    kept = [texts[i] for i in np.flatnonzero(rows).tolist()]
    indicators = np.hstack([target.indicators for target in targets])[rows]
    ngrams = HashedNgrams(recipe.size, recipe.bits, recipe.features).fit(kept, indicators)
    matrix = ngrams.transform(kept)
    weights, bias = margins(matrix, indicators, recipe.C, recipe.seed)
    tables = (ngrams.slots_, ngrams.idf_, sublinear_weights(), *in_steps(weights), bias)
    return LinearScorer(recipe.size, recipe.bits, *tables)


def _head(target: _Target, fit: _Fit, recipe: Recipe) -> Head:
    scores = fit.scores[:, target.columns]
    if target.several:
        return _codes_head(target, scores, fit)
    weights = row_weights(target.indicators, fit.drawn)
    features = word_features(fit.words).astype(np.float64) if target.name == "tier" else None
    found = calibrate_one(scores, target.truth, weights, features)
    logits = found.scale * scores + found.shift
    if features is not None:
        logits = logits + features @ found.extra
        fit.figures["word_weights"] = found.extra
    lean = np.zeros(len(target.labels))
    if target.name in recipe.lean:
        lean = best_lean(logits, target.truth, weights)
    head = _plain_head(target, found.scale, found.shift, lean)
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
    plain = head.to_plain() | {"doubt_below": cut}
    return Head.from_plain(plain, head.first + len(head.labels))


def _codes_head(target: _Target, scores: NDArray[np.float64], fit: _Fit) -> Head:
    weights = np.where(fit.drawn, 1.0, 0.25)
    found = calibrate_several(scores, target.indicators, weights)
    shares = 1 / (1 + np.exp(-(found.scale * scores + found.shift)))
    cut = best_cut(shares, target.indicators, weights)
    return _plain_head(target, found.scale, found.shift, np.full(len(target.labels), cut))


def _plain_head(target: _Target, scale: Any, shift: Any, lean: Any) -> Head:
    scale, shift, lean = (np.asarray(part, np.float32) for part in (scale, shift, lean))
    return Head(target.name, target.labels, target.several, target.first, scale, shift, lean)


def _tier_words(targets: Sequence[_Target], fit: _Fit) -> tuple[NDArray[np.float32], float]:
    """Weights of stated words on the tiers, and how often 重大 is true when words state it."""
    weights = fit.figures.pop("word_weights", np.zeros((len(COUNTED), len(ORDER))))
    tier = next((target for target in targets if target.name == "tier"), None)
    stated = is_stated(fit.words) & fit.drawn
    if tier is None or not stated.any():
        return weights.astype(np.float32), 0.5
    return weights.astype(np.float32), float(tier.indicators[stated, len(ORDER) - 1].mean())


def _figures(
    model: Model, targets: Sequence[_Target], fit: _Fit, taxonomy: Taxonomy
) -> dict[str, Any]:
    """Cross-validated figures on the rows drawn at random."""
    figures: dict[str, Any] = {}
    for target in targets:
        head = model.heads[target.name]
        logits = head.logits(fit.scores.astype(np.float32))
        if target.name == "tier":
            logits = logits + word_features(fit.words) @ model.word_weights
        shares, best = head.probabilities(logits), head.best(logits)
        if target.several:
            figures[target.name] = _issue_figures(target, shares, head, fit.drawn)
            continue
        figures[target.name] = _label_figures(target, best, shares, fit.drawn)
        if target.name == "tier":
            decided = decide_tiers(shares, best, is_stated(fit.words), TierPolicy())
            figures["tier"]["decided"] = _label_figures(target, decided, None, fit.drawn)
            everyone = np.ones(len(decided), np.bool_)
            figures["tier"]["decided_all_rows"] = _label_figures(target, decided, None, everyone)
    return {"cross_validation": figures}


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
        "recipe": asdict(recipe) | {"lean": list(recipe.lean)},
        "figures": fit.figures,
    }


def categories_only(taxonomy: Taxonomy) -> Taxonomy:
    """The first level of a taxonomy, as one of a single level."""
    return Taxonomy(
        Code(taxonomy.category_code(category) or category, (category,))
        for category in taxonomy.categories
    )
