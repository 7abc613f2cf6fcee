"""The gate before a model goes live: what a candidate must show, and why one is refused.

Every check gives a code that programs can rely on and a sentence in Chinese and English that
names what was measured and what would have been allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from domain.errors import InputError, SettingRefused
from triage.comparison import Comparison, TargetComparison
from triage.model import Model

Floats = NDArray[np.float64]
MAJOR = "重大"
_UNLIKELY = 0.1
_RATE_PRIOR = 10.0
CODES = (
    "macro_f1", "major_recall", "major_floor", "calibration", "speed", "size", "class_lost",
    "label_set", "not_finite", "libraries", "label_source", "source_share", "not_measured",
)  # fmt: skip


_SHARES = ("macro_f1_margin", "recall_margin", "recall_bound", "recall_floor", "certainty",
           "ece_margin", "ece_ceiling", "source_share", "source_p")  # fmt: skip


@dataclass(frozen=True)
class Policy:
    """What a candidate may be worse by.

    Attributes
    ----------
    macro_f1_margin : float
        Loss of macro-F1 (of issue codes: micro-F1) on the frozen set that refuses.
    wider : float
        Factor on that margin for other sets than the frozen one, where chance must explain the
        loss in fewer than one of ten cases as well.
    certainty : float
        A smaller loss refuses too when chance explains it less often than this, shared among
        all targets and sets.
    recall_margin : float
        Loss of the recall of 重大 that refuses.
    recall_bound : float
        The one-sided 95 % lower bound of that difference must lie above minus this.
    recall_floor : float
        Recall of 重大 that no model may be below, whatever the champion does.
    fewest_major : int
        With fewer rows of 重大 the bound and the floor are not judged, nor other sets than the
        frozen one.
    ece_margin, ece_ceiling : float
        Calibration error: how much larger it may be, and up to where it never matters.
    slower, larger : float
        Most times the champion's time a text, and its bytes.
    largest_bytes : int
    fewest_of_class : int
        From so many rows of the frozen set on, a class must still be found.
    source_share : float
        Most of the training rows that one source may give, but for trusted ones.
    trusted : tuple of str
        Sources without a cap, such as the first import.
    source_excess, source_ratio, source_p : float
        A source is suspicious when its share of contradicted labels is that much above what
        is expected, that many times it, and by chance less often than this.
    libraries : tuple of str
        Those whose major and minor version must be the running one.
    """

    macro_f1_margin: float = 0.01
    wider: float = 2.0
    certainty: float = 0.05
    recall_margin: float = 0.01
    recall_bound: float = 0.1
    recall_floor: float = 0.8
    fewest_major: int = 30
    ece_margin: float = 0.02
    ece_ceiling: float = 0.05
    slower: float = 2.0
    larger: float = 4.0
    largest_bytes: int = 100 << 20
    fewest_of_class: int = 5
    source_share: float = 0.4
    trusted: tuple[str, ...] = ()
    source_excess: float = 0.01
    source_ratio: float = 1.5
    source_p: float = 1e-3
    libraries: tuple[str, ...] = ("scikit-learn", "numpy")

    def __post_init__(self) -> None:
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise SettingRefused(f"{name} is {getattr(self, name)}; it must lie from 0 to 1")
        if min(self.slower, self.larger, self.source_ratio, self.wider) < 1:
            raise SettingRefused("slower, larger, source_ratio and wider must be at least 1")


@dataclass(frozen=True)
class Candidate:
    """What the gate must know of a model itself.

    Attributes
    ----------
    name, version : str
    labels : mapping of target to tuple of str
    unfinite : tuple of str
        Parts that hold values that are no finite numbers.
    size_bytes : int
        Of its files.
    libraries : mapping of str to str
        Versions of the libraries that it was trained with.
    """

    name: str
    version: str
    labels: Mapping[str, tuple[str, ...]]
    unfinite: tuple[str, ...] = ()
    size_bytes: int = 0
    libraries: Mapping[str, str] = field(default_factory=dict)


def candidate(
    model: Model, size_bytes: int | None = None, libraries: Mapping[str, str] | None = None
) -> Candidate:
    """What the gate must know of a model.

    Parameters
    ----------
    model : Model
    size_bytes : int, optional
        By default what its manifest says.
    libraries : mapping of str to str, optional
        By default what its manifest says; a model that was never published has none.

    Returns
    -------
    Candidate
    """
    if size_bytes is None:
        size_bytes = sum(int(f["bytes"]) for f in model.manifest.get("files", {}).values())
    if libraries is None:
        libraries = model.manifest.get("libraries", {})
    labels = {target: head.labels for target, head in model.heads.items()}
    return Candidate(
        model.name, model.version, labels, unfinite_parts(model), size_bytes, dict(libraries)
    )


def unfinite_parts(model: Model) -> tuple[str, ...]:
    """Names of the parts of a model that hold a value that is no finite number."""
    parts = {f"scorer.{name}": part for name, part in model.scorer.numbers().items()}
    for target, head in model.heads.items():
        parts |= {f"{target}.{name}": getattr(head, name)
                  for name in ("words", "scale", "shift", "lean")}  # fmt: skip
    parts["stated_confidence"] = np.array([model.stated_confidence])
    return tuple(name for name, array in parts.items() if not np.isfinite(array).all())


@dataclass(frozen=True)
class Source:
    """Labels of one source among the training rows.

    Attributes
    ----------
    name : str
    rows : int
    share : float
        Of all training rows.
    contradicted : int
        Rows whose label models that did not see them contradict clearly.
    expected : float
        How many that would be at the rates of the other sources, label by label.
    p_value : float
        Chance of at least as many, times the number of sources.
    """

    name: str
    rows: int
    share: float
    contradicted: int
    expected: float
    p_value: float


@dataclass(frozen=True)
class Measurements:
    """What was measured of champion and challenger.

    Attributes
    ----------
    sets : mapping of name to Comparison
        ``frozen`` is needed; ``recent`` and ``noise`` are judged with a wider margin.
    micros : tuple of float, optional
        Time a text of champion and challenger in microseconds, from one paired run.
    sources : sequence of Source
        Of the challenger's training rows, by `audit_sources`.
    libraries : mapping of str to str
        Versions of the running libraries.
    """

    sets: Mapping[str, Comparison]
    micros: tuple[float, float] | None = None
    sources: Sequence[Source] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """One reason against a candidate.

    Attributes
    ----------
    code : str
        One of `CODES`.
    zh, en : str
        The reason in a sentence.
    target, of_set : str or None
    measured, allowed : float or None
    """

    code: str
    zh: str
    en: str
    target: str | None = None
    of_set: str | None = None
    measured: float | None = None
    allowed: float | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether a candidate passed, and what stands against it."""

    passed: bool
    refusals: tuple[Refusal, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the refusals, each once."""
        return tuple(dict.fromkeys(refusal.code for refusal in self.refusals))

    def to_plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"passed": self.passed, "refusals": [asdict(each) for each in self.refusals]}


def judge(
    champion: Candidate | None,
    challenger: Candidate,
    measurements: Measurements,
    policy: Policy | None = None,
) -> Verdict:
    """Judge a challenger; every reason against it is named, not only the first.

    Parameters
    ----------
    champion : Candidate or None
        None for a first model: measure it against the most frequent label then.
    challenger : Candidate
    measurements : Measurements
    policy : Policy, optional

    Returns
    -------
    Verdict

    Examples
    --------
    >>> old = Candidate("m", "1.0.0", {"tier": ("普通", "重大")}, (), 10, {})
    >>> new = Candidate("m", "1.0.1", {"tier": ("普通",)}, (), 10, {})
    >>> judge(old, new, Measurements({}), Policy(libraries=())).codes
    ('class_lost', 'not_measured')
    """
    policy = policy or Policy()
    held = challenger if champion is None else champion
    refusals = [
        *_finite(challenger),
        *_labels(held, challenger),
        *_libraries(challenger, measurements.libraries, policy),
        *_size(held, challenger, policy),
        *_speed(measurements.micros, policy),
        *_sources(measurements.sources, policy),
        *_measured(held, measurements),
    ]
    tests = sum(len(comparison) for comparison in measurements.sets.values())
    certain = policy.certainty / max(tests, 1)
    for name, comparison in measurements.sets.items():
        for target, found in comparison.items():
            refusals += _figures(name, target, found, policy, certain)
    return Verdict(not refusals, tuple(refusals))


def audit_sources(
    sources: Sequence[str],
    labels: Sequence[str],
    shares: Floats,
    classes: Sequence[str],
    *,
    clearly: float = 0.5,
) -> list[Source]:
    """How often each source's labels are contradicted, against what the others lead to expect.

    Parameters
    ----------
    sources, labels : sequence of str, shape (n_rows,)
        Who gave each label, and the label.
    shares : ndarray of float64, shape (n_rows, n_classes)
        Probabilities by models that did not see the row, as `triage.mislabels` makes them.
    classes : sequence of str
        Labels of the columns.
    clearly : float, default=0.5
        A label is contradicted when another is likelier by more than this.

    Returns
    -------
    list of Source
        By name.

    Raises
    ------
    InputError
        The lengths differ.

    Examples
    --------
    >>> shares = np.array([[0.9, 0.1]] * 20)
    >>> who, labels = ["a"] * 10 + ["b"] * 10, ["甲"] * 15 + ["乙"] * 5
    >>> [(s.name, s.contradicted) for s in audit_sources(who, labels, shares, ["甲", "乙"])]
    [('a', 0), ('b', 5)]
    """
    if not len(sources) == len(labels) == len(shares):
        raise InputError(f"{len(sources)} sources, {len(labels)} labels, {len(shares)} shares")
    place = {label: k for k, label in enumerate(classes)}
    given = np.array([place[label] for label in labels], np.int64)
    own = np.take_along_axis(shares, given[:, None], 1)[:, 0]
    against = shares.max(axis=1) - own > clearly
    who = np.array(sources, np.str_)
    names = sorted(set(who.tolist()))
    return [_source(name, who == name, given, against, len(names)) for name in names]


def _source(
    name: str,
    mine: NDArray[np.bool_],
    given: NDArray[np.int64],
    against: NDArray[np.bool_],
    tests: int,
) -> Source:
    """One source against the others; the chance holds the doubt about the others' rate."""
    seen = int(against[mine].sum())
    hits = int(against[~mine].sum())
    rates = _usual_rates(given[~mine], against[~mine], int(given.max()) + 1)
    expected = float(rates[given[mine]].sum()) if not mine.all() else float(seen)
    shape = hits + 0.5
    p_value = float(stats.nbinom.sf(seen - 1, shape, shape / (shape + expected)))
    return Source(
        name, int(mine.sum()), float(mine.mean()), seen, expected, min(1.0, p_value * tests)
    )


def _usual_rates(given: NDArray[np.int64], against: NDArray[np.bool_], n_labels: int) -> Floats:
    """How often each label is contradicted, drawn towards the rate of all labels."""
    overall = (against.sum() + 0.5) / (len(against) + 1)
    rows, hits = np.bincount(given, minlength=n_labels), np.bincount(given, against, n_labels)
    return np.asarray((hits + _RATE_PRIOR * overall) / (rows + _RATE_PRIOR))


def capped_rows(
    sources: Sequence[str], policy: Policy | None = None, seed: int = 7
) -> NDArray[np.int64]:
    """Rows that may teach when no untrusted source may give more than its share.

    Parameters
    ----------
    sources : sequence of str, shape (n_rows,)
    policy : Policy, optional
    seed : int, default=7
        Draws the rows that stay.

    Returns
    -------
    ndarray of int64
        Ascending. All rows where one source alone is there.

    Examples
    --------
    >>> rows = capped_rows(["a"] * 10 + ["b"] * 2 + ["c"] * 2, Policy(source_share=0.5))
    >>> len(rows)
    8
    """
    policy = policy or Policy()
    who = np.array(sources, np.str_)
    names, counts = np.unique(who, return_counts=True)
    kept = dict(zip(names.tolist(), counts.tolist(), strict=True))
    capped = [name for name in kept if name not in policy.trusted]
    for _ in range(len(kept)):
        for name in capped:
            others = sum(kept.values()) - kept[name]
            most = int(policy.source_share / max(1 - policy.source_share, 1e-9) * others + 1e-9)
            kept[name] = min(kept[name], most) if others else kept[name]
    random = np.random.default_rng(seed)
    rows = [random.permutation(np.flatnonzero(who == name))[: kept[name]] for name in kept]
    return np.sort(np.concatenate(rows))


def paired_micros(
    champion: Callable[[Sequence[str]], Any],
    challenger: Callable[[Sequence[str]], Any],
    texts: Sequence[str],
    clock: Callable[[], float],
    rounds: int = 5,
) -> tuple[float, float]:
    """Time a text of both in microseconds: turn about, the least of some rounds.

    Parameters
    ----------
    champion, challenger : callable
        Read a list of texts.
    texts : sequence of str
    clock : callable
        Seconds, such as `time.process_time`.
    rounds : int, default=5

    Returns
    -------
    champion, challenger : float
    """
    least = [float("inf"), float("inf")]
    for _ in range(rounds):
        for side, read in enumerate((champion, challenger)):
            start = clock()
            read(texts)
            least[side] = min(least[side], (clock() - start) / len(texts) * 1e6)
    return least[0], least[1]


def _finite(challenger: Candidate) -> Iterator[Refusal]:
    if challenger.unfinite:
        parts = "、".join(challenger.unfinite)
        yield Refusal(
            "not_finite",
            f"模型的 {parts} 含有非有限数值",
            f"its {', '.join(challenger.unfinite)} hold values that are no finite numbers",
        )


def _labels(champion: Candidate, challenger: Candidate) -> Iterator[Refusal]:
    for target, labels in champion.labels.items():
        given = challenger.labels.get(target, ())
        lost = [label for label in labels if label not in given]
        strange = [label for label in given if label not in labels]
        if lost and not strange:
            yield Refusal(
                "class_lost",
                f"{target} 缺少标签：{'、'.join(lost[:5])}",
                f"it can no longer say {', '.join(lost[:5])} for {target}",
                target, measured=len(given), allowed=len(labels),
            )  # fmt: skip
        elif strange:
            yield Refusal(
                "label_set",
                f"{target} 的标签集合与现用模型不同：多出 {'、'.join(strange[:5])}"
                + (f"，缺少 {'、'.join(lost[:5])}" if lost else ""),
                f"its labels of {target} are not the champion's: {', '.join(strange[:5])} new"
                + (f", {', '.join(lost[:5])} gone" if lost else ""),
                target, measured=len(given), allowed=len(labels),
            )  # fmt: skip


def _libraries(
    challenger: Candidate, running: Mapping[str, str], policy: Policy
) -> Iterator[Refusal]:
    for name in policy.libraries:
        made, here = challenger.libraries.get(name), running.get(name)
        if made is None or here is None or made.split(".")[:2] != here.split(".")[:2]:
            yield Refusal(
                "libraries",
                f"训练所用 {name} 版本为 {made or '未知'}，运行环境为 {here or '未知'}",
                f"it was trained with {name} {made or 'unknown'}; {here or 'unknown'} is running",
            )


def _size(champion: Candidate, challenger: Candidate, policy: Policy) -> Iterator[Refusal]:
    allowed = float(policy.largest_bytes)
    if champion.size_bytes:
        allowed = min(allowed, policy.larger * champion.size_bytes)
    if challenger.size_bytes > allowed:
        yield Refusal(
            "size",
            f"模型文件 {challenger.size_bytes:,} 字节，上限 {allowed:,.0f}",
            f"its files take {challenger.size_bytes:,} bytes; {allowed:,.0f} are allowed",
            measured=challenger.size_bytes, allowed=allowed,
        )  # fmt: skip


def _speed(micros: tuple[float, float] | None, policy: Policy) -> Iterator[Refusal]:
    if micros is None:
        return
    old, new = micros
    if new > policy.slower * old:
        yield Refusal(
            "speed",
            f"每条文本 {new:.1f} 微秒，现用模型 {old:.1f}，最多允许 {policy.slower:g} 倍",
            f"it takes {new:.1f} µs a text, the champion {old:.1f}; "
            f"{policy.slower:g} times that is allowed",
            measured=new, allowed=policy.slower * old,
        )  # fmt: skip


def _sources(sources: Sequence[Source], policy: Policy) -> Iterator[Refusal]:
    for source in sources:
        excess = (source.contradicted - source.expected) / max(source.rows, 1)
        many = source.contradicted >= policy.source_ratio * source.expected
        if many and excess >= policy.source_excess and source.p_value < policy.source_p:
            yield Refusal(
                "label_source",
                f"来源 {source.name} 的 {source.rows} 条标注中有 {source.contradicted} 条"
                f"与其他来源训练的模型明显矛盾，预期 {source.expected:.1f} 条",
                f"{source.contradicted} of {source.rows} labels of {source.name} are clearly "
                f"contradicted; {source.expected:.1f} were expected",
                measured=source.contradicted / source.rows,
                allowed=source.expected / source.rows + policy.source_excess,
            )
        if len(sources) > 1 and source.name not in policy.trusted:
            yield from _source_share(source, policy)


def _source_share(source: Source, policy: Policy) -> Iterator[Refusal]:
    if source.share > policy.source_share + 1e-9:
        yield Refusal(
            "source_share",
            f"来源 {source.name} 占训练数据 {source.share:.1%}，上限 {policy.source_share:.0%}",
            f"{source.name} gave {source.share:.1%} of the training rows; "
            f"{policy.source_share:.0%} are allowed",
            measured=source.share, allowed=policy.source_share,
        )  # fmt: skip


def _measured(champion: Candidate, measurements: Measurements) -> Iterator[Refusal]:
    frozen = measurements.sets.get("frozen", {})
    missing = [target for target in champion.labels if target not in frozen]
    if missing:
        yield Refusal(
            "not_measured",
            f"固定测试集上没有 {'、'.join(missing)} 的测量结果",
            f"{', '.join(missing)} were not measured on the frozen set",
        )


def _figures(
    name: str, target: str, found: TargetComparison, policy: Policy, certain: float
) -> Iterator[Refusal]:
    yield from _f1(name, target, found, policy, certain)
    if target == "tier":
        yield from _major(name, found, policy)
    if name != "frozen":
        return
    yield from _calibration(target, found, policy)
    yield from _collapsed(target, found, policy)


def _f1(
    name: str, target: str, found: TargetComparison, policy: Policy, certain: float
) -> Iterator[Refusal]:
    figure = "micro_f1" if "micro_f1" in found.figures else "macro_f1"
    gap = found.figures[figure]
    by_chance = 1.0 if gap.p_value is None else gap.p_value
    margin = policy.macro_f1_margin * (1 if name == "frozen" else policy.wider)
    large = gap.difference <= -margin and (name == "frozen" or by_chance < _UNLIKELY)
    if large or (gap.difference < 0 and by_chance < certain):
        yield Refusal(
            "macro_f1",
            f"{name} 集上 {target} 的 {figure} 由 {gap.champion:.3f} 变为 {gap.challenger:.3f}"
            f"（差 {gap.difference:+.3f}，95% 区间 {gap.low:+.3f} 至 {gap.high:+.3f}）",
            f"{figure} of {target} on {name} goes from {gap.champion:.3f} to "
            f"{gap.challenger:.3f} ({gap.difference:+.3f}, 95 % interval {gap.low:+.3f} to "
            f"{gap.high:+.3f}); at most {margin:.3f} may be lost",
            target, name, gap.difference, -margin,
        )  # fmt: skip


def _major(name: str, found: TargetComparison, policy: Policy) -> Iterator[Refusal]:
    if MAJOR not in found.per_class or not found.counts[MAJOR]:
        return
    gap, low = found.per_class[MAJOR]["recall"], found.one_sided_low[MAJOR]
    enough = found.counts[MAJOR] >= policy.fewest_major
    if not enough and name != "frozen":
        return
    if gap.difference <= -policy.recall_margin or (enough and low < -policy.recall_bound):
        yield Refusal(
            "major_recall",
            f"{name} 集上重大的召回率由 {gap.champion:.3f} 变为 {gap.challenger:.3f}"
            f"（单侧 95% 下限 {low:+.3f}），最多允许下降 {policy.recall_margin:.3f}",
            f"recall of 重大 on {name} goes from {gap.champion:.3f} to {gap.challenger:.3f} "
            f"(one-sided 95 % bound {low:+.3f}); at most {policy.recall_margin:.3f} may be lost",
            "tier", name, gap.difference, -policy.recall_margin,
        )  # fmt: skip
    if enough and name == "frozen" and gap.challenger < policy.recall_floor:
        yield Refusal(
            "major_floor",
            f"{name} 集上重大的召回率 {gap.challenger:.3f} 低于下限 {policy.recall_floor:.2f}",
            f"recall of 重大 on {name} is {gap.challenger:.3f}; the floor is "
            f"{policy.recall_floor:.2f}",
            "tier", name, gap.challenger, policy.recall_floor,
        )  # fmt: skip


def _calibration(target: str, found: TargetComparison, policy: Policy) -> Iterator[Refusal]:
    gap = found.figures.get("ece")
    if gap is None:
        return
    allowed = max(policy.ece_ceiling, gap.champion + policy.ece_margin)
    if gap.challenger > allowed:
        yield Refusal(
            "calibration",
            f"{target} 的校准误差 {gap.challenger:.3f}，现用模型 {gap.champion:.3f}，"
            f"上限 {allowed:.3f}",
            f"calibration error of {target} is {gap.challenger:.3f}, the champion's "
            f"{gap.champion:.3f}; {allowed:.3f} is allowed",
            target, "frozen", gap.challenger, allowed,
        )  # fmt: skip


def _collapsed(target: str, found: TargetComparison, policy: Policy) -> Iterator[Refusal]:
    """Classes that the champion finds and the challenger never."""
    for label, figures in found.per_class.items():
        recall, n = figures["recall"], found.counts[label]
        if n >= policy.fewest_of_class and recall.champion > 0 and recall.challenger == 0:
            yield Refusal(
                "class_lost",
                f"{target} 的 {label} 在 {n} 条中一条也未识别",
                f"it finds none of {n} rows of {label} ({target})",
                target, "frozen", 0.0, recall.champion,
            )  # fmt: skip
