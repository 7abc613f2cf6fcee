"""Baskets like those of a complaint centre, at any size, with groups planted in them.

A complaint has its product and region and at least one issue tag, most have a channel, many a
batch (tied to the product) and an outlet (tied to the region). Issue tags follow Zipf's law.
In 30 % of the complaints one of 30 planted groups of 3 to 6 items is added.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

ISSUES, PRODUCTS, BATCHES, CHANNELS, REGIONS, OUTLETS = 154, 40, 160, 8, 34, 104
ITEMS = ISSUES + PRODUCTS + BATCHES + CHANNELS + REGIONS + OUTLETS
FIRST_PRODUCT = ISSUES
FIRST_BATCH = FIRST_PRODUCT + PRODUCTS
FIRST_CHANNEL = FIRST_BATCH + BATCHES
FIRST_REGION = FIRST_CHANNEL + CHANNELS
FIRST_OUTLET = FIRST_REGION + REGIONS
LONGEST = 12
ATTRIBUTES = 5
GROUPS, PLANTED_SHARE = 30, 0.3

Cells = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def complaint_baskets(n: int = 1_000_000, seed: int = 20) -> sp.csr_array:
    """Draw the baskets of n complaints.

    Parameters
    ----------
    n : int
        Number of complaints.
    seed : int
        Seed of the generator.

    Returns
    -------
    csr_array of bool, shape (n, 500)
        3 to 12 items a row.
    """
    rng = np.random.default_rng(seed)
    groups = _planted_groups(rng)
    planted = np.where(rng.random(n) < PLANTED_SHARE, rng.integers(GROUPS, size=n), -1)
    group_sizes = np.array([len(group) for group in groups])
    room = LONGEST - ATTRIBUTES - np.where(planted >= 0, group_sizes[planted], 0)
    cells = [*_attributes(rng, n), _issues(rng, room), _planted(groups, planted)]
    rows = np.concatenate([cell[0] for cell in cells])
    items = np.concatenate([cell[1] for cell in cells])
    table = sp.csr_array((np.ones(rows.size, bool), (rows, items)), shape=(n, ITEMS))
    table.sum_duplicates()
    return table


def _zipf(rng: np.random.Generator, n: int, n_values: int) -> npt.NDArray[np.int64]:
    """Draw value k with a probability in proportion to 1 / (k + 1)."""
    weights = 1 / np.arange(1, n_values + 1)
    return rng.choice(n_values, size=n, p=weights / weights.sum())


def _attributes(rng: np.random.Generator, n: int) -> list[Cells]:
    """Draw product, batch, region, outlet and channel; the last three kinds may be missing."""
    everyone = np.arange(n)
    product, region = _zipf(rng, n, PRODUCTS), _zipf(rng, n, REGIONS)
    batch = product * (BATCHES // PRODUCTS) + rng.integers(BATCHES // PRODUCTS, size=n)
    outlet = (region * 3 + rng.integers(3, size=n)) % OUTLETS
    channel = _zipf(rng, n, CHANNELS)
    drawn = [
        (FIRST_PRODUCT + product, 1.0),
        (FIRST_REGION + region, 1.0),
        (FIRST_CHANNEL + channel, 0.8),
        (FIRST_BATCH + batch, 0.6),
        (FIRST_OUTLET + outlet, 0.55),
    ]
    kept = [(values, rng.random(n) < share) for values, share in drawn]
    return [(everyone[there], values[there]) for values, there in kept]


def _issues(rng: np.random.Generator, room: npt.NDArray[np.int64]) -> Cells:
    """Draw 1 to 4 issue tags for each complaint, no more than there is room for."""
    wanted = rng.choice([1, 2, 3, 4], size=room.size, p=[0.5, 0.3, 0.15, 0.05])
    rows = np.repeat(np.arange(room.size), np.minimum(wanted, room))
    return rows, _zipf(rng, rows.size, ISSUES)


def _planted_groups(rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
    return [rng.choice(ITEMS, size=rng.integers(3, 7), replace=False) for _ in range(GROUPS)]


def _planted(groups: list[npt.NDArray[np.int64]], planted: npt.NDArray[np.int64]) -> Cells:
    """List the cells of the planted groups."""
    rows = [np.repeat(np.flatnonzero(planted == g), len(groups[g])) for g in range(len(groups))]
    items = [np.tile(group, (planted == g).sum()) for g, group in enumerate(groups)]
    return np.concatenate(rows), np.concatenate(items)
