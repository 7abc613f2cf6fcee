"""What complaints are becoming: weekly counts that no longer fit the weeks before.

A week is held against up to half a year before it. Counts are small and scatter more than
Poisson's, so the prediction is negative binomial: it holds the scatter that the baseline showed
and the doubt about its rate. All that is tested in a week shares one chance of a false alarm. What
once gave the alarm stays quiet while it lasts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse import csr_matrix, vstack

from domain.errors import InputError, SettingRefused
from triage.alphabet import alphabet, joined
from triage.kernel import hashed_slots

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
KINDS = ("word", "attribute", "prediction", "label", "confidence", "correction")
_BITS, _SIZE = 22, 4
_LONGEST_NAME = 12
_SCATTER_PRIOR = 10.0
_HALF = 0.5
_FAMILIES = 64
_CUTS = (0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Vigilance:
    """How watchful the alarms are.

    Attributes
    ----------
    baseline, least : int
        Most and fewest weeks that a baseline is made of.
    false_alarms : float
        Chance of any false alarm in a week without drift; each of the six kinds has a sixth.
    rise : float
        Ratio to the expected count (or of it to the count) that is worth an alarm.
    word_rise : float
        The same for words, of which there are many.
    fewest : int
        Fewest complaints of the week behind a rise, or expected behind a fall.
    quiet : int
        Weeks for which what gave the alarm stays quiet.
    guard : int
        Weeks just before the judged ones that stay out of the baseline where it is long enough,
        so that a rise does not become its own measure.
    spans : tuple of int
        How many weeks are judged together; longer ones find slow drift. Words of texts are
        judged week by week.
    """

    baseline: int = 26
    least: int = 4
    false_alarms: float = 1e-3
    rise: float = 1.3
    word_rise: float = 2.0
    fewest: int = 4
    quiet: int = 12
    guard: int = 2
    spans: tuple[int, ...] = (1, 4)

    def __post_init__(self) -> None:
        if not 2 <= self.least <= self.baseline:
            raise SettingRefused(
                f"least={self.least}, baseline={self.baseline}; give 2 <= least <= baseline"
            )
        if not 0 < self.false_alarms < 0.5 or min(self.rise, self.word_rise) <= 1:
            raise SettingRefused("give false_alarms below 0.5, and rises above 1")


@dataclass(frozen=True)
class History:
    """What was counted, by week; all that is left out is not watched.

    Attributes
    ----------
    totals : ndarray of int64, shape (weeks,)
        Complaints received.
    words : mapping of str to sequence of int, optional
        Complaints of each week with that word.
    attributes : mapping of column to mapping of value to sequence of int
        Complaints of each week with that product, channel or the like.
    predictions, labels : mapping of target to mapping of label to sequence of int
        Complaints of each week that the model gave, or people confirmed, that label.
    labelled : sequence of int, optional
        Complaints with labels by people; needed for `labels`.
    confidence : mapping of target to ndarray of int64, shape (weeks, 10)
        Histogram of the confidence in ten bins of equal width.
    corrected, reviewed : sequence of int, optional
        Decisions that people changed, and that they looked at.
    texts : sequence of str
        The complaints themselves, from which words are counted and named.
    week_of : ndarray of int64, shape (n_texts,), optional
        Their weeks.
    persons : sequence of str or None, shape (n_texts,), optional
        Who wrote each; somebody's words count once a week.
    """

    totals: Integers
    words: Mapping[str, Sequence[int]] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    predictions: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    labelled: Sequence[int] | None = None
    confidence: Mapping[str, Integers] = field(default_factory=dict)
    corrected: Sequence[int] | None = None
    reviewed: Sequence[int] | None = None
    texts: Sequence[str] = field(default=(), repr=False)
    week_of: Integers | None = field(default=None, repr=False)
    persons: Sequence[str | None] | None = field(default=None, repr=False)

    @property
    def weeks(self) -> int:
        """How many weeks there are."""
        return len(self.totals)


@dataclass(frozen=True)
class Alarm:
    """One thing that no longer fits.

    Attributes
    ----------
    week : int
        Its number in the history.
    kind : str
        One of `KINDS`.
    what : str
        The word, ``target: label``, or what else was counted.
    direction : str
        ``up`` or ``down``.
    observed : int
    expected : float
    p_value : float
        Chance of a count as far off.
    zh : str
        A sentence.
    rows : tuple of int
        Numbers of the week's texts behind it, where texts were given: label these next.
    """

    week: int
    kind: str
    what: str
    direction: str
    observed: int
    expected: float
    p_value: float
    zh: str
    rows: tuple[int, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"rows": list(self.rows)}


def history_of(
    texts: Sequence[str],
    week_of: Sequence[int],
    *,
    attributes: Mapping[str, Sequence[str | None]] | None = None,
    predictions: Mapping[str, Sequence[Any]] | None = None,
    confidence: Mapping[str, Sequence[float | None]] | None = None,
    labels: Mapping[str, Sequence[Any]] | None = None,
    corrected: Sequence[bool | None] | None = None,
    persons: Sequence[str | None] | None = None,
    weeks: int | None = None,
) -> History:
    """Count a history from its complaints.

    Parameters
    ----------
    texts : sequence of str
    week_of : sequence of int, same length
        Number of the week of each, from 0.
    attributes : mapping of column to sequence of str or None, optional
        Values; None and empty ones count for nothing.
    predictions, labels : mapping of target to sequence, optional
        What the model gave and people confirmed; one label or several each, None where nobody
        said anything.
    confidence : mapping of target to sequence of float or None, optional
        None where nothing was decided.
    corrected : sequence of bool or None, optional
        Whether people changed the decision; None where nobody looked.
    persons : sequence of str or None, optional
        Who wrote each; somebody's words count once a week.
    weeks : int, optional
        How many there are; by default up to the last text.

    Returns
    -------
    History

    Examples
    --------
    >>> history = history_of(["屏闪", "退款"], [0, 1], predictions={"tier": ["普通", "紧急"]})
    >>> history.totals.tolist(), history.predictions["tier"]["紧急"]
    ([1, 1], [0, 1])
    """
    week = np.asarray(week_of, np.int64)
    if len(week) != len(texts):
        raise InputError(f"{len(week)} weeks for {len(texts)} texts; give one for each")
    if not len(week) or week.min() < 0:
        raise InputError("weeks are numbered from 0; give at least one text")
    size = int(week.max()) + 1 if weeks is None else weeks
    looked = [] if corrected is None else [i for i, c in enumerate(corrected) if c is not None]
    changed = [i for i in looked if corrected is not None and corrected[i]]
    said = labels or {}
    labelled = {i for given in said.values() for i, label in enumerate(given) if label is not None}
    return History(
        np.bincount(week, minlength=size),
        attributes={c: _by_label(given, week, size) for c, given in (attributes or {}).items()},
        predictions={t: _by_label(given, week, size) for t, given in (predictions or {}).items()},
        labels={t: _by_label(given, week, size) for t, given in said.items()},
        labelled=_by_week(sorted(labelled), week, size) if said else None,
        confidence={t: _bins(given, week, size) for t, given in (confidence or {}).items()},
        corrected=None if corrected is None else _by_week(changed, week, size),
        reviewed=None if corrected is None else _by_week(looked, week, size),
        texts=texts,
        week_of=week,
        persons=persons,
    )  # fmt: skip


def _by_week(rows: Sequence[int], week: Integers, size: int) -> list[int]:
    return [int(n) for n in np.bincount(week[list(rows)], minlength=size)]


def _by_label(given: Sequence[Any], week: Integers, size: int) -> dict[str, list[int]]:
    counted: dict[str, list[int]] = {}
    for labels, w in zip(given, week.tolist(), strict=True):
        rows = (labels,) if isinstance(labels, str) else tuple(labels or ())
        for label in filter(None, rows):
            counted.setdefault(str(label), [0] * size)[w] += 1
    return dict(sorted(counted.items()))


def _bins(given: Sequence[float | None], week: Integers, size: int) -> Integers:
    found = np.zeros((size, 10), np.int64)
    rows = [i for i, sure in enumerate(given) if sure is not None]
    sure = np.array([given[i] for i in rows], np.float64)
    np.add.at(found, (week[rows], np.clip((sure * 10).astype(np.int64), 0, 9)), 1)
    return found


def watch(history: History, vigilance: Vigilance | None = None, since: int = 0) -> list[Alarm]:
    """Go through the weeks, holding each against the weeks before it.

    Parameters
    ----------
    history : History
    vigilance : Vigilance, optional
    since : int, default=0
        Alarms of earlier weeks are left out; they still keep what they named quiet.

    Returns
    -------
    list of Alarm
        By week, in each the least likely first.

    Raises
    ------
    InputError
        A series has another number of weeks.

    References
    ----------
    Farrington et al. (1996). A statistical algorithm for the early detection of outbreaks of
    infectious disease. Holm (1979). A simple sequentially rejective multiple test procedure.

    Examples
    --------
    >>> new = {"灵犀环": [0, 0, 0, 0, 0, 0, 9]}
    >>> alarms = watch(History(np.full(7, 500), words=new))
    >>> [(a.week, a.kind, a.what, a.direction) for a in alarms]
    [(6, 'word', '灵犀环', 'up')]
    """
    return [alarm for alarm in _Watcher(history, vigilance or Vigilance()).run()
            if alarm.week >= since]  # fmt: skip


def rows_to_label(alarms: Sequence[Alarm], k: int = 50) -> list[int]:
    """Texts behind the alarms, turn about, so that every alarm gets its share.

    Examples
    --------
    >>> one = Alarm(6, "word", "灵犀环", "up", 9, 0.1, 1e-9, "", (3, 4, 5))
    >>> rows_to_label([one, replace(one, rows=(7,))], k=3)
    [3, 7, 4]
    """
    found: dict[int, None] = {}
    deepest = max((len(alarm.rows) for alarm in alarms), default=0)
    for depth in range(deepest):
        found |= dict.fromkeys(a.rows[depth] for a in alarms if depth < len(a.rows))
    return list(found)[:k]


@dataclass(frozen=True)
class _Series:
    """Series of one kind: counts and what they were made out of, shape (n, weeks)."""

    kind: str
    names: Sequence[str]
    counts: Floats
    out_of: Floats


@dataclass(frozen=True)
class _Odd:
    """A count that doesn't fit."""

    series: int
    direction: str
    observed: float
    expected: float
    p_value: float
    span: int


