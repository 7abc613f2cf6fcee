"""The fused kernel against the plain arithmetic that it replaces."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import TextRefused
from domain.text import clean, fold
from triage.alphabet import alphabet, joined
from triage.features import HashedNgrams, sublinear_weights
from triage.kernel import clean_as_they_stand, hashed_slots
from triage.scorer import LinearScorer, in_steps

TEXTS = ["屏幕一直闪，客服不理人", "快递三天没到！！", "ＡＰＰ 闪退 123 次", "退\u200b款😡", "一"]
anything = st.text(st.characters(exclude_categories=("Cs",)), max_size=80)


def scorer_of(size: int = 3, outputs: int = 5) -> tuple[HashedNgrams, LinearScorer]:
    """A vectoriser and a scorer of random weights over its features."""
    ngrams = HashedNgrams(size=size, bits=14, features=500, min_texts=1).fit(TEXTS)
    random = np.random.default_rng(3)
    weights = random.standard_normal((len(ngrams.slots_), outputs)).astype(np.float32)
    bias = random.standard_normal(outputs).astype(np.float32)
    tables = (ngrams.slots_, ngrams.idf_, sublinear_weights(), *in_steps(weights), bias)
    return ngrams, LinearScorer(size, 14, *tables)


@settings(deadline=None)
@given(st.lists(anything, min_size=1, max_size=6))
def test_fused_scores_equal_the_sparse_product(texts: list[str]) -> None:
    """Vectoriser, matrix product and bias give what one pass gives."""
    ngrams, scorer = scorer_of()
    weights = scorer.weights * scorer.steps[:, None]
    plain = np.asarray(ngrams.transform(texts) @ weights) + scorer.bias
    np.testing.assert_allclose(scorer.scores_of(texts), plain, rtol=2e-4, atol=2e-5)


@settings(deadline=None)
@given(st.lists(anything, min_size=1, max_size=6))
def test_one_text_and_a_batch_get_the_same_bits(texts: list[str]) -> None:
    """No score depends on its neighbours."""
    _, scorer = scorer_of()
    alone = np.vstack([scorer.scores_of([text]) for text in texts])
    assert np.array_equal(alone, scorer.scores_of(texts))


@settings(deadline=None)
@given(anything)
def test_ngrams_are_counted_as_a_plain_loop_counts_them(text: str) -> None:
    """As many n-grams of each size as the folded text has places for."""
    letters = [c for c in fold(text).text if c != " "]
    _, _, counts = hashed_slots(*joined([text]), alphabet(), 3, 20)
    expected = sum(max(0, len(letters) - n + 1) for n in (1, 2, 3))
    assert counts.sum() == expected


@settings(deadline=None)
@given(anything)
def test_what_passes_unseen_is_what_clean_returns_unchanged(text: str) -> None:
    """The quick look never passes a text that `clean` would change or refuse."""
    if clean_as_they_stand(*joined([text]))[0]:
        assert clean(text) == text


@settings(deadline=None)
@given(st.text(alphabet="屏闪退\n\t \u3000a，\ufeff\x07", max_size=12))
def test_the_quick_look_sends_every_doubt_to_clean(text: str) -> None:
    """Blanks at the ends, controls and marks are looked at again."""
    try:
        unchanged = clean(text) == text
    except TextRefused:
        unchanged = False
    assert not clean_as_they_stand(*joined([text]))[0] or unchanged


def test_no_texts_give_no_scores() -> None:
    """An empty batch is a batch."""
    _, scorer = scorer_of()
    assert scorer.scores_of([]).shape == (0, 5)


def test_an_unknown_text_scores_its_bias() -> None:
    """A text without a known n-gram leaves only the bias."""
    _, scorer = scorer_of()
    np.testing.assert_array_equal(scorer.scores_of(["😡"])[0], scorer.bias)
