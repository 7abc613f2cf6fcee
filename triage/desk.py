"""The desk that every complaint passes: models, words, rules and deadlines put together."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import SettingRefused, TextRefused
from domain.taxonomy import NO_COMPLAINT
from domain.text import clean
from triage.alphabet import joined
from triage.decision import Decision, Graded, Route
from triage.explain import evidence
from triage.kernel import clean_as_they_stand
from triage.lexicon import KINDS, Lexicon, shipped_lexicon
from triage.model import Model
from triage.reading import Reader, Reading
from triage.routing import Routing, local_time, shipped_routing
from triage.tier import ORDER, TierPolicy, tier_reasons
from triage.words import segmenter

_CHUNK = 512
_ALTERNATIVES = 3
_FEWEST_LETTERS = 4
_DEMAND = KINDS.index("demand")
_MAJOR = ORDER[-1]
_NOTHING: Mapping[str, Any] = {}
Outcome = Decision | TextRefused
Code = tuple[str, str, float]
# The parts of a decision as it keeps them.
_Category = tuple[str | None, str, float, tuple[Graded, ...]]
_Tier = tuple[str, float, tuple[str, ...]]
_Mood = tuple[str, float, float, float]  # label, confidence, anger, anxiety
_Draft = tuple[_Category, tuple[Code, ...], _Tier, _Mood, tuple[str, ...]]  # and the doubts


class Desk:
    """Decides complaints.

    Parameters
    ----------
    model : Model
        Decides the targets that it was trained for.
    base : Model, optional
        Decides the others; needed when `model` lacks any.
    routing : Routing, optional
        By default the shipped rules.
    policy : TierPolicy, optional
        What a missed 重大 costs.
    lexicon : Lexicon, optional
        By default the shipped words.

    Raises
    ------
    ModelRefused
        Neither model decides some target.
    """

    def __init__(
        self,
        model: Model,
        base: Model | None = None,
        *,
        routing: Routing | None = None,
        policy: TierPolicy | None = None,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.model = model
        self.routing = routing or shipped_routing()
        self.reader = Reader(model, base, lexicon or shipped_lexicon(), policy or TierPolicy())
        self._names = _Names(self.reader)
        self.reader.read(["一"])  # compiled code is loaded now, not at the first complaint

    @property
    def name(self) -> str:
        """Name of the model that decides."""
        return self.model.name

    @property
    def version(self) -> str:
        """Version of the model that decides."""
        return self.model.version

    def decide(
        self,
        text: str,
        received_at: datetime,
        values: Mapping[str, Any] | None = None,
        *,
        explain: bool = True,
    ) -> Decision:
        """Decide one complaint.

        Parameters
        ----------
        text : str
            As the caller sent it.
        received_at : datetime
            Aware; deadlines count from it.
        values : mapping of column name to value, optional
            Other columns of the complaint. ``id`` is handed back, ``customer_value`` chooses
            the lane, and ``category``, ``issues``, ``tier`` and ``sentiment`` are used as
            they are.
        explain : bool, default=True
            Whether to look for evidence.

        Returns
        -------
        Decision

        Raises
        ------
        TextRefused
            As `domain.text.clean`.
        """
        rows = None if values is None else [values]
        outcome = self.decide_many([text], received_at, rows, explain=explain)[0]
        if isinstance(outcome, TextRefused):
            raise outcome
        return outcome

    def decide_many(
        self,
        texts: Sequence[str],
        received_at: datetime | Sequence[datetime],
        values: Sequence[Mapping[str, Any]] | None = None,
        *,
        explain: bool = False,
    ) -> list[Outcome]:
        """Decide many complaints, each as `decide` would.

        Parameters
        ----------
        texts : sequence of str
        received_at : datetime or sequence of datetime
        values : sequence of mapping, optional
            Other columns of each, as `decide` takes them.
        explain : bool, default=False

        Returns
        -------
        list of Decision or TextRefused
            In the order of the texts; a text that can't be taken has its error in its place.
        """
        moments = _moments(received_at, len(texts))
        rows = _one_each(values, len(texts), "values") or [_NOTHING] * len(texts)
        outcomes: list[Outcome] = []
        for start in range(0, len(texts), _CHUNK):
            part = slice(start, start + _CHUNK)
            with _collector_at_rest():
                outcomes += self._decide_chunk(texts[part], moments[part], rows[part], explain)
        return outcomes

    def _decide_chunk(
        self,
        texts: Sequence[str],
        moments: Sequence[datetime],
        rows: Sequence[Mapping[str, Any]],
        explain: bool,
    ) -> list[Outcome]:
        cleaned = _cleaned(texts)
        good = [i for i, text in enumerate(cleaned) if isinstance(text, str)]
        kept = [text for text in cleaned if isinstance(text, str)]
        decided = self._decisions(
            kept, [moments[i] for i in good], [rows[i] for i in good], explain
        )
        if len(kept) == len(texts):
            return decided
        some = iter(decided)
        return [text if isinstance(text, TextRefused) else next(some) for text in cleaned]

    def _decisions(
        self,
        texts: Sequence[str],
        moments: Sequence[datetime],
        rows: Sequence[Mapping[str, Any]],
        explain: bool,
    ) -> list[Outcome]:
        points, offsets = joined(texts)
        reading = self.reader.read_points(points, offsets)
        drafts = self._names.drafts(reading, np.diff(offsets))
        hot = self.routing.is_hot(reading.anger, reading.found.counts[:, _DEMAND]).tolist()
        routes: dict[tuple[Any, ...], Route] = {}
        name, version, codes_of = self.name, self.version, self._names.taxonomy_version
        decisions: list[Outcome] = []
        for text, draft, angry, moment, values in zip(
            texts, drafts, hot, moments, rows, strict=True
        ):
            category, codes, tier, mood, doubts = self._given(draft, values) if values else draft
            doubtful = bool(doubts) and tier[0] != _MAJOR
            key = (category[1], tier[0], values.get("customer_value"), moment, angry, doubtful)
            route = routes.get(key)
            if route is None:
                route = routes[key] = self.routing.route(*key)
            decision = Decision(
                values.get("id"), category, codes, tier, mood, route,
                bool(doubts), doubts, (), name, version, codes_of,
            )  # fmt: skip
            if explain:
                found = evidence(self.reader, text, decision, segmenter(self.model.own_words))
                decision = decision._replace(evidence=found)
            decisions.append(decision)
        return decisions

    def _given(self, draft: _Draft, values: Mapping[str, Any]) -> _Draft:
        """A draft with what the row brings in place of what was read."""
        category, codes, tier, mood, doubts = draft
        given, codes = self._given_codes(category, codes, values)
        tier, mood = _given_tier_and_mood(tier, mood, values)
        return given, codes, tier, mood, doubts if given is category else ()

    def _given_codes(
        self, category: _Category, issues: tuple[Code, ...], values: Mapping[str, Any]
    ) -> tuple[_Category, tuple[Code, ...]]:
        """Category and codes that the row brings, and the model's for what it does not."""
        taxonomy = self.reader.deciders["issues"].taxonomy
        name = values.get("category")
        if "issues" in values:
            codes = [str(code) for code in values["issues"]]
            issues = tuple((c, taxonomy.name(c) if c in taxonomy else c, 1.0) for c in codes)
            if name is None and codes and codes[0] in taxonomy:
                name = taxonomy.category(codes[0])
        if name is not None:
            code = self.reader.deciders["category"].category_code(str(name))
            category = (code, str(name), 1.0, ())
            if name == NO_COMPLAINT and "issues" not in values:
                issues = ()
        return category, issues


