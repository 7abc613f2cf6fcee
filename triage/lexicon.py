"""Words that matter to tier and mood, found in one pass, with what takes their force away.

All words stand in one automaton (Aho and Corasick, 1975), so a text is read once, whatever the
number of words. A word is *stated* unless it lies inside a longer, harmless word, or a word of
denial stands shortly before it in its clause, a supposition before it in its clause, or hearsay
before it in its sentence. Going to law or to the press is not stated either by a clause that asks
whether one should, or a supposition right before it (“如果起诉”, unlike “如果不退我就起诉”).
Calling the police over noise, parking or neighbours is stated, but makes nothing certain.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.complaint import Tier
from domain.errors import SettingRefused
from triage.alphabet import SENTENCE_END, breaks, joined, letters
from triage.kernel import compiled, fold, longest_text

KINDS = (
    "harm", "danger", "illness", "court", "police", "crime", "media", "group", "crowd", "basics",
    "outage", "money", "sleep", "foreign", "authority", "stake", "rage", "demand", "worry",
    "praise",
)  # fmt: skip
CUES = ("no", "maybe", "hearsay", "mask", "ask", "petty")
COLLECTIVE_LOSS = len(KINDS)
CERTAIN_MAJOR, CERTAIN_URGENT = len(KINDS) + 1, len(KINDS) + 2
COUNTED = (*KINDS, "collective_loss", "certain_major", "certain_urgent")
_CERTAINTIES = ("", Tier.MAJOR.value, Tier.URGENT.value)
_SUPPOSABLE = ("harm", "danger", "illness", "basics")
_DECIDABLE = ("court", "police", "media", "group")
_MOODS = ("rage", "demand", "worry", "praise")
_NO_GROUND = (*_MOODS, "stake")
_BEARING = np.array([kind not in _NO_GROUND for kind in (*KINDS, *CUES)], np.bool_)
_NO, _MAYBE, _HEARSAY, _MASK, _ASK, _PETTY = (len(KINDS) + i for i in range(6))
_POLICE = KINDS.index("police")
SOFTENED = ("", "已否认", "属假设", "属转述", "属疑问")
_STATED, _DENIED, _SUPPOSED, _HEARD, _ASKED, _NOT_MET = 0, 1, 2, 3, 4, 5
_RIGHT_BEFORE = 2
_MOST_STATES = 32_767
_CROWD, _BASICS = KINDS.index("crowd"), KINDS.index("basics")
_DIGIT = "#"


class Entry(NamedTuple):
    """One word of the lexicon.

    Where it is stated, a word with a `certain` tier makes a complaint at least of that tier;
    `reach` is how many letters a denial carries. ``#`` in a word stands for any digit.
    """

    word: str
    kind: str
    certain: str = ""
    reach: int = 0


class Hit(NamedTuple):
    """A word: what kind it is of, where it stands in the original text, what softens it."""

    word: str
    kind: str
    certain: str
    start: int
    end: int
    softened: str = ""


@dataclass(frozen=True)
class Found:
    """What a pass over texts found.

    Attributes
    ----------
    counts : ndarray of uint16, shape (n_texts, len(COUNTED))
        How often words of each kind are stated.
    why : ndarray of int8, shape (n_hits,)
        0 where a word is stated, else the place in `SOFTENED` of what takes its force.
    heads : sequence of tuple of str
        Word, kind and certainty of each entry.
    kinds : ndarray of int32, shape (n_entries,)
        Kind of each entry, as its place in `KINDS`, then in `CUES`.
    """

    counts: NDArray[np.uint16]
    indptr: NDArray[np.int64]
    words: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    why: NDArray[np.int8]
    heads: Sequence[tuple[str, str, str]]
    kinds: NDArray[np.int32]

    def hits(self, text: int) -> Iterator[Hit]:
        """Stated words of one text, in their order, with offsets into the original."""
        return (hit for hit in self.met(text) if not hit.softened)

    def met(self, text: int) -> list[Hit]:
        """Words of one text that bear on its tier, stated or softened."""
        indptr, words = self._bearing
        return words[indptr[text] : indptr[text + 1]]

    def taken_back(self, of_kind: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Texts whose words of some kinds are all denied, heard of or asked about.

        A text without such a word is none of them, nor one that states or supposes one.

        Parameters
        ----------
        of_kind : ndarray of bool, shape (len(KINDS) + len(CUES),)
            Which kinds.

        Returns
        -------
        ndarray of bool, shape (n_texts,)
        """
        chosen = np.flatnonzero(of_kind[self.kinds[self.words]])
        why = self.why[chosen]
        back = (why == _DENIED) | (why == _HEARD) | (why == _ASKED)
        if not back.any():
            return np.zeros(len(self.counts), np.bool_)
        texts = np.searchsorted(self.indptr, chosen, side="right") - 1
        taken = np.bincount(texts[back], minlength=len(self.counts))
        met = np.bincount(texts, minlength=len(self.counts))
        return np.asarray((taken > 0) & (taken == met), np.bool_)

    @cached_property
    def _bearing(self) -> tuple[list[int], list[Hit]]:
        """Where the words of each text begin that bear on the tier, and these words."""
        telling = _BEARING[self.kinds[self.words]]
        before = np.zeros(len(telling) + 1, np.int64)
        np.cumsum(telling, out=before[1:])
        columns = (self.words, self.starts, self.ends, self.why)
        heads = self.heads
        hits = [
            Hit(word, kind, certain, start, end, SOFTENED[why])
            for number, start, end, why in zip(*(c[telling].tolist() for c in columns), strict=True)
            for word, kind, certain in (heads[number],)
        ]
        return before[self.indptr].tolist(), hits


