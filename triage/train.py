"""Training: a labelled table in, a calibrated model with its card out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray

from domain.errors import InputError
from domain.taxonomy import Code, Taxonomy
from triage import artefact
from triage.alphabet import joined
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
from triage.first_stage import FirstStage, Material, Texts, fit_first_stage
from triage.grounds import Clauses
from triage.heads import Head
from triage.lesson import Recipe, Table, Target, side_targets, targets_of
from triage.lexicon import COUNTED, Found, shipped_lexicon
from triage.model import Model
from triage.network import Goal, Network, fit_network
from triage.scorer import LayeredScorer, LinearScorer, Scorer, network_inputs
from triage.tier import ORDER, TierPolicy, decide_tiers, is_stated, word_features

Progress = Callable[[str, float], None]
_BLEND_SHARE = 0.5
_CHOSEN_IN_NETWORK = 0.5


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
class _Fit:
    """What cross-validation left, of rows that no part of the model had seen."""

    scores: NDArray[np.float64]
    folds: NDArray[np.int64]
    drawn: NDArray[np.bool_]
    found: Found
    read: _Read | None = None
    logits: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> NDArray[np.uint16]:
        return self.found.counts

    @property
    def words(self) -> NDArray[np.float64]:
        return word_features(self.counts).astype(np.float64)


@dataclass
class _Read:
    """What a network reads of rows that the first stage had not seen; `more` of more texts."""

    own: NDArray[np.float32]
    more: NDArray[np.float32]
    more_folds: NDArray[np.int64]


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
        A label is unknown to the taxonomy, too rare, or missing; or nearly all texts are copies.
    """
    recipe = recipe or Recipe()
    tell = progress or (lambda _step, _share: None)
    texts = Texts(table.texts, more.texts if more else ())
    targets = targets_of(table, more, taxonomy, recipe)
    clauses = Clauses.of(table, more, recipe)
    first_side = sum(len(target.labels) for target in targets)
    outputs = [*targets, *side_targets(table, more, first_side)]
    tell("near duplicates", 0.0)
    material = Material(texts, outputs, helpers, clauses)
    fit = _cross_validate(material, table.drawn, recipe, tell)
    tell("all rows", recipe.folds / (recipe.folds + 1))
    every = (np.ones(len(texts.own), np.bool_), np.ones(len(texts.more), np.bool_))
    first = fit_first_stage(material, *every, recipe)
    blends = {target.name: _blend(target, fit, recipe) for target in targets}
    scorer: Scorer
    if fit.read is None:
        scorer = _folded(first, list(blends.values()))
    else:
        network = _network(targets, clauses, fit, fit.read, recipe)
        scorer = _layered(first, list(blends.values()), network)
        blends = {name: blend.without_words() for name, blend in blends.items()}
    heads = {target.name: _head(target, blends[target.name], fit, recipe) for target in targets}
    sure = _stated_confidence(targets, fit)
    model = Model(name, version, taxonomy, scorer, heads, sure, tuple(own_words))
    fit.figures["cross_validation"] = _figures(model, targets, fit)
    tell("done", 1.0)
    facts = _facts(table, more, helpers, taxonomy, recipe, targets, fit)
    return Trained(model, facts, write_card(name, version, facts))


def _cross_validate(
    material: Material,
    drawn: NDArray[np.bool_] | None,
    recipe: Recipe,
    tell: Progress,
) -> _Fit:
    texts = material.texts
    groups = near_duplicates(texts.own, recipe.seed)
    _refuse_copies(groups, recipe.folds)
    folds = group_folds(groups, recipe.folds, recipe.seed)
    more_folds = _more_folds(texts.more, recipe)
    found = _Fit(
        np.zeros((0, 0)),
        folds,
        np.ones(len(folds), np.bool_) if drawn is None else drawn,
        shipped_lexicon().find(texts.own),
    )
    if recipe.hidden:
        nothing = np.zeros((0, 0), np.float32)
        found.read = _Read(nothing, nothing, more_folds)
    for fold in range(recipe.folds):
        tell(f"fold {fold + 1} of {recipe.folds}", fold / (recipe.folds + 1))
        fitted = (folds != fold, more_folds != fold)
        stage = fit_first_stage(material, *fitted, recipe)
        held = [texts.own[i] for i in np.flatnonzero(folds == fold).tolist()]
        found.scores = _placed(found.scores, folds == fold, stage.scores(held))
        if found.read is not None:
            held_more = [texts.more[i] for i in np.flatnonzero(more_folds == fold).tolist()]
            scorer, read = stage.scorer(), found.read
            read.own = _placed(read.own, folds == fold, _inputs(scorer, held))
            if held_more:
                read.more = _placed(read.more, more_folds == fold, _inputs(scorer, held_more))
    return found


