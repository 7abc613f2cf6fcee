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
# How often the label of a near copy is wrong itself, and how many copies are heard at most.
_COPY_WRONG, _MOST_HEARD = 0.1, 3


def suspected_labels(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    below: float = 0.03,
    folds: int = 5,
    seed: int = 7,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Labels of a table that are probably wrong: `out_of_fold_shares`, then `suspects`.

    Parameters
    ----------
    texts, labels : sequence of str, same length
    below, folds, seed, progress
        As these two take them.

    Returns
    -------
    DataFrame
        ``row, given, suggested, score``, the surest first.

    Examples
    --------
    >>> said = ["屏幕闪", "屏幕碎了", "快递慢", "快递丢了"]
    >>> days = ["昨晚", "上午", "第三天", "买来就", "今天又"]
    >>> labels = ["质量", "质量", "物流", "物流"] * 5
    >>> labels[9] = "物流"
    >>> found = suspected_labels([day + what for day in days for what in said], labels, below=0.5)
    >>> int(found["row"].iloc[0])
    9
    """
    groups = near_duplicates(texts, seed)
    shares, classes = out_of_fold_shares(
        texts, labels, folds=folds, seed=seed, groups=groups, progress=progress
    )
    return suspects(labels, shares, classes, groups, below=below)


def suspects(
    labels: Sequence[str],
    shares: Floats,
    classes: Sequence[str],
    groups: Integers | None = None,
    *,
    below: float = 0.03,
) -> pd.DataFrame:
    """Rows whose label is probably wrong, the surest first.

    A label is suspected when models that never saw the row give it next to no chance
    (self-confidence). That some other label is likelier is not enough: where two labels are
    often taken for one another, most such rows are right.

    Parameters
    ----------
    labels : sequence of str, shape (n_rows,)
        As given.
    shares : ndarray of float64, shape (n_rows, n_classes)
        Probabilities by a model that did not see the row; `out_of_fold_shares` makes them.
    classes : sequence of str
        Labels of the columns.
    groups : ndarray of int64, shape (n_rows,), optional
        Near copies, as `triage.duplicates.near_duplicates` finds them; their labels speak for
        one another.
    below : float, default=0.03
        Largest probability of a suspected label; 1 ranks all rows whose label is not the
        likeliest.

    Returns
    -------
    DataFrame
        ``row, given, suggested, score``; the score is 1 less the probability of the given label.

    Raises
    ------
    InputError
        A label is none of the classes, or the lengths differ.
    SettingRefused
        `below` is no probability.

    References
    ----------
    Northcutt, Jiang, Chuang (2021). Confident learning: estimating uncertainty in dataset labels.
    Kuan, Mueller (2022). Model-agnostic label quality scoring to detect real-world label errors.

    Examples
    --------
    >>> shares = np.array([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2], [0.01, 0.99]])
    >>> found = suspects(["甲", "乙", "乙", "甲"], shares, ["甲", "乙"])
    >>> found[["row", "suggested"]].to_numpy().tolist()
    [[3, '乙']]
    """
    if not 0 < below <= 1:
        raise SettingRefused(f"below is {below}; give a probability above 0")
    given = _places(labels, classes)
    _refuse_shape(shares, len(given), len(classes))
    likely = shares if groups is None else _with_copies(shares, given, groups)
    rows = np.arange(len(given))
    own, others = likely[rows, given], likely.copy()
    others[rows, given] = -1
    suggested = others.argmax(axis=1)
    odd = np.flatnonzero((own <= below) & (others.max(axis=1) > own))
    odd = odd[np.argsort(own[odd], kind="stable")]
    names = np.array(classes, object)
    return pd.DataFrame({"row": odd, "given": names[given[odd]],
                         "suggested": names[suggested[odd]], "score": 1 - own[odd]})  # fmt: skip


def _with_copies(shares: Floats, given: Integers, groups: Integers) -> Floats:
    """Probabilities once the labels of near copies are heard, each of which may be wrong too."""
    _, of_row, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    n_classes = shares.shape[1]
    said = np.zeros((len(sizes), n_classes))
    np.add.at(said, (of_row, given), 1)
    others = said[of_row]
    others[np.arange(len(given)), given] -= 1
    heard = np.minimum(others, _MOST_HEARD) * np.log((1 - _COPY_WRONG) / (_COPY_WRONG / n_classes))
    logits = np.log(np.maximum(shares, 1e-12)) + heard
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def suspect_codes(
    codes: Sequence[Sequence[str]],
    shares: Floats,
    classes: Sequence[str],
    *,
    below: float = 0.03,
) -> pd.DataFrame:
    """Codes that are probably missing or too many, where a row may have several.

    Parameters
    ----------
    codes : sequence of sequence of str, shape (n_rows,)
    shares : ndarray of float64, shape (n_rows, n_classes)
        Probability of each code by models that did not see the row.
    classes : sequence of str
        Codes of the columns.
    below : float, default=0.03
        Largest probability of what is said of a suspected code.

    Returns
    -------
    DataFrame
        ``row, code, error, score``; the error is ``missing`` or ``extra``.

    Examples
    --------
    >>> shares = np.array([[0.99, 0.5], [0.6, 0.01]])
    >>> found = suspect_codes([[], ["1001", "1002"]], shares, ["1001", "1002"])
    >>> found[["row", "code", "error"]].to_numpy().tolist()
    [[1, '1002', 'extra'], [0, '1001', 'missing']]
    """
    _refuse_shape(shares, len(codes), len(classes))
    held = np.zeros(shares.shape, np.bool_)
    for i, row in enumerate(codes):
        held[i, _places(row, classes)] = True
    own = np.where(held, shares, 1 - shares)
    rows, columns = np.nonzero(own <= below)
    order = np.argsort(own[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    names = np.array(classes, object)
    errors = np.where(held[rows, columns], "extra", "missing")
    return pd.DataFrame({"row": rows, "code": names[columns], "error": errors,
                         "score": 1 - own[rows, columns]})  # fmt: skip


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
    groups = near_duplicates(texts, seed) if groups is None else groups
    if len(np.unique(groups)) < folds:
        raise InputError(f"all texts are near copies of fewer than {folds}; give more texts")
    fold_of = group_folds(groups, folds, seed)
    scores = np.zeros((len(texts), len(classes)))
    for fold in np.unique(fold_of).tolist():
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
