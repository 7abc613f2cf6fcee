"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("61e73878ef72daf6ef9c5b974d8ce364ae8683a5e507c0d23115eceaae8def19"),
    ("hotline", "1.0.0"): ("a456ec624c0e4e30bc0e4023a9bfb407d75fc29453309ba30bbecca512ad321b"),
}
