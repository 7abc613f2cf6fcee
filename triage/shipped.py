"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("80e18c4776ff5979524fa16af27dac2a226dd93711be29c0f11fc80e4436ff30"),
    ("hotline", "1.0.0"): ("4aa8d044e3c806cf8a5e9096eb3f3afc603f7ead49c2ed1aeab38ff1e41c9c3f"),
}
