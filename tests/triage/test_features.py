"""The vectoriser in scikit-learn's grammar."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from domain.errors import InputError, SettingRefused
from triage.classifier import ComplaintClassifier, MarginClassifier
from triage.features import HashedNgrams

TEXTS = ["屏幕一直闪", "快递没到", "屏幕碎了", "快递丢了，没人管", "屏幕又闪了"]
LABELS = ["质量", "物流", "质量", "物流", "质量"]


with warnings.catch_warnings():
    # scikit-learn says that most of its checks need vectors; those for texts are run.
    warnings.simplefilter("ignore", SkipTestWarning)
    of_texts = parametrize_with_checks([HashedNgrams(), ComplaintClassifier()])


@of_texts
def test_checks_that_scikit_learn_has_for_texts_pass(estimator: Any, check: Any) -> None:
    """Cloning, parameters, tags and signatures are as its grammar asks."""
    check(estimator)


def checks_of_vectors() -> list[tuple[Any, Any]]:
    """All checks but the one that asks for an experimental switch of SciPy."""
    every = estimator_checks_generator(MarginClassifier())
    return [(e, check) for e, check in every if check.func.__name__ != "check_array_api_input"]


def name_of(value: Any) -> str:
    """Short name of an estimator or a check."""
    return value.func.__name__ if hasattr(value, "func") else type(value).__name__


@pytest.mark.parametrize(("estimator", "check"), checks_of_vectors(), ids=name_of)
def test_all_of_scikit_learns_checks_pass(estimator: Any, check: Any) -> None:
    """The classifier of vectors stands the whole list."""
    check(estimator)


def test_weights_equal_those_of_scikit_learns_vectoriser() -> None:
    """With every n-gram kept, cosine similarities are those of TfidfVectorizer."""
    ours = HashedNgrams(size=2, min_texts=1).fit_transform(TEXTS)
    theirs = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    expected = theirs.fit_transform(TEXTS)
    np.testing.assert_allclose((ours @ ours.T).toarray(), (expected @ expected.T).toarray(), 1e-4)


def test_chi_square_keeps_what_tells_labels_apart() -> None:
    """With two features to keep, they are of the words that decide."""
    ngrams = HashedNgrams(size=1, features=4, min_texts=1).fit(TEXTS, LABELS)
    kept = HashedNgrams(size=1, features=4, min_texts=1).fit(["屏幕快递"])
    assert set(ngrams.slots_.tolist()) == set(kept.slots_.tolist())


def test_rows_have_unit_length_or_none() -> None:
    """A text of unknown letters is a row of zeros."""
    matrix = HashedNgrams(min_texts=1).fit(TEXTS).transform([TEXTS[0], "鱻"])
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1)).A1
    np.testing.assert_allclose(lengths, [1, 0], rtol=1e-6)


def test_a_clone_is_unfitted() -> None:
    """Cloning copies parameters, not what was learned."""
    fitted = ComplaintClassifier(min_texts=1, C=0.7).fit(TEXTS, LABELS)
    copy = clone(fitted)
    assert copy.C == 0.7
    with pytest.raises(NotFittedError):
        copy.predict(TEXTS)


def test_the_classifier_learns_what_it_is_shown() -> None:
    """Two classes that share no word are told apart."""
    model = ComplaintClassifier(min_texts=1).fit(TEXTS, LABELS)
    assert model.predict(["屏幕黑了", "快递呢"]).tolist() == ["质量", "物流"]
    assert model.score(TEXTS, LABELS) == 1.0


def test_three_classes_have_a_column_each() -> None:
    """Margins are laid out as scikit-learn lays them out."""
    model = ComplaintClassifier(min_texts=1).fit([*TEXTS, "谢谢"], [*LABELS, "表扬"])
    assert model.decision_function(["谢谢"]).shape == (1, 3)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("屏幕", "give a list of texts"),
        ([], "no text was given"),
        (["屏幕", 7], "int is no text"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(texts: Any, message: str) -> None:
    """The message says what would be right."""
    with pytest.raises(InputError, match=message):
        HashedNgrams(min_texts=1).fit(texts)


def test_a_single_class_is_refused() -> None:
    """There is nothing to tell apart."""
    with pytest.raises(InputError, match="at least two are needed"):
        ComplaintClassifier(min_texts=1).fit(TEXTS, ["质量"] * 5)


def test_labels_and_texts_must_pair() -> None:
    """One label for each text."""
    with pytest.raises(InputError, match="4 labels for 5 texts"):
        HashedNgrams(min_texts=1).fit(TEXTS, LABELS[:4])


def test_a_parameter_out_of_range_is_refused() -> None:
    """Parameters are judged when fitting, as the grammar asks."""
    with pytest.raises(SettingRefused, match="bits is 40"):
        HashedNgrams(bits=40).fit(TEXTS)


def test_too_few_repeated_ngrams_are_refused() -> None:
    """Nothing that stands in two texts is no basis."""
    with pytest.raises(InputError, match="no n-gram stands in 2 of 1 texts"):
        HashedNgrams().fit(["屏幕"])
