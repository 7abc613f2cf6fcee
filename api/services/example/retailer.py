"""The invented retailer: what it sells, where, through whom, and what people complain about."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any


def read_toml(name: str) -> dict[str, Any]:
    """One data file of this package."""
    return tomllib.loads(files("api.services.example").joinpath(name).read_text("utf-8"))


@dataclass(frozen=True)
class Product:
    """Something sold, with its batches and their shares."""

    name: str
    kind: str
    department: str
    price: int
    share: float
    nicknames: tuple[str, ...]
    batches: Mapping[str, float]


@dataclass(frozen=True)
class Region:
    """A province with its outlets, its couriers' shares and what sells better than elsewhere."""

    name: str
    share: float
    team: str
    cities: tuple[str, ...]
    outlets: tuple[str, ...]
    couriers: Mapping[str, float]
    tilt: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Retailer:
    """The whole of it; shares are relative weights."""

    products: tuple[Product, ...]
    regions: tuple[Region, ...]
    channels: Mapping[str, float]
    issues: Mapping[str, float]
    further_counts: tuple[float, ...]
    further_issues: Mapping[str, float]

    def mix(self, region: Region) -> dict[str, float]:
        """Share of each product among what a region buys; new products have none."""
        weights = {p.name: p.share * region.tilt.get(p.name, 1.0) for p in self.products}
        whole = sum(weights.values())
        return {name: weight / whole for name, weight in weights.items()}

    @cached_property
    def region_of(self) -> dict[str, Region]:
        """The region of each outlet."""
        return {outlet: region for region in self.regions for outlet in region.outlets}

    @cached_property
    def product_of(self) -> dict[str, Product]:
        """The product of each batch."""
        return {batch: product for product in self.products for batch in product.batches}


def read_retailer() -> Retailer:
    """The retailer as its data file has it."""
    table = read_toml("retailer.toml")
    return Retailer(
        tuple(_product(**row) for row in table["products"]),
        tuple(_region(**row) for row in table["regions"]),
        table["channels"],
        table["issues"],
        tuple(table["further"]["counts"]),
        table["further"]["issues"],
    )


def _product(nicknames: list[str], **rest: Any) -> Product:
    return Product(nicknames=tuple(nicknames), **rest)


def _region(cities: list[str], outlets: list[str], **rest: Any) -> Region:
    return Region(cities=tuple(cities), outlets=tuple(outlets), **rest)
