"""How far several people agree on the labels of the same texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from domain.errors import InputError

Codes = AbstractSet[str]
Distance = Callable[[Any, Any], float]


@dataclass(frozen=True)
class Agreement:
    """How far two people agree.

    Attributes
    ----------
    n : int
        Texts that both labelled.
    observed, expected : float
        Share labelled alike, and what chance alone would give.
    kappa : float
        Cohen's kappa; NaN where both know one label only.
    per_class : dict of label to float
        Kappa of this label against all others.
    """

    n: int
    observed: float
    expected: float
    kappa: float
    per_class: dict[str, float]

    def to_plain(self) -> dict[str, Any]:
        """As JSON values; what can't be computed is None."""
        plain = asdict(self)
        plain["kappa"] = _known(self.kappa)
        plain["per_class"] = {label: _known(value) for label, value in self.per_class.items()}
        return plain


def kappa(a: Sequence[Hashable], b: Sequence[Hashable]) -> float:
    """Cohen's kappa of two labellers.

    Parameters
    ----------
    a, b : sequence, same length
        Labels that each gave the same texts.

    Returns
    -------
    float
        1 is full agreement, 0 what chance gives; NaN where both use one and the same label only.

    Raises
    ------
    InputError
        Nothing was given, or the lengths differ.

    References
    ----------
    Cohen (1960). A coefficient of agreement for nominal scales.

    Examples
    --------
    >>> kappa(["甲", "甲", "乙", "乙"], ["甲", "甲", "乙", "甲"])
    0.5
    """
    _refuse_lengths(a, b)
    observed, expected = _shares_alike(a, b)
    return _corrected(observed, expected)


def pair(a: Sequence[str], b: Sequence[str]) -> Agreement:
    """Agreement of two labellers, in all and on each label.

    Parameters
    ----------
    a, b : sequence of str, same length

    Returns
    -------
    Agreement

    Examples
    --------
    >>> found = pair(["甲", "甲", "乙", "丙"], ["甲", "甲", "丙", "丙"])
    >>> round(found.observed, 2), {label: round(k, 2) for label, k in found.per_class.items()}
    (0.75, {'丙': 0.5, '乙': 0.0, '甲': 1.0})
    """
    _refuse_lengths(a, b)
    observed, expected = _shares_alike(a, b)
    per_class = {
        label: kappa([x == label for x in a], [y == label for y in b]) for label in sorted({*a, *b})
    }
    return Agreement(len(a), observed, expected, _corrected(observed, expected), per_class)


def fleiss(ratings: Sequence[Sequence[Hashable]]) -> float:
    """Kappa of Fleiss, for any number of labellers a text.

    Parameters
    ----------
    ratings : sequence of sequence
        The labels that each text was given, at least two for each; how many may differ.

    Returns
    -------
    float
        NaN where one label alone was used.

    Raises
    ------
    InputError
        Nothing was given, or a text has fewer than two labels.

    References
    ----------
    Fleiss (1971). Measuring nominal scale agreement among many raters; pairs of labels are
    weighed as Fleiss does where all texts have as many labels.

    Examples
    --------
    >>> fleiss([["甲", "甲", "甲"], ["乙", "乙", "乙"]])
    1.0
    """
    if not ratings:
        raise InputError("there is no labelled text; give at least one")
    if any(len(given) < 2 for given in ratings):
        raise InputError("a text has fewer than two labels; leave it out")
    alike = [_pairs_alike(given) / (len(given) * (len(given) - 1)) for given in ratings]
    used = Counter(label for given in ratings for label in given)
    total = sum(used.values())
    return _corrected(float(np.mean(alike)), sum((n / total) ** 2 for n in used.values()))


