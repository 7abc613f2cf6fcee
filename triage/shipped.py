"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("1b638c602a6954c05d36ea312c734c07896f505d277ed5bbaf0343648ba293b0"),
    ("hotline", "1.0.0"): ("a456ec624c0e4e30bc0e4023a9bfb407d75fc29453309ba30bbecca512ad321b"),
}
