"""New and rising phrases, and complaints that are all but the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import rjieba
from numpy.typing import NDArray
from rapidfuzz import fuzz

from api.services.report.cases import Cases
from api.services.report.counts import Compared
from api.services.report.findings import examples
from api.services.report.options import ReportOptions
from domain.privacy import contains_personal
from domain.text import fold
from mining.significance import benjamini_hochberg, fisher_p_values

_MOST_TEXTS = 20_000
_MOST_PHRASES = 15
_MOST_READ = 200
_LONGEST = 8
_MAX_Q = 0.01
_LEAST_RATIO = 2.0
_SURELY_TOGETHER = 15
_MOSTLY = 0.7
_PHRASE = re.compile(r"[\u4e00-\u9fff]+|[a-z]+[0-9]{0,2}")
_LEANS_ON_OTHERS = "的了我都于是其连很就还也又在和与把被给你他她它这那个不没有到得着过"
_OF_A_SENTENCE = frozenset("我你您他她就")
_JOINS_WORDS = frozenset("的了得地从说是在把被给让跟和")
_MOSTLY_BESIDE = 0.8
_LOOKED_AT = 60
_BEGINS_NO_NAME = "从一"
_NOT_TEXT = re.compile(r"[^\u4e00-\u9fffa-z]+")
_ALIKE = 88.0
_MOST_IN_BLOCK = 200
_FEWEST_ALIKE = 3
_MOST_GROUPS = 5


def words(cases: Cases, last: Compared | None, options: ReportOptions) -> dict[str, Any]:
    """Phrases that the recent complaints use more, and groups of near duplicates."""
    texts = cases.frame["text"].tolist()
    earlier, recent, against = _parts(cases, last)
    return {
        "against": against,
        "rising": _rising(texts, earlier, recent, last, cases, options),
        "alike": _alike(texts, cases, options),
    }


def _parts(
    cases: Cases, last: Compared | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], str | None]:
    """Rows before and after: the last period and this one, else the period and its last quarter."""
    everything = np.arange(len(cases))
    if last is not None and len(last.cases):
        return everything[:0], _thinned(everything), "last"
    if not cases.timed:
        return everything[:0], everything[:0], None
    week = cases.frame["week"].to_numpy(np.int64)
    first, end = int(week.min()), int(week.max())
    if end - first < 7:
        return everything[:0], everything[:0], None
    border = end - max((end - first + 1) // 4, 2)
    return _thinned(everything[week <= border]), _thinned(everything[week > border]), "quarter"


def _thinned(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most so many rows, evenly spread."""
    if len(rows) <= _MOST_TEXTS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _MOST_TEXTS).astype(np.int64)]


def _rising(
    texts: Sequence[str],
    earlier: NDArray[np.int64],
    recent: NDArray[np.int64],
    last: Compared | None,
    cases: Cases,
    options: ReportOptions,
) -> list[dict[str, Any]]:
    before = [texts[row] for row in earlier]
    if last is not None:
        old = last.cases.frame["text"].tolist()
        before = [old[row] for row in _thinned(np.arange(len(old)))]
    if not before or not len(recent):
        return []
    now = _Phrases.of([texts[row] for row in recent])
    then = _Phrases.of(before)
    shown: set[str] = set()
    grown = _grown(now, then, options)[:_LOOKED_AT]
    folded = [fold(texts[row]).text for row in recent]
    free = [row for row in grown if _stands_free(row["phrase"], folded)]
    return [_with_example(row, texts, recent, shown, cases) for row in free[:_MOST_PHRASES]]


