"""What models and words say of texts, before anybody is sent anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelRefused
from domain.taxonomy import MAX_ISSUES, NO_COMPLAINT
from triage.alphabet import joined
from triage.heads import TARGETS
from triage.lexicon import Found, Lexicon
from triage.model import Model
from triage.mood import mood_scores
from triage.omission import omitted, picked
from triage.tier import ORDER, TierPolicy, decide_tiers, is_stated, word_features


@dataclass(frozen=True)
class Reading:
    """What was read out of some texts.

    Attributes
    ----------
    logits, shares : mapping of target to ndarray of float32, shape (n_texts, n_labels)
        Calibrated logits and probabilities.
    best : mapping of target to ndarray of int64, shape (n_texts,)
        Best single label; for ``issues`` the main one.
    issues : ndarray of int64, shape (n_texts, 4)
        Indices of the codes given, main one first; -1 for none.
    tiers : ndarray of int64, shape (n_texts,)
        As decided by score, words and the cost of a miss; index in `triage.tier.ORDER`.
    tier_shares : ndarray of float64, shape (n_texts,)
        Confidence in these tiers.
    major_shares : ndarray of float32, shape (n_texts,)
        Probability of 重大 by the score.
    stated : ndarray of bool, shape (n_texts,)
        Whether the words alone make a text 重大.
    anger, anxiety : ndarray of float64, shape (n_texts,)
    found : Found
        Stated words.
    """

    logits: Mapping[str, NDArray[np.float32]]
    shares: Mapping[str, NDArray[np.float32]]
    best: Mapping[str, NDArray[np.int64]]
    issues: NDArray[np.int64]
    tiers: NDArray[np.int64]
    tier_shares: NDArray[np.float64]
    major_shares: NDArray[np.float32]
    stated: NDArray[np.bool_]
    anger: NDArray[np.float64]
    anxiety: NDArray[np.float64]
    found: Found

    def confidence(self, target: str) -> NDArray[np.float32]:
        """Probability of the best single label, shape (n_texts,)."""
        return _picked(self.shares[target], self.best[target])


@dataclass(frozen=True)
class Omissions:
    """A text, and the text without each of some spans.

    Attributes
    ----------
    points : ndarray of uint32
    offsets : ndarray of int64, shape (n_spans + 2,)
    stated : ndarray of float32, shape (n_spans + 1, len(COUNTED))
        As `triage.tier.word_features` has them.
    logits : mapping of target to ndarray of float32, shape (n_spans + 1, n_labels)
        Right but for rounding where a model is linear, else rough.
    """

    points: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    stated: NDArray[np.float32]
    logits: Mapping[str, NDArray[np.float32]]


class Reader:
    """Models and words together.

    Parameters
    ----------
    model : Model
        Decides the targets that it was trained for.
    base : Model or None
        Decides the others.
    lexicon : Lexicon
    policy : TierPolicy

    Raises
    ------
    ModelRefused
        Neither model decides some target.
    """

    def __init__(
        self, model: Model, base: Model | None, lexicon: Lexicon, policy: TierPolicy
    ) -> None:
        self.lexicon = lexicon
        self.policy = policy
        self.deciders = {target: _decider(target, model, base) for target in TARGETS}
        self.heads = {target: decider.heads[target] for target, decider in self.deciders.items()}
        self._models = list({id(m): m for m in self.deciders.values()}.values())
        self._tier_place = np.array([ORDER.index(label) for label in self.heads["tier"].labels])
        self._tier_columns = np.argsort(self._tier_place)
        silent = [label == NO_COMPLAINT for label in self.heads["category"].labels]
        self._silent: NDArray[np.bool_] = np.array(silent, np.bool_)
        self._within = self._codes_within_categories()

    def read(self, texts: Sequence[str]) -> Reading:
        """Read cleaned texts."""
        return self.read_points(*joined(texts))

    def logits(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Calibrated logits of cleaned texts by target, and nothing that follows from them."""
        points, offsets = joined(texts)
        return self._logits(points, offsets, self.lexicon.find_in(points, offsets))

    def logits_without(
        self, text: str, starts: NDArray[np.int64], stops: NDArray[np.int64]
    ) -> Omissions:
        """A cleaned text without each of some spans, with estimates of its logits."""
        points, _ = joined([text])
        pieces, bounds = omitted(points, starts, stops)
        stated = word_features(self.lexicon.find_in(pieces, bounds).counts)
        given = (points, starts, stops, stated)
        scores = {id(model): model.scorer.scores_without(*given) for model in self._models}
        return Omissions(pieces, bounds, stated, self._by_target(scores, stated))

    def exact_logits(
        self, omissions: Omissions, chosen: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float32]]:
        """Logits of some of the texts of `logits_without`, to the last bit."""
        points, offsets = picked(omissions.points, omissions.offsets, chosen)
        return self._scored(points, offsets, omissions.stated[chosen])

    def read_points(self, points: NDArray[np.uint32], offsets: NDArray[np.int64]) -> Reading:
        """Read texts that `triage.alphabet.joined` made one array of."""
        found = self.lexicon.find_in(points, offsets)
        logits = self._logits(points, offsets, found)
        shares = {target: head.probabilities(logits[target]) for target, head in self.heads.items()}
        best = {target: head.best(logits[target]) for target, head in self.heads.items()}
        if self._within is not None:
            within = self._within[best["category"]]
            best["issues"] = np.where(within, logits["issues"], -np.inf).argmax(axis=1)
        tier_shares = shares["tier"][:, self._tier_columns]
        stated = is_stated(found.counts)
        by_score = self._tier_place[best["tier"]]
        tiers = decide_tiers(tier_shares, by_score, found, self.policy)
        moods = mood_scores(shares["sentiment"], self.heads["sentiment"].labels, found.counts)
        return Reading(
            logits,
            shares,
            best,
            self._issues(shares["issues"], best),
            tiers,
            self._tier_confidence(tier_shares, tiers, stated),
            tier_shares[:, -1],
            stated,
            *moods,
            found,
        )

    def _logits(
        self, points: NDArray[np.uint32], offsets: NDArray[np.int64], found: Found
    ) -> dict[str, NDArray[np.float32]]:
        return self._scored(points, offsets, word_features(found.counts))

    def _scored(
        self,
        points: NDArray[np.uint32],
        offsets: NDArray[np.int64],
        stated: NDArray[np.float32],
    ) -> dict[str, NDArray[np.float32]]:
        given = (points, offsets, stated)
        scores = {id(model): model.scorer.scores(*given) for model in self._models}
        return self._by_target(scores, stated)

    def _by_target(
        self, scores: Mapping[int, NDArray[np.float32]], stated: NDArray[np.float32]
    ) -> dict[str, NDArray[np.float32]]:
        return {
            target: self.heads[target].logits(scores[id(decider)], stated)
            for target, decider in self.deciders.items()
        }

    def _issues(
        self, shares: NDArray[np.float32], best: Mapping[str, NDArray[np.int64]]
    ) -> NDArray[np.int64]:
        rank = np.where(shares >= self.heads["issues"].lean, shares, np.float32(-1))
        if self._within is not None:
            has_code = np.asarray(self._within.any(axis=1))
            main = np.flatnonzero(has_code[best["category"]])
            rank[main, best["issues"][main]] = 2
            rank[self._silent[best["category"]]] = -1
        order = np.argsort(-rank, axis=1, kind="stable")[:, :MAX_ISSUES]
        return np.where(np.take_along_axis(rank, order, axis=1) >= 0, order, -1)

    def _tier_confidence(
        self,
        shares: NDArray[np.float32],
        tiers: NDArray[np.int64],
        stated: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        own = _picked(shares, tiers).astype(np.float64)
        return np.where(stated, np.maximum(own, self.deciders["tier"].stated_confidence), own)

    def _codes_within_categories(self) -> NDArray[np.bool_] | None:
        """Which codes belong to which category; None when two taxonomies decide them."""
        model = self.deciders["issues"]
        if model is not self.deciders["category"]:
            return None
        of = np.array([model.taxonomy.category(code) for code in self.heads["issues"].labels])
        labels = np.array(self.heads["category"].labels)
        return np.asarray(np.equal(labels[:, None], of), np.bool_)


def _decider(target: str, model: Model, base: Model | None) -> Model:
    for candidate in (model, base):
        if candidate is not None and target in candidate.heads:
            return candidate
    raise ModelRefused(f"model {model.name} does not decide {target}; give a base model that does")


def _picked(table: NDArray[np.float32], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.take_along_axis(table, columns[:, None], axis=1)[:, 0]
