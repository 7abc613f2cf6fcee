"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("e93f432b778e17f075755be59a116e39b848f6ecbc9b30878418ab541456ed19"),
    ("hotline", "1.0.0"): ("a456ec624c0e4e30bc0e4023a9bfb407d75fc29453309ba30bbecca512ad321b"),
}
