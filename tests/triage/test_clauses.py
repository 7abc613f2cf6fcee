"""Clauses and openings against plain Python over strings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.triage.sentences import COMPLAINTS
from tests.triage.test_kernel import anything, scorer_of
from triage.alphabet import alphabet, breaks, joined
from triage.clauses import VIEWS, clause_ends
from triage.features import HashedNgrams
from triage.kernel import openings
from triage.scorer import LinearScorer, Opening


def cut(text: str) -> list[str]:
    """A text of folded letters in its clauses."""
    letters = joined([text])[0]
    ends = np.zeros(max(1, len(letters)), np.int32)
    bounds = [0, *ends[: clause_ends(letters, breaks(), ends)].tolist()]
    return [text[a:b] for a, b in pairwise(bounds)]


def test_sentences_close_a_clause_and_commas_a_long_one() -> None:
    """What is short runs on; what has no mark is cut after forty letters."""
    first, second = "空调装好以后一直不制冷也没人来修。", "客服只会让我等着,已经等了整整两个多星期,"
    assert cut(first + second + "现在就要求退钱") == [first, second, "现在就要求退钱"]
    assert cut(first + second + "退钱") == [first, second + "退钱"]
    assert cut("太差。真的太差。") == ["太差。真的太差。"]
    assert [len(part) for part in cut("屏" * 90)] == [40, 40, 10]
    assert [len(part) for part in cut("屏" * 43)] == [43]


@settings(deadline=None)
@given(anything)
def test_clauses_make_up_the_text(text: str) -> None:
    """None overlaps, none is lost."""
    assert "".join(cut(text)) == text


def clause_scores(scorer: LinearScorer, ngrams: HashedNgrams, text: str) -> np.ndarray:
    """Scores of one clause: each n-gram weighs its idf each time, scaled to unit length."""
    counts = ngrams._counts([text])[:, ngrams.slots_].toarray()[0]
    repeated = counts * ngrams.idf_
    length = np.sqrt((counts * ngrams.idf_**2).sum())
    weights = scorer.weights * scorer.steps[:, None]
    return (repeated @ weights) / (length or 1) + scorer.bias


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(COMPLAINTS), min_size=1, max_size=4))
def test_views_are_the_whole_the_first_clause_and_the_loudest(texts: list[str]) -> None:
    """As plain sums over the clauses have them, and alike alone and in a batch."""
    ngrams, scorer = scorer_of()
    text = "".join(texts)
    folded = "".join(chr(c) for c in alphabet()[[ord(c) for c in text]] if c)
    each = np.array([clause_scores(scorer, ngrams, part) for part in cut(folded)])
    views, extras = scorer.views(*joined([text, text[:9]]))
    assert views.shape == (2, len(VIEWS), 5)
    np.testing.assert_allclose(views[0, 0], scorer.scores_of([text])[0], rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(views[0, 1], each[0], rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(views[0, 2], each.max(axis=0), rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(extras[0], np.log1p([len(each), len(folded)]), rtol=1e-5)
    assert np.array_equal(scorer.views(*joined([text]))[0][0], views[0])


def test_a_text_of_nothing_scores_the_bias_in_every_view() -> None:
    """Signs that fold away leave no clause."""
    _, scorer = scorer_of()
    views, _ = scorer.views(*joined(["😡"]))
    assert np.array_equal(views[0], np.tile(scorer.bias, (len(VIEWS), 1)))


@settings(deadline=None)
@given(anything, st.integers(1, 6))
def test_an_opening_is_the_first_letters_that_count(text: str, letters: int) -> None:
    """Blanks, zero-width signs and emoji take no place."""
    points, offsets = openings(*joined([text, "退款"]), alphabet(), letters)
    counted = [c for c in text if ord(c) < len(alphabet()) and alphabet()[ord(c)]]
    assert "".join(map(chr, points[: offsets[1]])) == "".join(counted[:letters])
    assert offsets[2] - offsets[1] == min(2, letters)


def test_an_opening_adds_its_own_scores() -> None:
    """What stands first counts twice, by weights of its own; the model file keeps them."""
    _, scorer = scorer_of()
    _, other = scorer_of()
    both = LinearScorer.from_arrays(scorer.to_arrays() | {"opening": Opening(3, other).to_arrays()})
    text = "屏幕一直闪，客服不理人"
    wanted = scorer.scores_of([text]) + other.scores_of([text[:3]])
    np.testing.assert_allclose(both.scores_of([text]), wanted, rtol=1e-5)
