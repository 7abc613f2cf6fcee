"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("cd9aef8f9c2243a27f12821ef7c028e3e3db15823d88b37764045c9280a09a43"),
    ("hotline", "1.0.0"): ("a456ec624c0e4e30bc0e4023a9bfb407d75fc29453309ba30bbecca512ad321b"),
}