def _refuse_copies(groups: NDArray[np.int64], folds: int) -> None:
    """Near copies lie in one fold, so that each fold needs a text of its own."""
    different = len(np.unique(groups))
    if different < folds:
        raise InputError(
            f"only {different} of {len(groups)} texts are no near copies of others; "
            f"give at least {folds} that differ"
        )


def _more_folds(more: Sequence[str], recipe: Recipe) -> NDArray[np.int64]:
    """Fold of each of more texts, near copies in one; without a network no fold holds any out."""
    if not recipe.hidden or not more:
        return np.full(len(more), -1, np.int64)
    return group_folds(near_duplicates(more, recipe.seed), recipe.folds, recipe.seed)


def _placed(table: NDArray[Any], rows: NDArray[np.bool_], found: NDArray[Any]) -> NDArray[Any]:
    """A table with some rows filled in, made when it is first needed."""
    if not table.size:
        table = np.zeros((len(rows), found.shape[1]), found.dtype)
    table[rows] = found
    return table


def _inputs(scorer: LinearScorer, texts: Sequence[str]) -> NDArray[np.float32]:
    stated = word_features(shipped_lexicon().find(texts).counts)
    return network_inputs(*scorer.views(*joined(texts)), stated)


def _blend(target: Target, fit: _Fit, recipe: Recipe) -> Blend:
    """The second stage of one target; leaves its held-out logits in the fit."""
    weights = np.where(fit.drawn, 1.0, recipe.chosen_weight)
    cost, own = recipe.blend_cost, None
    if target.several:
        weights, cost, own = np.ones(len(weights)), recipe.code_blend_cost, target.columns
    inputs = (fit.scores, fit.words, target.indicators, weights)
    held = held_out_logits(*inputs, fit.folds, cost, own)
    fit.logits[target.name] = held.astype(np.float32)
    return fit_blend(*inputs, cost, own)


def _network(
    targets: Sequence[Target],
    clauses: Clauses | None,
    fit: _Fit,
    read: _Read,
    recipe: Recipe,
) -> Network:
    """The network of all targets; its held-out logits join half of those of the blends.

    Whether anything in a text shows a tier is learned beside them and then left off.
    """
    goals = [Goal(target.columns, target.several) for target in targets]
    own = np.hstack([target.indicators for target in targets])
    more = np.hstack([target.more for target in targets])
    outputs = own.shape[1]
    if clauses is not None:
        goals.append(Goal(slice(outputs, outputs + clauses.of_texts.shape[1]), True))
        own = np.hstack([own, clauses.of_texts[: len(own)]])
        more = np.hstack([more, clauses.of_texts[len(own) :]])
    more_inputs = read.more if read.more.size else np.zeros((0, read.own.shape[1]), np.float32)
    weights = np.where(fit.drawn, 1.0, _CHOSEN_IN_NETWORK).astype(np.float32)
    more_weights = np.full(len(more), recipe.more_weight, np.float32)

    def fitted(rows: NDArray[np.bool_], more_rows: NDArray[np.bool_]) -> Network:
        inputs = np.vstack([read.own[rows], more_inputs[more_rows]])
        said = np.vstack([own[rows], more[more_rows]])
        weigh = np.concatenate([weights[rows], more_weights[more_rows]])
        found = fit_network(inputs, said, goals, weigh, recipe.hidden, recipe.seed)
        return found.with_outputs(outputs)

    logits = np.zeros((len(own), outputs), np.float32)
    for fold in np.unique(fit.folds):
        held = fit.folds == fold
        logits[held] = fitted(~held, read.more_folds != fold).logits(read.own[held])
    for target in targets:
        part = fit.logits[target.name]
        fit.logits[target.name] = logits[:, target.columns] + np.float32(_BLEND_SHARE) * part
    return fitted(np.ones(len(own), np.bool_), np.ones(len(more), np.bool_))


