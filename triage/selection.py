"""Which texts a person should label next: those from which a model learns most.

What teaches most is where the model hesitates between two labels; among those, rare labels, texts
that models disagree on and words that no labelled text holds come first, and no two texts that
say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from domain.errors import InputError, SettingRefused
from triage.calibration import calibrate_one
from triage.classifier import ComplaintClassifier, MarginClassifier
from triage.duplicates import group_folds, near_duplicates
from triage.features import HashedNgrams
from triage.words import segmenter

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
UNSURE, RARE, DISAGREEING, NEW_WORDS = "不确定", "稀有", "分歧", "新词"
REASONS = (UNSURE, RARE, DISAGREEING, NEW_WORDS)
_SEVERAL = "issues"
_WORTH = {UNSURE: 1.0, RARE: 0.1, DISAGREEING: 0.25, NEW_WORDS: 0.1}
_FLOOR = {UNSURE: 0.5, RARE: 0.5, DISAGREEING: 0.25, NEW_WORDS: 0.5}
_LOOKED_AT, _LIKENESS, _OWN = 8, 0.5, 2
_FOLDS, _PLAIN_SCALE = 5, 4.0


class Queue(NamedTuple):
    """Rows to label, best first.

    Attributes
    ----------
    rows : ndarray of int64, shape (k,)
        Numbers of the rows.
    reasons : list of tuple of str
        Why each: of `REASONS`, the strongest first.
    scores : ndarray of float64, shape (k,)
        What each promised; comparable within one queue.
    """

    rows: Integers
    reasons: list[tuple[str, ...]]
    scores: Floats


def next_to_label(
    shares: Mapping[str, Floats] | Floats,
    *,
    k: int = 100,
    counts: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
    others: Sequence[Mapping[str, Floats] | Floats] = (),
    texts: Sequence[str] | None = None,
    known: Sequence[str] = (),
    vectors: Any = None,
    seed: int = 0,
) -> Queue:
    """Choose the rows that teach most.

    Parameters
    ----------
    shares : ndarray of float64, shape (n_rows, n_classes), or mapping of target to such
        Probabilities of each row's labels; rows of ``issues`` need not sum to 1.
    k : int, default=100
        How many rows.
    counts : sequence of int, shape (n_classes,), or mapping of target to such, optional
        Labels known so far; rows of rare labels come first.
    others : sequence of the same form as `shares`, optional
        What other models say, best of another kind; rows that any of them is unsure of or that
        they disagree on come first, so that the labels teach more than one kind of model.
    texts : sequence of str, shape (n_rows,), optional
        The rows' texts, so that no two of the same words are chosen.
    known : sequence of str, optional
        Texts that have labels; words that none of them holds come first.
    vectors : ndarray or sparse matrix, shape (n_rows, n_features), optional
        Instead of `texts`; rows of unit length.
    seed : int, default=0
        Breaks ties.

    Returns
    -------
    Queue

    Raises
    ------
    InputError
        The shapes do not fit together.
    SettingRefused
        `k` is less than 1.

    References
    ----------
    Scheffer, Decomain, Wrobel (2001). Active hidden Markov models for information extraction
    (margin sampling). Seung, Opper, Sompolinsky (1992). Query by committee.

    Examples
    --------
    >>> shares = np.array([[0.99, 0.01], [0.55, 0.45], [0.7, 0.3]])
    >>> queue = next_to_label(shares, k=2)
    >>> queue.rows.tolist(), queue.reasons[0]
    ([1, 2], ('不确定',))
    """
    if k < 1:
        raise SettingRefused(f"k is {k}; it must be at least 1")
    tables = _by_target(shares)
    n_rows = len(next(iter(tables.values())))
    committee = [_by_target(other) for other in others]
    worth = {UNSURE: _doubts(tables, committee)}
    if counts is not None:
        worth[RARE] = _rarity(tables, counts)
    if others:
        worth[DISAGREEING] = _disagreement(tables, committee)
    if texts is not None and known:
        worth[NEW_WORDS] = novelty(texts, known)
    _refuse_lengths(n_rows, worth, texts, vectors)
    scores = sum((_WORTH[why] * value for why, value in worth.items()), np.zeros(n_rows))
    if vectors is None and texts is not None:
        vectors = _vectors(texts)
    rows = _spread_out(scores, vectors, k, np.random.default_rng(seed))
    return Queue(rows, [_reasons(worth, i) for i in rows.tolist()], scores[rows])


def next_texts(
    texts: Sequence[str], labels: Sequence[str | None], *, k: int = 100, seed: int = 0
) -> Queue:
    """Choose the texts to label next from a table of which a part is labelled.

    Trains two quick models, of characters and of words, on what is labelled; while there is
    next to nothing, texts are chosen that lie far from one another.

    Parameters
    ----------
    texts : sequence of str
    labels : sequence of str or None, same length
        None where nobody has labelled yet.
    k : int, default=100
    seed : int, default=0

    Returns
    -------
    Queue
        Rows are numbers of `texts`, all of them without a label.

    Raises
    ------
    InputError
        The lengths differ, or every text has a label.

    Examples
    --------
    >>> texts = ["屏幕闪", "屏幕碎", "快递慢", "快递丢"] * 10 + ["屏幕快递", "屏幕闪烁"]
    >>> labels = ["质量", "质量", "物流", "物流"] * 10 + [None, None]
    >>> next_texts(texts, labels, k=1).rows.tolist()
    [40]
    """
    if len(texts) != len(labels):
        raise InputError(f"{len(labels)} labels for {len(texts)} texts; None where there is none")
    open_rows = np.array([i for i, label in enumerate(labels) if label is None], np.int64)
    if not len(open_rows):
        raise InputError("every text has a label; give some without")
    asked = [texts[i] for i in open_rows.tolist()]
    held = [i for i, label in enumerate(labels) if label is not None]
    known, said = [texts[i] for i in held], [str(labels[i]) for i in held]
    reading = _quick_reading(known, said, asked, seed)
    if reading is None:
        found = _first_rows(asked, k, seed)
    else:
        found = next_to_label(
            reading.shares, k=k, counts=reading.counts, others=[reading.second],
            texts=asked, known=known, seed=seed,
        )  # fmt: skip
    return found._replace(rows=open_rows[found.rows])


def novelty(texts: Sequence[str], known: Sequence[str]) -> Floats:
    """How new the words of each text are, as a rank from 0 to 1.

    Parameters
    ----------
    texts, known : sequence of str

    Returns
    -------
    ndarray of float64, shape (n_texts,)
        Rank of the share of character 2- and 3-grams that stand in two of `texts` or more, and
        in none of `known`; 0 where there is none.

    Examples
    --------
    >>> novelty(["戒指测不准心率", "戒指测不准心率", "快递没到"], ["快递没到"]).tolist()
    [1.0, 1.0, 0.0]
    """
    ngrams = HashedNgrams(size=3, min_texts=1)
    new, old = ngrams._counts(texts), ngrams._counts(known) if len(known) else None
    new.data[:] = 1
    common = np.asarray(new.sum(axis=0)).ravel() > 1
    unknown = common if old is None else common & (np.asarray(old.sum(axis=0)).ravel() == 0)
    share = (new @ unknown.astype(np.float32)) / np.maximum(np.diff(new.indptr), 1)
    rank = np.searchsorted(np.sort(share), share, side="right") / len(share)
    return np.where(share > 0, rank, 0.0)


@dataclass(frozen=True)
class _QuickReading:
    """What two quick models of different kinds say of unlabelled texts."""

    shares: Floats
    second: Floats
    counts: list[int]


def _quick_reading(
    known: Sequence[str], said: Sequence[str], asked: Sequence[str], seed: int
) -> _QuickReading | None:
    """None while fewer than two labels have two texts each."""
    classes, place, counts = np.unique(said, return_inverse=True, return_counts=True)
    if (counts > 1).sum() < 2:
        return None
    folds = _quick_folds(known, place, seed)
    tables = []
    for model in (ComplaintClassifier(features=65_000, random_state=seed), _by_words(seed)):
        scores = _scores(model.fit(known, place), asked, len(classes))
        tables.append(_calibrated(model, known, place, scores, folds))
    return _QuickReading(tables[0], tables[1], counts.tolist())


def _by_words(seed: int) -> Any:
    """A model of whole words, which errs elsewhere than one of characters."""
    words = segmenter()
    vectors = TfidfVectorizer(
        tokenizer=lambda text: [word for word, _, _ in words.cut(text)], token_pattern=None
    )
    return make_pipeline(vectors, MarginClassifier(C=1.0, balance=0.0, random_state=seed))


def _scores(model: Any, texts: Sequence[str], n_classes: int) -> Floats:
    found = model.decision_function(texts)
    found = np.column_stack([-found, found]) if found.ndim == 1 else found
    scores = np.full((len(texts), n_classes), found.min())
    scores[:, model.classes_.astype(int)] = found
    return scores


def _quick_folds(known: Sequence[str], place: Integers, seed: int) -> Integers | None:
    """Folds to calibrate on; None while the rows are few."""
    if len(known) < 20 * _FOLDS:
        return None
    fold_of = group_folds(near_duplicates(known, seed), _FOLDS, seed)
    enough = all(len(np.unique(place[fold_of != fold])) > 1 for fold in range(_FOLDS))
    return fold_of if enough and len(np.unique(fold_of)) == _FOLDS else None


def _calibrated(
    model: Any, known: Sequence[str], place: Integers, scores: Floats, folds: Integers | None
) -> Floats:
    """Probabilities; while the rows are few, by a plain scale."""
    if folds is None:
        return _softmax(_PLAIN_SCALE * scores)
    held = np.zeros((len(known), scores.shape[1]))
    for fold in range(_FOLDS):
        rest, rows = np.flatnonzero(folds != fold).tolist(), np.flatnonzero(folds == fold).tolist()
        fitted = clone(model).fit([known[i] for i in rest], place[rest])
        held[rows] = _scores(fitted, [known[i] for i in rows], scores.shape[1])
    found = calibrate_one(held, place, np.ones(len(place)))
    return _softmax(found.scale * scores + found.shift)


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _first_rows(texts: Sequence[str], k: int, seed: int) -> Queue:
    """Texts far from one another, for a start without labels."""
    random = np.random.default_rng(seed)
    drawn = random.permutation(len(texts))[: max(_LOOKED_AT * k, 1000)]
    vectors = _vectors([texts[i] for i in drawn.tolist()])
    rows = drawn[_spread_out(np.ones(len(drawn)), vectors, k, random)]
    return Queue(rows, [(NEW_WORDS,)] * len(rows), np.ones(len(rows)))


def _by_target(shares: Mapping[str, Floats] | Floats) -> dict[str, Floats]:
    tables = dict(shares) if isinstance(shares, Mapping) else {"category": shares}
    if not tables:
        raise InputError("there are no shares; give those of at least one target")
    found = {target: np.asarray(table, np.float64) for target, table in tables.items()}
    sizes = {len(table) for table in found.values() if table.ndim == 2}
    if len(sizes) != 1 or any(table.ndim != 2 for table in found.values()):
        shapes = {target: table.shape for target, table in found.items()}
        raise InputError(f"shares have shapes {shapes}; give one row for each text")
    return found


def _doubts(tables: Mapping[str, Floats], committee: Sequence[Mapping[str, Floats]]) -> Floats:
    """Doubt over all targets; the model that is asked for weighs twice as much as the others."""
    own = np.mean([_doubt(target, table) for target, table in tables.items()], axis=0)
    if not committee:
        return np.asarray(own)
    doubts = [_doubt(target, table) for each in committee for target, table in each.items()]
    return np.asarray((_OWN * own + np.mean(doubts, axis=0)) / (_OWN + 1))


def _doubt(target: str, table: Floats) -> Floats:
    """1 less the lead of the best label over the second; of codes, how near one is to a half."""
    if target == _SEVERAL:
        return np.asarray(1 - np.abs(2 * table - 1).min(axis=1))
    if table.shape[1] < 2:
        return np.zeros(len(table))
    ranked = -np.partition(-table, 1, axis=1)
    return np.asarray(1 - (ranked[:, 0] - ranked[:, 1]))


def _rarity(
    tables: Mapping[str, Floats], counts: Mapping[str, Sequence[int]] | Sequence[int]
) -> Floats:
    """How far below the average count the labels lie that a row may have, in [0, 1]."""
    known = counts if isinstance(counts, Mapping) else dict.fromkeys(tables, counts)
    found = []
    for target, table in tables.items():
        if target not in known:
            continue
        held = np.asarray(known[target], np.float64)
        if len(held) != table.shape[1]:
            raise InputError(f"{len(held)} counts for {table.shape[1]} labels of {target}")
        rare = np.maximum(1 - held / max(held.mean(), 1.0), 0)
        likely = np.minimum(table @ rare, rare.max())
        found.append(likely / max(rare.max(), 1e-9))
    return np.asarray(np.mean(found, axis=0))


def _disagreement(tables: Mapping[str, Floats], others: Sequence[Mapping[str, Floats]]) -> Floats:
    """Half the distance between what models say, averaged over targets and other models."""
    found = []
    for other in others:
        for target in tables.keys() & other.keys():
            if tables[target].shape != other[target].shape:
                raise InputError(f"two models have other labels of {target}; give the same ones")
            found.append(np.abs(tables[target] - other[target]).sum(axis=1) / 2)
    return np.asarray(np.minimum(np.mean(found, axis=0), 1.0))


def _vectors(texts: Sequence[str]) -> csr_matrix | None:
    try:
        return HashedNgrams(size=2, min_texts=2).fit(texts).transform(texts)
    except InputError:
        return None  # no two texts share an n-gram: all are far from one another


def _spread_out(
    scores: Floats, vectors: Any, k: int, random: np.random.Generator
) -> Integers:  # fmt: skip
    """The best rows, each held back by its likeness to those chosen before."""
    order = np.lexsort((random.random(len(scores)), -scores))
    if vectors is None:
        return np.asarray(order[:k], np.int64)
    looked = order[: _LOOKED_AT * k]
    table, left = csr_matrix(vectors)[looked], scores[looked].copy()
    nearest, chosen = np.zeros(len(looked)), []
    for _ in range(min(k, len(looked))):
        best = int(np.argmax(left * (1 - _LIKENESS * nearest)))
        chosen.append(best)
        left[best] = -np.inf
        likeness = np.asarray((table @ table[[best]].T).todense()).ravel()
        nearest = np.maximum(nearest, np.minimum(likeness, 1.0))
    return np.asarray(looked[chosen], np.int64)


def _reasons(worth: Mapping[str, Floats], row: int) -> tuple[str, ...]:
    """Those above their floor, by what they add; where there is none, the one that adds most."""
    added = {why: _WORTH[why] * float(value[row]) for why, value in worth.items()}
    ranked = sorted(added, key=lambda why: -added[why])
    return tuple(w for w in ranked if worth[w][row] >= _FLOOR[w]) or (ranked[0],)


def _refuse_lengths(
    n_rows: int, worth: Mapping[str, Floats], texts: Sequence[str] | None, vectors: Any
) -> None:
    sizes = {f"values of {why}": len(value) for why, value in worth.items()}
    if texts is not None:
        sizes["texts"] = len(texts)
    if vectors is not None:
        sizes["vectors"] = vectors.shape[0]
    for name, size in sizes.items():
        if size != n_rows:
            raise InputError(f"{size} {name} for {n_rows} rows of shares; give one for each")
