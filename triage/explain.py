"""Evidence: whole words of the original text that speak for what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from domain.text import fold, has_chinese
from triage.decision import Decision, Evidence
from triage.heads import TARGETS
from triage.words import Segmenter

if TYPE_CHECKING:
    from triage.reading import Reader

_MOST = 3
_LONGEST = 600
_WINDOW = 200
_LEAST = 0.02
_RANKED = 12
_MEASURED = 8
Span = tuple[int, int]


def evidence(
    reader: Reader, text: str, decision: Decision, segmenter: Segmenter
) -> tuple[Evidence, ...]:
    """Words that speak for the category, the main issue, the tier and the sentiment.

    Each word's weight is how far the logit of what was decided falls when the word is left
    out. Of a text of more than 600 characters only the window that speaks loudest for a target
    is looked into, so that the time stays bounded.

    Parameters
    ----------
    reader : Reader
    text : str
        Cleaned, as it was decided on.
    decision : Decision
    segmenter : Segmenter
        Knows the words of the user's dictionary.

    Returns
    -------
    tuple of Evidence
        At most three words a target, the weightiest first, with offsets into `text`; stated
        words of the lexicon come first for a tier above 普通.
    """
    found: list[Evidence] = []
    for (start, end), targets in _windows(reader, text, decision).items():
        part = text[start:end]
        spans = _word_spans(segmenter, part)
        if not spans:
            continue
        stated = _stated(reader, part, decision)
        firsts = {target: stated if target == "tier" else () for target in targets}
        for target, chosen, fall in _falls(reader, part, decision, spans, firsts):
            words = _best_words(part, target, chosen, fall, firsts[target])
            found += [e._replace(start=e.start + start, end=e.end + start) for e in words]
    return tuple(sorted(found, key=lambda e: (TARGETS.index(e.target), -e.weight)))


def _windows(reader: Reader, text: str, decision: Decision) -> dict[Span, list[str]]:
    """Where to look for which targets: everywhere, or where a long text speaks loudest."""
    if len(text) <= _LONGEST:
        return {(0, len(text)): list(_decided(reader, decision))}
    windows = [(i, min(i + _WINDOW, len(text))) for i in range(0, len(text), _WINDOW)]
    leads = _leads(reader, [text[start:end] for start, end in windows], decision)
    chosen: dict[Span, list[str]] = {}
    for target, lead in leads.items():
        chosen.setdefault(windows[int(lead.argmax())], []).append(target)
    return chosen


def _word_spans(segmenter: Segmenter, text: str) -> list[Span]:
    """Whole words in the original text, cut in its folded copy."""
    folded = fold(text)
    origin = folded.origin.tolist()
    words = segmenter.cut(folded.text)
    return [(origin[s], origin[e - 1] + 1) for word, s, e in words if has_chinese(word)]


def _falls(
    reader: Reader,
    text: str,
    decision: Decision,
    spans: Sequence[Span],
    firsts: Mapping[str, Sequence[Span]],
) -> Iterator[tuple[str, list[Span], NDArray[np.float32]]]:
    """By target the spans that may be its best words, and how far its lead falls without each.

    All falls are estimated; those that may belong to the best are measured.
    """
    starts, stops = np.array(spans, np.int64).T.copy()
    omissions = reader.logits_without(text, starts, stops)
    columns = {t: c for t, c in _decided(reader, decision).items() if t in firsts}
    leads = {t: _lead(omissions.logits[t], column) for t, column in columns.items()}
    hopeful = [_hopeful(lead[0] - lead[1:]) for lead in leads.values()]
    chosen = np.unique(np.concatenate(hopeful))
    logits = reader.exact_logits(omissions, np.concatenate([[0], chosen + 1]))
    kept = [spans[k] for k in chosen.tolist()]
    for target, column in columns.items():
        lead = _lead(logits[target], column)
        yield target, kept, lead[0] - lead[1:]


def _hopeful(estimate: NDArray[np.float32]) -> NDArray[np.int64]:
    """Which spans may be among the best words: the first by an estimate that may be off."""
    return np.argsort(-estimate, kind="stable")[:_MEASURED]


def _leads(
    reader: Reader, texts: Sequence[str], decision: Decision
) -> dict[str, NDArray[np.float32]]:
    """How far what was decided leads in each text, by target."""
    logits = reader.logits(texts)
    columns = _decided(reader, decision)
    return {target: _lead(logits[target], column) for target, column in columns.items()}


def _decided(reader: Reader, decision: Decision) -> dict[str, int]:
    """Column of what was decided, by target; a label that the row brought may have none."""
    given = {
        "category": decision.category.name,
        "issues": decision.codes[0][0] if decision.codes else None,
        "tier": decision.tier.label,
        "sentiment": decision.sentiment.label,
    }
    known = {target: reader.heads[target].labels for target in given}
    return {t: known[t].index(label) for t, label in given.items() if label in known[t]}


def _lead(logits: NDArray[np.float32], column: int) -> NDArray[np.float32]:
    """How far a label's logit is above the mean of the others."""
    own = logits[:, column]
    others = (logits.sum(axis=1) - own) / (logits.shape[1] - 1)
    return np.asarray(own - others, np.float32)


def _stated(reader: Reader, text: str, decision: Decision) -> tuple[Span, ...]:
    if decision.tier.label == "普通":
        return ()
    hits = reader.lexicon.find([text]).hits(0)
    return tuple((hit.start, hit.end) for hit in hits if hit.certain == decision.tier.label)


def _best_words(
    text: str,
    target: str,
    spans: Sequence[Span],
    fall: NDArray[np.float32],
    first: Sequence[Span],
) -> list[Evidence]:
    ranked = [(*spans[k], float(fall[k])) for k in np.argsort(-fall, kind="stable")[:_RANKED]]
    top = max(float(fall.max()), _LEAST)
    chosen = [(start, end, top) for start, end in first]
    chosen += [word for word in ranked if word[2] >= _LEAST]
    kept: list[Evidence] = []
    seen: set[str] = set()
    for start, end, weight in chosen:
        word = text[start:end]
        clear = all(end <= other.start or start >= other.end for other in kept)
        if clear and word not in seen and len(kept) < _MOST:
            seen.add(word)
            kept.append(Evidence(word, start, end, target, weight))
    return kept