class _Names:
    """Names and codes of what a reader's numbers mean."""

    def __init__(self, reader: Reader) -> None:
        category, issues = reader.deciders["category"], reader.deciders["issues"]
        self.taxonomy_version = category.taxonomy.version
        self._doubt_below = reader.heads["category"].doubt_below
        self._policy = reader.policy
        labels = reader.heads["category"].labels
        self._categories = [(category.category_code(label), label) for label in labels]
        self._issues = [
            (code, issues.taxonomy.name(code)) for code in reader.heads["issues"].labels
        ]
        self._moods = reader.heads["sentiment"].labels

    def drafts(self, reading: Reading, lengths: NDArray[np.int64]) -> Iterator[_Draft]:
        """What was read out of each text, as plain Python values."""
        return zip(
            self._category(reading),
            self._issues_of(reading),
            self._tier(reading),
            self._mood(reading),
            self._doubts(reading, lengths),
            strict=True,
        )

    def _category(self, reading: Reading) -> Iterator[_Category]:
        names, shares = self._categories, reading.shares["category"]
        order = np.argsort(-shares, axis=1, kind="stable")[:, : _ALTERNATIVES + 1].tolist()
        chosen = reading.best["category"].tolist()
        for best, ranked, row in zip(chosen, order, shares.tolist(), strict=True):
            others = [(*names[k], row[k]) for k in ranked if k != best]
            yield (*names[best], row[best], tuple(others[:_ALTERNATIVES]))

    def _issues_of(self, reading: Reading) -> Iterator[tuple[Code, ...]]:
        given, names = reading.issues, self._issues
        shares = np.take_along_axis(reading.shares["issues"], np.maximum(given, 0), axis=1)
        for codes, row in zip(given.tolist(), shares.tolist(), strict=True):
            yield tuple([(*names[k], p) for k, p in zip(codes, row, strict=True) if k >= 0])

    def _mood(self, reading: Reading) -> Iterator[_Mood]:
        columns = (reading.confidence("sentiment"), reading.anger, reading.anxiety)
        labels = [self._moods[k] for k in reading.best["sentiment"].tolist()]
        return zip(labels, *[column.tolist() for column in columns], strict=True)

    def _tier(self, reading: Reading) -> Iterator[_Tier]:
        told = (reading.tiers, reading.tier_shares, reading.major_shares, reading.stated)
        columns = zip(*[column.tolist() for column in told], strict=True)
        met, policy = reading.found.met, self._policy
        for text, (place, share, major, stated) in enumerate(columns):
            label = ORDER[place]
            yield label, share, tier_reasons(label, met(text), share, major, stated, policy)

    def _doubts(self, reading: Reading, lengths: NDArray[np.int64]) -> list[tuple[str, ...]]:
        sure, below = reading.confidence("category"), self._doubt_below
        doubts: list[tuple[str, ...]] = [()] * len(sure)
        for i in np.flatnonzero(sure < below):
            doubts[i] = (f"类别把握 {sure[i]:.2f}，低于 {below:.2f}",)
        for i in np.flatnonzero(lengths < _FEWEST_LETTERS):
            doubts[i] = (f"文字只有 {lengths[i]} 个字，不足以判断",)
        return doubts


