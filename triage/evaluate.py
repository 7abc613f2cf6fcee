"""Figures of merit, as `suyuan evaluate` prints them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import InputError
from triage.heads import TARGETS
from triage.tier import ORDER

if TYPE_CHECKING:
    from triage.desk import Desk

COVERAGES = (0.8, 0.9, 0.95)
_BINS = 10
_CHUNK = 2048


def label_figures(
    truth: Sequence[str], given: Sequence[str], confidence: Sequence[float] | None = None
) -> dict[str, Any]:
    """Figures of a target with one label.

    Parameters
    ----------
    truth, given : sequence of str, same length
    confidence : sequence of float, optional
        Of each given label; without it calibration is left out.

    Returns
    -------
    dict
        ``n, accuracy, macro_f1, per_class`` and with confidence ``ece,
        accuracy_at_coverage``. A label that the truth never holds but that was given counts
        in `macro_f1` with 0, as scikit-learn's `f1_score` has it.

    Raises
    ------
    InputError
        Nothing was given, or the lengths differ.

    Examples
    --------
    >>> figures = label_figures(["甲", "乙"], ["甲", "甲"], [0.9, 0.6])
    >>> figures["accuracy"], figures["macro_f1"]
    (0.5, 0.333333)
    """
    _refuse_lengths(truth, given)
    right = np.array([a == b for a, b in zip(truth, given, strict=True)])
    per_class = {label: _class_figures(truth, given, label) for label in _labels(truth, given)}
    figures: dict[str, Any] = {
        "n": len(truth),
        "accuracy": _round(right.mean()),
        "macro_f1": _round(np.mean([each["f1"] for each in per_class.values()])),
        "per_class": {
            label: {name: _round(value) if name != "n" else value for name, value in each.items()}
            for label, each in per_class.items()
        },
    }
    if confidence is not None:
        sure = np.asarray(confidence, np.float64)
        figures["ece"] = _round(calibration_error(right, sure))
        figures["accuracy_at_coverage"] = {
            f"{share:g}": _round(accuracy_at_coverage(right, sure, share)) for share in COVERAGES
        }
    return figures


def issue_figures(truth: Sequence[Sequence[str]], given: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Figures of issue codes, any number for each text.

    Parameters
    ----------
    truth, given : sequence of sequence of str, same length

    Returns
    -------
    dict
        ``n, micro_f1, macro_f1, jaccard``; macro over the codes that the truth holds, jaccard
        the mean over texts, 1 where both say nothing.

    Examples
    --------
    >>> issue_figures([["1002"], []], [["1002", "1001"], []])
    {'n': 2, 'micro_f1': 0.666667, 'macro_f1': 1.0, 'jaccard': 0.75}
    """
    _refuse_lengths(truth, given)
    pairs = [(set(a), set(b)) for a, b in zip(truth, given, strict=True)]
    codes = sorted({code for real, _ in pairs for code in real})
    return {
        "n": len(pairs),
        "micro_f1": _round(_f1(_all_hits(pairs, None))),
        "macro_f1": _round(np.mean([_f1(_all_hits(pairs, code)) for code in codes] or [0.0])),
        "jaccard": _round(np.mean([len(a & b) / len(a | b) if a | b else 1.0 for a, b in pairs])),
    }


def calibration_error(right: NDArray[np.bool_], confidence: NDArray[np.float64]) -> float:
    """Expected calibration error over ten bins of equal width (Guo et al., 2017).

    Examples
    --------
    >>> calibration_error(np.array([True, False]), np.array([0.75, 0.75]))
    0.25
    """
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    size = np.bincount(bins, minlength=_BINS)
    gap = np.bincount(bins, confidence, _BINS) - np.bincount(bins, right, _BINS)
    return float(np.abs(gap[size > 0]).sum() / len(right))


def accuracy_at_coverage(
    right: NDArray[np.bool_], confidence: NDArray[np.float64], share: float
) -> float:
    """Accuracy of the most confident share of answers.

    Examples
    --------
    >>> accuracy_at_coverage(np.array([True, False]), np.array([0.9, 0.6]), 0.5)
    1.0
    """
    kept = np.argsort(-confidence, kind="stable")[: max(1, math.ceil(share * len(right)))]
    return float(right[kept].mean())