def _folded(stage: FirstStage, blends: Sequence[Blend]) -> LinearScorer:
    """Both stages as one row of weights for each n-gram."""
    mix = np.hstack([blend.mix for blend in blends])
    return stage.mixed(mix, np.hstack([blend.shift for blend in blends])).scorer()


def _layered(stage: FirstStage, blends: Sequence[Blend], network: Network) -> LayeredScorer:
    """The network with half of the blends on its direct path."""
    direct, words = network.direct.copy(), len(COUNTED)
    share = np.float32(_BLEND_SHARE)
    direct[: len(stage.bias)] += share * np.hstack([blend.mix for blend in blends])
    direct[-words:] += share * np.hstack([blend.by_word for blend in blends])
    shift = network.shift + share * np.hstack([blend.shift for blend in blends])
    whole = replace(network, direct=direct, shift=shift.astype(np.float32))
    return LayeredScorer(stage.scorer(), whole)


def _head(target: Target, blend: Blend, fit: _Fit, recipe: Recipe) -> Head:
    held = fit.logits[target.name].astype(np.float64)
    if target.several:
        return _codes_head(target, blend, held, fit, recipe)
    weights = row_weights(target.indicators, fit.drawn)
    found = calibrate_one(held, target.truth, weights)
    logits = found.scale * held + found.shift
    lean = np.zeros(len(target.labels))
    if target.name in recipe.lean:
        lean = best_lean(logits, target.truth, np.where(fit.drawn, 1.0, recipe.chosen_weight))
    head = _plain_head(target, blend, found, lean)
    if target.name != "category":
        return head
    return _with_doubt(head, logits, target, fit, recipe)


def _with_doubt(
    head: Head, logits: NDArray[np.float64], target: Target, fit: _Fit, recipe: Recipe
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
    target: Target, blend: Blend, held: NDArray[np.float64], fit: _Fit, recipe: Recipe
) -> Head:
    weights = np.where(fit.drawn, 1.0, recipe.chosen_weight)
    found = calibrate_several(held, target.indicators, weights)
    shares = 1 / (1 + np.exp(-(found.scale * held + found.shift)))
    cut = best_cut(shares, target.indicators, weights)
    return _plain_head(target, blend, found, np.full(len(target.labels), cut))


def _plain_head(
    target: Target, blend: Blend, found: Calibration, lean: NDArray[np.float64]
) -> Head:
    parts = (blend.by_word, found.scale, found.shift, lean)
    words, scale, shift, lean_ = (np.asarray(part, np.float32) for part in parts)
    name, labels = target.name, target.labels
    return Head(name, labels, target.several, target.first, words, scale, shift, lean_)


def _stated_confidence(targets: Sequence[Target], fit: _Fit) -> float:
    """How often a row drawn at random is 重大 when its words state it."""
    tier = next((target for target in targets if target.name == "tier"), None)
    stated = is_stated(fit.counts) & fit.drawn
    if tier is None or not stated.any():
        return 0.5
    return float(tier.indicators[stated, len(ORDER) - 1].mean())


def _figures(model: Model, targets: Sequence[Target], fit: _Fit) -> dict[str, Any]:
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
        figures[target.name]["log_loss"] = _log_loss(target, shares, fit.drawn)
        if target.name == "tier":
            decided = decide_tiers(shares, best, fit.found, TierPolicy())
            figures["tier"]["decided"] = _label_figures(target, decided, None, fit.drawn)
            everyone = np.ones(len(decided), np.bool_)
            figures["tier"]["decided_all_rows"] = _label_figures(target, decided, None, everyone)
    return figures


def _log_loss(target: Target, shares: NDArray[np.float32], drawn: NDArray[np.bool_]) -> float:
    """Of all rows, weighed to the shares of those drawn at random: steadier than an F1."""
    own = np.take_along_axis(shares, target.truth[:, None], axis=1)[:, 0].astype(np.float64)
    weights = row_weights(target.indicators, drawn)
    return float(-np.average(np.log(np.maximum(own, 1e-12)), weights=weights))


def _label_figures(
    target: Target,
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
    target: Target, shares: NDArray[np.float32], head: Head, rows: NDArray[np.bool_]
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
    targets: Sequence[Target],
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
        "grounds": table.looked_at + (more.looked_at if more else 0),
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
