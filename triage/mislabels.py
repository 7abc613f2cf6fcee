"""Labels that are probably wrong, found by what models say that never saw them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import InputError, SettingRefused
from triage.calibration import calibrate_one
from triage.classifier import ComplaintClassifier
from triage.duplicates import group_folds, near_duplicates

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Progress = Callable[[str, float], None]


def suspects(
    labels: Sequence[str],
    shares: Floats,
    classes: Sequence[str],
    groups: Integers | None = None,
) -> pd.DataFrame:
    """Rows whose label is probably wrong, the surest first.

    Parameters
    ----------
    labels : sequence of str, shape (n_rows,)
        As given.
    shares : ndarray of float64, shape (n_rows, n_classes)
        Probabilities by a model that did not see the row; `out_of_fold_shares` makes them.
    classes : sequence of str
        Labels of the columns.
    groups : ndarray of int64, shape (n_rows,), optional
        Near copies; a label against the others of its own group is more suspicious.

    Returns
    -------
    DataFrame
        ``row, given, suggested, score``; score in [0, 1] orders all rows whose suggestion is
        another label than the given one.

    Raises
    ------
    InputError
        A label is none of the classes, or the lengths differ.

    References
    ----------
    Northcutt, Jiang, Chuang (2021). Confident learning: estimating uncertainty in dataset labels.

    Examples
    --------
    >>> shares = np.array([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2], [0.2, 0.8]])
    >>> found = suspects(["甲", "乙", "甲", "甲"], shares, ["甲", "乙"])
    >>> found[["row", "suggested"]].to_numpy().tolist()
    [[3, '乙']]
    """
    given = _places(labels, classes)
    _refuse_shape(shares, len(given), len(classes))
    own = np.take_along_axis(shares, given[:, None], 1)[:, 0]
    others = shares.copy()
    others[np.arange(len(given)), given] = -1
    suggested = others.argmax(axis=1)
    best = others[np.arange(len(given)), suggested]
    score = (1 + best - own) / 2
    odd = np.flatnonzero(best > own)
    odd = odd[np.argsort(-score[odd], kind="stable")]
    names = np.array(classes, object)
    return pd.DataFrame(
        {"row": odd, "given": names[given[odd]], "suggested": names[suggested[odd]],
         "score": score[odd]}
    )  # fmt: skip


def out_of_fold_shares(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    folds: int = 5,
    seed: int = 7,
    groups: Integers | None = None,
    progress: Progress | None = None,
) -> tuple[Floats, list[str]]:
    """Probabilities of each text's labels by models that saw neither it nor a near copy.

    Parameters
    ----------
    texts, labels : sequence of str, same length
    folds : int, default=5
    seed : int, default=7
    groups : ndarray of int64, shape (n_texts,), optional
        Near copies, which share a fold; by default those of `triage.duplicates`.
    progress : callable, optional
        Called with what is being done and the share done.

    Returns
    -------
    shares : ndarray of float64, shape (n_texts, n_classes)
    classes : list of str
        Labels of the columns.

    Raises
    ------
    InputError
        The lengths differ, or fewer than two labels are there.
    """
    if len(texts) != len(labels):
        raise InputError(f"{len(labels)} labels for {len(texts)} texts; give one for each")
    if not 2 <= folds <= 20:
        raise SettingRefused(f"folds is {folds}; it must lie from 2 to 20")
    classes = sorted(set(labels))
    if len(classes) < 2:
        raise InputError(f"all labels are {classes}; at least two are needed")
    place = _places(labels, classes)
    fold_of = group_folds(near_duplicates(texts, seed) if groups is None else groups, folds, seed)
    scores = np.zeros((len(texts), len(classes)))
    for fold in range(folds):
        if progress is not None:
            progress(f"fold {fold + 1} of {folds}", fold / folds)
        scores[fold_of == fold] = _held_scores(texts, place, fold_of, fold, len(classes), seed)
    return _softmax(scores, place), classes


def _held_scores(
    texts: Sequence[str], place: Integers, fold_of: Integers, fold: int, n_classes: int, seed: int
) -> Floats:
    """Margins of one fold; a class that the others lack has the lowest."""
    rows, held = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
    model = ComplaintClassifier(features=65_000, random_state=seed)
    model.fit([texts[i] for i in rows.tolist()], place[rows])
    found = model.decision_function([texts[i] for i in held.tolist()])
    found = np.column_stack([-found, found]) if found.ndim == 1 else found
    scores = np.full((len(held), n_classes), found.min() if found.size else -1.0)
    scores[:, model.classes_.astype(int)] = found
    return scores


def _softmax(scores: Floats, place: Integers) -> Floats:
    found = calibrate_one(scores, place, np.ones(len(place)))
    logits = found.scale * scores + found.shift
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _places(labels: Sequence[str], classes: Sequence[str]) -> Integers:
    place = {label: k for k, label in enumerate(classes)}
    strange = sorted({str(label) for label in labels if label not in place})
    if strange:
        raise InputError(f"label {strange[0]!r} is none of the {len(classes)} classes")
    return np.array([place[label] for label in labels], np.int64)


def _refuse_shape(shares: Floats, n_rows: int, n_classes: int) -> None:
    if shares.shape != (n_rows, n_classes):
        raise InputError(
            f"shares have shape {shares.shape}; {n_rows} labels of {n_classes} classes need "
            f"({n_rows}, {n_classes})"
        )