class _Watcher:
    """One pass over the weeks."""

    def __init__(self, history: History, vigilance: Vigilance) -> None:
        self.history, self.vigilance = history, vigilance
        self.totals = np.asarray(history.totals, np.float64)
        self.series = list(_plain_series(history))
        self.loud: dict[tuple[str, str, str], int] = {}
        self.words = _Words(history, vigilance) if history.week_of is not None else None

    def run(self) -> list[Alarm]:
        found: list[Alarm] = []
        for week in range(self.vigilance.least, self.history.weeks):
            now = [alarm for series in self.series for alarm in self._judge(series, week)]
            if self.words is not None:
                now += self.words.alarms(week)
            found += sorted(now, key=lambda alarm: (alarm.p_value, alarm.what))
        return found

    def _judge(self, series: _Series, week: int) -> Iterator[Alarm]:
        counts, out_of = series.counts[:, : week + 1], series.out_of[:, : week + 1]
        rise = self.vigilance.word_rise if series.kind == "word" else self.vigilance.rise
        for odd in _odd_counts(counts, out_of, self.vigilance, rise, self.vigilance.spans):
            name = series.names[odd.series]
            key = (series.kind, name, odd.direction)
            last = self.loud.get(key)
            self.loud[key] = week
            if last is None or week - last > self.vigilance.quiet:
                yield _alarm(week, series.kind, name, odd)