def _stands_free(phrase: str, folded: Sequence[str]) -> bool:
    """Whether different characters stand on either side: else it is a piece of something longer."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for text in folded:
        at = text.find(phrase)
        if at >= 0:
            before[text[at - 1 : at]] += 1
            after[text[at + len(phrase) : at + len(phrase) + 1]] += 1
    return not (_is_bound(before) or _is_bound(after))


def _is_bound(beside: Counter[str]) -> bool:
    neighbour, count = beside.most_common(1)[0] if beside else ("", 0)
    bound = _PHRASE.fullmatch(neighbour) is not None
    return bound and count >= _MOSTLY_BESIDE * beside.total()


def _with_example(
    row: dict[str, Any],
    texts: Sequence[str],
    recent: NDArray[np.int64],
    shown: set[str],
    cases: Cases,
) -> dict[str, Any]:
    """A phrase as its example spells it, beside an example that no other phrase has shown."""
    phrase = row["phrase"]
    found = _examples(phrase, texts, recent, shown, cases)
    spelt = {text[at : at + len(phrase)] for text, at in _places(found, phrase) if at >= 0}
    shown.update(example["text"] for example in found)
    return {
        **row,
        "phrase": min(spelt, default=phrase),
        "new": not row["before"],
        "examples": found,
    }


def _places(found: list[dict[str, Any]], phrase: str) -> list[tuple[str, int]]:
    return [(example["text"], example["text"].lower().find(phrase)) for example in found]


class _Phrases:
    """In how many texts each word or run of two or three words stands."""

    def __init__(self, held: Counter[str], texts: int) -> None:
        self.held = held
        self.texts = texts

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Phrases:
        held: Counter[str] = Counter()
        for text in texts:
            held.update(_candidates(rjieba.cut(fold(text).text)))
        return cls(held, len(texts))


def _candidates(tokens: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for at in range(len(tokens)):
        phrase = ""
        for more in tokens[at : at + 3]:
            phrase += more
            if len(phrase) > _LONGEST or not _PHRASE.fullmatch(phrase):
                break
            whole = phrase == tokens[at] or _JOINS_WORDS.isdisjoint(phrase)
            if len(phrase) > 1 and whole and not _leans(phrase):
                found.add(phrase)
    return found


def _leans(phrase: str) -> bool:
    """Whether a phrase is cut out of a sentence rather than the name of something."""
    if not _OF_A_SENTENCE.isdisjoint(phrase) or phrase[0] in _BEGINS_NO_NAME:
        return True
    return phrase[0] in _LEANS_ON_OTHERS or phrase[-1] in _LEANS_ON_OTHERS


def _grown(now: _Phrases, then: _Phrases, options: ReportOptions) -> list[dict[str, Any]]:
    least = max(options.small_group, now.texts // 2000)
    names = sorted(phrase for phrase, count in now.held.items() if count >= least)
    if not names:
        return []
    count = np.array([now.held[name] for name in names])
    before = np.array([then.held[name] for name in names])
    everything = now.texts + then.texts
    p_values = fisher_p_values(count, np.full_like(count, now.texts), count + before, everything)
    q_values = benjamini_hochberg(p_values)
    ratio = (count / now.texts) / ((before + 0.5) / then.texts)
    held = np.flatnonzero((q_values <= _MAX_Q) & (ratio >= _LEAST_RATIO))
    held = held[np.argsort(p_values[held], kind="stable")]
    rows = [_row(names[at], count[at], before[at], ratio[at], q_values[at]) for at in held]
    return _whole_phrases(rows)


def _row(
    phrase: str, count: np.int64, before: np.int64, ratio: np.float64, q: np.float64
) -> dict[str, Any]:
    return {
        "phrase": phrase,
        "count": int(count),
        "before": int(before),
        "ratio": float(ratio),
        "q_value": float(q),
    }


def _whole_phrases(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out parts of a longer phrase that occurs as often, and whatever is personal."""
    rows = [row for row in rows if not contains_personal(row["phrase"])]
    whole = [
        row
        for row in rows
        if not any(
            row["phrase"] != other["phrase"]
            and row["phrase"] in other["phrase"]
            and other["count"] >= _MOSTLY * row["count"]
            for other in rows
        )
    ]
    kept: list[dict[str, Any]] = []
    for row in whole:
        if not any(_says_the_same(row, other) for other in kept):
            kept.append(row)
    return kept


def _says_the_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two phrases are parts of one: one holds the other, or they come and go together."""
    if one["phrase"] in other["phrase"] or other["phrase"] in one["phrase"]:
        return True
    if _chained(one["phrase"], other["phrase"]) or _chained(other["phrase"], one["phrase"]):
        return True
    together = one["count"] == other["count"] and one["before"] == other["before"]
    pairs = zip(one["phrase"], one["phrase"][1:], strict=False)
    shared = any(first + second in other["phrase"] for first, second in pairs)
    near = abs(one["count"] - other["count"]) <= 0.1 * one["count"]
    return (together and one["count"] >= _SURELY_TOGETHER) or (shared and near)


def _chained(one: str, other: str) -> bool:
    """Whether one phrase ends as the other begins."""
    return any(one.endswith(other[:length]) for length in range(1, min(len(one), len(other))))


def _examples(
    phrase: str, texts: Sequence[str], recent: NDArray[np.int64], shown: set[str], cases: Cases
) -> list[dict[str, Any]]:
    rows = [row for row in recent if phrase in texts[row].lower()][:_MOST_READ]
    few = examples(np.array(rows, dtype=np.int64), cases, _MOST_PHRASES) if rows else []
    return [example for example in few if example["text"] not in shown][:1] or few[:1]


def _alike(texts: Sequence[str], cases: Cases, options: ReportOptions) -> list[dict[str, Any]]:
    """Groups of complaints whose texts are the same but for a few characters, largest first."""
    blocks: dict[str, list[tuple[str, int]]] = {}
    for row in _thinned(np.arange(len(cases))):
        plain = _NOT_TEXT.sub("", fold(texts[row]).text)
        if len(plain) >= 8:
            blocks.setdefault(plain[:6], []).append((plain, int(row)))
    groups = [group for block in blocks.values() for group in _groups(block[:_MOST_IN_BLOCK])]
    groups = [group for group in groups if len(group) >= max(_FEWEST_ALIKE, options.small_group)]
    groups.sort(key=lambda group: (-len(group), group[0]))
    return [
        {"count": len(group), "examples": examples(np.array(group[:1]), cases, 1)}
        for group in groups[:_MOST_GROUPS]
    ]


def _groups(block: list[tuple[str, int]]) -> list[list[int]]:
    """Join each text to the first group whose first text it resembles."""
    groups: list[tuple[str, list[int]]] = []
    for plain, row in block:
        home = next((rows for first, rows in groups if fuzz.ratio(plain, first) >= _ALIKE), None)
        if home is None:
            groups.append((plain, [row]))
        else:
            home.append(row)
    return [rows for _, rows in groups]
