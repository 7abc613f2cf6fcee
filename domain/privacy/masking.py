"""Masking: every piece of personal data in a text gives way to a tag, the rest stays in place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from domain.privacy.accounts import find_accounts
from domain.privacy.addresses import find_addresses
from domain.privacy.codes import find_codes
from domain.privacy.folding import BARRIER, NAME_BARRIER, Folded, fold
from domain.privacy.kinds import Found, Kind
from domain.privacy.names import find_names
from domain.privacy.neighbours import find_neighbours
from domain.privacy.numbers import find_numbers
from domain.privacy.pseudonyms import code_of, folded_tags, tag

_FINDERS: tuple[tuple[Callable[[Folded], list[Found]], frozenset[Kind]], ...] = (
    (find_neighbours, frozenset({Kind.MOBILE, Kind.ID_CARD})),
    (find_codes, frozenset({Kind.EMAIL, Kind.PLATE, Kind.PASSPORT})),
    (find_accounts, frozenset({Kind.ACCOUNT})),
    (find_numbers, frozenset({Kind.MOBILE, Kind.LANDLINE, Kind.ID_CARD, Kind.BANK_CARD})),
    (find_addresses, frozenset({Kind.ADDRESS})),
    (find_names, frozenset({Kind.NAME})),
)

_MAX_PASSES = 12
"""Texts need one pass, or two with a find; more are only met in strings made to cost time."""
_NO_KEY = bytes(16)  # nothing that it keys is kept


class Span(NamedTuple):
    """One masked place: offsets in the original and in the masked text, and its code."""

    kind: Kind
    start: int
    end: int
    masked_start: int
    masked_end: int
    pseudonym: str


@dataclass(frozen=True, slots=True)
class Masked:
    """A masked text and where its tags stand.

    Attributes
    ----------
    text : str
        The original with a tag for each piece of personal data.
    spans : tuple of Span
        In order of the text, without overlaps.
    """

    text: str
    spans: tuple[Span, ...]

    def to_original(self, offset: int, *, end: bool = False) -> int:
        """Offset in the original of an offset in the masked text.

        Parameters
        ----------
        offset : int
            0 to ``len(self.text)``.
        end : bool, default False
            Inside a tag, give where the masked piece ends instead of where it starts.

        Returns
        -------
        int
        """
        places = [(span.masked_start, span.masked_end, span.start, span.end) for span in self.spans]
        return _moved(offset, places, end)

    def to_masked(self, offset: int, *, end: bool = False) -> int:
        """Offset in the masked text of an offset in the original.

        Parameters
        ----------
        offset : int
            0 to the length of the original.
        end : bool, default False
            Inside a masked piece, give where its tag ends instead of where it starts.

        Returns
        -------
        int
        """
        places = [(span.start, span.end, span.masked_start, span.masked_end) for span in self.spans]
        return _moved(offset, places, end)


def mask(text: str, key: bytes, kinds: Collection[Kind] = frozenset(Kind)) -> Masked:
    """Put a keyed pseudonym in the place of each piece of personal data.

    Masking a masked text changes nothing.

    Parameters
    ----------
    text : str
        Any code points.
    key : bytes
        At least 16 bytes; another key gives other codes.
    kinds : collection of Kind, optional
        What to mask; everything by default.

    Returns
    -------
    Masked

    Raises
    ------
    SettingRefused
        The key is too short.

    Examples
    --------
    >>> mask("请打１３９-1234-5678找我", bytes(range(16))).text
    '请打〔手机·dpsrgbwxbt〕找我'
    """
    code_of(Kind.CUSTOMER, "", key)
    pieces: list[str] = []
    spans: list[Span] = []
    position = length = 0
    for kind, start, end, value in _personal(text, kinds):
        code = code_of(kind, value, key)
        pieces += [text[position:start], tag(kind, code)]
        masked_start = length + start - position
        length = masked_start + len(pieces[-1])
        spans.append(Span(kind, start, end, masked_start, length, code))
        position = end
    return Masked("".join([*pieces, text[position:]]), tuple(spans))


def hidden(text: str) -> str:
    """Put invisible characters in the place of personal data; no offset moves.

    What a model reads of it is what it reads of the masked text with its tags `blanked`.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        As long as `text`.

    Examples
    --------
    >>> hidden("电话13812345678，闪屏").replace("\u200b", "")
    '电话，闪屏'
    """
    read = list(text)
    for span in mask(text, _NO_KEY).spans:
        read[span.start : span.end] = "\u200b" * (span.end - span.start)
    return "".join(read)


def contains_personal(text: str, kinds: Collection[Kind] = frozenset(Kind)) -> list[Kind]:
    """Name the kinds of personal data that stand unmasked in a text.

    Parameters
    ----------
    text : str
        An output: a log line, a cell of an export, a page.
    kinds : collection of Kind, optional
        What to look for; everything by default.

    Returns
    -------
    list of Kind
        One for each place, in order; empty when the text is clean.

    Examples
    --------
    >>> contains_personal("回电13912345678")
    [<Kind.MOBILE: 'mobile'>]
    >>> contains_personal("回电〔手机·dpsrgbwxbt〕，订单号13912345678")
    []
    """
    return [found.kind for found in _personal(text, kinds)]


def _personal(text: str, kinds: Collection[Kind]) -> list[Found]:
    """Find personal data until no more is found; offsets are the original's."""
    folded = fold(text)
    if "〔" in folded.text:
        folded = _barred(folded, folded_tags(folded.text))
    found: list[Found] = []
    for _ in range(_MAX_PASSES):
        folded, more = _search(folded, kinds)
        if not more:
            break
        found += more
    return sorted(found, key=lambda each: each.start)


def _search(folded: Folded, kinds: Collection[Kind]) -> tuple[Folded, list[Found]]:
    """Search once, kind after kind; what is found bars the kinds that follow."""
    results: list[Found] = []
    for find, finds in _FINDERS:
        if finds.isdisjoint(kinds):
            continue
        found = _without_overlaps([each for each in find(folded) if each.kind in kinds])
        if found:
            folded = _barred(folded, [each[:3] for each in found])
            results += [_in_original(folded, each) for each in found]
    return folded, results


def _without_overlaps(found: list[Found]) -> list[Found]:
    """Keep the earlier of two that overlap, of two that start together the longer."""
    kept: list[Found] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


def _barred(folded: Folded, places: list[tuple[Kind, int, int]]) -> Folded:
    pieces: list[str] = []
    position = 0
    for kind, start, end in places:
        barrier = NAME_BARRIER if kind is Kind.NAME else BARRIER
        pieces += [folded.text[position:start], barrier * (end - start)]
        position = end
    text = "".join([*pieces, folded.text[position:]])
    return Folded(text, folded.original, folded.starts, folded.ends)


def _in_original(folded: Folded, found: Found) -> Found:
    return found._replace(start=folded.starts[found.start], end=folded.ends[found.end - 1])


def _moved(offset: int, places: list[tuple[int, int, int, int]], end: bool) -> int:
    """Move an offset from one text to the other, past the places that differ in length."""
    index = bisect_right(places, offset, key=lambda place: place[0]) - 1
    if index < 0:
        return offset
    _, place_end, other_start, other_end = places[index]
    if offset == places[index][0]:
        return other_start
    if offset < place_end:
        return other_end if end else other_start
    return other_end + offset - place_end