def _plain_series(history: History) -> Iterator[_Series]:
    weeks, totals = history.weeks, np.asarray(history.totals, np.float64)
    if history.words:
        yield _series("word", history.words, totals, weeks)
    for kind, tables in (("attribute", history.attributes), ("prediction", history.predictions)):
        if any(tables.values()):
            yield _series(kind, _flat(tables), totals, weeks)
    if history.labels and history.labelled is not None:
        yield _series("label", _flat(history.labels), _row(history.labelled, weeks), weeks)
    if history.confidence:
        yield _unsure(history.confidence)
    if history.corrected is not None and history.reviewed is not None:
        changed = {"corrected": history.corrected}
        yield _series("correction", changed, _row(history.reviewed, weeks), weeks)


def _unsure(confidence: Mapping[str, Integers]) -> _Series:
    """How many answers lie below each cut, out of those that have a confidence."""
    names = [f"{target}: < {cut:g}" for target in confidence for cut in _CUTS]
    tables = [np.asarray(bins, np.float64) for bins in confidence.values()]
    counts = [table[:, : round(cut * 10)].sum(axis=1) for table in tables for cut in _CUTS]
    out_of = [table.sum(axis=1) for table in tables for _ in _CUTS]
    return _Series("confidence", names, np.array(counts), np.array(out_of))


