"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("053a7acee4a50e26c758687e9ea3e5bb56b89f17c4d3632f2c037d8c0f54d45f"),
    ("hotline", "1.0.0"): ("4d35529341d48e17e48368d2cee9eeab556ac5701831f6cae797874748e0ab8c"),
}
