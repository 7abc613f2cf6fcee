"""The desk that every complaint passes: models, words, rules and deadlines put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelRefused, SettingRefused, TextRefused
from domain.taxonomy import MAX_ISSUES, NO_COMPLAINT
from domain.text import clean
from triage.alphabet import joined
from triage.decision import (
    Alternative,
    Category,
    Decision,
    Evidence,
    Issue,
    SentimentDecision,
    TierDecision,
)
from triage.heads import TARGETS, Head
from triage.kernel import clean_as_they_stand
from triage.lexicon import KINDS, Found, Lexicon, shipped_lexicon
from triage.model import Model
from triage.mood import mood_scores
from triage.routing import Routing, local_time, shipped_routing
from triage.tier import ORDER, TierPolicy, decide_tiers, is_stated, tier_reasons, word_features

_CHUNK = 512
_ALTERNATIVES = 3
_FEWEST_LETTERS = 4
_DEMAND = KINDS.index("demand")
Outcome = Decision | TextRefused


@dataclass(frozen=True)
class Scored:
    """What the models say of some texts, before rules and routes.

    Attributes
    ----------
    logits, probabilities : mapping of target to ndarray of float32, shape (n_texts, n_labels)
    best : mapping of target to ndarray of int64, shape (n_texts,)
        Best single label; for ``issues`` the main one.
    found : Found
        Stated words.
    """

    logits: Mapping[str, NDArray[np.float32]]
    probabilities: Mapping[str, NDArray[np.float32]]
    best: Mapping[str, NDArray[np.int64]]
    found: Found


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
        self.policy = policy or TierPolicy()
        self.lexicon = lexicon or shipped_lexicon()
        self._deciders = {target: _decider(target, model, base) for target in TARGETS}
        self._models = list({id(m): m for m in self._deciders.values()}.values())
        one_taxonomy = self._deciders["issues"] is self._deciders["category"]
        self._codes_within = _codes_within(self._deciders["issues"]) if one_taxonomy else None

    @property
    def name(self) -> str:
        """Name of the model that decides."""
        return self.model.name

    @property
    def version(self) -> str:
        """Version of the model that decides."""
        return self.model.version

    def head(self, target: str) -> Head:
        """The head that decides a target."""
        return self._deciders[target].heads[target]

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
        rows = _as_many(values, len(texts), "values") or [_NOTHING] * len(texts)
        outcomes: list[Outcome] = []
        for start in range(0, len(texts), _CHUNK):
            part = slice(start, start + _CHUNK)
            outcomes += self._decide_chunk(texts[part], moments[part], rows[part], explain)
        return outcomes

    def score(self, texts: Sequence[str]) -> Scored:
        """What models and words say of cleaned texts."""
        return self._score(*joined(texts))

    def tiers(self, scored: Scored) -> NDArray[np.int64]:
        """Tiers as decided: score, words and the cost of a miss; index in `tier.ORDER`."""
        columns = _tier_columns(self.head("tier"))
        best = _tier_index(self.head("tier"))[scored.best["tier"]]
        shares = scored.probabilities["tier"][:, columns]
        return decide_tiers(shares, best, scored.found.counts, self.policy)

    def issues(self, scored: Scored) -> NDArray[np.int64]:
        """Indices of the issue codes given, main one first, shape (n_texts, 4); -1 for none."""
        head, categories = self.head("issues"), self.head("category")
        given = scored.probabilities["issues"] >= head.lean
        rank = np.where(given, scored.probabilities["issues"], -1.0)
        if self._codes_within is not None:
            has_code = self._codes_within.any(axis=1)[scored.best["category"]]
            main = np.flatnonzero(has_code)
            rank[main, scored.best["issues"][main]] = 2.0
            silent = np.array([label == NO_COMPLAINT for label in categories.labels])
            rank[silent[scored.best["category"]]] = -1.0
        order = np.argsort(-rank, axis=1, kind="stable")[:, :MAX_ISSUES]
        return np.where(np.take_along_axis(rank, order, axis=1) >= 0, order, -1)

    def _score(self, points: NDArray[np.uint32], offsets: NDArray[np.int64]) -> Scored:
        found = self.lexicon.find_in(points, offsets)
        raw = {id(model): model.scorer.scores(points, offsets) for model in self._models}
        logits, shares, best = {}, {}, {}
        for target, model in self._deciders.items():
            head = model.heads[target]
            logits[target] = head.logits(raw[id(model)])
            if target == "tier":
                logits[target] = logits[target] + _word_logits(model, head, found)
            shares[target] = head.probabilities(logits[target])
            best[target] = head.best(logits[target])
        if self._codes_within is not None:
            within = self._codes_within[best["category"]]
            best["issues"] = np.where(within, logits["issues"], -np.inf).argmax(axis=1)
        return Scored(logits, shares, best, found)

    def _decide_chunk(
        self,
        texts: Sequence[str],
        moments: Sequence[datetime],
        rows: Sequence[Mapping[str, Any]],
        explain: bool,
    ) -> list[Outcome]:
        cleaned, refused = _cleaned(texts)
        if not cleaned:
            return [refused[i] for i in range(len(texts))]
        points, offsets = joined([text for _, text in cleaned])
        scored = self._score(points, offsets)
        drafts = self._drafts(scored, offsets)
        outcomes: list[Outcome] = [refused.get(i, _UNSET) for i in range(len(texts))]
        for draft, (i, text) in zip(drafts, cleaned, strict=True):
            decision = self._decision(draft, moments[i], rows[i])
            if explain:
                decision = decision._replace(evidence=self._evidence(text, decision))
            outcomes[i] = decision
        return outcomes

    def _drafts(self, scored: Scored, offsets: NDArray[np.int64]) -> Iterator[_Draft]:
        """What is decided on each text, as plain Python values."""
        counts = scored.found.counts
        tiers = self.tiers(scored)
        stated = is_stated(counts)
        head = self.head("sentiment")
        anger, anxiety = mood_scores(scored.probabilities["sentiment"], head.labels, counts)
        mood = scored.best["sentiment"]
        columns = zip(
            self._categories(scored),
            self._issues_of(scored),
            tiers.tolist(),
            self._tier_shares(scored, tiers, stated).tolist(),
            stated.tolist(),
            mood.tolist(),
            np.take_along_axis(scored.probabilities["sentiment"], mood[:, None], 1)[:, 0].tolist(),
            anger.tolist(),
            anxiety.tolist(),
            counts[:, _DEMAND].tolist(),
            np.diff(offsets).tolist(),
            range(len(counts)),
            strict=True,
        )
        for column in columns:
            yield _Draft(*column, scored.found)

    def _categories(self, scored: Scored) -> Iterator[Category]:
        head = self.head("category")
        codes = [self._deciders["category"].category_code(label) for label in head.labels]
        shares = scored.probabilities["category"]
        chosen = scored.best["category"].tolist()
        order = np.argsort(-shares, axis=1, kind="stable")[:, : _ALTERNATIVES + 1].tolist()
        for best, ranked, row in zip(chosen, order, shares.tolist(), strict=True):
            others = [k for k in ranked if k != best][:_ALTERNATIVES]
            yield Category(
                codes[best],
                head.labels[best],
                row[best],
                tuple([Alternative(codes[k], head.labels[k], row[k]) for k in others]),
            )

    def _issues_of(self, scored: Scored) -> Iterator[tuple[Issue, ...]]:
        head, taxonomy = self.head("issues"), self._deciders["issues"].taxonomy
        names = [(code, taxonomy.name(code)) for code in head.labels]
        given = self.issues(scored)
        shares = np.take_along_axis(scored.probabilities["issues"], np.maximum(given, 0), axis=1)
        for indices, row in zip(given.tolist(), shares.tolist(), strict=True):
            yield tuple([Issue(*names[k], p) for k, p in zip(indices, row, strict=True) if k >= 0])

    def _tier_shares(
        self, scored: Scored, tiers: NDArray[np.int64], stated: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        shares = scored.probabilities["tier"][:, _tier_columns(self.head("tier"))]
        own = np.take_along_axis(shares, tiers[:, None], axis=1)[:, 0].astype(np.float64)
        return np.where(stated, np.maximum(own, self._deciders["tier"].stated_confidence), own)

    def _decision(
        self,
        draft: _Draft,
        received_at: datetime,
        values: Mapping[str, Any],
    ) -> Decision:
        category, issues, tier, mood = self._labels(draft, values)
        doubts = () if "category" in values or "issues" in values else self._doubts(draft, category)
        route = self.routing.route(
            category.name,
            tier.label,
            values.get("customer_value"),
            received_at,
            hot=self.routing.is_hot(draft.anger, draft.demands),
            doubtful=bool(doubts) and tier.label != ORDER[2],
        )
        model = self.model
        return Decision(
            values.get("id"), category, issues, tier, mood, route, bool(doubts), doubts, (),
            model.name, model.version, self._deciders["category"].taxonomy.version,
        )  # fmt: skip

    def _labels(
        self, draft: _Draft, values: Mapping[str, Any]
    ) -> tuple[Category, tuple[Issue, ...], TierDecision, SentimentDecision]:
        """The model's labels, and instead of them those that the row brings."""
        tier_name = ORDER[draft.tier]
        mood_name = self.head("sentiment").labels[draft.mood]
        mood = SentimentDecision(mood_name, draft.mood_share, draft.anger, draft.anxiety)
        tier = TierDecision(tier_name, draft.tier_share, self._reasons(draft, tier_name))
        if not values:
            return draft.category, draft.issues, tier, mood
        if "tier" in values:
            tier = TierDecision(str(values["tier"]), 1.0, ("等级由来件给出",))
        if "sentiment" in values:
            mood = mood._replace(label=str(values["sentiment"]), confidence=1.0)
        return self._given_category(draft, values), self._given_issues(draft, values), tier, mood

    def _given_category(self, draft: _Draft, values: Mapping[str, Any]) -> Category:
        model = self._deciders["category"]
        name = values.get("category")
        if name is None and values.get("issues"):
            first = str(values["issues"][0])
            if first in self._deciders["issues"].taxonomy:
                name = self._deciders["issues"].taxonomy.category(first)
        if name is None:
            return draft.category
        return Category(model.category_code(str(name)), str(name), 1.0, ())

    def _given_issues(self, draft: _Draft, values: Mapping[str, Any]) -> tuple[Issue, ...]:
        if "issues" not in values:
            return draft.issues
        taxonomy = self._deciders["issues"].taxonomy
        codes = [str(code) for code in values["issues"]]
        return tuple(Issue(c, taxonomy.name(c) if c in taxonomy else c, 1.0) for c in codes)

    def _reasons(self, draft: _Draft, tier: str) -> tuple[str, ...]:
        hits = draft.found.hits(draft.number)
        return tier_reasons(tier, hits, draft.tier_share, draft.stated, self.policy)

    def _doubts(self, draft: _Draft, category: Category) -> tuple[str, ...]:
        if draft.length < _FEWEST_LETTERS:
            return (f"文字只有 {draft.length} 个字，不足以判断",)
        least = self.head("category").doubt_below
        if category.confidence < least:
            return (f"类别把握 {category.confidence:.2f}，低于 {least:.2f}",)
        return ()

    def _evidence(self, text: str, decision: Decision) -> tuple[Evidence, ...]:
        from triage.explain import evidence

        return evidence(self, text, decision)