def _flat(tables: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[str, Sequence[int]]:
    return {f"{target}: {label}": row for target, of in tables.items() for label, row in of.items()}


def _series(kind: str, of: Mapping[str, Sequence[int]], out_of: Floats, weeks: int) -> _Series:
    counts = np.array([_row(row, weeks) for row in of.values()])
    return _Series(kind, list(of), counts, np.broadcast_to(out_of, counts.shape))


def _row(row: Sequence[int], weeks: int) -> Floats:
    if len(row) != weeks:
        raise InputError(f"a series has {len(row)} weeks, the history {weeks}")
    return np.asarray(row, np.float64)


def _odd_counts(
    counts: Floats, out_of: Floats, vigilance: Vigilance, rise: float, spans: Sequence[int] = (1,)
) -> list[_Odd]:
    """Which of the last week's counts, or the last weeks' together, don't fit the weeks before."""
    possible = [span for span in spans if counts.shape[1] - span >= vigilance.least]
    tested = [_tested(counts, out_of, vigilance, rise, span) for span in possible]
    tests = max(sum(n for n, _ in tested), 1)
    level = vigilance.false_alarms / len(KINDS) / tests
    found = [odd for _, odds in tested for odd in odds if odd.p_value < level]
    return sorted(found, key=lambda odd: odd.p_value)


def _tested(
    counts: Floats, out_of: Floats, vigilance: Vigilance, rise: float, span: int
) -> tuple[int, list[_Odd]]:
    """How many tests the last `span` weeks made, and what lies as far off as is asked."""
    last = counts.shape[1] - span
    end = max(last - vigilance.guard, min(last, vigilance.least))
    usual = slice(max(end - vigilance.baseline, 0), end)
    past, base = counts[:, usual], out_of[:, usual]
    now, size = counts[:, last:].sum(axis=1), out_of[:, last:].sum(axis=1)
    judged = ((base > 0).sum(axis=1) >= vigilance.least) & (size > 0)
    seen = past.sum(axis=1)
    rate = (seen + _HALF) / np.maximum(base.sum(axis=1), 1.0)
    expected = np.maximum(rate * size, 1e-9)
    variance = _scatter(past, base, rate) * expected * (1 + expected / (seen + _HALF))
    shape = expected**2 / np.maximum(variance - expected, 1e-9 * expected + 1e-12)
    chance = shape / (shape + expected)
    up, down = judged & (now >= vigilance.fewest), judged & (expected >= vigilance.fewest)
    p_up = np.where(up, stats.nbinom.sf(now - 1, shape, chance), 1.0)
    p_down = np.where(down, stats.nbinom.cdf(now, shape, chance), 1.0)
    far = {"up": up & (now >= rise * expected), "down": down & (now * rise <= expected)}
    odds = [
        _Odd(k, way, float(now[k]), float(expected[k]), float(p[k]), span)
        for way, p in (("up", p_up), ("down", p_down))
        for k in np.flatnonzero(far[way]).tolist()
    ]
    return int(up.sum() + down.sum()), odds


def _scatter(past: Floats, base: Floats, rate: Floats) -> Floats:
    """Variance over mean in the baseline, drawn towards what is usual among these series."""
    fitted = np.maximum(rate[:, None] * base, 1e-9)
    squares = ((past - fitted) ** 2 / fitted * (base > 0)).sum(axis=1)
    free = np.maximum((base > 0).sum(axis=1) - 1, 0)
    each = squares / np.maximum(free, 1)
    usual = max(float(stats.trim_mean(each, 0.1)), 1.0) if len(each) else 1.0
    drawn = (squares + _SCATTER_PRIOR * usual) / (free + _SCATTER_PRIOR)
    return np.asarray(np.maximum(drawn, 1.0))


@dataclass(frozen=True)
class _Week:
    """The texts of one week; letters are looked at only where something is odd."""

    texts: Sequence[str]

    @cached_property
    def matrix(self) -> csr_matrix:
        """Which hashed n-gram stands in which text."""
        points, offsets = joined(self.texts)
        indptr, slots, counts = hashed_slots(points, offsets, alphabet(), _SIZE, _BITS)
        ones = np.ones(len(counts), np.int32)
        return csr_matrix((ones, slots, indptr), shape=(len(self.texts), 1 << _BITS))

    @cached_property
    def letters(self) -> list[_Letters]:
        return [_letters(text) for text in self.texts]

    def holding_slot(self, slot: int) -> NDArray[np.bool_]:
        return np.asarray(self.matrix[:, [slot]].toarray().ravel() > 0)

    def holding(self, name: str) -> NDArray[np.bool_]:
        return np.array([name in text.folded for text in self.letters], np.bool_)


class _Words:
    """Words of the texts, counted as hashed n-grams and named only where they alarm."""

    def __init__(self, history: History, vigilance: Vigilance) -> None:
        self.vigilance, self.texts = vigilance, history.texts
        week_of = history.week_of if history.week_of is not None else np.zeros(0, np.int64)
        heard = _heard(history.persons, week_of)
        self.rows = [np.flatnonzero(heard & (week_of == w)) for w in range(history.weeks)]
        self.totals = np.array([len(rows) for rows in self.rows], np.float64)
        self.counts = vstack([self._week(rows) for rows in self.rows]).tocsc()
        self.loud: dict[str, tuple[int, int]] = {}

    def _week(self, rows: Integers) -> csr_matrix:
        """In how many of these texts each n-gram stands."""
        matrix = _Week([self.texts[i] for i in rows.tolist()]).matrix
        return csr_matrix(matrix.sum(axis=0))

    def alarms(self, week: int) -> Iterator[Alarm]:
        rows = self.rows[week]
        if not len(rows):
            return
        now = _Week([self.texts[i] for i in rows.tolist()])
        free = self._unexplained(week, now)
        for _ in range(_FAMILIES):
            odd, slot = self._oddest(week, now.matrix, free)
            if odd is None:
                return
            behind = np.flatnonzero(free & now.holding_slot(slot))
            name = _name(now.letters, behind)
            free &= ~now.holding(name)
            free[behind] = False
            known = self.loud.get(name)
            self.loud[name] = (known[0] if known else week, week)
            if known is None:
                shown = _shown(name, [now.letters[i] for i in behind.tolist()])
                alarm = _alarm(week, "word", shown, odd)
                yield replace(alarm, rows=tuple(rows[behind].tolist()))

    def _unexplained(self, week: int, now: _Week) -> NDArray[np.bool_]:
        """Texts without a word that gave the alarm of late; what fell silent is forgotten."""
        free = np.ones(len(now.texts), np.bool_)
        for name, (first, last) in list(self.loud.items()):
            if week - last > self.vigilance.quiet:
                del self.loud[name]
            elif week - first <= self.vigilance.quiet:
                held = now.holding(name)
                free &= ~held
                if held.sum() >= self.vigilance.fewest:
                    self.loud[name] = (first, week)
        return free

    def _oddest(
        self, week: int, matrix: csr_matrix, free: NDArray[np.bool_]
    ) -> tuple[_Odd | None, int]:
        """The least likely n-gram of the texts that nothing explains yet."""
        now = np.asarray(matrix[free].sum(axis=0)).ravel()
        slots = np.flatnonzero(now >= self.vigilance.fewest)
        if not len(slots):
            return None, 0
        counts = np.asarray(self.counts[: week + 1, slots].todense(), np.float64).T
        counts[:, -1] = now[slots]
        out_of = np.broadcast_to(self.totals[: week + 1], counts.shape)
        found = _odd_counts(counts, out_of, self.vigilance, self.vigilance.word_rise)
        rising = [odd for odd in found if odd.direction == "up"]
        return (rising[0], int(slots[rising[0].series])) if rising else (None, 0)


@dataclass(frozen=True)
class _Letters:
    """A text as the n-grams see it, and where each letter stood."""

    text: str
    folded: str
    places: list[int]

    def written(self, name: str) -> str | None:
        """How the text itself writes a name, without blanks."""
        start = self.folded.find(name)
        if start < 0:
            return None
        stop = self.places[start + len(name) - 1] + 1
        return "".join(self.text[self.places[start] : stop].split())


def _heard(persons: Sequence[str | None] | None, week_of: Integers) -> NDArray[np.bool_]:
    """The first text of each person in each week: one who writes sixty times is one voice."""
    heard = np.ones(len(week_of), np.bool_)
    if persons is None:
        return heard
    seen: set[tuple[str, int]] = set()
    for i, (person, week) in enumerate(zip(persons, week_of.tolist(), strict=True)):
        if person:
            heard[i] = (person, week) not in seen
            seen.add((person, week))
    return heard


def _letters(text: str) -> _Letters:
    points, _ = joined([text])
    table = alphabet()
    letters = table[np.minimum(points, len(table) - 1)]
    kept = np.flatnonzero(letters)
    return _Letters(text, "".join(map(chr, letters[kept].tolist())), kept.tolist())


def _name(texts: Sequence[_Letters], behind: Integers) -> str:
    """The longest string that most of these texts share and few of the others hold."""
    inside = [texts[i].folded for i in behind.tolist()]
    held = set(behind.tolist())
    outside = [text.folded for i, text in enumerate(texts) if i not in held]
    counted: Counter[str] = Counter()
    for text in inside:
        counted.update({text[i : i + n] for n in range(1, _LONGEST_NAME + 1)
                        for i in range(len(text) - n + 1)})  # fmt: skip
    shared = {s: n / len(inside) for s, n in counted.items() if n >= 0.6 * len(inside)}
    words = [s for s in shared if s.isalnum()] or list(shared)
    rare = sorted(words, key=lambda s: (-len(s), s))[:300]
    lead = {s: shared[s] - sum(s in text for text in outside) / max(len(outside), 1) for s in rare}
    best = max(lead.values())
    return next(s for s in rare if lead[s] >= best - 0.25)


def _shown(name: str, texts: Sequence[_Letters]) -> str:
    """A name as texts write it; where their digits differ, # stands for each."""
    found = {text.written(name) for text in texts} - {None}
    forms = {str(form).casefold(): str(form) for form in sorted(map(str, found))}
    return forms.popitem()[1] if len(forms) == 1 else name.replace("0", "#")


def _alarm(week: int, kind: str, what: str, odd: _Odd) -> Alarm:
    observed = round(odd.observed)
    return Alarm(week, kind, what, odd.direction, observed, odd.expected, odd.p_value,
                 _sentence(kind, what, odd))  # fmt: skip


def _sentence(kind: str, what: str, odd: _Odd) -> str:
    said = {
        "word": f"出现“{what}”的投诉",
        "attribute": f"{what} 的投诉",
        "prediction": f"判为 {what} 的投诉",
        "label": f"人工标为 {what} 的投诉",
        "confidence": f"把握 {what} 的投诉",
        "correction": "被人工更正的分诊结果",
    }[kind]
    verb = "多于" if odd.direction == "up" else "少于"
    when = "本周" if odd.span == 1 else f"近 {odd.span} 周"
    return f"{said}{when} {odd.observed:.0f} 条，{verb}此前各周推算的 {odd.expected:.1f} 条"