def evaluate(
    desk: Desk, texts: Sequence[str], labels: Mapping[str, Sequence[Any]]
) -> dict[str, dict[str, Any]]:
    """Figures of a desk on labelled texts; abstention is off, the best label counts.

    Parameters
    ----------
    desk : Desk
    texts : sequence of str
        Cleaned.
    labels : mapping of target to sequence
        Labels, for ``issues`` sequences of codes. Targets that are not there are left out, and
        a row whose label is None is left out of that target's figures.

    Returns
    -------
    dict
        By target; ``tier`` also has ``decided``, the figures of the tier as the desk decides
        it with its words and the cost of a miss.
    """
    said = answers(desk, texts)
    figures: dict[str, dict[str, Any]] = {}
    for target in TARGETS:
        if target not in labels:
            continue
        kept = [i for i, label in enumerate(labels[target]) if label is not None]
        if not kept:
            continue
        truth, given = [labels[target][i] for i in kept], [said[target][i] for i in kept]
        if target == "issues":
            figures[target] = issue_figures(truth, given)
            continue
        sure = [said[f"{target}_sure"][i] for i in kept]
        figures[target] = label_figures(truth, given, sure)
        if target == "tier":
            decided = [said["decided"][i] for i in kept]
            figures["tier"]["decided"] = label_figures(truth, decided)
    return figures


def answers(desk: Desk, texts: Sequence[str]) -> dict[str, list[Any]]:
    """What a desk says of texts when nobody may abstain.

    Parameters
    ----------
    desk : Desk
    texts : sequence of str
        Cleaned.

    Returns
    -------
    dict
        ``category, tier, sentiment`` with the best label of each text, ``category_sure`` and so
        on with its probability, ``issues`` with lists of codes, and ``decided`` with the tier
        as the desk decides it, ``decided_sure`` with the confidence in it.
    """
    said: dict[str, list[Any]] = {}
    for start in range(0, len(texts), _CHUNK):
        for name, values in _said_of(desk, texts[start : start + _CHUNK]).items():
            said.setdefault(name, []).extend(values)
    return said


def _said_of(desk: Desk, texts: Sequence[str]) -> dict[str, list[Any]]:
    reader = desk.reader
    reading = reader.read(texts)
    codes = reader.heads["issues"].labels
    said: dict[str, list[Any]] = {
        "issues": [[codes[k] for k in row if k >= 0] for row in reading.issues.tolist()],
        "decided": [ORDER[k] for k in reading.tiers.tolist()],
        "decided_sure": reading.tier_shares.tolist(),
    }
    for target in ("category", "tier", "sentiment"):
        labels = reader.heads[target].labels
        said[target] = [labels[k] for k in reading.best[target].tolist()]
        said[f"{target}_sure"] = reading.confidence(target).tolist()
    return said


def _labels(truth: Sequence[str], given: Sequence[str]) -> list[str]:
    return sorted({*truth, *given})


def _class_figures(truth: Sequence[str], given: Sequence[str], label: str) -> dict[str, Any]:
    real = sum(t == label for t in truth)
    said = sum(g == label for g in given)
    both = sum(t == g == label for t, g in zip(truth, given, strict=True))
    return {
        "precision": both / said if said else 0.0,
        "recall": both / real if real else 0.0,
        "f1": 2 * both / (real + said) if real + said else 0.0,
        "n": real,
    }


def _all_hits(pairs: Sequence[tuple[set[str], set[str]]], code: str | None) -> tuple[int, int, int]:
    """Codes in both, in the truth and given; of one code, or of all."""
    if code is None:
        both = sum(len(a & b) for a, b in pairs)
        return both, sum(len(a) for a, _ in pairs), sum(len(b) for _, b in pairs)
    both = sum(code in a and code in b for a, b in pairs)
    return both, sum(code in a for a, _ in pairs), sum(code in b for _, b in pairs)


def _f1(hits: tuple[int, int, int]) -> float:
    both, real, said = hits
    return 2 * both / (real + said) if real + said else 0.0


def _refuse_lengths(truth: Sequence[Any], given: Sequence[Any]) -> None:
    if not len(truth):
        raise InputError("there is no labelled row; give at least one")
    if len(truth) != len(given):
        raise InputError(f"{len(given)} answers for {len(truth)} labels; give one for each")


def _round(number: float | np.floating[Any]) -> float:
    return round(float(number), 6)
