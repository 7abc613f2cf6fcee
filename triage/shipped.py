"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("4c33c69faaf4dd3adfccbb8cf174b9b4f613d57f2814afbc810737f49fd2cd3f"),
    ("hotline", "1.0.0"): ("b5a036f601d494fb420da5000761195ee8bc540b22fb07223925cca30ca69bff"),
}