class Lexicon:
    """An automaton over all words.

    Parameters
    ----------
    entries : sequence of Entry

    Raises
    ------
    SettingRefused
        A kind is unknown or a word folds to nothing.

    Examples
    --------
    >>> found = shipped_lexicon().find(["充电时起火了", "没有起火", "万一起火怎么办"])
    >>> found.counts[:, KINDS.index("harm")].tolist()
    [1, 0, 0]
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(plain for entry in entries for plain in _spelt_out(entry))
        self._heads = [entry[:3] for entry in self.entries]
        words = [_letters(entry) for entry in self.entries]
        classes, width = _letter_classes(words)
        tree = _Tree(width)
        for number, word in enumerate(words):
            tree.add([int(classes[letter]) for letter in word], number)
        self._automaton = tree.automaton(classes)
        kinds = (*KINDS, *CUES)
        self._words = _Words(
            np.array([len(word) for word in words], np.int32),
            np.array([kinds.index(entry.kind) for entry in self.entries], np.int32),
            np.array([entry.reach for entry in self.entries], np.int32),
            np.array([_CERTAINTIES.index(e.certain) for e in self.entries], np.int8),
        )

    def find(self, texts: Sequence[str]) -> Found:
        """Find the stated words of texts."""
        return self.find_in(*joined(texts))

    def find_in(self, points: NDArray[np.uint32], offsets: NDArray[np.int64]) -> Found:
        """Find the stated words of texts that `triage.alphabet.joined` made one array of."""
        tables = (letters(), breaks(), self._automaton, self._words, _softeners())
        counts, indptr, numbers, starts, ends, why = _find(points, offsets, *tables)
        return Found(counts, indptr, numbers, starts, ends, why, self._heads, self._words.kinds)


@cache
def shipped_lexicon() -> Lexicon:
    """The words of `lexicon.csv`."""
    return read_lexicon(Path(__file__).with_name("lexicon.csv"))


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon from a CSV file with the columns ``word, kind, certain, reach``."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return Lexicon(
        [Entry(row["word"], row["kind"], row["certain"], int(row["reach"] or 0)) for row in rows]
    )


def _spelt_out(entry: Entry) -> list[Entry]:
    """The word with each digit in place of ``#``."""
    if _DIGIT not in entry.word:
        return [entry]
    return [entry._replace(word=entry.word.replace(_DIGIT, digit)) for digit in "0123456789"]


def _letters(entry: Entry) -> list[int]:
    if entry.kind not in (*KINDS, *CUES):
        raise SettingRefused(
            f"kind {entry.kind!r} of {entry.word!r} is unknown; known are {', '.join(KINDS)}"
        )
    if entry.certain not in _CERTAINTIES:
        raise SettingRefused(f"certain is {entry.certain!r} for {entry.word!r}; write 重大 or 紧急")
    folded = [int(letters()[ord(character)]) for character in entry.word]
    if not folded or 0 in folded:
        raise SettingRefused(f"{entry.word!r} can't be a word: it holds a blank or an emoji")
    return folded


def _letter_classes(words: Sequence[Sequence[int]]) -> tuple[NDArray[np.uint16], int]:
    classes = np.zeros(len(letters()), np.uint16)
    used = sorted({letter for word in words for letter in word})
    classes[used] = np.arange(1, len(used) + 1)
    return classes, len(used) + 1


class _Automaton(NamedTuple):
    """Classes of letters; next state by state and class; words that end in a state, chained."""

    classes: NDArray[np.uint16]
    step: NDArray[np.int16]
    first: NDArray[np.int32]
    words: NDArray[np.int32]
    most: int


class _Words(NamedTuple):
    """What the kernel knows of each word."""

    lengths: NDArray[np.int32]
    kinds: NDArray[np.int32]
    reach: NDArray[np.int32]
    certain: NDArray[np.int8]