def alpha(ratings: Sequence[Sequence[Any]], distance: Distance | None = None) -> float:
    """Krippendorff's alpha.

    Parameters
    ----------
    ratings : sequence of sequence
        What each text was given, by however many labellers; texts with fewer than two count not.
    distance : callable, optional
        How far two values are apart, in [0, 1]; by default 0 where equal, else 1. For sets of
        issue codes give `masi`.

    Returns
    -------
    float
        1 is full agreement, 0 what chance gives, below 0 is worse than chance; NaN where all
        values are alike.

    Raises
    ------
    InputError
        No text has two values.

    References
    ----------
    Krippendorff (2011). Computing Krippendorff's alpha-reliability.

    Examples
    --------
    >>> alpha([["甲", "甲"], ["乙", "乙"], ["甲", "乙"]]).__round__(3)
    0.444
    >>> alpha([[{"1001"}, {"1001"}], [{"1002", "1003"}, {"1002"}]], masi).__round__(3)
    0.571
    """
    apart = distance or _different
    paired = [list(given) for given in ratings if len(given) > 1]
    if not paired:
        raise InputError("no text has the labels of two people; give at least one")
    values = [value for given in paired for value in given]
    seen = sum(_mean_apart(given, apart) * len(given) for given in paired) / len(values)
    by_chance = _mean_apart(values, apart)
    return 1 - seen / by_chance if by_chance > 0 else float("nan")


def masi(a: Codes, b: Codes) -> float:
    """Distance of two sets: 1 less their Jaccard index, weighed by how they lie to each other.

    References
    ----------
    Passonneau (2006). Measuring agreement on set-valued items (MASI).

    Examples
    --------
    >>> masi({"1001", "1002"}, {"1001"}).__round__(3), masi(set(), set()), masi({"1001"}, set())
    (0.667, 0.0, 1.0)
    """
    if a == b:
        return 0.0
    both = len(a & b)
    if not both:
        return 1.0
    weight = 2 / 3 if a < b or b < a else 1 / 3
    return 1 - weight * both / len(a | b)


def set_f1(a: Sequence[Codes], b: Sequence[Codes]) -> float:
    """Micro-F1 of the codes of one labeller against another's; the same both ways.

    Parameters
    ----------
    a, b : sequence of set of str, same length

    Returns
    -------
    float
        1 where neither gave any code.

    Examples
    --------
    >>> set_f1([{"1001"}, {"1002", "1003"}], [{"1001"}, {"1002"}])
    0.8
    """
    _refuse_lengths(a, b)
    both = sum(len(x & y) for x, y in zip(a, b, strict=True))
    given = sum(len(x) + len(y) for x, y in zip(a, b, strict=True))
    return 2 * both / given if given else 1.0


def _shares_alike(a: Sequence[Hashable], b: Sequence[Hashable]) -> tuple[float, float]:
    """Share labelled alike, and by chance."""
    n, ours, theirs = len(a), Counter(a), Counter(b)
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    return observed, sum(ours[label] * theirs[label] for label in ours) / n**2


def _corrected(observed: float, expected: float) -> float:
    return (observed - expected) / (1 - expected) if expected < 1 else float("nan")


def _pairs_alike(given: Sequence[Hashable]) -> int:
    return sum(n * (n - 1) for n in Counter(given).values())


def _mean_apart(values: Sequence[Any], apart: Distance) -> float:
    """Mean distance over all pairs; equal values are counted once, so that many cost little."""
    counted = Counter(frozenset(v) if isinstance(v, AbstractSet) else v for v in values)
    held = list(counted.items())
    total = sum(2 * n * m * apart(x, y) for i, (x, n) in enumerate(held) for y, m in held[i + 1 :])
    return total / (len(values) * (len(values) - 1))


def _different(a: Any, b: Any) -> float:
    return float(a != b)


def _known(number: float) -> float | None:
    return None if np.isnan(number) else number


def _refuse_lengths(a: Sequence[Any], b: Sequence[Any]) -> None:
    if not len(a):
        raise InputError("there is no labelled text; give at least one")
    if len(a) != len(b):
        raise InputError(f"{len(a)} labels of one and {len(b)} of the other; give the same texts")