def _given_tier_and_mood(
    tier: _Tier, mood: _Mood, values: Mapping[str, Any]
) -> tuple[_Tier, _Mood]:
    if "tier" in values:
        tier = (str(values["tier"]), 1.0, ("等级由来件给出",))
    if "sentiment" in values:
        mood = (str(values["sentiment"]), 1.0, mood[2], mood[3])
    return tier, mood


@contextlib.contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Spare the collector the walk through what is being made: decisions have no cycles."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _cleaned(texts: Sequence[str]) -> list[str | TextRefused]:
    """Each text as it may be read, or why it can't be."""
    fine = clean_as_they_stand(*joined(texts)).tolist()
    return [t if as_it_is else _clean(t) for t, as_it_is in zip(texts, fine, strict=True)]


def _clean(text: str) -> str | TextRefused:
    try:
        return clean(text)
    except TextRefused as refused:
        return refused


def _moments(received_at: datetime | Sequence[datetime], n_texts: int) -> list[datetime]:
    if isinstance(received_at, datetime):
        return [local_time(received_at)] * n_texts
    return [local_time(moment) for moment in _one_each(received_at, n_texts, "times") or ()]


def _one_each(given: Sequence[Any] | None, n_texts: int, name: str) -> Sequence[Any] | None:
    if given is not None and len(given) != n_texts:
        raise SettingRefused(f"{len(given)} {name} for {n_texts} texts; give one for each")
    return given
