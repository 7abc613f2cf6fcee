"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("a2ae2c9258e3e3f929c15d6ceecfed098af348c322fea07f5070fc805353174a"),
    ("hotline", "1.0.0"): ("00f522e63749604c0df862fa69213d32c5dc1a321da2b1d377da4a3978a56aae"),
}
