"""Who counts, and who files too often."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mining.baskets import baskets_from_table
from mining.complainants import (
    customer_codes,
    first_filings,
    issue_signatures,
    repeat_filers,
)
from mining.hierarchy import attribute_codes, determines, tied_attributes


def test_complaints_without_a_known_customer_stand_for_themselves() -> None:
    """Missing, 未知 and blank ids are not one person."""
    codes = customer_codes(pd.Series(["A", None, "未知", " ", "A", "未知"]), 6)
    assert codes[0] == codes[4]
    assert len(set(codes.tolist())) == 5
    assert customer_codes(None, 3).tolist() == [0, 1, 2]


def test_equal_sets_of_issues_have_equal_signatures_in_any_order() -> None:
    """1|2 is 2|1 and neither is 1, nor nothing."""
    table = pd.DataFrame({"issues": ["1|2", "2|1", "1", None, None]})
    baskets = baskets_from_table(table, ["issues"])
    marks = issue_signatures(baskets, baskets.of({"issues"}))
    assert marks[0] == marks[1]
    assert marks[3] == marks[4]
    assert len(set(marks.tolist())) == 3


def test_the_first_filing_on_a_matter_counts() -> None:
    """A second matter of the same person counts too."""
    matter = np.array([5, 5, 6, 5], dtype=np.uint64)
    assert first_filings(np.array([1, 1, 1, 2]), matter).tolist() == [True, False, True, True]
    assert first_filings(np.array([1, 1, 1, 2])).tolist() == [True, False, False, True]


def test_repeat_filers_are_those_that_chance_does_not_explain() -> None:
    """Twelve filings among people with one or two; where all file ten, nobody stands out."""
    people = [f"U{i}" for i in range(300)] + [f"U{i}" for i in range(60)] + ["狂"] * 12
    table = pd.DataFrame({"customer_id": people, "issues": ["1"] * 372})
    baskets = baskets_from_table(table, ["issues"])
    codes = customer_codes(table["customer_id"], 372)
    filers = repeat_filers(baskets, codes, table["customer_id"])
    assert [(filer.customer, len(filer.complaints)) for filer in filers] == [("狂", 12)]
    even = pd.Series([f"U{i % 37}" for i in range(372)])
    assert repeat_filers(baskets, customer_codes(even, 372), even) == []


def test_batches_are_tied_to_products_and_outlets_to_regions_only() -> None:
    """Also with a few rows mistyped and some unknown."""
    rng = np.random.default_rng(2)
    n = 2_000
    product, region = rng.integers(0, 6, n), rng.integers(0, 4, n)
    table = pd.DataFrame(
        {
            "product": [f"P{p}" for p in product],
            "batch": [f"P{p}B{b}" for p, b in zip(product, rng.integers(0, 3, n), strict=True)],
            "region": [f"R{r}" for r in region],
            "outlet": [f"R{r}O{o}" for r, o in zip(region, rng.integers(0, 5, n), strict=True)],
            "channel": rng.choice(["电话", "网页"], n),
        }
    )
    table.loc[rng.random(n) < 0.1, "batch"] = None
    table.loc[rng.choice(n, 10, replace=False), "product"] = "P0"
    names = list(table.columns)
    codes = attribute_codes(baskets_from_table(table, names), names)
    assert tied_attributes(codes) == {
        frozenset(("product", "batch")), frozenset(("region", "outlet")),
    }  # fmt: skip
    assert not determines(codes["product"], codes["batch"])


def test_an_attribute_of_one_value_is_determined_by_nothing() -> None:
    """Being right by always guessing the same is no tie."""
    lower, upper = np.arange(50, dtype=np.int32) % 5, np.zeros(50, dtype=np.int32)
    assert not determines(lower, upper)