class _Tree:
    """The words as a tree of letters, and the automaton made of it."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.children: list[dict[int, int]] = [{}]
        self.words: list[list[int]] = [[]]

    def add(self, word: Sequence[int], number: int) -> None:
        node = 0
        for letter in word:
            node = self.children[node].setdefault(letter, len(self.children))
            if node == len(self.children):
                self.children.append({})
                self.words.append([])
        self.words[node].append(number)

    def automaton(self, classes: NDArray[np.uint16]) -> _Automaton:
        """The tables that the kernel walks through, narrow so that they stay in the cache."""
        if len(self.children) > _MOST_STATES:
            raise SettingRefused(
                f"the words have {len(self.children):,} beginnings; at most {_MOST_STATES:,} fit"
            )
        step = np.zeros((len(self.children), self.width), np.int16)
        chains = self._chains(step)
        first = np.zeros(len(chains) + 1, np.int32)
        np.cumsum([len(chain) for chain in chains], out=first[1:])
        words = np.array([word for chain in chains for word in chain], np.int32)
        return _Automaton(classes, step, first, words, max(map(len, chains)))

    def _chains(self, step: NDArray[np.int16]) -> list[list[int]]:
        fallback = [0] * len(self.children)
        queue = deque([0])
        while queue:
            node = queue.popleft()
            if node:
                step[node] = step[fallback[node]]
                self.words[node] = self.words[node] + self.words[fallback[node]]
            for letter, child in self.children[node].items():
                fallback[child] = int(step[node, letter]) if node else 0
                step[node, letter] = child
                queue.append(child)
        return self.words


@cache
def _softeners() -> NDArray[np.bool_]:
    """What takes the force of which kind, shape (n_kinds, 4).

    Denial; supposition; hearsay; a question or a supposition right before the word.
    """
    table = np.zeros((len(KINDS), 4), np.bool_)
    for number, kind in enumerate(KINDS):
        table[number] = (True, kind in _SUPPOSABLE, kind not in _MOODS, kind in _DECIDABLE)
    return table


@compiled
def _collect(
    folded: NDArray[np.uint32],
    automaton: _Automaton,
    ends: NDArray[np.int32],
    found: NDArray[np.int32],
) -> int:
    """All words of a folded text in the order of their ends; returns how many."""
    state = 0
    total = 0
    for i in range(len(folded)):
        letter = automaton.classes[folded[i]]
        if letter == 0:
            state = 0
            continue
        state = automaton.step[state, letter]
        for j in range(automaton.first[state], automaton.first[state + 1]):
            ends[total] = i + 1
            found[total] = automaton.words[j]
            total += 1
    return total


@compiled
def _mark(
    folded: NDArray[np.uint32],
    breaks: NDArray[np.uint8],
    clause: NDArray[np.int32],
    sentence: NDArray[np.int32],
) -> None:
    """Number the clauses and sentences of a folded text."""
    clauses = 0
    sentences = 0
    for i in range(len(folded)):
        clause[i] = clauses
        sentence[i] = sentences
        rank = breaks[folded[i]]
        clauses += rank > 0
        sentences += rank == SENTENCE_END


@compiled
def _cover(
    ends: NDArray[np.int32],
    found: NDArray[np.int32],
    words: _Words,
    covered: NDArray[np.int32],
) -> None:
    """Note up to where a harmless word reaches from each of its letters."""
    covered[:] = 0
    for i in range(len(found)):
        if words.kinds[found[i]] == _MASK:
            for j in range(ends[i] - words.lengths[found[i]], ends[i]):
                covered[j] = max(covered[j], ends[i])


@compiled
def _look_around(
    ends: NDArray[np.int32],
    found: NDArray[np.int32],
    words: _Words,
    clause: NDArray[np.int32],
    asked: NDArray[np.bool_],
) -> bool:
    """Note which clauses ask; returns whether the text is of a petty matter."""
    asked[:] = False
    petty = False
    for i in range(len(found)):
        kind = words.kinds[found[i]]
        if kind == _ASK:
            asked[clause[ends[i] - 1]] = True
        petty |= kind == _PETTY
    return petty


@compiled
def _judge(
    ends: NDArray[np.int32],
    found: NDArray[np.int32],
    words: _Words,
    clause: NDArray[np.int32],
    sentence: NDArray[np.int32],
    covered: NDArray[np.int32],
    asked: NDArray[np.bool_],
    softeners: NDArray[np.bool_],
    why: NDArray[np.int8],
) -> None:
    """Say of each word that was found whether it is stated, and if not, why."""
    denied_from, denied_until, denied_clause = -1, -1, -1
    supposed_from, supposed_clause, heard_sentence = -1, -1, -1
    for i in range(len(found)):
        kind = words.kinds[found[i]]
        start = ends[i] - words.lengths[found[i]]
        why[i] = _NOT_MET
        if kind >= _MASK or covered[start] >= ends[i]:
            continue
        if kind == _NO:
            denied_from, denied_clause = ends[i], clause[start]
            denied_until = max(denied_until, ends[i] + words.reach[found[i]])
        elif kind == _MAYBE:
            supposed_from, supposed_clause = ends[i], clause[start]
        elif kind == _HEARSAY:
            heard_sentence = sentence[start]
        else:
            near = denied_from <= start and start < denied_until
            supposed = supposed_clause == clause[start] and supposed_from <= start
            close = supposed and start <= supposed_from + _RIGHT_BEFORE and softeners[kind, 3]
            why[i] = _STATED
            if near and denied_clause == clause[start] and softeners[kind, 0]:
                why[i] = _DENIED
            elif close or (supposed_clause == clause[start] and softeners[kind, 1]):
                why[i] = _SUPPOSED
            elif heard_sentence == sentence[start] and softeners[kind, 2]:
                why[i] = _HEARD
            elif asked[clause[start]] and softeners[kind, 3]:
                why[i] = _ASKED


@compiled
def _count(
    ends: NDArray[np.int32],
    found: NDArray[np.int32],
    words: _Words,
    sentence: NDArray[np.int32],
    petty: bool,
    why: NDArray[np.int8],
    counts: NDArray[np.uint16],
) -> int:
    """Count the stated words by kind, and what a sentence states together.

    Returns how many words were met, stated or softened.
    """
    total = 0
    crowd, loss = -1, -1
    for i in range(len(found)):
        total += why[i] != _NOT_MET
        if why[i] != _STATED:
            continue
        kind = words.kinds[found[i]]
        counts[kind] += 1
        certain = words.certain[found[i]]
        counts[CERTAIN_MAJOR] += certain == 1 and not (petty and kind == _POLICE)
        counts[CERTAIN_URGENT] += certain == 2
        if kind == _CROWD:
            crowd = sentence[ends[i] - 1]
        elif kind == _BASICS:
            loss = sentence[ends[i] - 1]
        else:
            continue
        if crowd == loss:
            counts[COLLECTIVE_LOSS] += 1
    return total


@compiled
def _with_room(array: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    if size <= len(array):
        return array
    wider = np.empty(2 * size, np.int32)
    wider[: len(array)] = array
    return wider


@compiled
def _find(
    points: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    table: NDArray[np.uint32],
    breaks: NDArray[np.uint8],
    automaton: _Automaton,
    words: _Words,
    softeners: NDArray[np.bool_],
) -> tuple[
    NDArray[np.uint16],
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int8],
]:
    n_texts = len(offsets) - 1
    longest = longest_text(offsets)
    folded, origin = np.empty(longest, np.uint32), np.empty(longest, np.int32)
    clause, sentence = np.empty(longest, np.int32), np.empty(longest, np.int32)
    covered, asked = np.empty(longest, np.int32), np.empty(longest, np.bool_)
    ends = np.empty(longest * automaton.most, np.int32)
    found, why = np.empty(len(ends), np.int32), np.empty(len(ends), np.int8)
    counts = np.zeros((n_texts, CERTAIN_URGENT + 1), np.uint16)
    indptr = np.zeros(n_texts + 1, np.int64)
    numbers = np.empty(4 * n_texts + 64, np.int32)
    starts, stops = np.empty(len(numbers), np.int32), np.empty(len(numbers), np.int32)
    whys = np.empty(len(numbers), np.int32)
    total = 0
    for text in range(n_texts):
        length = fold(points, offsets[text], offsets[text + 1], table, folded, origin)
        _mark(folded[:length], breaks, clause, sentence)
        n = _collect(folded[:length], automaton, ends, found)
        _cover(ends[:n], found[:n], words, covered[:length])
        petty = _look_around(ends[:n], found[:n], words, clause, asked[: length + 1])
        _judge(ends[:n], found[:n], words, clause, sentence, covered, asked, softeners, why)
        more = _count(ends[:n], found[:n], words, sentence, petty, why, counts[text])
        numbers, whys = _with_room(numbers, total + more), _with_room(whys, total + more)
        starts, stops = _with_room(starts, total + more), _with_room(stops, total + more)
        for i in range(n):
            if why[i] != _NOT_MET:
                numbers[total] = found[i]
                starts[total] = origin[ends[i] - words.lengths[found[i]]]
                stops[total] = origin[ends[i] - 1] + 1
                whys[total] = why[i]
                total += 1
        indptr[text + 1] = total
    told = whys[:total].astype(np.int8)
    return counts, indptr, numbers[:total], starts[:total], stops[:total], told