class _Draft(NamedTuple):
    """What was decided on one text, before labels of the row, routes and sentences."""

    category: Category
    issues: tuple[Issue, ...]
    tier: int
    tier_share: float
    stated: bool
    mood: int
    mood_share: float
    anger: float
    anxiety: float
    demands: int
    length: int
    number: int
    found: Found


_NOTHING: Mapping[str, Any] = {}
_UNSET = TextRefused("not decided")


def _decider(target: str, model: Model, base: Model | None) -> Model:
    for candidate in (model, base):
        if candidate is not None and target in candidate.heads:
            return candidate
    raise ModelRefused(f"model {model.name} does not decide {target}; give a base model that does")


def _moments(received_at: datetime | Sequence[datetime], n_texts: int) -> list[datetime]:
    if isinstance(received_at, datetime):
        return [local_time(received_at)] * n_texts
    return [local_time(moment) for moment in _as_many(received_at, n_texts, "received_at") or ()]


def _as_many(given: Sequence[Any] | None, n_texts: int, name: str) -> Sequence[Any] | None:
    if given is not None and len(given) != n_texts:
        raise SettingRefused(f"{len(given)} {name} for {n_texts} texts; give one for each")
    return given


def _cleaned(
    texts: Sequence[str],
) -> tuple[list[tuple[int, str]], dict[int, TextRefused]]:
    """Cleaned texts with their places, and the errors of those that can't be taken."""
    fine = clean_as_they_stand(*joined(texts)).tolist()
    cleaned: list[tuple[int, str]] = []
    refused: dict[int, TextRefused] = {}
    for i, text in enumerate(texts):
        try:
            cleaned.append((i, text if fine[i] else clean(text)))
        except TextRefused as error:
            refused[i] = error
    return cleaned, refused


def _codes_within(model: Model) -> NDArray[np.bool_]:
    """Which issue codes belong to which category, shape (n_categories, n_codes)."""
    codes = [model.taxonomy.category(code) for code in model.heads["issues"].labels]
    return np.array([[of == label for of in codes] for label in model.heads["category"].labels])


def _word_logits(model: Model, head: Head, found: Found) -> NDArray[np.float32]:
    weights = model.word_weights[:, _tier_index(head)]
    return np.asarray(word_features(found.counts) @ weights, np.float32)


def _tier_index(head: Head) -> NDArray[np.int64]:
    """Place in `tier.ORDER` of each label of the head."""
    return np.array([ORDER.index(label) for label in head.labels])


def _tier_columns(head: Head) -> NDArray[np.int64]:
    """Column of each tier of `tier.ORDER` in the head."""
    return np.array([head.labels.index(label) for label in ORDER])
