"""Champion and challenger on the same texts: what differs, how surely, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from domain.errors import InputError, SettingRefused
from triage import evaluate
from triage.evaluate import calibration_error

if TYPE_CHECKING:
    from triage.desk import Desk

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]
SEVERAL = "issues"
_BLOCK = 64


@dataclass(frozen=True)
class Answers:
    """What a model says of some texts on one target.

    Attributes
    ----------
    labels : sequence
        One label a text; for ``issues`` a sequence of codes.
    confidence : sequence of float, optional
        Of each label, for the calibration error.
    """

    labels: Sequence[Any]
    confidence: Sequence[float] | None = None


@dataclass(frozen=True)
class Difference:
    """One figure of both models and how far they are apart.

    Attributes
    ----------
    champion, challenger : float
    difference : float
        Challenger less champion.
    low, high : float
        95 % interval of the difference, by a paired bootstrap of groups.
    p_value : float or None
        Two-sided; None where no test was made.
    """

    champion: float
    challenger: float
    difference: float
    low: float
    high: float
    p_value: float | None = None


@dataclass(frozen=True)
class TargetComparison:
    """One target on one set of texts.

    Attributes
    ----------
    n, n_groups : int
        Texts, and groups of near copies among them.
    classes : tuple of str
        Every label that the truth or a model named.
    figures : dict of str to Difference
        ``accuracy`` (exact McNemar test), ``macro_f1`` (paired permutation test of groups), and
        ``ece`` where confidence was given; for issue codes ``micro_f1``, ``macro_f1`` and
        ``exact`` in place of accuracy.
    per_class : dict of str to dict of str to Difference
        ``precision``, ``recall`` and ``f1`` of every class.
    counts : dict of str to int
        Texts of each class.
    one_sided_low : dict of str to float
        Lower bound of each class's difference in recall, 95 % one-sided.
    confusion : dict of str to list of list of int
        ``champion`` and ``challenger``: truth by rows, answers by columns, in the order of
        `classes`; empty for issue codes.
    changed : list of dict
        Rows whose answer differs: ``row, truth, champion, challenger, better`` (1, 0 or -1).
    """

    n: int
    n_groups: int
    classes: tuple[str, ...]
    figures: dict[str, Difference]
    per_class: dict[str, dict[str, Difference]]
    counts: dict[str, int]
    one_sided_low: dict[str, float]
    confusion: dict[str, list[list[int]]]
    changed: list[dict[str, Any]] = field(repr=False)

    def to_plain(self) -> dict[str, Any]:
        """As JSON values."""
        plain = asdict(self)
        plain["classes"] = list(self.classes)
        return plain


Comparison = dict[str, TargetComparison]


def answers(desk: Desk, texts: Sequence[str]) -> dict[str, Answers]:
    """What a desk says of cleaned texts on every target; the tier as the service decides it."""
    said = evaluate.answers(desk, texts)
    return {
        "category": Answers(said["category"], said["category_sure"]),
        "issues": Answers(said["issues"]),
        "tier": Answers(said["decided"], said["decided_sure"]),
        "sentiment": Answers(said["sentiment"], said["sentiment_sure"]),
    }


def compare(
    truth: Mapping[str, Sequence[Any]],
    champion: Mapping[str, Answers],
    challenger: Mapping[str, Answers],
    *,
    groups: Integers | None = None,
    rounds: int = 1000,
    seed: int = 7,
) -> Comparison:
    """Compare two models on every target that the truth and both have.

    Parameters
    ----------
    truth : mapping of target to sequence
        The right labels; for ``issues`` sequences of codes.
    champion, challenger : mapping of target to Answers
    groups : ndarray of int64, shape (n_texts,), optional
        Near copies, which are drawn together; by default each text stands for itself.
    rounds : int, default=1000
        Draws of the bootstrap and of the permutation test.
    seed : int, default=7

    Returns
    -------
    dict of target to TargetComparison

    Raises
    ------
    InputError
        Nothing can be compared, or lengths differ.
    SettingRefused
        Fewer than 100 rounds.

    References
    ----------
    McNemar (1947). Note on the sampling error of the difference between correlated proportions.
    Yeh (2000). More accurate tests for the statistical significance of result differences.

    Examples
    --------
    >>> truth = {"category": ["甲", "甲", "乙", "乙"]}
    >>> old = {"category": Answers(["甲", "乙", "乙", "甲"])}
    >>> new = {"category": Answers(["甲", "甲", "乙", "甲"])}
    >>> found = compare(truth, old, new)["category"]
    >>> found.figures["accuracy"].difference, [row["row"] for row in found.changed]
    (0.25, [1])
    """
    if rounds < 100:
        raise SettingRefused(f"rounds is {rounds}; give at least 100")
    targets = [t for t in truth if t in champion and t in challenger]
    if not targets:
        raise InputError("no target has a truth and the answers of both models")
    return {
        target: _compare_target(
            truth[target], champion[target], challenger[target], target == SEVERAL,
            groups, rounds, seed,
        )
        for target in targets
    }  # fmt: skip


def compare_sets(
    sets: Mapping[str, tuple[Mapping[str, Sequence[Any]], Mapping[str, Answers],
                             Mapping[str, Answers], Integers | None]],
    *,
    rounds: int = 1000,
    seed: int = 7,
) -> dict[str, Comparison]:  # fmt: skip
    """`compare` on named sets, such as ``frozen``, ``recent`` and ``noise``.

    Parameters
    ----------
    sets : mapping of name to (truth, champion, challenger, groups)
    rounds, seed
        As `compare` takes them.

    Returns
    -------
    dict of name to dict of target to TargetComparison
    """
    return {
        name: compare(truth, old, new, groups=groups, rounds=rounds, seed=seed)
        for name, (truth, old, new, groups) in sets.items()
    }


def _compare_target(
    truth: Sequence[Any],
    champion: Answers,
    challenger: Answers,
    several: bool,
    groups: Integers | None,
    rounds: int,
    seed: int,
) -> TargetComparison:
    _refuse_lengths(len(truth), champion, challenger, groups)
    sets = [_as_sets(given, several) for given in (truth, champion.labels, challenger.labels)]
    classes = tuple(sorted({label for each in sets for row in each for label in row}))
    real, old, new = (_indicators(each, classes) for each in sets)
    draws = _Draws(groups, len(truth), rounds, seed)
    pair = _Pair(real, old, new, draws)
    figures = pair.figures(several)
    if champion.confidence is not None and challenger.confidence is not None and not several:
        figures["ece"] = pair.calibration(champion.confidence, challenger.confidence)
    return TargetComparison(
        n=len(truth),
        n_groups=draws.n_groups,
        classes=classes,
        figures=figures,
        per_class={label: pair.of_class(k) for k, label in enumerate(classes)},
        counts=dict(zip(classes, real.sum(axis=0).tolist(), strict=True)),
        one_sided_low={label: pair.recall_low(k) for k, label in enumerate(classes)},
        confusion={} if several else {
            "champion": _confusion(real, old), "challenger": _confusion(real, new)
        },
        changed=_changed(truth, champion.labels, challenger.labels, real, old, new),
    )  # fmt: skip


class _Draws:
    """How often each group is drawn in each round, and which groups swap sides."""

    def __init__(self, groups: Integers | None, n: int, rounds: int, seed: int) -> None:
        own = np.arange(n) if groups is None else groups
        names, self.of_row = np.unique(own, return_inverse=True)
        self.n_groups = len(names)
        random = np.random.default_rng(seed)
        times = random.multinomial(self.n_groups, np.full(self.n_groups, 1 / self.n_groups), rounds)
        self.times = np.minimum(times, 255).astype(np.uint8)
        self.swapped = random.random((rounds, self.n_groups)) < 0.5

    def by_group(self, counts: NDArray[Any]) -> Floats:
        """Sums of the rows of each group, shape (n_groups, n_classes)."""
        sums = np.zeros((self.n_groups, counts.shape[1]))
        np.add.at(sums, self.of_row, counts)
        return sums

    def drawn(self, counts: NDArray[Any]) -> Floats:
        """Sums of every round, shape (rounds, n_classes)."""
        return _in_blocks(self.times, self.by_group(counts))


def _in_blocks(rounds: NDArray[Any], sums: Floats) -> Floats:
    """``rounds @ sums``, a few rounds at a time, since bytes are kept and floats are multiplied."""
    blocks = range(0, len(rounds), _BLOCK)
    return np.vstack([rounds[start : start + _BLOCK].astype(np.float64) @ sums for start in blocks])


class _Pair:
    """Hits and misses of both models, in all and in every round."""

    def __init__(self, real: Bools, old: Bools, new: Bools, draws: _Draws) -> None:
        self.draws = draws
        self.rows = {"real": real, "old": old, "new": new,
                     "old_hit": real & old, "new_hit": real & new}  # fmt: skip
        self.right = {side: (self.rows[side] == real).all(axis=1) for side in ("old", "new")}
        self.total = {name: rows.sum(axis=0).astype(float) for name, rows in self.rows.items()}
        self.drawn = {name: draws.drawn(rows) for name, rows in self.rows.items()}

    def figures(self, several: bool) -> dict[str, Difference]:
        found = {"exact" if several else "accuracy": self._accuracy()}
        found["macro_f1"] = self._of_f1(_macro)
        if several:
            found["micro_f1"] = self._of_f1(_micro)
        return found

    def of_class(self, k: int) -> dict[str, Difference]:
        return {
            "precision": self._ratio(k, ("old", "new")),
            "recall": self._ratio(k, ("real", "real")),
            "f1": self._f1_of_class(k),
        }

    def recall_low(self, k: int) -> float:
        """Lower one-sided 95 % bound of the challenger's recall less the champion's."""
        real = np.maximum(self.drawn["real"][:, k], 1e-9)
        gaps = (self.drawn["new_hit"][:, k] - self.drawn["old_hit"][:, k]) / real
        return float(np.quantile(gaps, 0.05))

    def calibration(self, old: Sequence[float], new: Sequence[float]) -> Difference:
        sure = np.asarray(old, np.float64), np.asarray(new, np.float64)
        values = [
            calibration_error(self.right[side], each)
            for side, each in zip(("old", "new"), sure, strict=True)
        ]
        gaps = []
        for times in self.draws.times[:200]:
            rows = np.repeat(np.arange(len(self.draws.of_row)),
                             times[self.draws.of_row].astype(int))  # fmt: skip
            gaps.append(
                calibration_error(self.right["new"][rows], sure[1][rows])
                - calibration_error(self.right["old"][rows], sure[0][rows])
            )
        return _difference(values[0], values[1], np.array(gaps))

    def _accuracy(self) -> Difference:
        old, new = self.right["old"], self.right["new"]
        size = self.draws.drawn(np.ones((len(old), 1)))[:, 0]
        gaps = self.draws.drawn((new.astype(float) - old)[:, None])[:, 0] / size
        return _difference(old.mean(), new.mean(), gaps, mcnemar(old, new))

    def _of_f1(self, mean: Any) -> Difference:
        def reached(counts: Mapping[str, Floats], side: str) -> Any:
            return mean(counts[f"{side}_hit"], counts["real"], counts[side])

        gaps = reached(self.drawn, "new") - reached(self.drawn, "old")
        old, new = (float(reached(self.total, side)) for side in ("old", "new"))
        return _difference(old, new, gaps, self._permuted(mean, new - old))

    def _permuted(self, mean: Any, seen: float) -> float:
        """Share of rounds in which swapping whole groups makes as large a difference."""
        sums = {name: self.draws.by_group(rows) for name, rows in self.rows.items()}
        swap = self.draws.swapped
        gaps = []
        for one, other in (("new", "old"), ("old", "new")):
            moved = sums[f"{other}_hit"] - sums[f"{one}_hit"], sums[other] - sums[one]
            hit = _in_blocks(swap, moved[0]) + self.total[f"{one}_hit"]
            said = _in_blocks(swap, moved[1]) + self.total[one]
            gaps.append(mean(hit, self.total["real"], said))
        as_large = np.abs(gaps[0] - gaps[1]) >= abs(seen) - 1e-12
        return float((as_large.sum() + 1) / (len(as_large) + 1))

    def _ratio(self, k: int, under: tuple[str, str]) -> Difference:
        def share(counts: Mapping[str, Floats], hit: str, below: str) -> Any:
            return _over(counts[hit][..., k], counts[below][..., k])

        pairs = (("old_hit", under[0]), ("new_hit", under[1]))
        old, new = (share(self.total, *names) for names in pairs)
        drawn_old, drawn_new = (share(self.drawn, *names) for names in pairs)
        return _difference(float(old), float(new), drawn_new - drawn_old)

    def _f1_of_class(self, k: int) -> Difference:
        def f1(counts: Mapping[str, Floats], side: str) -> Any:
            return _over(
                2 * counts[f"{side}_hit"][..., k], counts["real"][..., k] + counts[side][..., k]
            )

        gaps = f1(self.drawn, "new") - f1(self.drawn, "old")
        return _difference(float(f1(self.total, "old")), float(f1(self.total, "new")), gaps)


def mcnemar(old: Bools, new: Bools) -> float:
    """Exact McNemar test of who is right more often, two-sided.

    Examples
    --------
    >>> mcnemar(np.array([True] * 9), np.array([False] * 8 + [True])).__round__(4)
    0.0078
    """
    gained, lost = int((new & ~old).sum()), int((old & ~new).sum())
    if not gained + lost:
        return 1.0
    return float(stats.binomtest(gained, gained + lost).pvalue)


def _macro(hit: Floats, real: Floats, said: Floats) -> Any:
    """Mean F1 of the classes that were real or given, as scikit-learn has it."""
    there = np.broadcast_to(real + said > 0, hit.shape)
    total = (_over(2 * hit, real + said) * there).sum(axis=-1)
    return total / np.maximum(there.sum(axis=-1), 1)


def _micro(hit: Floats, real: Floats, said: Floats) -> Any:
    return _over(2 * hit.sum(axis=-1), (real + said).sum(axis=-1))


def _over(above: Any, below: Any) -> Any:
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    return np.divide(above, below, out=np.zeros(above.shape), where=below > 0)


def _difference(old: float, new: float, gaps: Floats, p_value: float | None = None) -> Difference:
    low, high = np.quantile(gaps, [0.025, 0.975])
    old, new, gap, low, high = (round(float(n), 6) for n in (old, new, new - old, low, high))
    return Difference(old, new, gap, low, high, p_value)


def _as_sets(given: Sequence[Any], several: bool) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) if several else (str(row),) for row in given]


def _indicators(rows: Sequence[tuple[str, ...]], classes: tuple[str, ...]) -> Bools:
    place = {label: k for k, label in enumerate(classes)}
    table = np.zeros((len(rows), len(classes)), np.bool_)
    for i, row in enumerate(rows):
        table[i, [place[label] for label in row]] = True
    return table


def _confusion(real: Bools, said: Bools) -> list[list[int]]:
    counted = real.astype(np.int64).T @ said.astype(np.int64)
    return [[int(n) for n in row] for row in counted]


def _changed(
    truth: Sequence[Any], old: Sequence[Any], new: Sequence[Any], *tables: Bools
) -> list[dict[str, Any]]:
    real, before, after = tables
    rows = np.flatnonzero((before != after).any(axis=1))
    wrong_before, wrong_after = (before != real).sum(axis=1), (after != real).sum(axis=1)
    better = np.sign(wrong_before - wrong_after)
    return [
        {"row": i, "truth": truth[i], "champion": old[i], "challenger": new[i],
         "better": int(better[i])}
        for i in rows.tolist()
    ]  # fmt: skip


def _refuse_lengths(
    n: int, champion: Answers, challenger: Answers, groups: Integers | None
) -> None:
    if not n:
        raise InputError("there is no labelled text; give at least one")
    sizes = {
        "champion": len(champion.labels),
        "challenger": len(challenger.labels),
        "groups": n if groups is None else len(groups),
    }
    for name, size in sizes.items():
        if size != n:
            raise InputError(f"{size} {name} for {n} texts; give one for each")
